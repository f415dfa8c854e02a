"""Bytes into words: which encoding they are in, and whether they are words at all."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def decode(data: bytes, *, cut: bool = False) -> str:
    """Text of bytes in UTF-8, UTF-16, UTF-32 or, where nothing else fits, Windows-1252.

    Args:
        data: the bytes, with or without a byte order mark.
        cut: they may end within a character.

    Raises:
        ValueError: if they are no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return words(_decode(data[len(mark) :], encoding, cut))
    if b"\0" in data:
        encoding = _unmarked_utf16(data)
        if encoding is None:
            raise ValueError("it holds zero bytes, as no text does")
        return words(_decode(data, encoding, cut))
    try:
        text = _decode(data, "utf-8", cut)
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    return words(text)


def peek(head: bytes) -> str | None:
    """Text of the first bytes of a file, or `None` if they are no text."""
    try:
        return decode(head, cut=True)
    except ValueError:
        return None


def _decode(data: bytes, encoding: str, cut: bool) -> str:
    return codecs.getincrementaldecoder(encoding)("strict").decode(data, final=not cut)


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 of mostly Latin letters without a mark: every other byte is zero."""
    sample = data[:4096]
    even, odd = sample[::2], sample[1::2]
    if odd.count(0) > 0.4 * len(odd) and not even.count(0):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and not odd.count(0):
        return "utf-16-be"
    return None


def words(text: str) -> str:
    """The text with plain line ends.

    Raises:
        ValueError: if it holds more control characters than a slip of the pen.
    """
    found = len(_CONTROLS.findall(text))
    if found > 0.002 * len(text):
        raise ValueError(f"it holds {found:,} control characters, as no text does")
    return text.replace("\r\n", "\n").replace("\r", "\n")
