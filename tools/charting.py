"""A line with what may come after it, drawn for people."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_SIZE = (800, 360)
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 30, 34
_INK, _GREY, _GRID = (32, 36, 44), (110, 116, 124), (226, 229, 234)
_PAST, _AHEAD, _BAND, _MARK = (31, 119, 180), (214, 96, 77), (246, 214, 205), (200, 30, 60)
_LINES = 4


class Chart:
    """Values over their row numbers, with a scale that holds all that is drawn.

    Args:
        title: above the plot.
        labels: of the first and the last row.
        rows: how many there are in all.
        values: everything that will be drawn, so that the scale fits.
    """

    def __init__(self, title: str, labels: tuple[str, str], rows: int, *values: np.ndarray):
        from PIL import Image, ImageDraw, ImageFont

        every = np.concatenate([np.ravel(part) for part in values])
        every = every[np.isfinite(every)]
        low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
        room = (high - low) * 0.06 or max(abs(high), 1.0) * 0.06
        self._low, self._high, self._rows = low - room, high + room, max(rows - 1, 1)
        self.image: Image.Image = Image.new("RGB", _SIZE, "white")
        self._draw = ImageDraw.Draw(self.image)
        self._font = ImageFont.load_default(size=13)
        self._frame(title, labels)

    def line(self, start: int, values: np.ndarray, *, ahead: bool = False) -> None:
        """Join values `[time]`, the first of which is row `start`; gaps stay open."""
        points = [
            self._spot(start + place, value) if np.isfinite(value) else None
            for place, value in enumerate(values)
        ]
        for one, other in pairwise(points):
            if one and other:
                self._draw.line((*one, *other), fill=_AHEAD if ahead else _PAST, width=2)

    def band(self, start: int, low: np.ndarray, high: np.ndarray) -> None:
        """Fill between two lines `[time]`."""
        above = [self._spot(start + place, value) for place, value in enumerate(high)]
        below = [self._spot(start + place, value) for place, value in enumerate(low)]
        if len(above) > 1:
            self._draw.polygon([*above, *reversed(below)], fill=_BAND)

    def mark(self, rows: Sequence[int], values: np.ndarray) -> None:
        """Ring the values `[time]` of some rows."""
        for row in rows:
            x, y = self._spot(row, float(values[row]))
            self._draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline=_MARK, width=2)

    def _spot(self, row: float, value: float) -> tuple[float, float]:
        width, height = _SIZE[0] - _LEFT - _RIGHT, _SIZE[1] - _TOP - _BOTTOM
        share = (value - self._low) / (self._high - self._low)
        return _LEFT + row / self._rows * width, _TOP + (1 - share) * height

    def _frame(self, title: str, labels: tuple[str, str]) -> None:
        for step in range(_LINES + 1):
            value = self._low + (self._high - self._low) * step / _LINES
            _, y = self._spot(0, value)
            self._draw.line((_LEFT, y, _SIZE[0] - _RIGHT, y), fill=_GRID)
            self._write((_LEFT - 6, y), f"{value:.4g}", "rm")
        self._write((_LEFT, 14), title, "lm", _INK)
        self._write((_LEFT, _SIZE[1] - 14), labels[0], "lm")
        self._write((_SIZE[0] - _RIGHT, _SIZE[1] - 14), labels[1], "rm")

    def _write(
        self,
        place: tuple[float, float],
        text: str,
        anchor: str,
        ink: tuple[int, int, int] = _GREY,
    ) -> None:
        self._draw.text(place, text[:90], fill=ink, font=self._font, anchor=anchor)
