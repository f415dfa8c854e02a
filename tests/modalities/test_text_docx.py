"""DOCX: words in their order, files by hand and hostile ones, against python-docx."""

import io
import zipfile

import numpy as np
import pytest

from omni.errors import MediaError
from omni.modalities.text import docx as docx_reading
from tests.modalities.documents import TEXT, load, words_of


def docx_of(document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


WORD = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'"


def docx_by_hand(body: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        xml = f"<w:document {WORD}><w:body>{body}</w:body></w:document>"
        archive.writestr("word/document.xml", xml)
    return stream.getvalue()


class TestDocx:
    def test_what_python_docx_writes_in_order(self):
        import docx

        document = docx.Document()
        document.core_properties.title = "Plan"
        document.add_heading("The plan", 0)
        document.add_heading("First", 1)
        paragraph = document.add_paragraph("We ")
        paragraph.add_run("begin").bold = True
        paragraph.add_run("\there\nnow")
        table = document.add_table(2, 2)
        for index, word in enumerate(("a", "b", "c", "d")):
            table.cell(index // 2, index % 2).text = word
        document.add_paragraph("one", style="List Bullet")
        document.add_heading("Deep", 3)
        document.add_paragraph("  ")
        found = load(docx_of(document), "plan.docx")
        assert found.title == "Plan"
        assert words_of(found) == [
            "# The plan",
            "# First",
            "We begin\there\nnow",
            "| a | b |\n| c | d |",
            "- one",
            "### Deep",
        ]

    def test_agrees_with_python_docx(self):
        import docx

        document = docx.Document()
        rng = np.random.default_rng(0)
        for number in range(50):
            document.add_paragraph(f"{number} " + " ".join(map(str, rng.integers(0, 99, 9))))
        data = docx_of(document)
        expected = [paragraph.text for paragraph in docx.Document(io.BytesIO(data)).paragraphs]
        assert words_of(load(data, "x.docx")) == expected

    def test_tracked_changes_fields_and_links(self):
        body = "<w:p><w:r><w:t>kept </w:t></w:r><w:ins><w:r><w:t>added </w:t></w:r></w:ins>"
        body += "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        body += "<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>"
        body += "<w:r><w:instrText>PAGE</w:instrText></w:r></w:p>"
        body += (
            "<w:sdt><w:sdtContent><w:p><w:r><w:t>in a form</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        )
        assert words_of(load(docx_by_hand(body), "x.docx")) == ["kept added link", "in a form"]

    def test_a_table_in_a_cell_is_told_once(self):
        inner = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>in</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
        body = f"<w:tbl><w:tr><w:tc>{inner}<w:p/></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>"
        assert words_of(load(docx_by_hand(body), "x.docx")) == ["| | in | |  |"]

    def test_nested_without_end(self):
        deep = "<w:sdt><w:sdtContent>" * 500 + "<w:p/>" + "</w:sdtContent></w:sdt>" * 500
        with pytest.raises(MediaError, match="nested more than 40 deep"):
            load(docx_by_hand(deep), "x.docx")

    def test_another_archive_is_no_document(self):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("word/nothing.txt", "hello")
        with pytest.raises(MediaError, match="is a zip archive, but no DOCX document"):
            load(stream.getvalue(), "x.docx")
        assert TEXT.sniff(b"PK\x03\x04" + bytes(26) + b"photo.png", "x.zip") is None

    def test_without_words(self):
        with pytest.raises(MediaError, match=r"x\.docx holds no text"):
            load(docx_by_hand("<w:p/>"), "x.docx")

    def test_sizes(self, monkeypatch: pytest.MonkeyPatch):
        data = docx_by_hand("<w:p><w:r><w:t>hello</w:t></w:r></w:p>")
        monkeypatch.setattr(docx_reading, "MAX_PART_BYTES", 10)
        with pytest.raises(MediaError, match=r"would unpack to \d+ bytes of text; the limit is 10"):
            load(data, "x.docx")
        monkeypatch.setattr(docx_reading, "MAX_BYTES", 10)
        with pytest.raises(MediaError, match="the limit for DOCX is 10"):
            load(data, "x.docx")
