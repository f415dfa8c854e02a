"""Two ways of answering the same questions, compared question by question.

Intervals are percentiles of a bootstrap over questions; the same answers give the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from omni.errors import UsageError

DRAWS = 4000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure, and between what it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """A difference for people, in points."""
        low, high = 100 * self.low, 100 * self.high
        return f"{100 * self.value:+.1f} points ({low:+.1f} to {high:+.1f})"

    def as_share(self) -> str:
        """A share for people."""
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


def score(hits: Sequence[bool]) -> Interval:
    """The share of right answers."""
    return _interval(np.asarray(hits, float), np.ones(len(hits)))


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """By how much the first is right more often than the second, on the same questions.

    Answers are right or not, or right to a share 0…1.

    Raises:
        UsageError: if they did not answer as many.
    """
    first, second = _pairs(ours, theirs)
    return _interval(first - second, np.ones(len(first)))


def retained(ours: Sequence[bool], full: Sequence[bool]) -> Interval:
    """The first's right answers as a share of the second's; above 1 where it has more.

    Raises:
        UsageError: if they did not answer as many, or the second never was right.
    """
    first, second = _pairs(ours, full)
    if not second.any():
        raise UsageError("nothing is retained of what was never right")
    return _interval(first, second)


def _pairs(ours: Sequence[float], theirs: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    if len(ours) != len(theirs) or not len(ours):
        raise UsageError(f"{len(ours)} and {len(theirs)} answers: compare the same questions")
    return np.asarray(ours, float), np.asarray(theirs, float)


def _interval(above: np.ndarray, below: np.ndarray) -> Interval:
    """The sum of `above` over that of `below`."""
    if not len(above):
        raise UsageError("there are no answers to count")
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(above), np.full(len(above), 1 / len(above)), size=DRAWS)
    ratios = drawn @ above / np.maximum(drawn @ below, 1e-9)
    low, high = np.quantile(ratios, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(above.sum() / below.sum()), float(low), float(high))
