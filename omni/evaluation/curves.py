"""Accuracy against the share of tokens that is kept, as a picture: a panel for each skill."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from omni.evaluation.rows import Row

FULL = "full"
"""The name of the rows in which nothing is left out."""

_PANEL = (340, 250)
_MARGIN = (46, 34, 14, 34)  # left, top, right, bottom
_ACROSS = 3
_LEAST = 0.03
"""The share at the left edge; shares are drawn on a logarithmic scale."""

_INK, _PALE = (32, 36, 44), (214, 218, 224)
_COLOURS = (
    *((66, 119, 196), (214, 96, 77), (66, 157, 92), (150, 94, 180), (224, 150, 40)),
    *((60, 170, 180), (120, 120, 120), (200, 80, 150), (120, 100, 60), (30, 60, 110)),
)

Panel = Mapping[str, Sequence[tuple[float, float]]]


def accuracy(rows: Sequence[Row]) -> Image.Image:
    """Lines of all methods, and a broken one for the score with all tokens."""
    skills = list(dict.fromkeys(row["input"] for row in rows))
    methods = [name for name in dict.fromkeys(row["split"] for row in rows) if name != FULL]
    width, height = _PANEL
    lines = -(-len(skills) // _ACROSS)
    legend = 22 * (-(-len(methods) // 6) + 1)
    picture = Image.new(
        "RGB", (min(len(skills), _ACROSS) * width, lines * height + legend), "white"
    )
    draw = ImageDraw.Draw(picture)
    for place, skill in enumerate(skills):
        corner = place % _ACROSS * width, place // _ACROSS * height
        _panel(draw, corner, skill, _points(rows, skill), methods)
    for place, name in enumerate(methods):
        x, y = 14 + place % 6 * (picture.width - 20) // 6, lines * height + 8 + place // 6 * 22
        draw.line((x, y + 7, x + 18, y + 7), fill=_colour(place), width=3)
        _write(draw, (x + 24, y + 7), name, "lm")
    return picture.quantize(64)


def _points(rows: Sequence[Row], skill: str) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["input"] == skill and row["score"] is not None:
            found.setdefault(row["split"], []).append((row["keep"], row["score"]))
    return {name: sorted(points) for name, points in found.items()}


def _panel(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    skill: str,
    points: Panel,
    methods: Sequence[str],
) -> None:
    def place(share: float, score: float) -> tuple[float, float]:
        across = 1 - math.log(max(share, _LEAST)) / math.log(_LEAST)
        left, top, right, bottom = _MARGIN
        x = corner[0] + left + across * (_PANEL[0] - left - right)
        return x, corner[1] + top + (1 - score) * (_PANEL[1] - top - bottom)

    _write(draw, place(_LEAST, 1.1), skill, "lm")
    for score in (0.0, 0.5, 1.0):
        draw.line((*place(_LEAST, score), *place(1.0, score)), fill=_PALE)
        x, y = place(_LEAST, score)
        _write(draw, (x - 6, y), f"{100 * score:.0f}", "rm")
    for share in (0.05, 0.1, 0.2, 0.5, 1.0):
        x, y = place(share, 0.0)
        _write(draw, (x, y + 12), f"{100 * share:.0f} %", "mm")
    full = points.get(FULL, ())
    for _, score in full:
        (left, y), (right, _) = place(_LEAST, score), place(1.0, score)
        for x in range(round(left), round(right), 8):
            draw.line((x, y, x + 4, y), fill=_INK)
    for number, name in enumerate(methods):
        seen = [place(*point) for point in (*points.get(name, ()), *full)]
        for one, other in pairwise(sorted(seen)):
            draw.line((*one, *other), fill=_colour(number), width=2)


def _colour(place: int) -> tuple[int, int, int]:
    return _COLOURS[place % len(_COLOURS)]


def _write(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, anchor: str) -> None:
    draw.text(place, text, fill=_INK, font=ImageFont.load_default(size=13), anchor=anchor)
