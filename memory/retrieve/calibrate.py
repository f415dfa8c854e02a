"""How legs are to be put together, learnt from questions with known answers and checked on others.

Shapes: L legs, C candidates, P ways of weighing, N questions.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from omni.errors import UsageError

from .fuse import MEASURES, Blend, Leg, Measure, Numbers, fuse, measured, spreads, table, weighed

SLACK = 0.01
"""Of mean reciprocal rank: what a fusion may lose to the best leg."""

_PARTS = 10
_FEW_LEGS = 4
_COARSE = 4
_FOLDS = 5
_EVENED = 1 / 3
"""Of the slack: what may be given up for weights that are more even."""

_ENOUGH = 20
"""Questions below which weights are not learnt: they would be learnt by heart."""

_USEFUL = 0.5
_MANY = 100
"""Questions from which on a gain is believed sooner."""


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
    """How legs are to be put together, and how well that does.

    Attributes:
        blend: that; weights sum to 1.
        mrr: mean reciprocal rank of the blend on the questions that it was found with.
        held_out: of blends found in the same way, on questions that they were not found with;
            `None` where there were too few to leave some out.
        alone: of each leg.
        questions: how many there were.
        reason: why this blend was taken, in a few words.
    """

    blend: Blend
    mrr: float
    held_out: float | None
    alone: Mapping[str, float]
    questions: int
    reason: str

    @property
    def weights(self) -> Mapping[str, float]:
        """Of the blend."""
        return self.blend.weights


def calibrate(known: Sequence[Known], *, slack: float = SLACK) -> Calibration:
    """A blend that is no worse than the best leg, as far as the questions can tell.

    All ways of sharing out a whole in tenths are tried under every measure, each leg alone among
    them. Of 100 questions or more, the most even one is taken that comes within a third of the
    slack of the best one and is no worse than the best leg: questions made from titles favour the
    legs that read titles. Of fewer questions the best one is taken as it is. Whether this pays is
    then asked of questions that had no part in it. Where it loses to the best leg there, or might
    by more than the slack, that leg is heard alone. Of fewer than 20 questions no weights are
    learnt: what does best of them is taken, the best leg alone, or all legs evenly.

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
    ways = _Ways(names, known)
    alone = ways.alone.mean(1)
    best = int(alone.argmax())
    held, rival, place = None, None, ways.only(best)
    if len(known) >= _ENOUGH:
        held, rival = _held_out(ways, slack)
        if _no_loss(held - rival, slack):
            place, reason = ways.chosen(slice(None), slack), "better together, or as good"
        else:
            held, reason = rival, f"together they lose to {names[best]} on questions held out"
    elif _leads(ways.alone, best):
        reason = f"few questions, and {names[best]} leads for certain"
    else:
        place = ways.likeliest(best)
        reason = "few questions: " + (
            f"{names[best]} is heard alone" if place == ways.only(best) else "all count alike"
        )
    return Calibration(
        ways.blend(place),
        float(ways.reciprocal[place].mean()),
        None if held is None else float(held.mean()),
        dict(zip(names, alone.tolist(), strict=True)),
        len(known),
        reason,
    )


def softened(found: Calibration, known: Sequence[Known]) -> Calibration:
    """What questions that were made from stored words can tell: which legs are no use, and no more.

    Such questions repeat words, so the leg that looks for words leads by more than it does with
    people. On docstrings of scikit-learn it was heard alone by them, at 0.452, where people's
    summaries found 0.499 by vectors and 0.546 by both evenly. So legs that reach half of the best
    one count alike, and only the others are left out.
    """
    best = max(found.alone.values())
    useful = {name: score >= _USEFUL * best for name, score in found.alone.items()}
    weights = {name: float(one) / sum(useful.values()) for name, one in useful.items()}
    left = ", ".join(name for name, one in useful.items() if not one)
    reason = "made from stored words: legs count alike" + (f", without {left}" if left else "")
    blend = Blend(weights)
    mrr = float(np.mean([_found_at(one, blend) for one in known]))
    return replace(found, blend=blend, mrr=mrr, held_out=None, reason=reason)


def _found_at(one: Known, blend: Blend) -> float:
    """One over the rank of the target."""
    ids = [id for id, _ in fuse(one.legs, blend)]
    return 1 / (1 + ids.index(one.target)) if one.target in ids else 0.0


