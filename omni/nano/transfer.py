"""How well forecasting, learned from synthetic processes alone, transfers to real series.

Seven series that ship with statsmodels, chosen by length and a natural season before any figure was
known: carbon dioxide on Mauna Loa, sunspots, the Nile, the product of the United States, El Niño,
the turnover of electrical equipment, and German prices. Errors are scaled (MASE, Hyndman & Koehler
2006) and set beside the seasonal naive forecast's and AutoETS's (statsforecast).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from omni.errors import MissingExtra
from omni.evaluation.rows import Cell, Row
from omni.extras import need
from omni.nano.forecasting import forecast
from omni.values import Series

WINDOWS = 3
LEAST_AHEAD = 12

Method = Callable[[np.ndarray, int, int], np.ndarray]
"""A history `[time]`, values a season and a horizon → the forecast `[horizon]`."""


@dataclass(frozen=True, slots=True)
class Real:
    """A real series of `statsmodels.datasets`.

    Attributes:
        name: for people.
        dataset: the module.
        season: values a season; 1 is none.
        read: from the dataset's table.
    """

    name: str
    dataset: str
    season: int
    read: Callable[[Any], Any]

    @property
    def horizon(self) -> int:
        """Two seasons, but no fewer than `LEAST_AHEAD` values."""
        return max(LEAST_AHEAD, 2 * self.season)

    def values(self) -> np.ndarray:
        """The measured values `[time]`; NaN where there is none.

        Raises:
            MissingExtra: if statsmodels is not installed.
        """
        module = need(f"statsmodels.datasets.{self.dataset}", extra="dev")
        return np.asarray(self.read(module.load_pandas().data), dtype=np.float64)


REAL = (
    Real("carbon dioxide", "co2", 12, lambda table: table["co2"].resample("MS").mean()),
    Real("sunspots", "sunspots", 11, lambda table: table["SUNACTIVITY"]),
    Real("Nile", "nile", 1, lambda table: table["volume"]),
    Real("product", "macrodata", 4, lambda table: np.log(table["realgdp"])),
    Real("El Niño", "elnino", 12, lambda table: table.drop(columns="YEAR").to_numpy().ravel()),
    Real("electrical equipment", "elec_equip", 12, lambda table: table.iloc[:, 0]),
    Real("German prices", "interest_inflation", 4, lambda table: table["Dp"]),
)


def forecast_rows() -> Iterator[Row]:
    """A row for each real series; its score is the error as a part of the seasonal naive one's.

    `mase`, `naive` and `autoets` are the scaled errors themselves, in the mean of the windows.
    What needs a package that is not installed is `None`, and `missing` says what to do.
    """
    for real in REAL:
        cell = Cell("series", "forecast", real.name, "MASE").row(())
        told = {"season": real.season, "horizon": real.horizon, "windows": WINDOWS}
        try:
            values = real.values()
        except MissingExtra as error:
            yield {**cell, "score": None, **told, "missing": str(error)}
            continue
        errors = compare(values, real.season, real.horizon, {"mase": ours, "naive": naive})
        row = {**cell, "n": WINDOWS * real.horizon, **told, **errors}
        row["score"] = round(errors["mase"] / errors["naive"], 4)
        try:
            row |= compare(values, real.season, real.horizon, {"autoets": autoets})
        except MissingExtra as error:
            row |= {"autoets": None, "missing": str(error)}
        yield row


def compare(
    values: np.ndarray,
    season: int,
    horizon: int,
    methods: Mapping[str, Method],
    windows: int = WINDOWS,
) -> dict[str, float]:
    """Mean absolute scaled error of each method over the last windows, which do not overlap.

    A window's errors are divided by the mean absolute seasonal difference of what lies before it.
    Values that are missing are not forecast, and bridged by straight lines for every method.
    """
    known = np.isfinite(values)
    time = np.arange(len(values))
    whole = np.interp(time, time[known], values[known])
    found = {name: 0.0 for name in methods}
    for window in range(windows, 0, -1):
        begin = len(values) - window * horizon
        history, there = whole[:begin], known[begin : begin + horizon]
        scale = np.abs(history[season:] - history[:-season]).mean()
        for name, method in methods.items():
            error = np.abs(method(history, season, horizon) - whole[begin : begin + horizon])
            found[name] += error[there].mean() / scale / windows
    return {name: round(float(error), 4) for name, error in found.items()}


def ours(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The median of the embedded forecaster."""
    return forecast(Series(history[:, None], ("value",)), horizon, season=season).values[:, 0]


def naive(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last season again and again."""
    return history[-season:][np.arange(horizon) % season]


def autoets(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Exponential smoothing whose kind and constants are chosen for the series.

    Raises:
        MissingExtra: if statsforecast is not installed.
    """
    models = need("statsforecast.models", extra="dev")
    return models.AutoETS(season_length=season).forecast(y=history, h=horizon)["mean"]
