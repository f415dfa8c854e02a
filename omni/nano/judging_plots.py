"""The judge of plots: it traces the line column by column, and fits trend and season to it.

The events of drawn plots lie in the right half, so the left half says what goes on without one.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

SIDE = 64
LEFT, CHANGE, RIGHT = 9, 32, 55
PERIOD = 16
VIVID = 90
"""The line is where the brightest and the darkest channel are this far apart."""

STEEP, WAVY, JUMP, CALM, RESTLESS, PEAK = 0.25, 2.2, 10.0, 4.0, 3.5, 10.0
"""Least slope, swing, level shift; most drift and unrest without an event; least height of a spike;
all in pixels of a picture of 64×64."""


def measure(pixels: np.ndarray) -> str | None:
    """The key of the plot in pixels `[height, width, 3]` of 0…255; `None` if it is none."""
    traced = trace(pixels)
    if traced is None:
        return None
    top, middle = traced
    x = np.arange(LEFT, RIGHT)
    turn = 2 * np.pi * x / PERIOD
    basis = np.stack([np.ones(len(x)), x, np.sin(turn), np.cos(turn)], 1)
    before = x < CHANGE
    weights, *_ = np.linalg.lstsq(basis[before], middle[before], rcond=None)
    if np.abs(basis[before] @ weights - middle[before]).mean() > CALM / 2:
        return None
    slope, swing = weights[1], float(np.hypot(weights[2], weights[3]))
    trend = "flat" if abs(slope) < STEEP else "rising" if slope < 0 else "falling"
    event = _event((middle - basis @ weights)[~before], (top - basis @ weights)[~before])
    if event is None:
        return None
    season = " with season" if swing > WAVY else ""
    return f"{trend} plot{season}{f' with {event}' if event else ''}"


def trace(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The line's upper edge and middle in each column; `None` if columns are without a line."""
    image = Image.fromarray(pixels.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BOX)
    small = np.asarray(image, float)
    line = (small.max(-1) - small.min(-1) > VIVID)[:, LEFT:RIGHT]
    blue = small[..., 2] > np.maximum(small[..., 0], small[..., 1])
    line &= blue[:, LEFT:RIGHT]
    if not line.any(0).mean() > 0.97:
        return None
    rows = np.arange(SIDE)[:, None]
    count = line.sum(0)
    middle = (rows * line).sum(0) / np.maximum(count, 1)
    top = line.argmax(0).astype(float)
    empty = count == 0
    if empty.any():
        at = np.arange(len(count))
        middle[empty] = np.interp(at[empty], at[~empty], middle[~empty])
        top[empty] = np.interp(at[empty], at[~empty], top[~empty])
    return top, middle


def _event(middle: np.ndarray, top: np.ndarray) -> str | None:
    """What happens in the right half, from how far it is from what the left half foretells."""
    drift = float(np.median(middle))
    unrest = np.abs(middle - drift) > RESTLESS
    if unrest.mean() > 0.4:
        return "variance change"
    if drift < -JUMP:
        return "level shift"
    if abs(drift) > CALM:
        return None
    peak = float(-(top - np.median(top)).min())
    if peak > PEAK:
        return "spike"
    return "" if unrest.mean() < 0.15 else None
