"""Colours and outlines that no word of the world names, so that each is learned apart."""

from __future__ import annotations

from functools import cache

import numpy as np

from omni.nano.world import scene, words

APART = 55.0
"""Least distance in RGB from anything that is called by a colour's name."""


def colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour that lies between the named ones and is clearly none of them."""
    while True:
        rgb = rng.uniform(0, 256, 3)
        if np.linalg.norm(_named() - rgb, axis=1).min() > APART:
            red, green, blue = rgb.astype(int).tolist()
            return red, green, blue


def outline(seed: int) -> list[np.ndarray]:
    """A blob or a crooked polygon in the box −1…1, the same for the same seed."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.5:
        turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        reach = np.ones(64)
        for wave in range(2, 6):
            strength = rng.uniform(0.1, 0.3) / (wave - 1) ** 0.5
            reach += strength * np.sin(wave * turn + rng.uniform(0, 2 * np.pi))
    else:
        corners = int(rng.integers(5, 10))
        turn = (np.arange(corners) + rng.uniform(-0.4, 0.4, corners)) * 2 * np.pi / corners
        reach = rng.uniform(0.35, 1.0, corners)
    points = np.stack([np.sin(turn), -np.cos(turn)], 1) * reach[:, None]
    low, high = points.min(0), points.max(0)
    return [(points - (low + high) / 2) / ((high - low).max() / 2)]


@cache
def _named() -> np.ndarray:
    """RGB values that are called by a colour's name, `[many, 3]`."""
    rng = np.random.default_rng(0)
    return np.array([scene.shade(name, rng) for name in words.COLOURS for _ in range(60)])
