"""The any-to-any matrix as a picture: inputs down, outputs across, the greener the better."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from omni.evaluation.rows import Row

INPUTS = ("text", "image", "audio", "video", "points", "series")
OUTPUTS = ("text", "image", "audio")
SPLITS = ("new seeds", "held-out pairs")

_WIDTH, _HEIGHT = 104, 46
_LEFT, _TOP, _GAP = 84, 62, 34
_INK = (32, 36, 44)
_PALE = (236, 238, 241)
_STOPS = (
    (0.0, (214, 96, 77)),
    (0.8, (247, 214, 150)),
    (0.95, (146, 197, 130)),
    (1.0, (66, 157, 92)),
)
"""Scores and their colours; between them it is mixed."""


def matrix(rows: Sequence[Row]) -> Image.Image:
    """One panel for each split: the score of every cell, and nothing where none was measured."""
    scores = {(row["split"], row["input"], row["output"]): row["score"] for row in rows}
    panel = len(OUTPUTS) * _WIDTH + _GAP
    size = (_LEFT + len(SPLITS) * panel - _GAP + 12, _TOP + len(INPUTS) * _HEIGHT + 12)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for number, split in enumerate(SPLITS):
        _panel(draw, _LEFT + number * panel, split, scores)
    for place, name in enumerate(INPUTS):
        _write(draw, (_LEFT - 10, _TOP + (place + 0.5) * _HEIGHT), name, "rm", 15)
    return picture.quantize(64)


def _panel(
    draw: ImageDraw.ImageDraw, left: float, split: str, scores: Mapping[tuple[str, ...], float]
) -> None:
    _write(draw, (left + len(OUTPUTS) * _WIDTH / 2, 18), split, "mm", 16)
    for across, output in enumerate(OUTPUTS):
        _write(draw, (left + (across + 0.5) * _WIDTH, 44), f"→ {output}", "mm", 14)
        for down, given in enumerate(INPUTS):
            score = scores.get((split, given, output))
            x, y = left + across * _WIDTH, _TOP + down * _HEIGHT
            colour = _PALE if score is None else shade(score)
            draw.rectangle((x + 1, y + 1, x + _WIDTH - 2, y + _HEIGHT - 2), fill=colour)
            told = "–" if score is None else f"{100 * score:.1f}"
            _write(draw, (x + _WIDTH / 2, y + _HEIGHT / 2), told, "mm", 16)


def shade(score: float) -> tuple[int, int, int]:
    """The colour of a score in 0…1."""
    score = min(max(score, 0.0), 1.0)
    pairs = itertools.pairwise(_STOPS)
    (low, below), (high, above) = next(pair for pair in pairs if score <= pair[1][0])
    share = (score - low) / (high - low)
    mixed = [round(a + share * (b - a)) for a, b in zip(below, above, strict=True)]
    return mixed[0], mixed[1], mixed[2]


def _write(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, anchor: str, size: int
) -> None:
    draw.text(place, text, fill=_INK, font=ImageFont.load_default(size=size), anchor=anchor)
