"""Passages are slices of their source, and spots on pages are where a ruler says they are."""

import io
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from omni.media import Media
from omni.memory.ingest import documents
from omni.memory.ingest.layout import Line, blocks
from omni.memory.ingest.passages import slices
from omni.memory.ingest.plan import Plan
from omni.modality import media_from_bytes, modality

extract: Any = documents.extract
PLAN = Plan(ocr=False, speech="none")
WORDS = ["lorem", "ipsum", "dolor", "sit", "amet", "# not", "Ünïcode", "漢字", "a.b", "end."]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["\n\n", "\n", " \n \n", "\n# One\n", "\n## Two\n\n", "```\n", "===\n"]
            ),
            st.lists(st.sampled_from(WORDS), min_size=1, max_size=60).map(" ".join),
        ),
        max_size=25,
    ).map("".join),
    st.integers(20, 300),
)
def test_slices_are_of_the_text_and_lose_no_word(text, size):
    found = slices(text, size)
    for one, after in itertools.pairwise(found):
        assert one.end <= after.start and not text[one.end : after.start].strip()
    kept = "".join("".join(text[one.start : one.end].split()) for one in found)
    assert kept == "".join(text.split())
    assert all(0 < one.end - one.start <= size or size < 40 for one in found)
    for one in found:
        assert text[one.start : one.end].strip() == text[one.start : one.end]


def test_passages_stand_under_their_headings():
    text = (
        "Before.\n\n# Guide\n\n## Install\n\nRun it.\n\n```\n# a comment\n```\n\n"
        "Usage\n-----\n\nUse it.\n\n# Licence\n\nFree.\n"
    )
    found = [(one.title, text[one.start : one.end].split("\n")[0]) for one in slices(text, 500)]
    assert found == [
        ("", "Before."),
        ("Guide › Install", "# Guide"),
        ("Guide › Usage", "Usage"),
        ("Licence", "# Licence"),
    ]
    assert [one.title for one in slices(text, 500, headings=False)] == [""]


def test_long_paragraphs_are_cut_at_ends_of_sentences():
    text = " ".join(f"This is sentence number {n}." for n in range(40))
    found = [text[one.start : one.end] for one in slices(text, 200)]
    assert len(found) > 4 and all(len(one) <= 200 for one in found)
    assert all(one.endswith(".") and one.startswith("This") for one in found)


HTML = (
    "<html><head><title>Rocks</title></head><body><h1>Rocks &amp; sand</h1><p>Granite is hard.</p>"
    "<h2>Sand</h2><ul><li>fine</li><li>coarse</li></ul></body></html>"
)


def docx():
    import docx as package

    document = package.Document()
    document.add_heading("Rocks & sand", 1)
    document.add_paragraph("Granite is hard.")
    document.add_heading("Sand", 2)
    document.add_paragraph("It is fine or coarse.")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.md", b"# Rocks & sand\n\nGranite is hard.\n\n## Sand\n\nfine\ncoarse\n"),
        ("a.html", HTML.encode()),
        ("a.docx", docx()),
    ],
    ids=["markdown", "html", "docx"],
)
def test_every_format_by_passages(name, data):
    media = media_from_bytes(data, name)
    source = modality("text").load(media).text
    whole, *pieces = extract(media, PLAN)
    assert whole.media is media
    assert [piece.title for piece in pieces] == ["Rocks & sand", "Rocks & sand › Sand"]
    for piece in pieces:
        assert piece.chars is not None and source[slice(*piece.chars)] == piece.text
    assert "Granite" in pieces[0].text and "coarse" in pieces[1].text