class _Ways:
    """All blends that are tried, and the reciprocal rank of each question's answer under each.

    Attributes:
        reciprocal: `[P, N]`.
        alone: `[L, N]`, of each leg by itself.
    """

    def __init__(self, names: Sequence[str], known: Sequence[Known]):
        self.names = names
        self.shares = np.array(list(_shares(len(names))))
        tables = [(one.target, *table(one.legs)) for one in known]
        own = np.array([spreads(scores) for _, _, scores in tables])  # [N, L]
        self.usual = np.array([_usual(column) for column in own.T])
        self.reciprocal = np.array(
            [
                np.concatenate(
                    [
                        _reciprocal(
                            ids, measured(scores, one, self.usual), target, self.shares, one
                        )
                        for one in MEASURES
                    ]
                )
                for target, ids, scores in tables
            ]
        ).T
        self.alone = np.array([self.reciprocal[self.only(leg)] for leg in range(len(names))])
        self.evenness = np.tile((self.shares**2).sum(1).round(_PARTS), len(MEASURES))

    def chosen(self, some: slice | NDArray[np.intp], slack: float) -> int:
        """The most even one of those that do best on some of the questions.

        Of few questions the best one, and the least even of several: a draw tells nothing there.
        """
        mrr = self.reciprocal[:, some].mean(1)
        if self.reciprocal.shape[1] < _MANY:
            best = np.flatnonzero(mrr >= mrr.max() - 1e-12)
            return int(best[self.evenness[best].argmax()])
        least = max(float(self.alone[:, some].mean(1).max()), float(mrr.max()) - _EVENED * slack)
        good = np.flatnonzero(mrr >= least)
        return int(min(good, key=lambda place: (self.evenness[place], -mrr[place])))

    def only(self, leg: int) -> int:
        """The one that hears a leg alone."""
        return int(np.flatnonzero(self.shares[:, leg] == 1.0)[0])

    def even(self, measure: Measure) -> int:
        """The most even one under a measure."""
        start = MEASURES.index(measure) * len(self.shares)
        return start + int((self.shares**2).sum(1).argmin())

    def likeliest(self, leg: int) -> int:
        """The best of those that need not be learnt: ranks or scores added evenly, or a leg."""
        few = [self.even("ranks"), self.even("own"), self.only(leg)]
        return max(few, key=lambda place: float(self.reciprocal[place].mean()))

    def blend(self, place: int) -> Blend:
        """The one at a place."""
        measure, row = divmod(place, len(self.shares))
        weights = dict(zip(self.names, self.shares[row].tolist(), strict=True))
        usual = zip(self.names, self.usual.tolist(), strict=True)
        kept = {name: value for name, value in usual if np.isfinite(value)}
        return Blend(weights, MEASURES[measure], kept if MEASURES[measure] == "usual" else {})


def _held_out(ways: _Ways, slack: float) -> tuple[Numbers, Numbers]:
    """Reciprocal ranks of blends, and of the best legs, found with all other folds."""
    count = ways.reciprocal.shape[1]
    fold = np.arange(count) % _FOLDS
    blends, legs = np.empty(count), np.empty(count)
    for one in range(_FOLDS):
        rest, mine = np.flatnonzero(fold != one), fold == one
        blends[mine] = ways.reciprocal[ways.chosen(rest, slack), mine]
        legs[mine] = ways.alone[int(ways.alone[:, rest].mean(1).argmax()), mine]
    return blends, legs


def _no_loss(gain: Numbers, slack: float) -> bool:
    """Whether the mean gain is one, and is not likely to be a loss of more than the slack."""
    errors = 1 if len(gain) >= _MANY else 2
    return gain.mean() >= 0 and gain.mean() - errors * _error(gain) >= -slack


def _leads(alone: Numbers, best: int) -> bool:
    """Whether the best leg is better than each other one, beyond twice the error of that."""
    gains = [alone[best] - other for leg, other in enumerate(alone) if leg != best]
    return all(gain.mean() > 2 * _error(gain) for gain in gains)


def _error(values: Numbers) -> float:
    """Of their mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.inf


def _usual(own: Numbers) -> float:
    """The median spread of those questions that a leg told anything of; `NaN` without any."""
    told = own[own > 0]
    return float(np.median(told)) if len(told) else float("nan")


def _reciprocal(
    ids: Sequence[str], given: Numbers, target: str, ways: Numbers, measure: Measure
) -> Numbers:
    """One over the rank of the target, by each way `[P]`; 0 where it is not found."""
    if target not in ids:
        return np.zeros(len(ways))
    place = ids.index(target)
    total, seen = weighed(ways, given, measure)
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
