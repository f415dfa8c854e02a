"""Forecasts of series that the model has never seen, with how far they may be off.

found = forecast(series, 24)
found.values        # the median, [24, columns]
found.quantile(0.9)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from omni.errors import StoreError, UsageError
from omni.modality import modality
from omni.values import Series

WEIGHTS = Path(__file__).parent / "weights" / "forecaster.safetensors"

NATURAL_SEASONS = {"h": 24, "D": 7, "B": 5, "W": 52, "MS": 12, "ME": 12, "QS": 4, "QE": 4}
"""Values a season by the first part of a pandas offset alias; other series are looked at."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What comes next of each column.

    Attributes:
        levels: of the quantiles, ascending, such as 0.1 … 0.9.
        quantiles: float64 `[levels, horizon, columns]`, ascending along the levels.
        names: of the columns.
        seasons: values a season that each column was taken to have; 1 is none.
        times: datetime64[ns] `[horizon]`, where the series has times.
        frequency: of the series.
    """

    levels: tuple[float, ...]
    quantiles: np.ndarray
    names: tuple[str, ...]
    seasons: tuple[int, ...]
    times: np.ndarray | None = None
    frequency: str | None = None

    @property
    def values(self) -> np.ndarray:
        """The median `[horizon, columns]`."""
        return self.quantile(0.5)

    @property
    def series(self) -> Series:
        """The median as a series."""
        notes = ("the median of a forecast",)
        return Series(self.values, self.names, self.times, self.frequency, notes)

    def quantile(self, level: float) -> np.ndarray:
        """The quantile `[horizon, columns]` of a level.

        Raises:
            UsageError: if it is none of `levels`.
        """
        if level not in self.levels:
            raise UsageError(f"no quantile of level {level}: there are {self.levels}")
        return self.quantiles[self.levels.index(level)]


def forecast(series: Series, horizon: int, *, season: int | None = None) -> Forecast:
    """Continue every column of a series.

    Args:
        series: gaps are bridged by straight lines.
        horizon: how many values ahead.
        season: values a season, 1 for none. By default it follows from the frequency, if the series
            is long enough to show it twice, or else from the values of each column.

    Raises:
        UsageError: if a column is too short or has no values, or the horizon or the season is out
            of range, or the times would leave the range of 64 bits.
        StoreError: if this installation has no weights.
    """
    forecaster = load()
    columns = []
    for name, column in zip(series.names, series.values.T, strict=True):
        try:
            columns.append(forecaster.bridged(column))
        except UsageError as error:
            raise UsageError(f"the column {name!r} has no forecast: {error}") from None
    if not columns:
        raise UsageError("the series has no columns: give one with at least one measured column")
    if season is None:
        seasons = tuple(_season(forecaster, column, series) for column in columns)
    else:
        seasons = (season,) * len(columns)
    found = forecaster.predict(columns, seasons, horizon)
    return Forecast(
        levels=forecaster.levels,
        quantiles=found.transpose(1, 2, 0),
        names=series.names,
        seasons=seasons,
        times=times_after(series, horizon),
        frequency=series.frequency,
    )


def _season(forecaster: Any, column: np.ndarray, series: Series) -> int:
    alias = re.match(r"[A-Za-z]+", series.frequency or "")
    natural = NATURAL_SEASONS.get(alias.group(), 1) if alias else 1
    if natural > 1 and len(column) >= 2 * natural:
        return natural
    return forecaster.season_of(column)


def times_after(series: Series, horizon: int) -> np.ndarray | None:
    """The next times of a series `[horizon]`, by its frequency or else its median step.

    Raises:
        UsageError: if the frequency is unknown to pandas, or they leave the range of 64 bits.
    """
    import pandas as pd

    if series.times is None or not len(series.times):
        return None
    last = pd.Timestamp(series.times[-1])
    try:
        if series.frequency:
            offset = pd.tseries.frequencies.to_offset(series.frequency)
            after = pd.date_range(last, periods=horizon + 1, freq=offset, unit="ns")
            after = after[after > last][:horizon]
            if len(after) < horizon:  # the last time was on no step, and is not among them
                after = pd.date_range(after[0], periods=horizon, freq=offset, unit="ns")
            return after.to_numpy("datetime64[ns]")
        steps = np.diff(series.times.astype("datetime64[ns]").astype(np.int64))
        step = int(np.median(steps)) if len(steps) else 0
        final = int(last.as_unit("ns").value) + step * horizon
        if final > np.iinfo(np.int64).max:
            raise OverflowError(final)
        return last.to_datetime64().astype("datetime64[ns]") + step * np.arange(
            1, horizon + 1
        ).astype("timedelta64[ns]")
    except (OverflowError, pd.errors.OutOfBoundsDatetime):
        raise UsageError(
            f"{horizon} steps after {last.date()} lie beyond the year 2262: ask for fewer"
        ) from None
    except ValueError:
        raise UsageError(
            f"unknown frequency {series.frequency!r}: use a pandas offset alias such as 'MS'"
        ) from None


@lru_cache(maxsize=2)
def load(path: Path = WEIGHTS) -> Any:
    """The trained forecaster of the series modality, a torch module, in float32.

    Raises:
        StoreError: if there are no weights, or they do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.exists():
        raise StoreError(
            "this installation has no forecaster: train it with  "
            "python -m omni.nano.train --stage forecast --minutes 6  and package it"
        )
    forecaster = modality("series").forecaster()
    assert forecaster is not None
    try:
        weights = {name: value.float() for name, value in load_file(path).items()}
        forecaster.load_state_dict(weights)
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise StoreError(
            f"the forecaster at {path.name} cannot be loaded: {reason}; package it again"
        ) from None
    return forecaster.eval().requires_grad_(False)
