"""Lines with their boxes into blocks: what a reader would call a paragraph or a heading."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]

GAP = 1.1
"""Lines of a block lie at most so many line heights apart."""

TALLER = 1.35
"""A line so much taller than the next is a heading."""

_LONGEST_HEADING = 160


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; its box has left, top, right and bottom, downwards, in any unit."""

    text: str
    box: Box

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring lines: from the line `first` up to the one before `last`."""

    first: int
    last: int
    box: Box
    heading: bool = False


def blocks(lines: Sequence[Line], size: int) -> list[Block]:
    """Blocks of lines, which are in reading order; no block has more than `size` characters."""
    found: list[Block] = []
    upright = _upright(lines)
    usual = _usual(upright)
    first = 0
    for place in range(1, len(lines) + 1):
        run = upright[first:place]
        if place < len(lines) and _belongs(run, upright[place], size):
            continue
        height = sum(line.height for line in run) / len(run)
        words = sum(len(line.text) for line in run)
        heading = height > TALLER * usual and words <= _LONGEST_HEADING
        box = around([line.box for line in lines[first:place]])
        found.append(Block(first, place, box, heading))
        first = place
    return found


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def share(box: Box, width: float, height: float) -> Box | None:
    """A box as shares 0…1 of a page; `None` if nothing of it lies on the page."""
    left, right = (min(1.0, max(0.0, x / width)) for x in (box[0], box[2]))
    top, bottom = (min(1.0, max(0.0, y / height)) for y in (box[1], box[3]))
    return (left, top, right, bottom) if left < right and top < bottom else None


def _upright(lines: Sequence[Line]) -> Sequence[Line]:
    """Lines as they lie once the page is turned so that most of them run across."""
    tall = [line for line in lines if line.height > 1.5 * (line.box[2] - line.box[0])]
    if 2 * sum(len(line.text) for line in tall) <= sum(len(line.text) for line in lines):
        return lines
    steps = [after.box[0] - one.box[0] for one, after in itertools.pairwise(tall)]
    if sum(step < 0 for step in steps) * 2 >= len(steps):  # turned to the right: the next is left
        return [Line(one.text, (one.box[1], -one.box[2], one.box[3], -one.box[0])) for one in lines]
    return [Line(one.text, (-one.box[3], one.box[0], -one.box[1], one.box[2])) for one in lines]


def _belongs(run: Sequence[Line], line: Line, size: int) -> bool:
    """Whether a line goes on what was begun."""
    last = run[-1]
    if sum(len(one.text) + 1 for one in run) + len(line.text) > size:
        return False
    height = max(last.height, line.height)
    if not (1 / TALLER < line.height / max(last.height, 1e-9) < TALLER):
        # A line without long letters is low, so only a great difference tells.
        low, high = sorted((last.height, line.height))
        if high > 1.8 * low or len(min(last.text, line.text, key=len)) > 3:
            return False
    gap = line.box[1] - last.box[3]
    if not -0.6 * height <= gap <= GAP * height:
        return False
    block = around([one.box for one in run])
    return line.box[0] < block[2] and block[0] < line.box[2]


def _usual(lines: Sequence[Line]) -> float:
    """The height of most characters."""
    heights = sorted((line.height, len(line.text)) for line in lines)
    half, seen = sum(count for _, count in heights) / 2, 0
    for height, count in heights:
        seen += count
        if seen >= half:
            return height
    return 0.0
