"""Where a film cuts from one shot to the next, told by how much its frames differ.

Shapes: F frames, H height, W width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHORTEST = 0.4
"""Seconds; a flash is no shot."""

_SMALL = (18, 32)
_BINS = 8
_SURE = 0.5
_POSSIBLE = 0.2
_ABOVE = 4.0
_AROUND = 8


def cuts(frames: NDArray[np.uint8], times: NDArray[np.float64]) -> list[float]:
    """Seconds at which a new shot begins, ascending; each lies between two frames.

    A frame begins a shot if its colours or its picture differ from the frame before by much, or by
    several times what frames around it differ by.

    Args:
        frames: `[F, H, W, 3]`.
        times: `[F]`, the second at which each is shown.
    """
    if len(frames) < 2:
        return []
    change = changes(frames)
    found: list[float] = []
    for place, amount in enumerate(change):
        if amount < _POSSIBLE:
            continue
        near = np.delete(change, place)[max(0, place - _AROUND) : place + _AROUND]
        usual = float(np.median(near)) if len(near) else 0.0
        if amount < _SURE and amount < _ABOVE * usual + 0.05:
            continue
        second = float(times[place + 1])
        if second - (found[-1] if found else float(times[0])) >= SHORTEST:
            found.append(round(second, 3))
        elif found and amount > change[max(0, place - 1)]:
            found[-1] = round(second, 3)
    if found and float(times[-1]) - found[-1] < SHORTEST / 4 and len(frames) > 4:
        found.pop()
    return found


def changes(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How much each frame differs from the one before, `[F - 1]`, from 0 (not) to 1 (wholly)."""
    small = np.stack([_shrunk(frame) for frame in frames])  # [F, h, w, 3]
    picture = np.abs(np.diff(small, axis=0)).mean((1, 2, 3)) / 255
    colours = np.stack([_colours(one) for one in small])  # [F, bins]
    share = np.abs(np.diff(colours, axis=0)).sum(1) / 2
    # A moving thing changes the picture and not its colours, a flicker the reverse.
    return np.maximum(
        np.sqrt(np.clip(share * picture * 4, 0, 1)), np.clip(3 * picture - 0.25, 0, 1)
    )


def _shrunk(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Means of cells."""
    height, width = (min(side, size) for side, size in zip(_SMALL, frame.shape[:2], strict=True))
    rows = np.linspace(0, frame.shape[0], height + 1).astype(int)
    columns = np.linspace(0, frame.shape[1], width + 1).astype(int)
    sums = np.add.reduceat(frame.astype(np.float64), rows[:-1], axis=0)
    sums = np.add.reduceat(sums, columns[:-1], axis=1)
    return sums / np.outer(np.diff(rows), np.diff(columns))[..., None]


def _colours(small: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of cells with each colour, in eight steps a channel, each cell spread on two steps."""
    levels = small.reshape(-1, 3) / 256 * (_BINS - 1)
    low = levels.astype(int)
    share = levels - low
    found = np.zeros((3, _BINS))
    for channel in range(3):
        np.add.at(found[channel], low[:, channel], 1 - share[:, channel])
        np.add.at(found[channel], low[:, channel] + 1, share[:, channel])
    return found.ravel() / (3 * len(levels))
