"""DOCX into passages: headings, paragraphs, list items and tables in reading order."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree

from omni.errors import MediaError
from omni.media import Media
from omni.values import Document, Passage

MAX_BYTES = 256 << 20
MAX_PART_BYTES = 32 << 20
MAX_DEPTH = 40
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SIGNS = {_W + "tab": "\t", _W + "br": "\n", _W + "cr": "\n", _W + "noBreakHyphen": "-"}
_WRAPPERS = frozenset({_W + "sdt", _W + "sdtContent", _W + "ins", _W + "customXml"})
_REMOVED = frozenset({_W + "del", _W + "moveFrom", _W + "instrText", _FALLBACK, _W + "pPr"})


def read(media: Media) -> Document:
    """Read a DOCX file: headings begin with `#`, list items with `-`, cells stand between `|`.

    Raises:
        MediaError: if it is broken, no DOCX, or would unpack to too much.
    """
    if media.size > MAX_BYTES:
        raise MediaError(
            f"{media.name} has {media.size:,} bytes; the limit for DOCX is {MAX_BYTES:,}: split it"
        )
    try:
        with media.open() as stream, zipfile.ZipFile(stream) as archive:
            body = _part(archive, "word/document.xml", media.name)
            if body is None:
                raise MediaError(f"{media.name} is a zip archive, but no DOCX document")
            headings = _heading_styles(_part(archive, "word/styles.xml", media.name))
            core = _part(archive, "docProps/core.xml", media.name)
        found = body.find(_W + "body")
        blocks = _blocks(body if found is None else found, headings, 0)
        passages = tuple(Passage(block) for block in blocks if block.strip())
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise MediaError(f"{media.name} is no readable DOCX file: {error}") from None
    except (ElementTree.ParseError, ValueError, zlib.error) as error:
        raise MediaError(f"{media.name} is no readable DOCX file: {error}") from None
    title = "" if core is None else core.findtext(_DUBLIN_CORE + "title", "")
    return Document(passages, title=title.strip())


def _part(archive: zipfile.ZipFile, part: str, name: str) -> ElementTree.Element | None:
    """The root of a part of the archive, or `None` if it is not there."""
    try:
        declared = archive.getinfo(part).file_size
    except KeyError:
        return None
    if declared > MAX_PART_BYTES:
        raise MediaError(
            f"{name} would unpack to {declared:,} bytes of text; the limit is {MAX_PART_BYTES:,}"
        )
    with archive.open(part) as stream:
        data = stream.read(MAX_PART_BYTES + 1)
    if len(data) > MAX_PART_BYTES:
        raise MediaError(f"{name} unpacks to more than the limit of {MAX_PART_BYTES:,} bytes")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("its XML defines entities, as no DOCX does")
    return ElementTree.fromstring(data)


def _heading_styles(styles: ElementTree.Element | None) -> dict[str, int]:
    """Heading level of each paragraph style that is one; the title is level 1."""
    levels: dict[str, int] = {}
    for style in () if styles is None else styles.iter(_W + "style"):
        key = style.get(_W + "styleId", "")
        name = style.find(_W + "name")
        words = ("" if name is None else name.get(_W + "val", "")).lower().split()
        if words == ["title"]:
            levels[key] = 1
        elif len(words) == 2 and words[0] == "heading" and words[1] in "123456789":
            levels[key] = int(words[1])
    return levels


def _blocks(parent: ElementTree.Element, headings: dict[str, int], depth: int) -> Iterator[str]:
    """Each paragraph and each table below `parent`, in order."""
    if depth > MAX_DEPTH:
        raise ValueError(f"its parts are nested more than {MAX_DEPTH} deep")
    for child in parent:
        if child.tag == _W + "p":
            yield _mark(child, headings) + _words(child)
        elif child.tag == _W + "tbl":
            yield _table(child, headings, depth)
        elif child.tag not in _REMOVED:
            yield from _blocks(child, headings, depth + 1)


def _mark(paragraph: ElementTree.Element, headings: dict[str, int]) -> str:
    properties = paragraph.find(_W + "pPr")
    if properties is None:
        return ""
    style = properties.find(_W + "pStyle")
    key = "" if style is None else style.get(_W + "val", "")
    if key in headings:
        return "#" * min(headings[key], 6) + " "
    if properties.find(_W + "numPr") is not None or key.startswith("List"):
        return "- "
    return ""


def _words(element: ElementTree.Element) -> str:
    """The text below an element, without what a tracked change removed."""
    pieces: list[str] = []
    waiting = list(reversed(element))
    while waiting:
        child = waiting.pop()
        if child.tag == _W + "t":
            pieces.append(child.text or "")
        elif child.tag in _SIGNS:
            pieces.append(_SIGNS[child.tag])
        elif child.tag not in _REMOVED:
            waiting.extend(reversed(child))
    return "".join(pieces)


def _table(table: ElementTree.Element, headings: dict[str, int], depth: int) -> str:
    """A line for each row, its cells between bars; a table within a cell is flattened."""
    rows = []
    for row in _inside(table, _W + "tr"):
        cells = (
            " ".join(" ".join(_blocks(cell, headings, depth + 1)).split())
            for cell in _inside(row, _W + "tc")
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _inside(parent: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    """Children of that tag, those in content controls and tracked insertions too."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _inside(child, tag)