class Sheet:
    """A PDF that is drawn here, and the spots at which things were drawn, as shares of the page."""

    def __init__(self, width=420, height=600):
        from reportlab.pdfgen import canvas

        self.width, self.height, self.page = width, height, 1
        self._stream = io.BytesIO()
        self.canvas = canvas.Canvas(self._stream, pagesize=(width, height))
        self.canvas.setTitle("")
        self.texts, self.figures = [], []

    def paragraph(self, x, y, lines, size=11, font="Helvetica"):
        """Lines below one another in a colour of their own, by which they are found again."""
        colour = len(self.texts) + 1
        self.canvas.setFillColorRGB(*((colour >> shift & 7) * 32 / 255 for shift in (0, 3, 6)))
        self.canvas.setFont(font, size)
        for number, line in enumerate(lines):
            self.canvas.drawString(x, y - number * size * 1.25, line)
        self.texts.append((self.page, "\n".join(lines), colour))

    def picture(self, x, y, width, height, seed=0):
        from reportlab.lib.utils import ImageReader

        pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
        self.canvas.drawImage(ImageReader(Image.fromarray(pixels)), x, y, width, height)
        left, top = x / self.width, (self.height - y - height) / self.height
        box = (left, top, left + width / self.width, top + height / self.height)
        self.figures.append((self.page, box))

    def turn(self):
        self.canvas.showPage()
        self.page += 1

    def media(self):
        self.canvas.save()
        return Media.from_bytes(
            self._stream.getvalue(), modality="text", mime="application/pdf", name="sheet.pdf"
        )


