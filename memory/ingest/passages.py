"""Running text into passages that respect paragraphs and headings; each is a slice of the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(\S.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*$")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'»”)\]]*\s+|\n+")
_LONGEST_HEADING = 300
BETWEEN = " › "
"""Stands between a heading and the one below it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A passage: `text[start:end]` of the whole, and the headings that it stands under."""

    start: int
    end: int
    title: str


def slices(text: str, size: int, *, headings: bool = True) -> list[Slice]:
    """Passages of about `size` characters at most, in order; they leave out only blanks.

    A passage begins at each heading, which belongs to it. Paragraphs are put together while they
    fit and cut at ends of sentences where one alone does not.

    Args:
        text: the whole.
        size: a passage may be longer only if a single word is.
        headings: whether lines that begin with `#` are headings.
    """
    found: list[Slice] = []
    for start, end, title in _sections(text, headings):
        for first, last in _packed(_blocks(text, start, end, size), size):
            first, last = _trimmed(text, first, last)
            if first < last:
                found.append(Slice(first, last, title))
    return found


def _sections(text: str, headings: bool) -> Iterator[tuple[int, int, str]]:
    """Runs of text under one heading, with the path of headings above.

    A heading with nothing below it but another heading goes with what follows.
    """
    path: list[tuple[int, str]] = []
    start = body = 0
    for place, level, words, end in _headings(text) if headings else ():
        if text[body:place].strip():
            yield start, place, _joined(path)
            start = place
        path = [*((other, name) for other, name in path if other < level), (level, words)]
        body = end
    if text[start:].strip():
        yield start, len(text), _joined(path)


def _headings(text: str) -> Iterator[tuple[int, int, str, int]]:
    """Start, level, words and end of each heading; none within fenced code."""
    at, before_at, fence, before = 0, 0, "", ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if mark and (not fence or fence == mark[1]):
            fence = "" if fence else mark[1]
            before = ""
        elif not fence:
            if match := _HEADING.match(line[:_LONGEST_HEADING]):
                yield at, len(match[1]), match[2], at + len(line)
                before = ""
            elif (match := _UNDERLINE.match(line)) and _may_be_underlined(before):
                yield before_at, 1 if match[1][0] == "=" else 2, before.strip(), at + len(line)
                before = ""
            else:
                before, before_at = line, at
        at += len(line)


def _may_be_underlined(line: str) -> bool:
    words = line.strip()
    return bool(words) and len(words) <= _LONGEST_HEADING and not words.startswith(("|", "-", ">"))


def _joined(path: Iterable[tuple[int, str]]) -> str:
    return BETWEEN.join(name for _, name in path)


def _blocks(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Paragraphs; those that are too long in pieces."""
    for match in re.finditer(r"(?:[^\n]|\n(?![^\S\n]*\n))+", text[start:end]):
        first, last = _trimmed(text, start + match.start(), start + match.end())
        if last - first <= size:
            yield first, last
        else:
            yield from _cut(text, first, last, size)


def _cut(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """A long paragraph at ends of sentences, else between words, else anywhere."""
    while end - start > size:
        window = text[start : start + size]
        ends = [match.end() for match in _SENTENCE.finditer(window)]
        if ends and ends[-1] > size // 3:
            step = ends[-1]
        else:
            blank = max(window.rfind(" "), window.rfind("\n"), window.rfind("\t"))
            step = blank + 1 if blank > size // 3 else size
        yield start, start + step
        start += step
    yield start, end


def _packed(blocks: Iterable[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """Neighbouring blocks together while they fit."""
    start = end = -1
    for first, last in blocks:
        if start >= 0 and last - start > size:
            yield start, end
            start = -1
        start, end = (first if start < 0 else start), last
    if start >= 0:
        yield start, end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))
