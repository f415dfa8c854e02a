"""Plots of courses: a thick line over a pale area between two axes, on a grid of 64×64 pixels.

Slope, season and level shift fit the grid of 8×8 patches, and an event replaces whole patches, so
that a course is put together from patches that other courses have, too.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from omni.nano.world.icons import FINE, SIDE, crisp, filled, flatten

LINE, AXIS, AREA = 1, 2, 3
LEFT, RIGHT, FLOOR = 8, 56, 56
"""Where the line begins and ends, and where the horizontal axis lies, in pixels."""

START = {"rising": 46.0, "falling": 18.0, "flat": 40.0}
SLOPE = {"rising": -0.5, "falling": 0.5, "flat": 0.0}
SEASON_START = {"rising": 4.0, "falling": 2.0, "flat": 0.0}
PERIOD, SWING = 16, 4.5
CHANGE = 32
"""Where the level shifts and the noise begins."""

SHIFT, UNREST = 16, 10.0
THORN = {"rising": 3, "falling": 4, "flat": 4}
"""The row of patches on which a spike stands, in the column of patches from `SPIKE` on."""

SPIKE = 40
WIDTH, THIN = 4.0, 2.6


@cache
def plot(trend: str, season: bool, event: str) -> np.ndarray:
    """The labels `[64, 64, 4]` of a course; do not write to them."""
    shift = SHIFT if event == "level shift" else 0
    before = _points(trend, season, LEFT, CHANGE)
    if event == "variance change":
        after, width = _unrest(trend, season), THIN
    else:
        after, width = _points(trend, season, CHANGE, RIGHT) - (0, shift), WIDTH
    if shift or width != WIDTH:
        parts = [(before, WIDTH), (after, width)]
    else:
        parts = [(np.concatenate([before, after]), WIDTH)]
    layers = [(AREA, _under(points)) for points, _ in parts]
    axes = np.zeros((SIDE, SIDE), np.float32)
    axes[LEFT - 2 : FLOOR + 2, LEFT - 2 : LEFT] = 1
    axes[FLOOR : FLOOR + 2, LEFT - 2 : RIGHT] = 1
    layers.append((AXIS, axes))
    for points, thick in parts:
        ends = (int(points[0, 0]), int(points[-1, 0]))
        layers.append((LINE, _stroke(points, thick, ends)))
    labels = flatten(layers)
    if event == "spike":
        _stand(labels, THORN[trend])
    return labels


def _points(trend: str, season: bool, begin: int, end: int) -> np.ndarray:
    x = np.linspace(begin, end, 4 * (end - begin) + 1)
    y = START[trend] + SLOPE[trend] * (x - LEFT)
    if season:
        y = y + SEASON_START[trend] - SWING * np.sin(2 * np.pi * (x - LEFT) / PERIOD)
    return np.stack([x, y], 1)


def _unrest(trend: str, season: bool) -> np.ndarray:
    """Up and down around the trend, in which a season is drowned."""
    x = np.array([CHANGE, *np.arange(CHANGE + 2, RIGHT, 4), RIGHT], float)
    y = START[trend] + SLOPE[trend] * (x - LEFT) + (SEASON_START[trend] if season else 0)
    y[1:-1:2] -= UNREST
    y[2:-1:2] += UNREST
    return np.stack([x, y], 1)


def _under(points: np.ndarray) -> np.ndarray:
    (first, _), (last, _) = points[0], points[-1]
    return filled(np.concatenate([points, [(last, FLOOR), (first, FLOOR)]]))


def _stroke(points: np.ndarray, width: float, ends: tuple[int, int]) -> np.ndarray:
    """A line of this width in pixels, cut off straight at both ends."""
    canvas = Image.new("L", (SIDE * FINE, SIDE * FINE))
    pen = ImageDraw.Draw(canvas)
    first, last = points[0] - (3, 0), points[-1] + (3, 0)
    whole = np.concatenate([[first], points, [last]]) * FINE - 0.5
    radius = width * FINE / 2
    for (x, y), (later_x, later_y) in pairwise(whole):
        steps = max(2, int(np.hypot(later_x - x, later_y - y)))
        for at in np.linspace(0, 1, steps):
            here = (x + (later_x - x) * at, y + (later_y - y) * at)
            box = (here[0] - radius, here[1] - radius, here[0] + radius, here[1] + radius)
            pen.ellipse(box, fill=255)
    cover = crisp(np.asarray(canvas.reduce(FINE), np.float32) / 255)
    cover[:, : ends[0]] = cover[:, ends[1] :] = 0
    return cover


def _stand(labels: np.ndarray, row: int) -> None:
    """Put a thorn, three patches high, in the place of what was there."""
    foot, top = 8 * (row + 1), 8 * (row - 2)
    thorn = filled([(SPIKE, foot), (SPIKE + 4, top + 0.5), (SPIKE + 8, foot)])
    thorn[foot - 8 : foot, SPIKE : SPIKE + 8] = np.maximum(
        thorn[foot - 8 : foot, SPIKE : SPIKE + 8], _foot()
    )
    place = slice(top, foot), slice(SPIKE, SPIKE + 8)
    labels[place] = 0
    labels[(*place, 0)] = 1 - thorn[place]
    labels[(*place, LINE)] = thorn[place]


def _foot() -> np.ndarray:
    """The lowest patch of a thorn spreads to both sides, where lines of any slope end in it."""
    block = filled([(0, 2), (1.2, 0), (6.8, 0), (8, 2), (8, 8), (0, 8)])
    return block[:8, :8]
