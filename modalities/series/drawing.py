"""A series to be looked at: a line of blocks, and a plot with axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from omni.compression.overlay import Box, spans

from .facts import shown

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from omni.compression.budget import Grid
    from omni.values import Series


_BLOCKS = "▁▂▃▄▅▆▇█"
_INKS = (
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
)
_PAPER, _GREY, _GRID = (255, 255, 255), (90, 90, 90), (228, 228, 228)
_PANELS = 6
"""Columns that are drawn, each over its own scale."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 10, 16, 20


def sparkline(series: Series, width: int) -> str:
    """The first column as blocks, a dot where nothing was measured."""
    low, high = outline(series.values[:, 0], _positions(series), max(1, width))
    middle = (low + high) / 2
    known = np.isfinite(middle)
    if not known.any():
        return "·" * len(middle)
    bottom, top = middle[known].min(), middle[known].max()
    share = (middle / 2 - bottom / 2) / max(top / 2 - bottom / 2, np.finfo(float).tiny)
    return "".join(
        _BLOCKS[round(float(part) * (len(_BLOCKS) - 1))] if seen else "·"
        for part, seen in zip(share, known, strict=True)
    )


def _positions(series: Series) -> np.ndarray:
    """Where each row lies, from 0 at the first to 1 at the last."""
    count = len(series.values)
    if series.times is None or count < 2:
        return np.linspace(0, 1, count)
    elapsed = (series.times - series.times[0]).astype(np.float64)
    return elapsed / elapsed[-1] if elapsed[-1] > 0 else np.linspace(0, 1, count)


def outline(column: np.ndarray, spots: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value in each of `bins` equal spans; NaN where there is none."""
    bins = min(bins, len(column))
    places = np.minimum((spots * bins).astype(int), bins - 1)
    low, high = np.full(bins, np.inf), np.full(bins, -np.inf)
    known = np.isfinite(column)
    np.minimum.at(low, places[known], column[known])
    np.maximum.at(high, places[known], column[known])
    empty = low > high
    low[empty] = high[empty] = np.nan
    return low, high


def picture(series: Series, width: int) -> Image.Image:
    """A panel for each of the first columns, one above the other, over one time axis."""
    from PIL import Image, ImageDraw

    panels = min(_PANELS, series.values.shape[1])
    each = max(70, width * 9 // 16 // panels)
    image = Image.new("RGB", (width, each * panels + _BOTTOM), _PAPER)
    draw = ImageDraw.Draw(image)
    spots = _positions(series)
    for at in range(panels):
        box = _box(at, each, width)
        _draw_panel(draw, series.values[:, at], spots, box, _INKS[at % len(_INKS)])
        draw.text((_LEFT, at * each + 2), _label(series, at, panels), fill=_GREY)
    _draw_times(draw, series, width, each * panels)
    return image


def kept(series: Series, grid: Grid, places: Sequence[int], width: int) -> Image.Image:
    """The picture with the patches of each drawn column dimmed that are not in `places`.

    Args:
        series: the table.
        grid: as many times as the encoder has read columns, by the patches of each.
        places: of those that were kept.
        width: of the picture.
    """
    image = picture(series, width)
    panels = min(_PANELS, series.values.shape[1])
    each = (image.height - _BOTTOM) // panels
    for at in range(min(panels, grid.time)):
        first = at * grid.width
        own = [place - first for place in places if first <= place < first + grid.width]
        image = spans(image, _box(at, each, width), grid.width, own)
    return image


def _box(at: int, each: int, width: int) -> Box:
    """Where a panel lies."""
    return _LEFT, at * each + _TOP, max(_LEFT + 8, width - _RIGHT), (at + 1) * each - 4


def _label(series: Series, at: int, panels: int) -> str:
    """The column's name in letters that every font has; the last one tells what is not drawn."""
    name = series.names[at][:60].encode("latin-1", "replace").decode("latin-1")
    hidden = series.values.shape[1] - panels
    return f"{name} (and {hidden} more columns)" if hidden and at == panels - 1 else name


def _draw_panel(
    draw: ImageDraw.ImageDraw,
    column: np.ndarray,
    spots: np.ndarray,
    box: Box,
    ink: tuple[int, int, int],
) -> None:
    left, top, right, bottom = box
    known = column[np.isfinite(column)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    if low == high:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    for mark in ticks(low, high):
        y = bottom - (mark / 2 - low / 2) / (high / 2 - low / 2) * (bottom - top)
        draw.line((left, y, right, y), fill=_GRID)
        draw.text((left - 4, y), f"{mark:.5g}", fill=_GREY, anchor="rm")
    draw.line((left, top, left, bottom, right, bottom), fill=_GREY)
    for run in _runs(column, spots, right - left):
        share = (run[:, 1] / 2 - low / 2) / (high / 2 - low / 2)
        xs, ys = left + run[:, 0] * (right - left), bottom - share * (bottom - top)
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        if len(points) == 1:
            (x, y) = points[0]
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=ink)
        else:
            draw.line(points, fill=ink, width=2)


def ticks(low: float, high: float, wanted: int = 3) -> list[float]:
    """Round numbers within a span, about so many."""
    raw = (high / wanted - low / wanted) or 1.0
    size = 10.0 ** np.floor(np.log10(raw))
    step = size * min((1, 2, 5, 10), key=lambda factor: abs(factor * size - raw))
    first = np.ceil(low / step)
    count = int(np.floor(high / step) - first) + 1
    return [float((first + number) * step) for number in range(min(count, 2 * wanted + 2))]


def _runs(column: np.ndarray, spots: np.ndarray, width: int) -> list[np.ndarray]:
    """Unbroken stretches as points `[n, 2]` of place and value; gaps part them.

    More rows than pixels are drawn as the lowest and highest value of each pixel.
    """
    if len(column) > 2 * width:
        low, high = outline(column, spots, width)
        column = np.stack([low, high], axis=1).reshape(-1)
        spots = np.repeat((np.arange(len(low)) + 0.5) / len(low), 2)
    known = np.isfinite(column)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    points = np.stack([spots, column], axis=1)
    return [points[start:end] for start, end in edges.reshape(-1, 2)]


def _draw_times(draw: ImageDraw.ImageDraw, series: Series, width: int, top: int) -> None:
    """What stands at the left and the right end, and the number of rows between."""
    count = len(series.values)
    if series.times is None:
        ends = ("row 1", f"row {count:,}")
        middle = ""
    else:
        ends = (shown(series.times[0])[:19], shown(series.times[-1])[:19])
        middle = f"{count:,} rows, {series.frequency or 'irregular'}"
    draw.text((_LEFT, top + 4), ends[0], fill=_GREY)
    draw.text((width - _RIGHT, top + 4), ends[1], fill=_GREY, anchor="ra")
    if width >= 400:
        draw.text((width // 2, top + 4), middle, fill=_GREY, anchor="ma")
