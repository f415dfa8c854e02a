"""Keys and passwords of every usual form are taken out; ordinary words stay."""

import logging

import pytest

from omni.redacting import MARK, redact, redact_logs

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop1234",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "github_pat_11ABCDEFG0abcdefghijkl",
        "hf_abcdefghijklmnopqrstuv",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyA-1234567890abcdefghijklmnopqrstu",
        "xoxb-1234567890-abcdefghij",
        JWT,
    ],
)
def test_keys_are_taken_out_wherever_they_stand(secret):
    told = redact(f"401: the key {secret!r} was refused")
    assert secret not in told
    assert told.startswith("401: the key '") and told.endswith("' was refused")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Authorization: Bearer abcdef123456", f"Authorization: Bearer {MARK}"),
        ("https://ann:pa55word@host/x", f"https://ann:{MARK}@host/x"),
        ('{"api_key": "0123456789"}', f'{{"api_key": "{MARK}"}}'),
        ("https://host/x?key=0123456789&page=2", f"https://host/x?key={MARK}&page=2"),
        ("password = hunter22", f"password = {MARK}"),
    ],
)
def test_what_stands_beside_a_secret_stays(text, told):
    assert redact(text) == told
    assert redact(told) == told


def test_a_private_key_is_taken_out_even_if_it_is_cut_off():
    text = "before -----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC"
    assert redact(text) == f"before {MARK}"


def test_values_of_secret_variables_are_taken_out(monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "correct horse battery")
    monkeypatch.setenv("SHORT_TOKEN", "false")
    assert redact("it said correct horse battery") == "it said [SOME_API_KEY redacted]"
    assert redact("false alarm") == "false alarm"


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens: 4096",
        "the token 'img-1' is no handle: there is img-2",
        "a task-based sketch of the keyboard",
        "AttributeError: 'NoneType' object has no attribute 'key'",
        "see https://example.org/a:b@c",
    ],
)
def test_ordinary_words_stay(text):
    assert redact(text) == text


def test_log_records_are_redacted_once_asked_for(caplog):
    before = logging.getLogRecordFactory()
    try:
        redact_logs()
        redact_logs()
        logging.getLogger("some.library").warning("GET %s", "https://h/?key=0123456789")
        logging.getLogger("some.library").warning("%d items", 3)
    finally:
        logging.setLogRecordFactory(before)
    assert caplog.messages == [f"GET https://h/?key={MARK}", "3 items"]


def test_tracebacks_in_logs_are_redacted(caplog):
    before = logging.getLogRecordFactory()
    try:
        redact_logs()
        try:
            raise RuntimeError("refused: password=hunter22")
        except RuntimeError:
            logging.getLogger("some.library").exception("failed")
    finally:
        logging.setLogRecordFactory(before)
    assert "hunter22" not in caplog.text
    assert f"RuntimeError: refused: password={MARK}" in caplog.text
