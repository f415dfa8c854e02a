"""What reaches the terminal: clean, within its columns, coloured only where wanted."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.cli.screen import Screen, clean, fit, one_line, size, table


@given(st.text())
def test_clean_text_holds_no_control_character(text):
    left = clean(text)
    assert all(ord(letter) >= 0x20 or letter in "\n\t" for letter in left)
    assert not any(0x7F <= ord(letter) < 0xA0 for letter in left)
    assert clean(left) == left


def test_clean_keeps_words_of_every_script():
    assert clean("naïve 日本 🙂 e\u0301\n\tx") == "naïve 日本 🙂 e\u0301\n\tx"


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"])), st.integers(1, 30))
def test_fitted_text_is_no_wider_than_asked(text, columns):
    import unicodedata

    def width(shown):
        return sum(
            0
            if unicodedata.combining(one)
            else 2
            if unicodedata.east_asian_width(one) in "WF"
            else 1
            for one in shown
        )

    assert width(fit(text, columns)) <= columns
    if width(text) <= columns:
        assert fit(text, columns) == text


def test_a_long_text_ends_in_an_ellipsis():
    assert fit("a red circle", 7) == "a red…"


@pytest.mark.parametrize("columns", [30, 40, 80, 200])
def test_a_table_keeps_to_its_columns(columns):
    rows = [("image", "a name that is rather long", "words " * 20), ("x", "y", "z")]
    lines = table(rows, columns)
    assert max(map(len, lines)) <= columns
    assert " ".join(" ".join(lines).split()).count("words") == 20


def test_table_of_nothing():
    assert table([], 80) == []


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1234, "1.23 kB"), (84e6, "84 MB"), (11e9, "11 GB")],
)
def test_sizes_are_for_people(count, shown):
    assert size(count) == shown


def test_an_error_is_one_line_without_colour_when_piped():
    err = io.StringIO()
    Screen(io.StringIO(), err).error("first\n  second\x1b[31m")
    assert err.getvalue() == "omni: first second[31m\n"


def test_colours_only_on_a_terminal_that_wants_them(terminal, monkeypatch):
    err = terminal()
    Screen(terminal(), err).error("bad")
    assert err.getvalue() == "\x1b[31momni: bad\x1b[0m\n"
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            err = terminal()
            Screen(terminal(), err).error("bad")
            assert err.getvalue() == "omni: bad\n"


def test_a_pipe_has_no_width_unless_it_is_told(monkeypatch, terminal):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert Screen(io.StringIO(), io.StringIO()).columns > 1000
    monkeypatch.setenv("COLUMNS", "40")
    assert Screen(io.StringIO(), io.StringIO()).columns == 40
    assert Screen(terminal(), io.StringIO()).columns == 40


def test_one_line():
    assert one_line(" a\n b\t c ") == "a b c"
