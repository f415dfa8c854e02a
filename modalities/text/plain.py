"""Plain text and Markdown into passages, one for each paragraph."""

from __future__ import annotations

import re

from omni.errors import MediaError
from omni.media import Media
from omni.values import Document, Passage

from .decoding import decode

MAX_BYTES = 32 << 20
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)


def read(media: Media) -> Document:
    """Read a text file; `text` of the document is the text of the file.

    Raises:
        MediaError: if it is too large or no text.
    """
    text = read_text(media)
    heading = _HEADING.search(text) if media.mime == "text/markdown" else None
    return Document(paragraphs(text), title=heading[1] if heading else "")


def read_text(media: Media) -> str:
    """The decoded text of a file.

    Raises:
        MediaError: if it is too large or no text.
    """
    if media.size > MAX_BYTES:
        raise MediaError(
            f"{media.name} has {media.size:,} bytes; the limit for text is {MAX_BYTES:,}: split it"
        )
    try:
        return decode(media.read())
    except ValueError as error:
        raise MediaError(f"{media.name} is no text: {_reason(error)}") from None


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is no valid {error.encoding} at byte {error.start:,}"
    return str(error)


def paragraphs(text: str) -> tuple[Passage, ...]:
    """A passage for each paragraph; blank lines stay at the end of the one before them."""
    found, lines, worded, ended = [], [], False, False
    for line in text.split("\n"):
        blank = not line.strip()
        if ended and not blank:
            found.append(Passage("\n".join(lines)))
            lines, worded, ended = [], False, False
        lines.append(line)
        worded = worded or not blank
        ended = worded and blank
    return (*found, Passage("\n".join(lines)))
