"""PDF: words in their boxes, pages as pictures, limits; files by hand, against pypdfium2."""

import numpy as np
import pytest

from omni.errors import MediaError
from omni.media import Media
from omni.modalities.text import pdf as pdf_reading
from omni.modalities.text.media import PDF
from omni.testing.hostile import pdf
from tests.modalities.documents import TEXT, load, words_of


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
