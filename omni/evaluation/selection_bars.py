"""What selection by the question was to reach, and whether the answers say that it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from omni.evaluation.curves import FULL
from omni.evaluation.paired import Interval, difference, retained
from omni.evaluation.tasks import CHANGING, MULTI_OBJECT, NAMED

SHARE = 0.11
RETAINED, AHEAD, APART = 0.95, 0.15, 0.02
RANDOM = "random"

Hits = Mapping[tuple[str, str, float], Sequence[bool]]


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that was to be reached.

    Attributes:
        wanted: what, in words.
        ours: the method that is compared.
        theirs: with what.
        reached: the figure, with its interval.
        n: on how many questions.
        met: whether the figure is enough.
        share: whether the figure is a share and not a difference.
    """

    wanted: str
    ours: str
    theirs: str
    reached: Interval
    n: int
    met: bool
    share: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a program reads it; `told` is for people."""
        rounded = {key: round(value, 4) for key, value in asdict(self.reached).items()}
        return {**asdict(self), "reached": rounded, "told": str(self)}

    def __str__(self) -> str:
        verdict = "reached" if self.met else "NOT reached"
        figure = self.reached.as_share() if self.share else str(self.reached)
        return f"{self.wanted}: {verdict}; {self.ours} beside {self.theirs} {figure}"


def bars(hits: Hits, guided: set[str]) -> list[Bar]:
    """All bars that the answers allow to be judged.

    Questions about several things are taken together: those that name one of them, and these with
    those about how two of them lie. Of the methods that listen, and of those that do not, the best
    is compared: that of the highest score, on these questions.

    Args:
        hits: task, method and share → which answers are right.
        guided: the methods that listen to the question.
    """
    pools = {"one named thing of several": NAMED, "several things": MULTI_OBJECT}
    found = [bar for title, tasks in pools.items() for bar in _pooled(title, tasks, hits, guided)]
    return [*found, *_turns(hits, guided)]


def _pooled(title: str, tasks: Sequence[str], hits: Hits, guided: set[str]) -> Iterator[Bar]:
    told: dict[str, list[bool]] = {}
    for name in dict.fromkeys(method for _, method, _ in hits):
        share = 1.0 if name == FULL else SHARE
        if all((task, name, share) in hits for task in tasks):
            told[name] = [hit for task in tasks for hit in hits[task, name, share]]
    ours = _best(told, guided)
    if ours is None or FULL not in told:
        return
    mine, count = told[ours], len(told[ours])
    title = f"{title}, 11 % of the tokens"
    if any(told[FULL]):
        kept = retained(mine, told[FULL])
        wanted = f"{title}: 95 % of the accuracy with all"
        yield Bar(wanted, ours, FULL, kept, count, kept.value >= RETAINED, share=True)
    if RANDOM in told:
        ahead = difference(mine, told[RANDOM])
        wanted = f"{title}: 15 points more than by chance"
        yield Bar(wanted, ours, RANDOM, ahead, count, ahead.value >= AHEAD)
    blind = _best(told, set(told) - guided - {FULL, RANDOM})
    if blind is not None:
        ahead = difference(mine, told[blind])
        wanted = f"{title}: more than the best that does not listen"
        yield Bar(wanted, ours, blind, ahead, count, ahead.low > 0)


def _turns(hits: Hits, guided: set[str]) -> Iterator[Bar]:
    full = hits.get((CHANGING, FULL, 1.0))
    told = {
        method: list(own)
        for (task, method, share), own in hits.items()
        if task == CHANGING and share == SHARE
    }
    ours = _best(told, guided)
    if full is None or ours is None:
        return
    gap = difference(told[ours], full)
    wanted = "several turns, 11 % of the tokens chosen in each: within 2 points of all tokens"
    yield Bar(wanted, ours, FULL, gap, len(full), gap.value >= -APART)


def _best(told: Mapping[str, Sequence[bool]], names: set[str]) -> str | None:
    """Of the named methods, the first of those with the most right answers."""
    known = [name for name in told if name in names]
    return max(known, key=lambda name: sum(told[name]), default=None)
