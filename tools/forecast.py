"""How a series goes on, with how far that may be off, and a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from omni.plugins import Component
from omni.workbench import Arguments, BenchTool, Blocks, made, told

from .charting import Chart

if TYPE_CHECKING:
    from omni.values import Series

COMPONENTS = (
    Component(
        "tool",
        "forecast",
        "Continue a series with quantiles and a plot, by the embedded forecaster.",
    ),
)

_SHOWN = 12
"""Values that are told in words; all of them are in the table that is made."""
_HISTORY = 4
"""Rows of history that are drawn for each one ahead, and at least `_LEAST`."""
_LEAST = 60
_OUTER = (0.1, 0.9)


class _Ahead(Arguments):
    series: str = Field(description="handle of a series or a table of numbers, such as ser-1")
    horizon: int = Field(12, ge=1, le=256, description="how many steps ahead")
    column: str | None = Field(None, description="which column; the first if left out")
    season: int | None = Field(
        None, ge=1, description="values a season, 1 for none; found out if left out"
    )


class ForecastSeries(BenchTool):
    """Makes a table of medians and quantiles, and a picture of it."""

    name: str = "forecast"
    description: str = (
        "Tell how a series of numbers goes on: medians with the range in which 8 of 10 values are "
        "expected, a table of them, and a plot."
    )
    args_schema: Any = _Ahead
    makes = "series"

    def work(
        self,
        series: str,
        horizon: int = 12,
        column: str | None = None,
        season: int | None = None,
    ) -> Blocks:
        from omni.nano.forecasting import forecast

        whole = self.bench.value(series, "series")
        one = only(whole, column)
        found = forecast(one, horizon, season=season)
        low, high = found.quantile(_OUTER[0])[:, 0], found.quantile(_OUTER[1])[:, 0]
        median = found.values[:, 0]
        words = told(
            {
                "forecast of": f"{series}, {one.names[0]}",
                "season": found.seasons[0] if found.seasons[0] > 1 else "none",
                "median": rounded(median[:_SHOWN]),
                "8 of 10 within": [rounded(low[:_SHOWN]), rounded(high[:_SHOWN])],
                "shown": f"{min(horizon, _SHOWN)} of {horizon} steps",
            }
        )
        table = table_of(one, median, low, high, found.times)
        return [
            *made("series", table, name="forecast.csv", words=words),
            *made("image", plot(one, median, low, high, found.times), name="forecast.png"),
        ]


def only(series: Series, column: str | None) -> Series:
    """One column of a series.

    Raises:
        Retry: if it has no column of that name.
    """
    from dataclasses import replace

    from omni.errors import Retry

    if column is None:
        place = 0
    elif column in series.names:
        place = series.names.index(column)
    else:
        known = ", ".join(series.names[:20])
        raise Retry(f"there is no column {column!r}; there are: {known}")
    return replace(series, values=series.values[:, [place]], names=(series.names[place],))


def table_of(
    series: Series, median: np.ndarray, low: np.ndarray, high: np.ndarray, times: Any
) -> Series:
    """The forecast as a series of three columns."""
    from omni.values import Series

    name = series.names[0]
    names = (name, f"{name} 10 %", f"{name} 90 %")
    return Series(np.stack([median, low, high], axis=1), names, times, series.frequency)


def plot(series: Series, median: np.ndarray, low: np.ndarray, high: np.ndarray, times: Any) -> Any:
    """The end of the history, the median, and the range around it."""
    history = series.values[-max(_LEAST, _HISTORY * len(median)) :, 0]
    rows, ahead = len(history), len(median)
    chart = Chart(f"{series.names[0]}: {ahead} steps ahead", labels(series, rows, times),
                  rows + ahead, history, low, high)  # fmt: skip
    last = history[-1:] if np.isfinite(history[-1]) else median[:1]
    chart.band(rows - 1, np.concatenate([last, low]), np.concatenate([last, high]))
    chart.line(0, history)
    chart.line(rows - 1, np.concatenate([last, median]), ahead=True)
    return chart.image


def labels(series: Series, rows: int, times: Any) -> tuple[str, str]:
    """What stands under the first and the last row that are drawn."""
    if series.times is None or times is None or not len(times):
        count = len(series.values)
        return f"row {count - rows}", ""
    return str(series.times[-rows])[:16], str(times[-1])[:16]


def rounded(values: np.ndarray) -> list[float]:
    """Five digits."""
    return [float(f"{value:.5g}") for value in values]


plugin = ForecastSeries
