"""What is in a series: level, trend, season, what sticks out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool, Blocks, made, told

from .charting import Chart
from .forecast import only, rounded

if TYPE_CHECKING:
    from omni.values import Series

COMPONENTS = (
    Component(
        "tool", "analyse_series", "Summary, trend, season and outliers of a series, plotted."
    ),
)

_FEWEST = 8
_MOST_TOLD = 10
_FAR = 4.0
"""Robust deviations from trend and season from which on a value sticks out."""
_CONSISTENT = 1.4826
"""Median absolute deviation of a normal distribution, times this, is its standard deviation."""


class _Asked(Arguments):
    series: str = Field(description="handle of a series or a table of numbers, such as ser-1")
    column: str | None = Field(None, description="which column; the first if left out")


class AnalyseSeries(BenchTool):
    """Tells measured facts and rings what sticks out."""

    name: str = "analyse_series"
    description: str = (
        "Summarise a series of numbers: lowest, mean, highest, trend, season, gaps, outliers with "
        "their rows, and a plot in which they are ringed."
    )
    args_schema: Any = _Asked
    makes = "image"

    def work(self, series: str, column: str | None = None) -> Blocks:
        one = only(self.bench.value(series, "series"), column)
        values = one.values[:, 0]
        known = np.isfinite(values)
        if known.sum() < _FEWEST:
            raise Retry(f"{series} has {known.sum()} values; an analysis needs {_FEWEST} or more")
        bridged = np.interp(np.arange(len(values)), np.flatnonzero(known), values[known])
        season = season_of(bridged)
        slope, expected = fitted(bridged, season)
        strange = outliers(bridged, expected, known)
        facts = {
            "column": one.names[0],
            "rows": len(values),
            "gaps": int((~known).sum()),
            "lowest": spot(one, int(np.nanargmin(values))),
            "highest": spot(one, int(np.nanargmax(values))),
            **dict(zip(("mean", "deviation"), rounded(_moments(values[known])), strict=True)),
            "trend per row": rounded(np.array([slope]))[0],
            "trend": trend(bridged, slope, expected),
            "season": f"every {season} rows" if season > 1 else "none found",
            "outliers": [spot(one, row) for row in strange[:_MOST_TOLD]],
        }
        if len(strange) > _MOST_TOLD:
            facts["more outliers"] = len(strange) - _MOST_TOLD
        return made("image", plot(one, strange), name="series.png", words=told(facts))


def season_of(values: np.ndarray) -> int:
    """Values a season, 1 if there is none; `[time]` without gaps."""
    from omni.nano.forecasting import load

    return load().season_of(values)


def fitted(values: np.ndarray, season: int) -> tuple[float, np.ndarray]:
    """The slope per row, and line plus season `[time]`: slope by Theil and Sen, season by medians.

    Both are medians, so that outliers do not bend what they are compared with.
    """
    rows = np.arange(len(values))
    step = max(1, season)
    # Differences over whole seasons: the season does not enter into them.
    apart = max(step, len(values) // 2 // step * step)
    slope = float(np.median((values[apart:] - values[:-apart]) / apart)) if apart < len(rows) else 0
    flat = values - slope * rows
    if season > 1:
        level = np.array([np.median(flat[phase::season]) for phase in range(season)])
        return slope, slope * rows + level[rows % season]
    return slope, slope * rows + np.median(flat)


def outliers(values: np.ndarray, expected: np.ndarray, known: np.ndarray) -> list[int]:
    """Rows that lie far from what is expected, the farthest first."""
    rest = values - expected
    rest = rest - np.median(rest[known])
    scale = _CONSISTENT * float(np.median(np.abs(rest[known])))
    scale = scale or float(np.abs(rest[known]).mean())
    if scale == 0:
        return []
    far = np.abs(rest) / scale
    rows = np.flatnonzero(known & (far > _FAR))
    return [int(row) for row in rows[np.argsort(-far[rows], kind="stable")]]


def trend(values: np.ndarray, slope: float, expected: np.ndarray) -> str:
    """`rising`, `falling` or `flat`: a trend has to exceed what the rest of the values do."""
    rise = slope * (len(values) - 1)
    noise = _CONSISTENT * float(np.median(np.abs(values - expected)))
    if abs(rise) <= max(2 * noise, 1e-9 * float(np.abs(values).max())):
        return "flat"
    return "rising" if rise > 0 else "falling"


def spot(series: Series, row: int) -> str:
    """A value with its row, and its time where there is one."""
    at = f" at {str(series.times[row])[:19]}" if series.times is not None else ""
    return f"{float(series.values[row, 0]):.5g} in row {row}{at}"


def plot(series: Series, strange: list[int]) -> Any:
    """The values, with what sticks out ringed."""
    values = series.values[:, 0]
    ends = ("row 0", f"row {len(values) - 1}")
    if series.times is not None and len(series.times):
        ends = str(series.times[0])[:16], str(series.times[-1])[:16]
    chart = Chart(series.names[0], ends, len(values), values)
    chart.line(0, values)
    chart.mark(strange, values)
    return chart.image


def _moments(values: np.ndarray) -> np.ndarray:
    return np.array([values.mean(), values.std()])


plugin = AnalyseSeries
