"""Forecasts of series: columns, times, errors; the stage, the package, and real series."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from omni import extras
from omni.errors import MissingExtra, StoreError, UsageError
from omni.nano import forecasting, package, transfer
from omni.nano.forecasting import forecast, times_after
from omni.nano.stages import forecast as stage
from omni.values import Series


def monthly(rows=60, columns=2, frequency: str | None = "MS"):
    rng = np.random.default_rng(0)
    step = np.arange(rows)[:, None]
    values = (
        10
        + 3 * np.sin(2 * np.pi * step / 12 + np.arange(columns))
        + rng.normal(0, 0.2, (rows, columns))
    )
    times = pd.date_range("2019-01-01", periods=rows, freq="MS").to_numpy("datetime64[ns]")
    names = tuple(f"column {number}" for number in range(columns))
    return Series(values, names, times, frequency)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder with a forecaster that was trained for two steps."""
    out = tmp_path_factory.mktemp("run")
    stage.run(out, minutes=0.2, steps=2)
    return out


def test_every_column_goes_on_with_its_times_and_quantiles():
    series = monthly()
    found = forecast(series, 12)
    assert found.seasons == (12, 12) and found.names == series.names and found.frequency == "MS"
    assert found.quantiles.shape == (len(found.levels), 12, 2)
    assert found.levels[0] == 0.1 and found.levels[-1] == 0.9
    assert (np.diff(found.quantiles, axis=0) >= 0).all()
    assert np.array_equal(found.values, found.quantile(0.5))
    wanted = pd.date_range("2024-01-01", periods=12, freq="MS").to_numpy("datetime64[ns]")
    assert found.times is not None and np.array_equal(found.times, wanted)
    alone = forecast(Series(series.values[:, 1:], ("alone",)), 12)
    assert alone.seasons == (12,) and alone.times is None  # which the values show as well
    assert np.allclose(alone.values[:, 0], found.values[:, 1])


def test_the_shipped_forecaster_knows_a_clear_season():
    series = monthly(72)
    before = Series(series.values[:60], series.names)
    found = forecast(before, 12)
    naive = np.abs(series.values[48:60] - series.values[60:]).mean()
    assert np.abs(found.values - series.values[60:]).mean() < naive
    assert (
        (found.quantile(0.1) < series.values[60:]) & (series.values[60:] < found.quantile(0.9))
    ).mean() > 0.5


def test_the_median_is_a_series_again():
    found = forecast(monthly(columns=1), 5)
    series = found.series
    assert series.values.shape == (5, 1) and series.frequency == "MS"
    assert series.notes == ("the median of a forecast",)
    assert np.array_equal(forecast(monthly(columns=1), 5).values, series.values)


def test_the_season_can_be_told():
    assert forecast(monthly(), 4, season=1).seasons == (1, 1)
    short = monthly(20)
    assert forecast(short, 4).seasons != (12, 12)  # it has not been seen twice


@pytest.mark.parametrize(
    ("frequency", "last", "wanted"),
    [
        ("D", "2024-02-28", ["2024-02-29", "2024-03-01"]),
        ("ME", "2024-01-31", ["2024-02-29", "2024-03-31"]),
        ("QS", "2023-10-01", ["2024-01-01", "2024-04-01"]),
        ("QS-OCT", "2023-10-01", ["2024-01-01", "2024-04-01"]),
        ("B", "2024-03-01", ["2024-03-04", "2024-03-05"]),
        ("15min", "2024-03-01T23:45", ["2024-03-02T00:00", "2024-03-02T00:15"]),
        ("YS", "2023-01-01", ["2024-01-01", "2025-01-01"]),
        ("MS", "2024-01-15", ["2024-02-01", "2024-03-01"]),
        (None, "2024-01-04", ["2024-01-06", "2024-01-08"]),
    ],
)
def test_times_go_on_by_the_frequency_or_the_median_step(frequency, last, wanted):
    end = np.datetime64(last, "ns")
    times = end - np.array([7, 4, 2, 0]) * np.timedelta64(1, "D")
    found = times_after(Series(np.zeros((4, 1)), ("a",), times, frequency), 2)
    assert found is not None and found.dtype == np.dtype("datetime64[ns]")
    assert found.tolist() == np.array(wanted, "datetime64[ns]").tolist()


@pytest.mark.parametrize("frequency", ["YS", None])
def test_times_beyond_64_bits_are_refused(frequency):
    times = np.array(["2100-01-01", "2200-01-01", "2260-01-01"], "datetime64[ns]")
    with pytest.raises(UsageError, match="90 steps after 2260-01-01 lie beyond the year 2262"):
        times_after(Series(np.zeros((3, 1)), ("a",), times, frequency), 90)


def test_an_unknown_frequency_is_refused():
    with pytest.raises(UsageError, match="unknown frequency 'whenever': use a pandas offset alias"):
        times_after(monthly(frequency="whenever"), 3)


@pytest.mark.parametrize(
    ("values", "horizon", "message"),
    [
        (np.ones((5, 1)), 4, "the column 'a' has no forecast: .*at least 8 measured values, not 5"),
        (np.full((50, 1), np.nan), 4, "at least 8 measured values, not 0"),
        (np.full((50, 1), np.inf), 4, "at least 8 measured values, not 0"),
        (np.ones((1, 1)), 4, "at least 8 measured values, not 1"),
        (np.ones((50, 1)), 0, "the horizon is 1 to 96 steps, not 0"),
        (np.ones((50, 1)), -1, "the horizon is 1 to 96 steps, not -1"),
        (np.ones((50, 1)), 1000, "the horizon is 1 to 96 steps, not 1000"),
        (np.ones((50, 0)), 4, "the series has no columns"),
    ],
)
def test_what_has_no_forecast_is_refused(values, horizon, message):
    with pytest.raises(UsageError, match=message):
        forecast(Series(values, ("a",) * values.shape[1]), horizon)