def inked(media):
    """Boxes of the ink of each colour on each page, measured on pictures of the pages."""
    import pypdfium2

    found = {}
    pdf = pypdfium2.PdfDocument(media.read())
    for number in range(len(pdf)):
        pixels = np.asarray(pdf[number].render(scale=4).to_pil().convert("RGB"))
        high, wide = pixels.shape[:2]
        codes = [(pixels[..., channel] // 32).astype(int) for channel in range(3)]
        exact = (pixels % 32 < 2).all(-1)
        code = codes[0] + codes[1] * 8 + codes[2] * 64
        for colour in np.unique(code[exact]):
            rows, columns = np.nonzero((code == colour) & exact)
            found[number + 1, int(colour)] = (
                *(columns.min() / wide, rows.min() / high),
                *((columns.max() + 1) / wide, (rows.max() + 1) / high),
            )
    pdf.close()
    return found


def overlap(one, other):
    """Intersection over union."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, high)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (area - both)


def sheet():
    drawn = Sheet()
    rng = np.random.default_rng(0)
    pool = ["harbour", "granite", "weather", "Journal", "of", "light", "keeping", "by", "nightfall"]
    for page in range(4):
        if page:
            drawn.turn()
        drawn.paragraph(40, 560, [f"Chapter {page + 1}"], size=20, font="Helvetica-Bold")
        for number, y in enumerate((525, 440, 180)):
            lines = [" ".join(rng.choice(pool, 6)) + f" {page}{number}{n}" for n in range(4)]
            drawn.paragraph(40 + 30 * number, y, lines, size=10 + number)
        drawn.picture(60 + 20 * page, 250, 150, 100, seed=page)
        drawn.paragraph(60 + 20 * page, 236, [f"Figure {page + 1}: noise of kind {page}"], size=9)
    return drawn, drawn.media()


def test_texts_of_a_pdf_are_where_their_ink_is():
    drawn, media = sheet()
    source = modality("text").load(media).text
    _, *pieces = extract(media, PLAN)
    texts = {piece.text: piece for piece in pieces if piece.modality == "text"}
    ink = inked(media)
    shares = []
    for page, text, colour in drawn.texts:
        piece = texts.pop(text)
        assert piece.page == page
        assert source[slice(*piece.chars)] == text
        shares.append(overlap(piece.box, ink[page, colour]))
    assert not texts
    print(f"{len(shares)} texts, mean overlap {np.mean(shares):.3f}, least {min(shares):.3f}")
    assert np.mean(shares) >= 0.9 and min(shares) > 0.75, sorted(shares)[:5]
    assert {piece.title for piece in pieces if piece.page == 3} == {"Chapter 3"}


def test_figures_of_a_pdf_are_where_they_were_drawn():
    drawn, media = sheet()
    figures = [piece for piece in extract(media, PLAN) if piece.modality == "image"]
    assert [piece.page for piece in figures] == [page for page, _ in drawn.figures]
    for piece, (page, box) in zip(figures, drawn.figures, strict=True):
        assert overlap(piece.box, box) >= 0.97
        assert piece.text == f"Figure {page}: noise of kind {page - 1}"
        shown = np.asarray(modality("image").load(piece.media).convert("RGB").resize((40, 30)))
        pixels = np.random.default_rng(page - 1).integers(0, 256, (30, 40, 3), np.uint8)
        assert np.corrcoef(shown.ravel(), pixels.ravel())[0, 1] > 0.9


def test_pages_that_are_turned():
    drawn = Sheet()
    drawn.canvas.setPageRotation(90)
    drawn.paragraph(60, 400, ["turned about", "by a quarter", "of a circle"])
    drawn.picture(100, 100, 150, 60)
    media = drawn.media()
    text, figure = list(extract(media, PLAN))[1:]
    assert overlap(text.box, inked(media)[1, 1]) > 0.85
    # reportlab writes the sides the other way round, so that the page is shown as large as it was
    # asked for; turned to the right, what lay above the bottom lies beside the left.
    assert overlap(figure.box, (100 / 420, 100 / 600, 160 / 420, 250 / 600)) > 0.97


def test_a_logo_on_every_page_is_kept_once():
    drawn = Sheet()
    for _ in range(3):
        drawn.picture(40, 500, 60, 60)
        drawn.paragraph(40, 300, ["words on a page"])
        drawn.turn()
    pieces = list(extract(drawn.media(), PLAN))
    assert [piece.page for piece in pieces if piece.modality == "image"] == [1]


@pytest.fixture(scope="module")
def scan():
    """A page that is nothing but a picture of words."""
    image = Image.new("RGB", (800, 500), "white")
    draw = ImageDraw.Draw(image)
    draw.text((60, 50), "HARBOUR NOTICE", fill="black", font=ImageFont.load_default(48))
    draw.text((60, 300), "Ships leave at seven", fill="black", font=ImageFont.load_default(32))
    spots = [draw.textbbox((60, 50), "HARBOUR NOTICE", font=ImageFont.load_default(48))]
    stream = io.BytesIO()
    image.save(stream, "PDF")
    left, top, right, bottom = spots[0]
    return media_from_bytes(stream.getvalue(), "scan.pdf"), (
        *(left / 800, top / 500),
        *(right / 800, bottom / 500),
    )


def test_pages_without_text_are_read(scan):
    pytest.importorskip("rapidocr")
    media, box = scan
    whole, page, *texts = extract(media, Plan(speech="none"))
    assert page.modality == "image" and page.page == 1 and page.meta["of"] == "page"
    assert [piece.text for piece in texts] == ["HARBOUR NOTICE", "Ships leave at seven"]
    assert overlap(texts[0].box, box) > 0.7
    assert texts[0].extractor.startswith("rapidocr ") and texts[0].page == 1
    assert "notes" not in whole.meta


def test_without_a_reader_the_page_is_kept_and_that_is_said(scan, monkeypatch):
    monkeypatch.setattr(documents, "can_read", lambda: False)
    whole, page = extract(scan[0], Plan(speech="none"))
    assert page.modality == "image" and not page.text
    assert 'run  pip install "omni-agent[offline]"' in whole.meta["notes"][0]


def test_lines_of_two_columns_are_not_mixed():
    left = [Line(f"left {n}", (0, n * 12, 100, n * 12 + 10)) for n in range(4)]
    right = [Line(f"right {n}", (120, n * 12, 220, n * 12 + 10)) for n in range(4)]
    found = blocks([*left, *right], 500)
    assert [(block.first, block.last) for block in found] == [(0, 4), (4, 8)]
    assert found[1].box == (120, 0, 220, 46)
