"""The command line as a whole: verbs, exit codes, errors, pipes."""

import logging
import os
import subprocess
import sys

import pytest

from omni import __version__
from omni.cli.main import BROKEN_PIPE, INTERRUPTED, VERBS, main


def test_help_names_every_verb(omni):
    ran = omni("--help")
    assert (ran.code, ran.err) == (0, "")
    assert all(f"\n    {verb} " in ran.out for verb in VERBS)
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(omni, verb):
    ran = omni(verb, "--help")
    assert ran.code == 0 and ran.out.startswith(f"usage: omni {verb}")


def test_version(omni):
    assert omni("--version").out == f"omni {__version__}\n"


def test_no_verb_is_help_and_exit_code_2(omni):
    ran = omni()
    assert ran.code == 2 and ran.out.startswith("usage: omni")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("caht",), "unknown verb 'caht': did you mean 'chat'? there is chat, ask"),
        (("zzz",), "unknown verb 'zzz': there is chat, ask"),
        (("ask", "x", "--modle", "y"), "unrecognized arguments: --modle y; see  omni --help"),
        (("chat", "--session", "a", "--resume"), "argument --resume: not allowed with argument"),
        (("sessions", "burn"), "argument action: invalid choice: 'burn'"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(omni, arguments, message):
    ran = omni(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"omni: {message}") and ran.err.count("\n") == 1


def break_with(monkeypatch, error):
    def fail(arguments):
        raise error

    monkeypatch.setattr("omni.cli.catalog.run", fail)


def test_an_unexpected_error_is_one_line_and_a_log(omni, monkeypatch, own_home):
    break_with(monkeypatch, RuntimeError("first\nsecond"))
    ran = omni("catalog")
    log = own_home / "errors.log"
    expected = f"omni: unexpected RuntimeError: first second (the traceback is in {log})\n"
    assert (ran.code, ran.out, ran.err) == (1, "", expected)
    assert "in fail" in log.read_text()


KEY = "sk-proj-abcdefghijklmnop1234"


def test_a_key_gets_into_no_log_message(omni, monkeypatch, caplog):
    def run(arguments):
        logging.getLogger("some.library").warning("401: %s was refused", KEY)
        return 0

    before = logging.getLogRecordFactory()
    monkeypatch.setattr("omni.cli.catalog.run", run)
    try:
        assert omni("catalog").code == 0
    finally:
        logging.setLogRecordFactory(before)
    assert caplog.messages == ["401: [redacted] was refused"]


def test_a_key_gets_into_no_log_of_errors(omni, monkeypatch, own_home):
    break_with(monkeypatch, RuntimeError(f"401: {KEY} was refused"))
    ran = omni("catalog")
    log = (own_home / "errors.log").read_text()
    assert "unexpected RuntimeError: 401: [redacted] was refused" in ran.err
    assert "RuntimeError: 401: [redacted] was refused" in log and KEY not in ran.err + log


def test_the_log_does_not_grow_for_ever(omni, monkeypatch, own_home):
    log = own_home / "errors.log"
    log.write_text("x" * 2_000_000)
    break_with(monkeypatch, RuntimeError("again"))
    omni("catalog")
    assert log.stat().st_size < 10_000


def test_a_home_that_cannot_be_written_hides_no_error(omni, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("OMNI_HOME", str(blocked / "home"))
    break_with(monkeypatch, RuntimeError("bad"))
    assert omni("catalog").err == "omni: unexpected RuntimeError: bad (OMNI_DEBUG=1 shows where)\n"


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setenv("OMNI_DEBUG", "1")
    break_with(monkeypatch, RuntimeError("bad"))
    with pytest.raises(RuntimeError, match="bad"):
        main(["catalog"])


def test_ctrl_c_is_quiet(omni, monkeypatch):
    break_with(monkeypatch, KeyboardInterrupt())
    ran = omni("catalog")
    assert (ran.code, ran.out, ran.err) == (INTERRUPTED, "", "")


def test_a_reader_that_leaves_is_no_error():
    command = [sys.executable, "-m", "omni", "catalog", "--json"]
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")


def test_a_terminal_without_unicode_gets_question_marks(scripted, spawn):
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    process = spawn(
        ["ein Kreis ● rot"],
        "ask",
        "x",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (0, b"ein Kreis ? rot\n", b"")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from omni.cli.main import build_parser; build_parser().format_help();"
        "print([name for name in ('torch', 'langchain', 'langchain_core', 'langgraph', 'numpy',"
        " 'pydantic', 'PIL', 'prompt_toolkit', 'rich', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