def test_a_level_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"no quantile of level 0.99: there are \(0.1, "):
        forecast(monthly(), 3).quantile(0.99)


def test_missing_or_damaged_weights_say_what_to_do(tmp_path):
    with pytest.raises(StoreError, match=r"no forecaster: train it with .*--stage forecast"):
        forecasting.load(tmp_path / "none")
    save_file({"other": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(StoreError, match=r"cannot be loaded: .*; package it again"):
        forecasting.load(tmp_path / "other.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"none")
    with pytest.raises(StoreError, match="cannot be loaded"):
        forecasting.load(tmp_path / "bad.safetensors")


def test_the_stage_leaves_weights_and_figures(run):
    figures = json.loads((run / "forecast.figures.json").read_text())
    assert figures["steps"] == 2 and figures["parameters"] < 1_500_000
    assert 0.3 < figures["relative"] < 1.2 and 0 < figures["covered"] < 1
    loaded: Any = stage.load(run)
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


def test_batches_are_seeded_and_within_the_limits():
    for number in range(12):
        history, season, truth = stage.batch(np.random.default_rng(number), rows=3)
        again, _, _ = stage.batch(np.random.default_rng(number), rows=3)
        assert np.array_equal(history, again) and 1 <= season <= 60
        assert stage.SHORTEST <= history.shape[1] <= stage.LONGEST
        assert stage.LEAST_AHEAD <= truth.shape[1] <= stage.MOST_AHEAD
        assert len(history) == len(truth) == 3


def test_the_package_carries_the_forecaster_of_the_run_in_half_precision(run, tmp_path):
    size = package.package_forecaster(run, tmp_path)
    packaged = tmp_path / package.FORECASTER
    assert size == packaged.stat().st_size < package.FORECASTER_LIMIT_BYTES
    halves, whole = load_file(packaged), load_file(run / "forecast.safetensors")
    assert halves.keys() == whole.keys()
    assert all(value.dtype == torch.float16 for value in halves.values())
    assert all(torch.allclose(halves[n].float(), whole[n], atol=2e-3) for n in whole)
    loaded = forecasting.load(packaged)
    assert next(loaded.parameters()).dtype == torch.float32


def test_a_run_without_a_forecaster_packages_none(tmp_path):
    assert package.package_forecaster(tmp_path, tmp_path) == 0
    assert not list(tmp_path.iterdir())


def test_a_forecaster_that_is_too_large_is_not_packaged(run, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "FORECASTER_LIMIT_BYTES", 1000)
    with pytest.raises(SystemExit, match="the package carries at most 1,000"):
        package.package_forecaster(run, tmp_path)


def test_scaled_errors_are_what_a_loop_says():
    rng = np.random.default_rng(0)
    values = rng.normal(size=40).cumsum()
    wanted = 0.0
    for begin in (28, 34):
        scale = np.mean([abs(values[t] - values[t - 4]) for t in range(4, begin)])
        error = np.mean(
            [abs(values[begin - 4 + ahead % 4] - values[begin + ahead]) for ahead in range(6)]
        )
        wanted += error / scale / 2
    found = transfer.compare(values, 4, 6, {"naive": transfer.naive}, windows=2)
    assert found["naive"] == pytest.approx(wanted, abs=1e-4)


def test_what_is_missing_is_not_scored():
    values = np.arange(40.0)
    values[[3, 35]] = np.nan
    found = transfer.compare(values, 1, 6, {"naive": transfer.naive}, windows=1)
    assert found["naive"] == pytest.approx(np.mean([1, 3, 4, 5, 6]))  # not the second step


def test_real_series_have_rows_even_without_the_packages(monkeypatch):
    def absent(module, *, extra):
        raise MissingExtra(f'run  pip install "omni-agent[{extra}]"')

    monkeypatch.setattr(transfer, "need", absent)
    rows = list(transfer.forecast_rows())
    assert len(rows) == 7 and {row["score"] for row in rows} == {None}
    assert all("omni-agent[dev]" in row["missing"] for row in rows)


def test_real_series_are_long_enough_for_every_window():
    pytest.importorskip("statsmodels")
    for real in transfer.REAL:
        values = real.values()
        assert values.ndim == 1 and np.isfinite(values).mean() > 0.95
        assert len(values) - transfer.WINDOWS * real.horizon >= 5 * real.season


def test_a_row_of_a_real_series(monkeypatch):
    if not (extras.available("statsmodels") and extras.available("statsforecast")):
        pytest.skip("the extra dev is not installed")
    nile = next(real for real in transfer.REAL if real.name == "Nile")
    monkeypatch.setattr(transfer, "REAL", (nile,))
    monkeypatch.setattr(transfer, "autoets", transfer.naive)
    [row] = transfer.forecast_rows()
    assert row["judge"] == "MASE" and row["output"] == "forecast" and row["split"] == "Nile"
    assert row["score"] == pytest.approx(row["mase"] / row["naive"], abs=1e-3)
    assert row["autoets"] == row["naive"]
    assert row["n"] == 36 and json.dumps(row)
