"""Documents: running text by passages, PDFs by page with blocks, figures and pictures of pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from omni.errors import MediaError
from omni.media import Media
from omni.modality import modality
from omni.recognition.writing import can_read
from omni.values import Document, Passage

from . import words
from .layout import Box, Line, blocks, share
from .likeness import key_of_bytes
from .passages import slices
from .pictures import NO_READER, saved, sizes
from .piece import Piece
from .plan import Plan

_PDF = "application/pdf"
_PLAIN = "text/plain"
_NO_TITLES = ("", "untitled", "untitled document", "document")
_WHOLE_PAGE = 0.85
"""A picture that covers this share of a page is the page: it was scanned."""


def extract(media: Media, plan: Plan) -> Iterator[Piece]:
    """A document, and its passages; of a PDF also its figures."""
    kind = modality(media.modality)
    document = kind.load(media)
    caption = kind.caption(document)
    lines = _lines_by_page(document)
    blind = plan.ocr and not all(lines.values()) and not can_read()
    meta: dict[str, Any] = {"caption": caption}
    if document.pages:
        meta["pages"] = len(document.pages)
    if blind:
        meta["notes"] = [NO_READER]
    yield Piece(
        text=caption,
        modality=media.modality,
        media=media,
        title=_title(media, document),
        meta=meta,
        extractor=_reader(media),
        key=key_of_bytes(media.digest),
    )
    if document.pages:
        yield from _of_pages(media, document, lines, plan)
    else:
        yield from _of_text(media, document, plan)


def _of_text(media: Media, document: Document, plan: Plan) -> Iterator[Piece]:
    text = document.text
    name = _title(media, document)
    for one in slices(text, plan.passage, headings=media.mime != _PLAIN):
        yield Piece(
            text[one.start : one.end],
            title=one.title or name,
            chars=(one.start, one.end),
            extractor=_reader(media),
        )


def _of_pages(
    media: Media, document: Document, places_of: dict[int, list[int]], plan: Plan
) -> Iterator[Piece]:
    """Page after page; headings reach over pages."""
    starts = _starts(document.passages)
    title, read = _title(media, document), 0
    figures: set[str] = set()
    for page, places in places_of.items():
        lines = [_line(document.passages[place]) for place in places]
        if places:
            width, height = document.sizes[page - 1]
            for block in blocks(lines, plan.passage):
                mine = document.passages[places[block.first] : places[block.last - 1] + 1]
                text = "\n".join(passage.text for passage in mine)
                start = starts[places[block.first]]
                if block.heading:
                    title = " ".join(text.split())
                yield Piece(
                    text,
                    title=title,
                    page=page,
                    box=share(block.box, width, height),
                    chars=(start, start + len(text)),
                    extractor=_reader(media),
                )
        if not places or plan.page_pictures:
            look = plan.ocr and not places and read < plan.most_read
            read += look
            yield from _page_picture(media, document, page, plan, look=look)
        for figure in _figures(media, document, page, title, lines, figures):
            look = plan.ocr and plan.figure_words and read < plan.most_read and can_read()
            read += look
            yield _read_figure(figure) if look else figure


def _page_picture(
    media: Media, document: Document, page: int, plan: Plan, *, look: bool
) -> Iterator[Piece]:
    """The picture of a page and, where there is no text on it, the words that it shows."""
    picture = document.pages[page - 1]
    found = words.read_words(picture) if look and can_read() else None
    name = f"{media.name} page {page}"
    yield Piece(
        text=found.text if found else "",
        modality="image",
        media=saved(picture, name),
        title=name,
        meta={**sizes(picture), "of": "page"},
        page=page,
        box=(0.0, 0.0, 1.0, 1.0),
        extractor=found.by if found and found.lines else None,
    )
    if found is not None:
        for text, box, _ in found.blocks(plan.passage):
            yield Piece(text, title=_title(media, document), page=page, box=box, extractor=found.by)


def _figures(
    media: Media, document: Document, page: int, title: str, lines: list[Line], seen: set[str]
) -> Iterator[Piece]:
    """Pictures on a page; one that was shown on a page before, such as a logo, is not repeated."""
    if not document.figures:
        return
    width, height = document.sizes[page - 1]
    for number, figure in enumerate(document.figures[page - 1], 1):
        left, top, right, bottom = figure.box
        if (right - left) * (bottom - top) > _WHOLE_PAGE * width * height:
            continue
        try:
            picture = figure.draw()
        except MediaError:
            continue  # one picture that is too large takes nothing from the rest of the page
        shown = saved(picture, f"{media.name} page {page} figure {number}", drawn=True)
        if shown.digest in seen:
            continue
        seen.add(shown.digest)
        yield Piece(
            modality="image",
            media=shown,
            title=title,
            text=_beside(lines, figure.box),
            meta={**sizes(picture), "of": "figure"},
            page=page,
            box=share(figure.box, width, height),
            extractor=_reader(media),
        )


def _read_figure(figure: Piece) -> Piece:
    """A figure with the words that stand in it behind its caption."""
    assert figure.media is not None
    found = words.read_words(modality("image").load(figure.media))
    if not found.lines:
        return figure
    text = f"{figure.text}\n{found.text}" if figure.text else found.text
    return replace(figure, text=text, extractor=f"{figure.extractor} and {found.by}")


def _beside(lines: list[Line], box: Box) -> str:
    """The caption of a figure: the nearest block below it, or above it, that says it is one."""
    best, nearest = "", float("inf")
    for block in blocks(lines, 400):
        text = " ".join(line.text for line in lines[block.first : block.last])
        apart = min(abs(block.box[1] - box[3]), abs(box[1] - block.box[3]))
        over = block.box[0] < box[2] and box[0] < block.box[2]
        named = text.lower().startswith(("fig", "abb", "table", "plate", "image", "photo"))
        if over and apart < (72 if named else 14) and apart < nearest:
            best, nearest = text, apart
    return best


def _title(media: Media, document: Document) -> str:
    """The title of a document, where it has one that says something; else its file's name."""
    title = document.title.strip()
    return media.name if title.lower() in _NO_TITLES else title


def _lines_by_page(document: Document) -> dict[int, list[int]]:
    """Places of the passages on each page that are lines with a box."""
    found: dict[int, list[int]] = {page: [] for page in range(1, len(document.pages) + 1)}
    for place, passage in enumerate(document.passages):
        if passage.page in found and passage.box is not None:
            found[passage.page].append(place)
    return found


def _line(passage: Passage) -> Line:
    assert passage.box is not None
    return Line(passage.text, passage.box)


def _starts(passages: Sequence[Passage]) -> list[int]:
    """Where each passage begins in the text of the document."""
    starts, at = [], 0
    for passage in passages:
        starts.append(at)
        at += len(passage.text) + 1
    return starts


def _reader(media: Media) -> str:
    return f"pypdfium2 {version('pypdfium2')}" if media.mime == _PDF else "omni"
