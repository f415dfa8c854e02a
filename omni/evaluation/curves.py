"""Accuracy against the share of tokens that is kept, as a picture: a panel for each task.

A few methods are drawn in colours of their own and named at their ends; what all others reach, at
each share, is the grey band behind them. Thirty lines in ten colours could not be told apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from omni.evaluation.rows import Row

FULL = "full"
"""The name of the rows in which nothing is left out."""

HIGHLIGHTED = 7
"""Methods in colours of their own: the baselines, and then the best."""

BASELINES = ("random", "pool")
"""Always highlighted, in grey, dotted: what a method has to beat."""

_PANEL = (400, 290)
_MARGIN = (46, 34, 96, 34)  # left, top, right, bottom
_ACROSS = 3
_LEAST = 0.045
"""The share at the left edge; shares are drawn on a logarithmic scale."""

_GAP = 13
"""Least distance of two names, pixels."""

_INK, _PALE, _BAND = (32, 36, 44), (214, 218, 224), (236, 238, 242)
_GREYS = ((96, 100, 108), (150, 154, 162))
_COLOURS = (
    *((202, 62, 48), (50, 104, 188), (48, 140, 78), (140, 80, 172), (212, 132, 20)),
    *((34, 150, 164), (120, 92, 52)),
)

Points = dict[str, list[tuple[float, float]]]
"""Method → shares and scores, ascending."""


def accuracy(rows: Sequence[Row]) -> Image.Image:
    """Lines of the highlighted methods, the band of all others, and the score with all tokens."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    shown = highlighted(rows)
    width, height = _PANEL
    lines = -(-len(tasks) // _ACROSS)
    picture = Image.new("RGB", (min(len(tasks), _ACROSS) * width, lines * height + 26), "white")
    draw = ImageDraw.Draw(picture)
    for place, task in enumerate(tasks):
        corner = place % _ACROSS * width, place // _ACROSS * height
        _Panel(draw, corner).draw(task, points(rows, task), shown)
    others = {row["method"] for row in rows} - set(shown) - {FULL}
    told = "broken: all tokens; across: share of the tokens that is kept; up: right answers, %"
    if others:
        told += f"; grey band: {len(others)} other methods"
    _write(draw, (14, lines * height + 12), told, "lm")
    return picture.quantize(96)


def highlighted(rows: Sequence[Row]) -> list[str]:
    """Baselines that were measured, then the methods that are best in the mean over tasks."""
    measured = [row for row in rows if row["score"] is not None and row["method"] != FULL]
    cells = {(row["task"], row["keep"]) for row in measured}
    scores: dict[str, dict[tuple[str, float], float]] = {}
    for row in measured:
        scores.setdefault(row["method"], {})[row["task"], row["keep"]] = row["score"]
    bases = [name for name in BASELINES if name in scores]
    # Those that were asked only some things cannot be compared with those that were asked all.
    most = max((len(own) for own in scores.values()), default=0)
    rest = [name for name, own in scores.items() if len(own) == most and name not in bases]
    rest.sort(key=lambda name: -sum(scores[name].get(cell, 0.0) for cell in cells))
    return [*bases, *rest[: HIGHLIGHTED - len(bases)]]


def points(rows: Sequence[Row], task: str) -> Points:
    """What was measured of a task, by method."""
    found: Points = {}
    for row in rows:
        if row["task"] == task and row["score"] is not None:
            found.setdefault(row["method"], []).append((row["keep"], row["score"]))
    return {name: sorted(own) for name, own in found.items()}


class _Panel:
    """One task, at a corner of the picture."""

    def __init__(self, draw: ImageDraw.ImageDraw, corner: tuple[int, int]):
        self.pen, self.corner = draw, corner

    def draw(self, task: str, found: Mapping[str, Sequence[tuple[float, float]]], shown) -> None:
        """Everything of it."""
        full = list(found.get(FULL, ()))
        self._band([own for name, own in found.items() if name not in (*shown, FULL)])
        self._frame(task)
        for _, score in full:
            (left, y), (right, _) = self._place(_LEAST, score), self._place(1.0, score)
            for x in range(round(left), round(right), 8):
                self.pen.line((x, y, x + 4, y), fill=_INK)
        ends = []
        for name in shown:
            own = found.get(name, ())
            if own:
                dotted = name in BASELINES
                self._line([*own, *full], _colour(name, shown), dotted)
                ends.append((self._place(*own[0])[1], name))
        self._names(ends, shown)

    def _place(self, share: float, score: float) -> tuple[float, float]:
        """Few tokens are on the right, where the names stand."""
        left, top, right, bottom = _MARGIN
        across = math.log(max(share, _LEAST)) / math.log(_LEAST)
        x = self.corner[0] + left + across * (_PANEL[0] - left - right)
        return x, self.corner[1] + top + (1 - score) * (_PANEL[1] - top - bottom)

    def _frame(self, task: str) -> None:
        _write(self.pen, (self.corner[0] + _MARGIN[0], self.corner[1] + 14), task, "lm", 15)
        for score in (0.0, 0.25, 0.5, 0.75, 1.0):
            start, end = self._place(1.0, score), self._place(_LEAST, score)
            self.pen.line((*start, *end), fill=_PALE)
            _write(self.pen, (start[0] - 6, start[1]), f"{100 * score:.0f}", "rm")
        for share in (1.0, 0.33, 0.2, 0.11, 0.05):
            x, y = self._place(share, 0.0)
            _write(self.pen, (x, y + 12), f"{100 * share:.0f} %", "mm")

    def _band(self, lines: Sequence[Sequence[tuple[float, float]]]) -> None:
        """Between the least and the greatest score at each share; a bar where there is just one."""
        scores: dict[float, list[float]] = {}
        for line in lines:
            for share, score in line:
                scores.setdefault(share, []).append(score)
        edges = [(share, min(own), max(own)) for share, own in sorted(scores.items())]
        upper = [self._place(share, high) for share, _, high in edges]
        lower = [self._place(share, low) for share, low, _ in reversed(edges)]
        if len(edges) > 1:
            self.pen.polygon([*upper, *lower], fill=_BAND)
        for (x, top), (_, bottom) in zip(upper, reversed(lower), strict=True):
            self.pen.rectangle((x - 5, top, x + 5, bottom), fill=_BAND, outline=_PALE)

    def _line(
        self, own: Sequence[tuple[float, float]], colour: tuple[int, int, int], dotted: bool
    ) -> None:
        seen = sorted(self._place(*point) for point in own)
        for one, other in pairwise(seen):
            if not dotted:
                self.pen.line((*one, *other), fill=colour, width=2)
                continue
            steps = max(1, round(math.dist(one, other) / 5))
            for step in range(steps):
                x, y = (a + (b - a) * step / steps for a, b in zip(one, other, strict=True))
                self.pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=colour)
        for x, y in seen:
            self.pen.ellipse((x - 2.5, y - 2.5, x + 2.5, y + 2.5), fill=colour)

    def _names(self, ends: list[tuple[float, str]], shown: Sequence[str]) -> None:
        """Names beside the ends of their lines, none over another."""
        x = self._place(_LEAST, 0.0)[0] + 6
        lowest = -math.inf
        spread = []
        for y, name in sorted(ends):
            lowest = max(y, lowest + _GAP)
            spread.append((lowest, name))
        over = max(0.0, lowest - (self.corner[1] + _PANEL[1] - 12))
        for y, name in spread:
            _write(self.pen, (x, y - over), name, "lm", 12, _colour(name, shown))


def _colour(name: str, shown: Sequence[str]) -> tuple[int, int, int]:
    if name in BASELINES:
        return _GREYS[BASELINES.index(name)]
    place = [one for one in shown if one not in BASELINES].index(name)
    return _COLOURS[place % len(_COLOURS)]


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    anchor: str,
    size: int = 13,
    colour: tuple[int, int, int] = _INK,
) -> None:
    font = ImageFont.load_default(size=size)
    draw.text(place, text, fill=colour, font=font, anchor=anchor)
