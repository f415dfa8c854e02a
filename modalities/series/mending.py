"""Put rows in order of time, join duplicates, find the frequency, and fill in missing rows."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .table import MAX_CELLS

if TYPE_CHECKING:
    import pandas as pd

_WINDOWS = 25
_WINDOW_ROWS = (12, 4)
"""Runs of rows in which a frequency is looked for where the whole has gaps."""
_MOST_GRID = 4
"""A grid of more than so many times the rows is no frequency that the rows follow."""


@dataclass(frozen=True, slots=True)
class Mended:
    """Rows in strictly ascending time; see `omni.values.Series` for the fields."""

    values: np.ndarray
    times: np.ndarray
    frequency: str | None
    notes: tuple[str, ...]


def mend(values: np.ndarray, times: np.ndarray) -> Mended:
    """Order rows `values [rows, columns]` by `times [rows]`; every change leaves a note."""
    notes: list[str] = []
    known = ~np.isnat(times)
    if not known.all():
        notes.append(f"{np.count_nonzero(~known):,} rows without a readable time left out")
        values, times = values[known], times[known]
    values, times = _sorted(values, times, notes)
    values, times = _joined(values, times, notes)
    frequency, grid = _frequency(times, values.shape[1])
    if grid is not None and len(grid) > len(times):
        notes.append(f"{len(grid) - len(times):,} missing rows filled in as gaps")
        whole = np.full((len(grid), values.shape[1]), np.nan)
        whole[np.searchsorted(grid, times)] = values
        values, times = whole, grid
    if frequency is None and len(times) > 2:
        notes.append(_irregular(times))
    return Mended(values, times, frequency, tuple(notes))


def _sorted(
    values: np.ndarray, times: np.ndarray, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    steps = np.diff(times.astype("int64"))
    if (steps >= 0).all():
        return values, times
    newest_first = (steps <= 0).all()
    notes.append("rows stood newest first" if newest_first else "rows were not in order of time")
    order = np.argsort(times, kind="stable")
    return values[order], times[order]


def _joined(
    values: np.ndarray, times: np.ndarray, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """One row for each time: the mean of those that share it."""
    fresh = np.ones(len(times), dtype=bool)
    fresh[1:] = times[1:] != times[:-1]
    if fresh.all():
        return values, times
    notes.append(f"{np.count_nonzero(~fresh):,} rows that repeat a time are averaged")
    starts = np.flatnonzero(fresh)
    measured = np.isfinite(values)
    totals = np.add.reduceat(np.where(measured, values, 0.0), starts, axis=0)
    counts = np.add.reduceat(measured.astype(np.int64), starts, axis=0)
    means = np.divide(totals, counts, out=np.full_like(totals, np.nan), where=counts > 0)
    return means, times[starts]


def _frequency(times: np.ndarray, columns: int) -> tuple[str | None, np.ndarray | None]:
    """The pandas alias of the steps, and all times that it gives where rows are missing."""
    import pandas as pd

    index = pd.DatetimeIndex(times)
    if len(index) < 3:
        return None, None
    if found := _alias(index):
        return found, None
    smallest = int(np.diff(times.astype("int64")).min())
    span = int((times[-1] - times[0]).astype("int64"))
    longest = min(_MOST_GRID * len(times), MAX_CELLS // max(1, columns))
    if span // smallest > 2 * longest:
        return None, None
    for candidate in _candidates(index, smallest):
        grid = pd.date_range(index[0], index[-1], freq=candidate)
        if len(grid) <= longest and index.isin(grid).all():
            return _alias(grid) or candidate, grid.to_numpy("datetime64[ns]")
    return None, None


def _candidates(index: pd.DatetimeIndex, smallest: int) -> list[str]:
    """Frequencies of short runs, the most frequent first; last, the smallest step itself."""
    found: Counter[str] = Counter()
    for rows in _WINDOW_ROWS:
        starts = np.unique(np.linspace(0, max(0, len(index) - rows), _WINDOWS).astype(int))
        for start in starts:
            window = index[start : start + rows]
            if len(window) >= 3 and (alias := _alias(window)):
                found[alias] += 1
    return [*(alias for alias, _ in found.most_common(4)), f"{smallest}ns"]


def _alias(index: pd.DatetimeIndex) -> str | None:
    """The pandas alias of evenly spaced times."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3 announces that it will return an object
        found: Any = pd.infer_freq(index)
    return getattr(found, "freqstr", found)


def _irregular(times: np.ndarray) -> str:
    steps = np.diff(times).astype("timedelta64[ns]").astype(np.float64) / 1e9
    low, middle, high = (_plainly(step) for step in (steps.min(), np.median(steps), steps.max()))
    return f"irregular sampling: steps from {low} to {high}, median {middle}"


def _plainly(seconds: float) -> str:
    """A duration in its largest fitting unit."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
