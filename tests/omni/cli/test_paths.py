"""Files named in what a person types: any file name, however a shell or a terminal writes it."""

import re
import shlex
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.cli.paths import dropped_files, named_files, to_path, without_files, words
from omni.errors import UsageError

NAMES = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1, max_size=40
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)
SENTENCES = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="/\\"))


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name).resolve()


def dropped(text):
    return [found.path for found in dropped_files(text)]


@given(name=NAMES)
def test_any_path_that_a_shell_would_read_is_found(folder, name):
    path = folder / name
    path.write_bytes(b"x")
    assert dropped(f"look at {shlex.quote(str(path))} please") == [path]
    assert named_files(shlex.quote(str(path))) == [path]


@given(name=NAMES.filter(lambda name: "\n" not in name))
def test_any_path_with_backslashes_is_found(folder, name):
    path = folder / name
    path.write_bytes(b"x")
    escaped = re.sub(r"([^\w/.-])", r"\\\1", str(path), flags=re.ASCII)
    assert dropped(f"look at {escaped}") == [path]
    assert named_files(escaped) == [path]


@given(text=SENTENCES)
def test_a_sentence_without_a_path_names_nothing(text):
    assert dropped(text) == []


@given(text=st.text())
def test_no_text_at_all_is_too_strange(text):
    for found in dropped_files(text):
        assert found.path.is_file()
        assert 0 <= found.start < found.end <= len(text)


@pytest.fixture
def cat(tmp_path):
    path = tmp_path / "my cat.png"
    path.write_bytes(b"x")
    return path


def test_a_dropped_path_is_found_as_terminals_write_it(cat):
    as_uri = cat.as_uri()
    for written in (f"'{cat}'", f'"{cat}"', str(cat).replace(" ", "\\ "), as_uri):
        assert dropped(f"what is {written}?") == [cat]
        assert dropped(written) == [cat]


def test_an_apostrophe_before_a_path_does_not_hide_it(cat):
    assert dropped(f"what's in '{cat}', and don't you see '{cat}'?") == [cat, cat]


def test_a_folder_a_missing_file_and_a_bare_name_are_words(cat, monkeypatch):
    monkeypatch.chdir(cat.parent)
    Path("plain.png").write_bytes(b"x")
    assert dropped(f"{cat.parent} /no/such/file.png plain.png and/or") == []
    assert dropped("./plain.png") == [Path("plain.png")]


def test_the_home_folder_may_be_written_as_a_tilde(cat, monkeypatch):
    monkeypatch.setenv("HOME", str(cat.parent))
    (cat.parent / "dog.png").write_bytes(b"x")
    assert dropped("see ~/dog.png.") == [cat.parent / "dog.png"]
    assert named_files("~/dog.png") == [cat.parent / "dog.png"]


def test_a_remote_address_is_no_path():
    assert to_path("file://elsewhere/etc/passwd") is None
    assert to_path("a\0b") is None


def test_attach_takes_one_unquoted_path_with_spaces_or_many_quoted_ones(cat, tmp_path):
    other = tmp_path / "b.png"
    other.write_bytes(b"x")
    assert named_files(str(cat)) == [cat]
    assert named_files(f"'{cat}' {other}") == [cat, other]
    assert named_files(f"{tmp_path}/*.png") == [other, cat]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name a file"),
        ("'open", "a quote is not closed in: 'open"),
        ("/no/such/*.png", "no file matches '/no/such/*.png'"),
    ],
)
def test_attach_says_what_is_wrong(text, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        named_files(text)


def test_a_missing_file_is_left_for_the_opener_to_complain_about():
    assert named_files("/no/such.png") == [Path("/no/such.png")]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{} what is this?", "what is this?"),
        ("what is this? {}", "what is this?"),
        ("is {} red or blue?", "is img-1 red or blue?"),
        ("what is {}?", "what is img-1?"),
        ("{}", ""),
    ],
)
def test_a_path_leaves_the_message_and_inside_a_sentence_the_handle_stays(cat, pattern, expected):
    text = pattern.format(f"'{cat}'")
    found = dropped_files(text)
    assert len(found) == 1
    assert without_files(text, found, ["img-1"]) == expected


@given(st.lists(st.text(min_size=1)))
def test_words_reads_what_shlex_writes(parts):
    assert words(" ".join(map(shlex.quote, parts))) == parts
