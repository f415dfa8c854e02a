"""PDF into passages with page and box, and pictures of pages that are drawn when asked for."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from omni.errors import MediaError
from omni.media import Media
from omni.values import Document, Figure, Passage

from .figures import Box, figure_boxes

if TYPE_CHECKING:
    import pypdfium2
    from PIL import Image

MAX_BYTES = 256 << 20
MAX_PAGES = 2_000
MAX_CHARACTERS = 20_000_000
MAX_PAGE_POINTS = 100_000
MAX_IMAGE_PIXELS = 100_000_000
PICTURE_PIXELS = 1280
"""Longer side of a page's picture, and of a figure's."""

MAX_SCALE = 4.0
"""Pixels to a point of a figure at most; what is drawn larger only looks blurred."""

_DEVICE_UNITS = 100  # PDFium gives places on a page in whole units: hundredths of a point.
_LOCK = threading.RLock()  # PDFium is not safe for threads.


def read(media: Media) -> Document:
    """Read a PDF: a passage for each line of text, with its box from the page's top left.

    Raises:
        MediaError: if it is broken, locked by a password, or exceeds a limit.
    """
    if media.size > MAX_BYTES:
        raise MediaError(
            f"{media.name} has {media.size:,} bytes; the limit for PDF is {MAX_BYTES:,}: split it"
        )
    passages: list[Passage] = []
    characters = 0
    with _opened(media) as pdf:
        _check_pages(pdf, media.name)
        title = " ".join(pdf.get_metadata_dict().get("Title", "").split())
        for number in range(len(pdf)):
            for passage in _lines(pdf, number):
                characters += len(passage.text)
                passages.append(passage)
            if characters > MAX_CHARACTERS:
                raise MediaError(
                    f"{media.name} holds more than {MAX_CHARACTERS:,} characters: split it"
                )
        pages = PagePictures(media, len(pdf))
        sizes = tuple(_shown_size(pdf, number) for number in range(len(pdf)))
    found = PageFigures(media, len(sizes))
    return Document(tuple(passages), title=title, pages=pages, sizes=sizes, figures=found)


class PagePictures(Sequence["Image.Image"]):
    """Pictures of a PDF's pages; each is drawn from the file when it is asked for."""

    def __init__(self, media: Media, count: int, first: int = 0):
        self._media = media
        self._range = range(first, first + count)

    def __len__(self) -> int:
        return len(self._range)

    @overload
    def __getitem__(self, index: int) -> Image.Image: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Image.Image]: ...

    def __getitem__(self, index: int | slice) -> Image.Image | Sequence[Image.Image]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(len(self))[index])
        number = self._range[index]
        with _opened(self._media) as pdf:
            return _draw(pdf, number, self._media.name)


class PageFigures(Sequence[Sequence[Figure]]):
    """The figures of a PDF's pages; a page is looked through when its figures are asked for."""

    def __init__(self, media: Media, count: int):
        self._media, self._count = media, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Sequence[Figure]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Sequence[Figure]]: ...

    def __getitem__(self, index: int | slice) -> Sequence[Figure] | Sequence[Sequence[Figure]]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(self._count)[index])
        number = range(self._count)[index]
        with _opened(self._media) as pdf, _page(pdf, number) as page:
            boxes = figure_boxes(page, _place)
        return tuple(Figure(number + 1, box, partial(self._draw, number, box)) for box in boxes)

    def _draw(self, number: int, box: Box) -> Image.Image:
        with _opened(self._media) as pdf:
            return _draw(pdf, number, self._media.name, box)


@contextmanager
def _opened(media: Media) -> Iterator[pypdfium2.PdfDocument]:
    import pypdfium2

    with _LOCK:
        try:
            pdf = pypdfium2.PdfDocument(media.data if media.data is not None else media.path)
        except pypdfium2.PdfiumError as error:
            if "password" in str(error).lower():
                raise MediaError(
                    f"{media.name} is locked by a password: save a copy without one"
                ) from None
            raise MediaError(f"{media.name} is no readable PDF: {_reason(error)}") from None
        except FileNotFoundError:
            raise MediaError(f"{media.name} is no longer where it was read from") from None
        try:
            yield pdf
        except pypdfium2.PdfiumError as error:
            raise MediaError(f"{media.name} is no readable PDF: {_reason(error)}") from None
        finally:
            pdf.close()


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or "it is broken"


