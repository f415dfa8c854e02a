"""Several rankings into one, each leg weighed by what it is good for.

Shapes: L legs, C candidates, P ways of weighing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from omni.errors import UsageError

Leg = Mapping[str, float]
"""What one way of looking gave each record that it has an opinion of; higher is better."""

Measure = Literal["own", "usual", "ranks"]
"""In what scores are measured before they are added: in the spread that a leg's scores have for
this question, in the one that they have for most questions, or by their ranks alone."""

Numbers = NDArray[np.float64]

MEASURES: tuple[Measure, ...] = get_args(Measure)
_DIGITS = 9
_RANK_OFFSET = 60
"""As in reciprocal rank fusion (Cormack and others, 2009)."""


@dataclass(frozen=True, slots=True)
class Blend:
    """How legs are put together.

    Measured in its own spread, a leg that has nothing to say is as loud as one that has found what
    was asked for; measured in its usual spread it is only as loud as its scores are far apart.

    Attributes:
        weights: by leg; 1 where one is not named.
        measure: what scores are measured in.
        spreads: the usual spread of each leg's scores; its own where one is not named.

    Raises:
        UsageError: for a weight below 0, a spread that is none, or an unknown measure.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    measure: Measure = "own"
    spreads: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise UsageError(f"legs are measured by {', '.join(MEASURES)}, not {self.measure!r}")
        for name, least, given in (("weights", 0, self.weights), ("spreads", 1e-30, self.spreads)):
            if any(not least <= value < np.inf for value in given.values()):
                raise UsageError(f"{name} of legs are numbers from 0 up, not {dict(given)}")

    def to_json(self) -> dict[str, Any]:
        """It in values that fit JSON."""
        found = {"weights": dict(self.weights), "measure": self.measure}
        return found | ({"spreads": dict(self.spreads)} if self.spreads else {})

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Blend:
        """The inverse of `to_json`; bare weights by leg, as they once were kept, are read too."""
        if "weights" not in found:
            return cls(found)
        return cls(found["weights"], found.get("measure", "own"), found.get("spreads") or {})


def fuse(
    legs: Mapping[str, Leg], blend: Blend | Mapping[str, float] | None = None
) -> list[tuple[str, float]]:
    """Ids and fused scores, the best first.

    Each leg's scores are measured from its mean, so that legs of different scales can be added. A
    leg says nothing for or against what it does not know, which is scored by the others alone; what
    no leg with a weight knows comes last.

    Args:
        legs: by name.
        blend: how they are put together, or their weights.

    Raises:
        UsageError: for a negative weight or a score that is not finite.
    """
    how = blend if isinstance(blend, Blend) else Blend(blend or {})
    ids, scores = table(legs)
    if not ids:
        return []
    weights = np.array([[float(how.weights.get(name, 1.0)) for name in legs]])
    usual = np.array([float(how.spreads.get(name, np.nan)) for name in legs])
    total, seen = weighed(weights, measured(scores, how.measure, usual), how.measure)
    order = np.lexsort((np.arange(len(ids)), -total[0], ~seen[0]))
    return [(ids[place], float(total[0, place])) for place in order]


def measured(scores: Numbers, measure: Measure, usual: Numbers) -> Numbers:
    """Scores `[L, C]` that can be added; `NaN`, which stands for none, stays.

    Args:
        scores: as legs gave them.
        measure: what they are measured in.
        usual: spreads `[L]`; `NaN` for a leg whose own is to be used.
    """
    if measure == "ranks":
        return _by_rank(scores)
    known, apart, own = _apart(scores)
    spread = np.where(np.isnan(usual), own, usual)[:, None] if measure == "usual" else own[:, None]
    # Where all are the same up to rounding, their differences mean nothing.
    told = (own[:, None] > 0) & known
    return np.where(known, np.divide(apart, spread, out=np.zeros_like(apart), where=told), np.nan)


def spreads(scores: Numbers) -> Numbers:
    """The standard deviation `[L]` of each leg's scores; 0 where they differ by rounding only."""
    return _apart(scores)[2]


def table(legs: Mapping[str, Leg]) -> tuple[list[str], Numbers]:
    """Ids as they first appear, and scores `[L, C]`, `NaN` where a leg gave none.

    Raises:
        UsageError: for a score that is not finite.
    """
    ids = list(dict.fromkeys(itertools.chain.from_iterable(legs.values())))
    scores = np.full((len(legs), len(ids)), np.nan)
    places = {id: place for place, id in enumerate(ids)}
    for row, (name, leg) in enumerate(legs.items()):
        for id, score in leg.items():
            if not np.isfinite(score):
                raise UsageError(f"the leg {name!r} gave {id!r} the score {score}")
            scores[row, places[id]] = score
    return ids, scores


def weighed(
    weights: Numbers, given: Numbers, measure: Measure = "own"
) -> tuple[Numbers, NDArray[np.bool_]]:
    """Sums `[P, C]` under each row of weights `[P, L]`, and what a leg with a weight knows.

    Where a leg gave no score, the mean of the others stands for it. In its place a zero would put
    what one leg alone can know, such as a picture without words, behind any text that every leg
    likes a little. By ranks, what is not ranked gets nothing, as in reciprocal rank fusion.
    """
    known = ~np.isnan(given)
    total, heard = weights @ np.where(known, given, 0), weights @ known
    if measure != "ranks":
        whole = weights.sum(1, keepdims=True)
        total = np.divide(total * whole, heard, out=np.zeros_like(total), where=heard > 0)
    # Measured scores are often ±1, so that sums are often equal but for their rounding, which
    # differs with how many ways are worked out at once.
    return np.round(total, _DIGITS), heard > 0


def _apart(scores: Numbers) -> tuple[NDArray[np.bool_], Numbers, Numbers]:
    """What is known, its distance from the leg's mean, and the leg's spread `[L]`."""
    known = ~np.isnan(scores)
    count = np.maximum(known.sum(1, keepdims=True), 1)
    mean = np.where(known, scores, 0).sum(1, keepdims=True) / count
    apart = np.where(known, scores - mean, 0)
    spread = np.sqrt((apart**2).sum(1, keepdims=True) / count)
    told = spread > 1e-9 * np.maximum(np.abs(mean), 1)
    return known, apart, np.where(told, spread, 0)[:, 0]


def _by_rank(scores: Numbers) -> Numbers:
    """One over rank and offset; equal scores share the mean of their ranks, and none gets nothing.

    What a leg gave its lowest score without telling it from others is not ranked by it at all.
    """
    found = np.full_like(scores, np.nan)
    for row, leg in enumerate(scores):
        known = np.flatnonzero(~np.isnan(leg))
        values, inverse, counts = np.unique(-leg[known], return_inverse=True, return_counts=True)
        if not len(values):
            continue
        ends = np.cumsum(counts)
        shares = 1.0 / (_RANK_OFFSET + ends - (counts - 1) / 2)
        if counts[-1] > 1:
            shares[-1] = 0.0
        found[row, known] = shares[inverse]
    return found
