"""Plain text in any encoding, told from other bytes by content, and strings as documents."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.errors import MediaError, UsageError
from omni.modalities.text import plain
from omni.modalities.text.media import DOCX, MD, PDF, TXT
from omni.values import Document, Passage
from tests.modalities.documents import TEXT, load, words_of


class TestPlainText:
    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
    )
    def test_encodings(self, encoding: str):
        text = "Größe: 5 µm, naïve café 日本"[: None if "16-" not in encoding else 24]
        assert TEXT.text(load(text.encode(encoding), "a.txt")) == text

    @pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
    def test_western_bytes_where_it_is_no_utf8(self, encoding: str):
        assert TEXT.text(load("café, Größe".encode(encoding), "a.txt")) == "café, Größe"

    @given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1))
    def test_any_words_come_back(self, text: str):
        document = Document(plain.paragraphs(text))
        assert document.text == text
        if text.strip() and not text.startswith("\ufeff"):
            assert TEXT.text(TEXT.load(TEXT.save(text, name="a.txt"))) == text

    @given(st.text("ab \n", max_size=60))
    def test_paragraphs_end_at_blank_lines(self, text: str):
        passages = plain.paragraphs(text)
        assert "\n".join(passage.text for passage in passages) == text
        for passage in passages:
            lines = passage.text.strip().split("\n")
            assert all(line.strip() for line in lines) or not passage.text.strip()

    def test_line_ends_of_other_systems(self):
        assert words_of(load(b"one\r\ntwo\r\n\r\nthree\rfour", "a.txt")) == [
            "one\ntwo\n",
            "three\nfour",
        ]

    def test_title_is_the_first_heading(self):
        assert load(b"intro\n\n## The *title* ##\n", "a.md").title == "The *title*"
        assert load(b"## not here\n", "a.txt").title == ""

    def test_a_multibyte_character_at_the_end_of_the_head(self):
        text = "é" * 5_000
        for shift in ("", "a"):
            assert TEXT.text(load((shift + text).encode(), "a.txt")) == shift + text

    def test_long_file_in_linear_time(self):
        began = time.process_time()
        load(b"word\n" * 1_000_000, "a.txt")
        load(b"word\n\n" * 300_000, "a.txt")
        assert time.process_time() - began < 60  # Quadratic would be hours.


class TestSniffing:
    @pytest.mark.parametrize(
        ("head", "name", "mime"),
        [
            (b"hello", "x", TXT),
            (b"# hello", "x.md", MD),
            (b"%PDF-1.7\n", "x.txt", PDF),
            (b"\n\n%PDF-1.7\n", "", PDF),
            (b"PK\x03\x04" + bytes(26) + b"word/document.xml", "x", DOCX),
            ("日本".encode()[:-1], "x", TXT),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "x.txt", None),
            (b"\x00\x01\x02\x03", "x.txt", None),
            (bytes(range(1, 32)), "x.txt", None),
        ],
    )
    def test_by_content(self, head: bytes, name: str, mime: str | None):
        assert TEXT.sniff(head, name) == mime

    def test_junk_that_begins_as_text_is_refused(self):
        data = b"hello\n" * 1000 + bytes(500)
        with pytest.raises(MediaError, match=r"x\.txt is no text: it holds zero bytes"):
            load(data, "x.txt")
        with pytest.raises(MediaError, match=r"x\.txt is no text: it is no valid utf-16-le"):
            load(b"\xff\xfe" + b"a\0" * 3000 + b"\0\xd8a\0", "x.txt")


class TestAsValue:
    def test_a_string_is_a_document_too(self):
        assert TEXT.text("some words") == "some words"
        assert TEXT.facts("some words")["words"] == 2
        assert TEXT.estimate_tokens("12345678") == 2
        assert TEXT.picture("some words", width=200).width == 200
        assert list(TEXT.parts("some words")) == []

    def test_saves_as_text_and_markdown_only(self):
        assert TEXT.save("hello", name="x.md", mime=MD).read() == b"hello"
        with pytest.raises(UsageError, match="not saved as 'application/pdf'; choose text/plain"):
            TEXT.save("hello", name="x.pdf", mime=PDF)
        with pytest.raises(UsageError, match="would hold no text"):
            TEXT.save(" ", name="x.txt")

    def test_sparkline_is_the_beginning(self):
        document = Document((Passage("one\n"), Passage("two  three")))
        assert TEXT.sparkline(document, width=20) == "one two three"
        assert TEXT.sparkline(document, width=8) == "one two…"

    def test_picture_shows_the_words(self):
        empty, full = (np.asarray(TEXT.picture(text, width=320)) for text in (".", "word " * 400))
        assert (full < 240).sum() > 50 * (empty < 240).sum() > 0

    def test_very_long_and_odd_words_are_drawn(self):
        assert TEXT.picture("x" * 100_000 + "\t\u202e日本\x1b", width=100).width == 100