def _check_pages(pdf: pypdfium2.PdfDocument, name: str) -> None:
    if not len(pdf):
        raise MediaError(f"{name} is no readable PDF: it has no pages")
    if len(pdf) > MAX_PAGES:
        raise MediaError(f"{name} has {len(pdf):,} pages; the limit is {MAX_PAGES:,}: split it")
    for number in range(len(pdf)):
        width, height = pdf.get_page_size(number)
        if not (0 < width <= MAX_PAGE_POINTS and 0 < height <= MAX_PAGE_POINTS):
            raise MediaError(
                f"page {number + 1} of {name} measures {width:,.0f} × {height:,.0f} points; "
                f"the limit is {MAX_PAGE_POINTS:,}: remove that page"
            )


@contextmanager
def _page(pdf: pypdfium2.PdfDocument, number: int) -> Iterator[pypdfium2.PdfPage]:
    page = pdf[number]
    try:
        yield page
    finally:
        page.close()


def _shown_size(pdf: pypdfium2.PdfDocument, number: int) -> tuple[float, float]:
    """Width and height of a page in points as it is turned."""
    with _page(pdf, number) as page:
        return page.get_size()


def _draw(
    pdf: pypdfium2.PdfDocument, number: int, name: str, box: Box | None = None
) -> Image.Image:
    """A picture of a page, or of what lies within a box on it."""
    import pypdfium2.raw as raw

    with _page(pdf, number) as page:
        for shape in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=4):
            width, height = shape.get_px_size()  # type: ignore[attr-defined]
            if width * height > MAX_IMAGE_PIXELS:
                raise MediaError(
                    f"page {number + 1} of {name} shows an image of {width:,} × {height:,} pixels; "
                    f"the limit is {MAX_IMAGE_PIXELS:,}: remove that page"
                )
        wide, high = page.get_size()
        left, top, right, bottom = box or (0, 0, wide, high)
        scale = PICTURE_PIXELS / max(right - left, bottom - top)
        scale = min(scale, MAX_SCALE) if box else scale
        # PDFium cuts what is asked for off each side: left, bottom, right, top.
        edges = (left, high - bottom, wide - right, top)
        crop = tuple(max(0.0, edge) for edge in edges) if box else (0, 0, 0, 0)
        return page.render(scale=scale, crop=crop).to_pil().convert("RGB")  # type: ignore[arg-type]


def _lines(pdf: pypdfium2.PdfDocument, number: int) -> Iterator[Passage]:
    with _page(pdf, number) as page:
        text = page.get_textpage()
        try:
            for start, count, words in _runs(text):
                box = _box(page, text, start, count)
                yield Passage(words, number + 1, box)
        finally:
            text.close()


def _runs(text: pypdfium2.PdfTextPage) -> Iterator[tuple[int, int, str]]:
    """First sign, number of signs and words of each line that is not blank."""
    signs = _signs(text)
    start = 0
    for line in "".join(signs).replace("\r", "\n").split("\n"):
        words = "".join(line.replace("\x02", "-").replace("\x00", "").split("\ufffe")).strip()
        if words:
            yield start, len(line), words
        start += len(line) + 1


def _signs(text: pypdfium2.PdfTextPage) -> list[str]:
    """Exactly one character for each index of PDFium's, so that boxes can be asked for."""
    import pypdfium2.raw as raw

    codes = (raw.FPDFText_GetUnicode(text, index) for index in range(text.count_chars()))
    return [
        chr(code) if 0 < code < 0xD800 or 0xE000 <= code < 0x110000 else "\x00" for code in codes
    ]


def _box(
    page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, start: int, count: int
) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of a run as the page is shown, rotation and crop applied."""
    spots: list[tuple[float, float]] = []
    for index in range(text.count_rects(start, count)):
        left, bottom, right, top = text.get_rect(index)
        spots += [_place(page, left, top), _place(page, right, bottom)]
    if not spots:
        return None
    across, down = zip(*spots, strict=True)
    return min(across), min(down), max(across), max(down)


def _place(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[float, float]:
    import pypdfium2.raw as raw

    width, height = page.get_size()
    across, down = ctypes.c_int(), ctypes.c_int()
    size: tuple[Any, ...] = (0, 0, round(width * _DEVICE_UNITS), round(height * _DEVICE_UNITS))
    raw.FPDF_PageToDevice(page, *size, 0, x, y, across, down)
    return across.value / _DEVICE_UNITS, down.value / _DEVICE_UNITS
