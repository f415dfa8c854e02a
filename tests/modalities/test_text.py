"""Documents, checked against files written by hand, python-docx and pypdfium2."""

import io
import time
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.errors import MediaError, UsageError
from omni.media import Media
from omni.modalities.text import docx as docx_reading
from omni.modalities.text import html as html_reading
from omni.modalities.text import pdf as pdf_reading
from omni.modalities.text import plain
from omni.modalities.text.media import DOCX, HTML, MD, PDF, TXT
from omni.modality import media_from_bytes, modality
from omni.testing.hostile import pdf
from omni.values import Document, Passage

TEXT = modality("text")


def load(data: bytes, name: str) -> Document:
    media = media_from_bytes(data, name)
    assert media.modality == "text"
    return TEXT.load(media)


def words_of(document: Document) -> list[str]:
    return [passage.text for passage in document.passages]


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


PIECES = (
    *("<", "<!", "<!--", "<!-->", "-->", "<![CDATA[", "]]>", "<![", "<![>", "<?", "<?>", "</", "&"),
    *(
        "<a ",
        "<a b='",
        "<a b='>",
        '<a b="',
        "<a/",
        "</a",
        "<script",
        "</script",
        "<svg>",
        "</math>",
    ),
    *("<title>", "<pre>", "<td>", "<li>", "<h1>", "<!DOCTYPE ", "&#", "&#x110000;", "\x0c", " x "),
)


class TestHtml:
    def test_what_a_reader_sees(self):
        page = """<!DOCTYPE html><html><head><title>Tea &amp; cake</title>
        <style>p { color: red }</style><script>document.write("<p>no</p>")</script></head>
        <body><!-- nor this --><h1>Menu</h1><p>Green&nbsp;tea,<br>very   <b>hot</b>
        <noscript>no</noscript></p><ul><li>one<li>two</ul>
        <table><tr><th>what</th><th>how much</th></tr>
        <tr><td>cake</td><td>3 &euro;</td></tr></table>
        <pre>a\n  b</pre><template><p>no</p></template>
        <svg><text>no</text></svg>end</body></html>"""
        document = load(page.encode(), "page.html")
        assert document.title == "Tea & cake"
        assert words_of(document) == [
            "# Menu",
            "Green tea,",
            "very hot",
            "- one",
            "- two",
            "what\thow much",
            "cake\t3 €",
            "a\n  b",
            "end",
        ]

    def test_is_known_by_its_content(self):
        assert TEXT.sniff(b"  \n<!doctype HTML>\n<p>x", "download") == HTML
        assert TEXT.sniff(b"<p>x</p>", "x.htm") == HTML
        assert TEXT.sniff(b"<p> is a tag", "notes.txt") == TXT

    def test_charset_of_the_page(self):
        page = '<html><head><meta charset="iso-8859-2"></head><p>Łódź</p>'
        assert words_of(load(page.encode("iso-8859-2"), "x.html")) == ["Łódź"]
        page = '<html><head><meta charset="no-such-charset"></head><p>Łódź</p>'
        assert words_of(load(page.encode(), "x.html")) == ["Łódź"]

    @pytest.mark.parametrize("piece", PIECES)
    @pytest.mark.parametrize("tail", ["", ">", "'>"])
    def test_broken_markup_in_linear_time(self, piece: str, tail: str):
        began = time.process_time()
        load(f"<html><p>words{piece * 30_000}{tail}".encode(), "x.html")
        assert time.process_time() - began < 30  # Quadratic takes minutes.

    @given(st.lists(st.sampled_from(PIECES), max_size=30))
    def test_any_markup_is_read(self, pieces: list[str]):
        page = "<html><p>words</p>" + "".join(pieces)
        assert load(page.encode(), "x.html").passages[0].text == "words"

    def test_nothing_to_see(self):
        with pytest.raises(MediaError, match=r"x\.html holds no text"):
            load(b"<html><script>alert('hello')</script></html>", "x.html")

    def test_too_large(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(html_reading, "MAX_BYTES", 10)
        with pytest.raises(MediaError, match="the limit for HTML is 10: split it"):
            load(b"<html><p>hello", "x.html")


def one_page(content: bytes, page: bytes = b"/MediaBox[0 0 300 400]", *more: bytes) -> bytes:
    """A page with content, and a font called F of which every letter is 600/1000 wide."""
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R%s/Contents 4 0 R/Resources<</Font<</F 5 0 R>>"
        b"/XObject<</I 6 0 R>>>>>>" % page,
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Courier>>",
        *more,
    )


HELLO = b"BT /F 20 Tf 50 350 Td (Hello) Tj ET BT /F 10 Tf 50 100 Td (second line) Tj ET"


