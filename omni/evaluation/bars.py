"""What the embedded model was to reach, and whether the figures say that it did."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from omni.evaluation.heatmap import INPUTS, OUTPUTS
from omni.evaluation.nano import HELD_OUT, NEW
from omni.evaluation.rows import Row, percent

SERIES_TO_BEAT = 5
"""Real series, of seven, on which forecasts are to beat the seasonal naive ones."""

RIVAL_SHARE = 1.15
"""Of the median scaled error of AutoETS on these series, what that of our forecasts is at most."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that was to be reached.

    Attributes:
        wanted: what, in words.
        reached: what was, in words.
        met: whether that is enough; `None` if it was not measured.
    """

    wanted: str
    reached: str
    met: bool | None


def bars(rows: Sequence[Row], times: Sequence[Row] = ()) -> list[Bar]:
    """All bars, from the rows of `omni eval nano` and of `omni bench nano`."""
    every = (_cells, _held_out, _several, _outside, _router, _search, _wordings, _forecasts)
    found = [bar for each in every for bar in each(rows)]
    return [*found, *_speed(times)]


def _scores(rows: Sequence[Row], split: str) -> dict[tuple[str, str], float]:
    return {(row["input"], row["output"]): row["score"] for row in rows if row["split"] == split}


def _matrix(rows: Sequence[Row], split: str) -> dict[tuple[str, str], float]:
    found = _scores(rows, split)
    cells = [(given, output) for given in INPUTS for output in OUTPUTS]
    return {cell: found[cell] for cell in cells if cell in found}


def _cells(rows: Sequence[Row]) -> Iterator[Bar]:
    found = _matrix(rows, NEW)
    whole = len(found) == len(INPUTS) * len(OUTPUTS)
    low = {cell: score for cell, score in found.items() if score < 0.9}
    told = f"{len(found) - len(low)} of {len(found)}{_listed(low, ': below are ')}"
    yield Bar("all 18 cells at 90 % or more", told, whole and not low if found else None)
    high = sum(score >= 0.95 for score in found.values())
    yield Bar("12 cells at 95 % or more", str(high), high >= 12 if found else None)


def _held_out(rows: Sequence[Row]) -> Iterator[Bar]:
    known, held = _matrix(rows, NEW), _matrix(rows, HELD_OUT)
    # 84 of 100 are 5 points from 89, which binary fractions do not know.
    gaps = {cell: round(score - known[cell], 6) for cell, score in held.items() if cell in known}
    far = {cell: gap for cell, gap in gaps.items() if gap < -0.05}
    told = f"{len(gaps) - len(far)} of {len(gaps)} cells"
    if far:
        told += f": further are {_apart(far)}"
    wanted = "held-out combinations within 5 points of the others"
    yield Bar(wanted, told, not far if gaps else None)


def _several(rows: Sequence[Row]) -> Iterator[Bar]:
    found = {cell: score for cell, score in _scores(rows, NEW).items() if cell[0] == "two inputs"}
    yield _least("two inputs at 85 % or more", found, 0.85)
    yield _least("several turns at 85 % or more", _scores(rows, "multi-turn"), 0.85)


def _outside(rows: Sequence[Row]) -> Iterator[Bar]:
    found = _scores(rows, "outside the world")
    wanted = "what is outside the world is not claimed to be known in 90 % of cases or more"
    yield _least(wanted, found, 0.9)


def _router(rows: Sequence[Row]) -> Iterator[Bar]:
    splits = ("router", "router, uniform mixing", "router, shuffled experts")
    scores = [next(iter(_scores(rows, split).values()), None) for split in splits]
    told, met = "", None
    if None not in scores:
        own, uniform, shuffled = (score or 0.0 for score in scores)
        told = f"{percent(own)}; {percent(uniform)} mixed evenly; {percent(shuffled)} shuffled"
        met = own > max(uniform, shuffled)
    yield Bar("the router's choices are worth something", told, met)
    load = next((row["score"] for row in rows if row["split"] == "router, load"), None)
    told = "" if load is None else f"{percent(load)} at the least"
    yield Bar("no expert below 2 % of the load", told, None if load is None else load >= 0.02)


def _search(rows: Sequence[Row]) -> Iterator[Bar]:
    for split, wanted, bar in (
        ("search, new seeds", "recall at 1 of 200 at 90 % or more", 0.9),
        ("search, held-out pairs", "the same of held-out combinations", 0.9),
        ("search, people's words", "the same with words that people wrote at 75 % or more", 0.75),
    ):
        found = {
            cell: score
            for cell, score in _scores(rows, split).items()
            if cell[0] == "text"  # found by words, not named
        }
        yield _least(wanted, found, bar)


def _wordings(rows: Sequence[Row]) -> Iterator[Bar]:
    unseen = _scores(rows, "unseen wordings")
    known = _scores(rows, "the same in templates")
    gaps = {cell: round(unseen[cell] - known[cell], 6) for cell in unseen if cell in known}
    wanted = "questions in unseen wordings within 10 points of templated ones"
    if not gaps:
        yield Bar(wanted, "", None)
        return
    gap = statistics.mean(gaps.values())
    far = {cell: own for cell, own in gaps.items() if own < -0.1}
    told = f"{100 * gap:+.1f} points in the mean"
    if far:
        told += f"; further are {_apart(far)}"
    yield Bar(wanted, told, gap >= -0.1)


def _forecasts(rows: Sequence[Row]) -> Iterator[Bar]:
    measured = [row for row in rows if row["output"] == "forecast" and row["score"] is not None]
    better = sum(row["score"] < 1 for row in measured)
    told = f"{better} of {len(measured)}" if measured else ""
    wanted = f"forecasts beat the seasonal naive ones on {SERIES_TO_BEAT} of 7 real series"
    yield Bar(wanted, told, better >= SERIES_TO_BEAT if measured else None)
    both = [(row["mase"], row["autoets"]) for row in measured if row.get("autoets") is not None]
    told, met = "", None
    if both:
        own, rival = (statistics.median(errors) for errors in zip(*both, strict=True))
        told = f"{own:.3f} beside {rival:.3f}: {100 * (own / rival - 1):+.1f} %"
        met = own <= RIVAL_SHARE * rival
    yield Bar("the median error of forecasts within 15 % of AutoETS's", told, met)


def _speed(times: Sequence[Row]) -> Iterator[Bar]:
    for row in times:
        if "limit_seconds" in row:
            limit, took = row["limit_seconds"], row["seconds"]
            yield Bar(f"{row['case']} within {limit:.2g} s", f"{took:.2f} s", took <= limit)
    rates = [row["tokens_per_second"] for row in times if row["case"].startswith("answer")]
    if rates:
        yield Bar("60 tokens a second", f"{min(rates):.0f}", min(rates) >= 60)
        ratio = min(row["ratio"] for row in times if row.get("tokens", 2) > 1)
        yield Bar("no slower than plain transformers", f"{ratio:.2f} times as fast", ratio >= 1)


def _least(wanted: str, found: Mapping[tuple[str, str], float], bar: float) -> Bar:
    low = {cell: score for cell, score in found.items() if score < bar}
    if not found:
        return Bar(wanted, "", None)
    told = f"{percent(min(found.values()))} at the least{_listed(low, '; below are ')}"
    return Bar(wanted, told, not low)


def _listed(low: Mapping[tuple[str, str], float], before: str) -> str:
    told = ", ".join(f"{_named(cell)} ({percent(score)})" for cell, score in low.items())
    return before + told if low else ""


def _apart(gaps: Mapping[tuple[str, str], float]) -> str:
    return ", ".join(f"{_named(cell)} ({100 * gap:+.1f})" for cell, gap in gaps.items())


def _named(cell: tuple[str, str]) -> str:
    return " → ".join(cell)
