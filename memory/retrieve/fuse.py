"""Several rankings into one: standard scores, weighed by what each leg is good for.

Shapes: L legs, C candidates, P ways of weighing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omni.errors import UsageError

Leg = Mapping[str, float]
"""What one way of looking gave each record that it has an opinion of; higher is better."""

Numbers = NDArray[np.float64]

_DIGITS = 9
_PARTS = 10
_FEW_LEGS = 5
_COARSE = 4


@dataclass(frozen=True, slots=True)
class Known:
    """A question whose answer is known, with what each leg gave.

    Attributes:
        legs: by name.
        target: id of the record that is to be found.
    """

    legs: Mapping[str, Leg]
    target: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """How legs are to be weighed, and how well that does on the questions it was found with.

    Attributes:
        weights: by leg; they sum to 1.
        mrr: mean reciprocal rank of the fusion; never below that of any leg alone.
        alone: that of each leg.
        questions: how many there were.
    """

    weights: Mapping[str, float]
    mrr: float
    alone: Mapping[str, float]
    questions: int


def fuse(
    legs: Mapping[str, Leg], weights: Mapping[str, float] | None = None
) -> list[tuple[str, float]]:
    """Ids and fused scores, the best first.

    Each leg's scores are measured from its mean in its standard deviations, so that legs of
    different scales can be added. A leg says nothing for or against what it does not know; what
    no leg with a weight knows comes last.

    Args:
        legs: by name.
        weights: by leg; 1 where a leg is not named.

    Raises:
        UsageError: for a negative weight or a score that is not finite.
    """
    ids, scores = _table(legs)
    if not ids:
        return []
    given = np.array([float((weights or {}).get(name, 1.0)) for name in legs])
    if not np.isfinite(given).all() or (given < 0).any():
        raise UsageError(f"weights of legs are numbers from 0 up, not {dict(weights or {})}")
    total, seen = _weighed(given[None], scores)
    order = np.lexsort((np.arange(len(ids)), -total[0], ~seen[0]))
    return [(ids[place], float(total[0, place])) for place in order]


def calibrate(known: Sequence[Known], *, slack: float = 0.01) -> Calibration:
    """Weights that find known records, as even as they can be without losing.

    All ways of sharing out a whole in tenths are tried, each leg alone among them; of those that
    come within `slack` of the best, and are no worse than the best leg alone, the most even one is
    taken: questions made from titles favour the legs that read titles.

    Args:
        known: questions; all have the same legs.
        slack: of mean reciprocal rank.

    Raises:
        UsageError: without a question, or if their legs differ.
    """
    if not known:
        raise UsageError("no question to calibrate with: store records with titles or captions")
    names = tuple(known[0].legs)
    if not names or any(tuple(one.legs) != names for one in known):
        raise UsageError("the questions to calibrate with have to be asked of the same legs")
    ways = np.array(list(_shares(len(names))))
    ranks = np.zeros(len(ways))
    for one in known:
        ranks += _reciprocal(ways, one)
    mrr = ranks / len(known)
    single = {name: _single(ways, place) for place, name in enumerate(names)}
    alone = {name: float(mrr[place]) for name, place in single.items()}
    least = max(max(alone.values()), float(mrr.max()) - slack)
    good = np.flatnonzero(mrr >= least)
    best = min(good, key=lambda place: (round(float((ways[place] ** 2).sum()), 9), -mrr[place]))
    weights = dict(zip(names, ways[best].tolist(), strict=True))
    return Calibration(weights, float(mrr[best]), alone, len(known))


def standardised(scores: Numbers) -> Numbers:
    """Scores `[L, C]` as distances from their leg's mean; `NaN`, which stands for none, stays."""
    known = ~np.isnan(scores)
    count = np.maximum(known.sum(1, keepdims=True), 1)
    mean = np.where(known, scores, 0).sum(1, keepdims=True) / count
    apart = np.where(known, scores - mean, 0)
    spread = np.sqrt((apart**2).sum(1, keepdims=True) / count)
    # Where all are the same up to rounding, their differences mean nothing.
    told = spread > 1e-9 * np.maximum(np.abs(mean), 1)
    found = np.divide(apart, spread, out=np.zeros_like(apart), where=told & known)
    return np.where(known, found, np.nan)


def _table(legs: Mapping[str, Leg]) -> tuple[list[str], Numbers]:
    """Ids as they first appear, and scores `[L, C]`."""
    ids = list(dict.fromkeys(itertools.chain.from_iterable(legs.values())))
    scores = np.full((len(legs), len(ids)), np.nan)
    places = {id: place for place, id in enumerate(ids)}
    for row, (name, leg) in enumerate(legs.items()):
        for id, score in leg.items():
            if not np.isfinite(score):
                raise UsageError(f"the leg {name!r} gave {id!r} the score {score}")
            scores[row, places[id]] = score
    return ids, scores


def _weighed(ways: Numbers, scores: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Sums `[P, C]`, and what is known to a leg with a weight."""
    standard = standardised(scores)
    known = ~np.isnan(standard)
    # Standard scores are often ±1, so that sums are often equal but for their rounding, which
    # differs with how many ways are worked out at once.
    total = np.round(ways @ np.where(known, standard, 0), _DIGITS)
    return total, (ways > 0) @ known


def _reciprocal(ways: Numbers, one: Known) -> Numbers:
    """One over the rank of the target, by each way; 0 where it is not found."""
    ids, scores = _table(one.legs)
    if one.target not in ids:
        return np.zeros(len(ways))
    place = ids.index(one.target)
    total, seen = _weighed(ways, scores)
    mine, shown = total[:, place, None], seen[:, place, None]
    earlier = np.arange(len(ids)) < place
    ahead = (total > mine) | ((total == mine) & earlier)
    before = np.where(seen == shown, ahead, seen)
    return np.where(shown[:, 0], 1.0 / (1 + before.sum(1)), 0.0)


def _shares(legs: int) -> Iterator[tuple[float, ...]]:
    """All ways of sharing a whole out among legs."""
    parts = _PARTS if legs <= _FEW_LEGS else _COARSE
    for bars in itertools.combinations(range(parts + legs - 1), legs - 1):
        ends = (-1, *bars, parts + legs - 1)
        yield tuple((after - before - 1) / parts for before, after in itertools.pairwise(ends))


def _single(ways: Numbers, leg: int) -> int:
    return int(np.flatnonzero(ways[:, leg] == 1.0)[0])
