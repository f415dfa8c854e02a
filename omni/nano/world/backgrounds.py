"""What stands behind things: plain colours, gradients, stripes, textures, quasi-photographs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

PLAIN = ("flat", "gradient", "stripes", "clouds")
RICH = ("texture", "photograph")

Colour = Sequence[float] | np.ndarray


def paint(
    kind: str,
    colours: Sequence[Colour],
    width: int,
    height: int,
    rng: np.random.Generator,
    *,
    angle: float = 0.0,
    waves: int = 4,
) -> np.ndarray:
    """A background, float32 `[height, width, 3]` in grey levels.

    Args:
        kind: one of `PLAIN` or `RICH`.
        colours: the first two are mixed; a photograph mixes all.
        angle: degrees, direction of a gradient or of stripes.
        waves: how many stripes.
    """
    first, second = (np.array(colour, np.float32) for colour in colours[:2])
    if kind == "flat":
        return np.broadcast_to(first, (height, width, 3))
    if kind == "photograph":
        return _photograph(colours, width, height, rng)
    if kind == "texture":
        blend = octaves(width, height, rng, coarsest=int(rng.integers(8, 20)), levels=3)
    elif kind == "clouds":
        blend = octaves(width, height, rng, coarsest=6, levels=1)
    else:
        along = slope(width, height, angle)
        blend = along + 0.5 if kind == "gradient" else np.sin(along * 2 * math.pi * waves) / 4
    return first + (second - first) * np.clip(blend, -0.2, 1.0)[..., None]


def slope(width: int, height: int, angle: float) -> np.ndarray:
    """How far each pixel lies along a direction, −0.7…0.7: float32 `[height, width]`."""
    turn = math.radians(angle)
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None]
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    return across * math.cos(turn) + down * math.sin(turn)


def octaves(
    width: int, height: int, rng: np.random.Generator, *, coarsest: int, levels: int
) -> np.ndarray:
    """Noise in 0…1, each level twice as fine and half as strong: float32 `[height, width]`."""
    total, weight = np.zeros((height, width), np.float32), 0.0
    for level in range(levels):
        cells = coarsest << level
        coarse = Image.fromarray(rng.random((cells, cells), np.float32))
        smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
        total += smooth * 0.5**level
        weight += 0.5**level
    return total / weight


def _photograph(
    colours: Sequence[Colour], width: int, height: int, rng: np.random.Generator
) -> np.ndarray:
    """Regions with soft and hard borders, grained and lit from one side, like an unsharp photo."""
    pixels = np.broadcast_to(np.array(colours[0], np.float32), (height, width, 3))
    for colour in colours[1:]:
        field = octaves(width, height, rng, coarsest=int(rng.integers(2, 5)), levels=4)
        hardness = rng.uniform(3, 25)
        region = 1 / (1 + np.exp(-hardness * (field - rng.uniform(0.4, 0.6))))
        pixels = pixels + (np.array(colour, np.float32) - pixels) * region[..., None]
    light = 1 + 0.2 * slope(width, height, float(rng.uniform(0, 360)))
    grain = octaves(width, height, rng, coarsest=24, levels=2) - 0.5
    return pixels * light[..., None] + 30 * grain[..., None]
