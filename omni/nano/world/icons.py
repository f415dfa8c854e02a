"""Icons of solids: three tones, lit from the upper left, on a grid of 64×64 pixels.

A layer is a label (1 light, 2 the colour itself, 3 dark) and how much of each pixel it covers.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from omni.nano.world import words

SIDE = 64
FINE = 8
SLIVER = 0.13
"""A polygon is filled with its edges, so that it is one eighth of a pixel too wide."""

LIGHT, PLAIN, DARK = 1, 2, 3

Layer = tuple[int, np.ndarray]
Point = tuple[float, float]


def filled(*polygons: np.ndarray | list[Point]) -> np.ndarray:
    """How much of each pixel a polygon covers, float32 `[64, 64]`; a second one is a hole in it."""
    canvas = Image.new("L", (SIDE * FINE, SIDE * FINE))
    pen = ImageDraw.Draw(canvas)
    for polygon, fill in zip(polygons, (255, 0), strict=False):
        points = np.asarray(polygon, float) * FINE - 0.5
        pen.polygon([tuple(point) for point in points.tolist()], fill=fill)
    return crisp(np.asarray(canvas.reduce(FINE), np.float32) / 255)


def crisp(cover: np.ndarray) -> np.ndarray:
    """Slivers of pixels go, so that what lies on the grid has no fringe."""
    whole = np.where(cover > 1 - SLIVER, 1, cover)
    return np.where(cover < SLIVER, 0, whole).astype(np.float32)


def flatten(layers: list[Layer]) -> np.ndarray:
    """Layers laid over one another: how much of each pixel each label is, `[64, 64, 4]`."""
    labels = np.zeros((SIDE, SIDE, 4), np.float32)
    labels[..., 0] = 1
    for label, cover in layers:
        labels *= 1 - cover[..., None]
        labels[..., label] += cover
    return labels


@cache
def icon(solid: str) -> np.ndarray:
    """The labels `[64, 64, 4]` of a solid; do not write to them."""
    if solid not in _DRAWN:
        raise ValueError(f"{solid!r} is no solid of the world: {', '.join(words.SOLIDS)}")
    return flatten(_DRAWN[solid]())


def _oval(x: float, y: float, wide: float, high: float) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    return np.stack([x + wide * np.cos(turn), y + high * np.sin(turn)], 1)


def _sphere() -> list[Layer]:
    disc = filled(_oval(32, 32, 20, 20))
    lit = disc * filled(_oval(28, 28, 20, 20))
    return [(DARK, disc), (PLAIN, lit), (LIGHT, filled(_oval(25, 24, 5.5, 4.5)))]


def _cube() -> list[Layer]:
    return [
        (DARK, filled([(32, 32), (52, 21), (52, 44), (32, 55)])),
        (PLAIN, filled([(12, 21), (32, 32), (32, 55), (12, 44)])),
        (LIGHT, filled([(32, 10), (52, 21), (32, 32), (12, 21)])),
    ]


def _pyramid() -> list[Layer]:
    apex, left, front, right = (32, 9), (10, 45), (37, 55), (55, 43)
    return [
        (DARK, filled([apex, front, right])),
        (PLAIN, filled([apex, left, front])),
        (LIGHT, filled([apex, left, (19, 48.3)])),
    ]


def _cone() -> list[Layer]:
    body = np.maximum(filled([(32, 8), (52, 47), (12, 47)]), filled(_oval(32, 47, 20, 7)))
    return [
        (PLAIN, body),
        (LIGHT, body * filled([(32, 8), (23, 58), (15, 58)])),
        (DARK, body * filled([(32, 8), (60, 58), (39, 58)])),
    ]


def _cylinder() -> list[Layer]:
    body = filled([(15, 16), (49, 16), (49, 48), (15, 48)])
    body = np.maximum(body, filled(_oval(32, 48, 17, 6)))
    return [
        (PLAIN, body),
        (DARK, body * filled([(40, 0), (64, 0), (64, 64), (40, 64)])),
        (LIGHT, filled(_oval(32, 16, 17, 6))),
    ]


def _torus() -> list[Layer]:
    hole = filled(_oval(32, 30, 9, 5))
    body = filled(_oval(32, 32, 24, 17)) * (1 - hole)
    glint = filled(_oval(31, 30, 18.5, 11.5), _oval(31, 30, 14.5, 8.5))
    return [
        (DARK, body),
        (PLAIN, body * filled(_oval(30, 28, 24, 17))),
        (LIGHT, glint * filled([(0, 0), (44, 0), (0, 40)])),
        (DARK, hole * (1 - filled(_oval(32, 32.5, 9, 5)))),
    ]


_DRAWN = {
    "sphere": _sphere,
    "cube": _cube,
    "cone": _cone,
    "cylinder": _cylinder,
    "torus": _torus,
    "pyramid": _pyramid,
}
