"""Whether a statement agrees with what it was made of; what does not is dropped.

After VaLiK (arXiv 2503.12972), which compares what a model said of a picture with the picture, and
keeps what is alike enough. How much is enough is found in the data: a statement has to be liker to
its own source than statements are to sources that they were not made of.

Shapes: T statements, S sources, W width of the space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

FEWEST = 16
"""Statements from which a bound is found."""

_FEWEST_SOURCES = 4
_SURE = 1.96
"""Standard errors, for 95 %."""


@dataclass(frozen=True, slots=True)
class Bound:
    """From which likeness on a statement agrees with its source.

    Attributes:
        least: likeness above the mean of what the statement has to other sources.
        area: share 0…1 of pairs of an own and another source in which the own is the liker.
        told: whether that is more than chance, so that likeness says anything at all here.
    """

    least: float
    area: float
    told: bool


def agreements(
    statements: Numbers, sources: Numbers, own: Sequence[int]
) -> tuple[Numbers, Numbers]:
    """How much liker each statement is to its own source, and to others `[T, S - 1]`, than usual.

    Args:
        statements: unit vectors `[T, W]`.
        sources: unit vectors `[S, W]`.
        own: place of each statement's source.
    """
    likeness = statements.astype(np.float64) @ sources.astype(np.float64).T
    count, width = likeness.shape
    mine = np.zeros((count, width), bool)
    mine[np.arange(count), list(own)] = True
    others = likeness[~mine].reshape(count, width - 1)
    mean = others.mean(1, keepdims=True)
    return likeness[mine] - mean[:, 0], others - mean


def bound(own: Numbers, others: Numbers) -> Bound:
    """The likeness that parts own sources from others best (Youden, 1950), if any does."""
    flat = np.sort(others.ravel())
    mine = np.sort(own)
    below = np.searchsorted(flat, mine, "left") + np.searchsorted(flat, mine, "right")
    area = float(below.sum() / (2 * len(flat) * len(mine)))
    # Standard error of the area where there is no difference (Mann and Whitney, 1947).
    error = np.sqrt((len(mine) + len(others) + 1) / (12 * len(mine) * len(others)))
    ranks = np.searchsorted(mine, mine, "left") / len(mine)
    gain = np.searchsorted(flat, mine, "left") / len(flat) - ranks
    least = float(mine[int(np.argmax(gain))])
    return Bound(least, area, area - _SURE * float(error) > 0.5)


def kept(
    statements: Numbers, sources: Numbers, own: Sequence[int]
) -> tuple[NDArray[np.bool_], Bound | None]:
    """Which statements agree with their sources, and the bound; all, and `None`, if few are given.

    Where likeness does not tell own sources from others, it is no reason to drop anything.
    """
    if len(statements) < FEWEST or len(sources) < _FEWEST_SOURCES:
        return np.ones(len(statements), bool), None
    mine, others = agreements(statements, sources, own)
    found = bound(mine, others)
    return (mine >= found.least) if found.told else np.ones(len(mine), bool), found
