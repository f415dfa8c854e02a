"""What a series looks like: to the encoder in its features, to people in facts and pictures."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from omni.modalities.series import plugin as series
from omni.values import Series

# Features.


def test_features_are_standardised_curves_and_raw_statistics():
    values = np.stack([np.sin(np.arange(100) / 5) * 3 + 7, np.full(100, 5.0)], axis=1)
    values[10:15, 0] = np.nan
    found = series.features(Series(values, ("wave", "flat")))
    assert found["values"].shape == (2, 256) and found["stats"].shape == (2, 4)
    assert found["values"].dtype == found["stats"].dtype == torch.float32
    assert found["values"][0].mean().abs() < 1e-5
    assert found["values"][0].std(correction=0) == pytest.approx(1, abs=1e-4)
    assert not found["values"][1].any()
    column = pd.Series(values[:, 0])
    expected = [np.log1p(column.mean()), np.log1p(column.std(ddof=0)), 2 / 4, 0.05]
    np.testing.assert_allclose(found["stats"][0], expected, rtol=1e-5)
    bridged = column.interpolate().to_numpy()
    curve = np.interp(np.linspace(0, 99, 256), np.arange(100), bridged)
    curve = (curve - curve.mean()) / curve.std()
    np.testing.assert_allclose(found["values"][0], curve, atol=1e-4)


def test_features_follow_time_where_sampling_is_irregular():
    days = np.array([0, 1, 2, 3, 50, 100])
    times = (np.datetime64("2024-01-01", "ns") + days * np.timedelta64(1, "D")).astype("M8[ns]")
    curve = series.features(Series(days[:, None] * 2.0, ("v",), times))["values"][0]
    torch.testing.assert_close(curve.diff(), curve.diff().mean().expand(255), atol=1e-4, rtol=1e-3)


def test_a_spike_in_a_long_series_leaves_its_trace():
    values = np.zeros((10_000, 1))
    values[7_777] = 1
    curve = series.features(Series(values, ("v",)))["values"][0]
    assert int(curve.argmax()) == pytest.approx(7_777 * 256 / 10_000, abs=1)


def test_roughness_shows_a_spike_and_a_change_of_noise_beneath_a_season():
    rng = np.random.default_rng(0)
    time = np.arange(400)
    quiet = np.where(time < 200, 0.02, 0.2)
    column = 3 * np.sin(time / 20) + time / 100 + rng.standard_normal(400) * quiet
    found = series.features(Series(column[:, None], ("v",)))["rough"][0]
    assert found.shape == (256,) and found[132:].mean() > 2 * found[:124].mean()
    column = np.sin(time / 20) + rng.standard_normal(400) * 0.02
    column[300] += 2
    bigger = series.features(Series(1000 * column[:, None] + 9, ("v",)))["rough"][0]
    assert int(bigger.argmax()) == pytest.approx(300 * 255 / 399, abs=2)
    torch.testing.assert_close(
        series.features(Series(column[:, None], ("v",)))["rough"][0], bigger, atol=1e-3, rtol=1e-3
    )


@torch.inference_mode()
def test_strengths_of_waves_are_those_of_a_season():
    from omni.modalities.series.encoder import strengths

    time = torch.linspace(0, 1, 256)
    for cycles in (1, 5, 12):
        column = torch.sin(2 * torch.pi * cycles * time + 1) + 4 * time
        found = strengths(column[None])[0]
        assert int(found[1:].argmax()) + 2 == cycles or cycles == 1
        assert found[cycles - 1] > 2


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300, -1e307])
def test_features_are_finite_at_any_scale(scale):
    values = np.array([[1.0], [2.0], [np.nan], [1.5]]) * scale
    found = series.features(Series(values / 2, ("v",)))
    assert all(torch.isfinite(tensor).all() for tensor in found.values())
    assert found["values"].abs().max() > 0.5
    facts = series.facts(Series(values / 2, ("v",)))
    json.dumps(facts, allow_nan=False)
    series.picture(Series(values / 2, ("v",)), width=120)
    assert len(series.sparkline(Series(values / 2, ("v",)))) == 4


def test_at_most_eight_columns_are_seen():
    value = Series(np.random.default_rng(0).normal(size=(20, 11)), tuple("abcdefghijk"))
    assert series.features(value)["values"].shape == (8, 256)
    assert series.estimate_tokens(value) == 128
    single = series.features(Series(np.array([[3.0]]), ("v",)))
    assert not single["values"].any() and torch.isfinite(single["stats"]).all()


# Looking at it.


def test_facts_are_those_of_pandas():
    value = series.example(1)
    facts = series.facts(value)
    frame = pd.DataFrame(value.values, columns=list(value.names))
    assert (facts["rows"], facts["columns"], facts["gaps"]) == (60, 2, 3)
    assert (facts["from"], facts["to"], facts["frequency"]) == ("2024-01-01", "2024-02-29", "D")
    for told in facts["by_column"]:
        column = frame[told["name"]]
        for key in ("min", "mean", "max"):
            assert told[key] == pytest.approx(getattr(column, key)(), rel=1e-5)
    json.dumps(facts, allow_nan=False)
    assert "60 rows of 2 columns" in series.caption(value)


def test_the_sparkline_follows_the_first_column():
    rising = Series(np.arange(200.0)[:, None], ("v",))
    line = series.sparkline(rising, width=40)
    assert len(line) == 40 and list(line) == sorted(line) and line[0] == "▁" and line[-1] == "█"
    gap = Series(np.array([[1.0], [np.nan], [3.0]]), ("v",))
    assert series.sparkline(gap) == "▁·█"


def test_the_picture_rises_with_the_series():
    image = np.asarray(series.picture(Series(np.arange(1000.0)[:, None], ("v",)), width=400))
    ink = (np.abs(image.astype(int) - (31, 119, 180)).sum(axis=-1) < 60).nonzero()
    left, right = ink[0][ink[1] < 120].mean(), ink[0][ink[1] > 340].mean()
    assert right < left - 80  # the top of a picture is its first row