class TestPdf:
    def test_boxes_are_where_the_words_were_put(self):
        document = load(one_page(HELLO), "x.pdf")
        assert words_of(document) == ["Hello", "second line"]
        first, second = document.passages
        assert (first.page, second.page) == (1, 1)
        assert first.box is not None
        left, top, right, bottom = first.box
        # Courier is 0.6 em wide; "Hello" begins at x = 50 and stands on y = 350 of 400.
        assert 50 <= left <= 54
        assert 50 + 4 * 12 <= right <= 50 + 5 * 12
        assert bottom == pytest.approx(50, abs=1)
        assert 50 - 20 <= top <= 50 - 10
        assert second.box is not None
        assert second.box[3] == pytest.approx(300, abs=3)

    def test_boxes_lie_on_the_ink_of_the_picture(self):
        document = load(one_page(HELLO), "x.pdf")
        page = document.pages[0]
        ink = np.asarray(page.convert("L")) < 128
        scale = page.height / 400
        for passage in document.passages:
            assert passage.box is not None
            left, top, right, bottom = (round(edge * scale) for edge in passage.box)
            assert ink[top : bottom + 1, left : right + 1].sum() > 100
            ink[top - 3 : bottom + 4, left - 3 : right + 4] = False
        assert not ink.any(), "no ink outside the boxes"

    @pytest.mark.parametrize("turn", [90, 180, 270])
    def test_boxes_follow_a_turned_and_cropped_page(self, turn: int):
        box = b"/MediaBox[0 0 300 400]/CropBox[20 40 280 390]/Rotate %d" % turn
        document = load(one_page(HELLO, box), "x.pdf")
        page = document.pages[0]
        assert (page.width > page.height) == (turn != 180)
        scale = max(page.size) / 350
        ink = np.asarray(page.convert("L")) < 128
        for passage in document.passages:
            assert passage.box is not None
            left, top, right, bottom = (round(edge * scale) for edge in passage.box)
            assert ink[top : bottom + 1, left : right + 1].sum() > 100
            ink[max(0, top - 3) : bottom + 4, max(0, left - 3) : right + 4] = False
        assert not ink.any()

    def test_pictures_are_bounded_and_drawn_only_when_asked_for(self):
        document = load(one_page(HELLO, b"/MediaBox[0 0 300 14400]"), "x.pdf")
        assert len(document.pages) == 1
        assert max(document.pages[0].size) == pdf_reading.PICTURE_PIXELS
        assert [name for name, _ in TEXT.parts(document)] == ["image"]
        with pytest.raises(IndexError):
            document.pages[1]
        assert [page.size for page in document.pages[:5]] == [document.pages[-1].size]

    def test_title(self):
        data = one_page(HELLO, b"/MediaBox[0 0 300 400]", b"<<>>", b"<</Title(Annual report)>>")
        data = data.replace(b"/Root 1 0 R", b"/Root 1 0 R/Info 7 0 R")
        document = load(data, "x.pdf")
        assert document.title == "Annual report"
        assert TEXT.caption(document) == 'document "Annual report" of 1 page, 3 words'

    def test_a_page_without_words_is_still_a_picture(self):
        document = load(one_page(b"0 0 100 100 re f"), "x.pdf")
        assert TEXT.text(document) == ""
        assert len(document.pages) == 1
        assert TEXT.estimate_tokens(document) == 144

    def test_an_image_bomb_on_a_page_is_not_drawn(self):
        image = b"<</Type/XObject/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 8"
        image += b"/ColorSpace/DeviceGray/Length 4>>stream\nabcd\nendstream"
        document = load(
            one_page(b"q 100 0 0 100 0 0 cm /I Do Q", b"/MediaBox[0 0 9 9]", image), "x.pdf"
        )
        with pytest.raises(MediaError, match=r"page 1 of x\.pdf shows an image of 60,000 × 60,000"):
            document.pages[0]

    def test_a_file_that_is_gone(self, tmp_path):
        path = tmp_path / "x.pdf"
        path.write_bytes(one_page(HELLO))
        document = TEXT.load(Media.from_path(path, modality="text", mime=PDF))
        path.unlink()
        with pytest.raises(MediaError, match=r"x\.pdf is no longer where it was read from"):
            document.pages[0]

    def test_limits(self, monkeypatch: pytest.MonkeyPatch):
        data = one_page(HELLO)
        for limit, says in [
            ("MAX_PAGES", "1 pages; the limit is 0"),
            ("MAX_CHARACTERS", "holds more than 0 characters"),
            ("MAX_BYTES", "the limit for PDF is 0"),
            ("MAX_PAGE_POINTS", "300 × 400 points; the limit is 0"),
        ]:
            with monkeypatch.context() as patch:
                patch.setattr(pdf_reading, limit, 0)
                with pytest.raises(MediaError, match=says):
                    load(data, "x.pdf")

    def test_words_of_many_pages_agree_with_pypdfium2(self):
        import pypdfium2

        pages = [b"BT /F 12 Tf 40 %d Td (page %d words) Tj ET" % (50 + 9 * n, n) for n in range(9)]
        kids = b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(9))
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[%s]/Count 9>>" % kids,
            b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>",
        ]
        for number, content in enumerate(pages):
            objects += [
                b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents %d 0 R"
                b"/Resources<</Font<</F 3 0 R>>>>>>" % (5 + 2 * number),
                b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
            ]
        data = pdf(*objects)
        document = load(data, "x.pdf")
        assert [passage.page for passage in document.passages] == list(range(1, 10))
        reference = pypdfium2.PdfDocument(data)
        for passage in document.passages:
            assert passage.page is not None
            assert passage.box is not None
            page = reference[passage.page - 1]
            text = page.get_textpage()
            left, top, right, bottom = passage.box
            found = text.get_text_bounded(left - 1, 200 - bottom - 1, right + 1, 200 - top + 1)
            assert found.strip() == passage.text
            text.close()
            page.close()
        reference.close()


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
