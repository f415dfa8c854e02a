"""Candidate forecasts against plain loops and statsmodels, and the network that mixes them."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from omni.errors import UsageError
from omni.modality import modality

FOLDER = "omni.modalities.series."
smoothing, autoregression, candidates, seasons, forecaster = (
    importlib.import_module(FOLDER + name)
    for name in ("smoothing", "autoregression", "candidates", "seasons", "forecaster")
)
CALM = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def wave(time=72, season=12, seed=0, level=20.0):
    rng = np.random.default_rng(seed)
    step = np.arange(time)
    return level + 0.05 * step + 3 * np.sin(2 * np.pi * step / season) + rng.normal(0, 0.4, time)


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    made: Any = modality("series").forecaster()
    for parameter in made.parameters():  # all but what starts at 0
        torch.nn.init.normal_(parameter, std=0.08)
    return made.eval()


def naive_smooth(history, pattern, horizon, setting):
    """One model, one series, step by step."""
    pattern = list(pattern * setting.seasonal)
    season = len(pattern)
    block = max(1, min(len(history) // 2, season if season > 3 else 5))
    means = []
    for number in range(2):
        part = range(number * block, (number + 1) * block)
        means.append(sum(history[t] - pattern[t % season] for t in part) / block)
    slope = (means[1] - means[0]) / block if setting.damping == 1 else 0.0
    level = means[0] - slope * (block + 1) / 2
    squares = weights = 0.0
    for now, value in enumerate(history):
        slope *= setting.damping
        error = value - (level + slope + pattern[now % season])
        level += slope + setting.alpha * error
        slope += setting.beta * error
        pattern[now % season] += setting.gamma * error
        share = 0.3 + 0.7 * now / len(history)
        squares, weights = squares + share * error**2, weights + share
    ahead = []
    for now in range(len(history), len(history) + horizon):
        slope *= setting.damping
        level += slope
        ahead.append(level + pattern[now % season])
    return ahead, squares / weights


@pytest.mark.parametrize(("time", "season"), [(30, 4), (37, 7), (25, 1), (10, 12)])
def test_smoothing_is_what_a_loop_says(time, season):
    history = np.random.default_rng(0).normal(size=(3, time)).cumsum(1)
    pattern = np.random.default_rng(1).normal(size=(3, season))
    forecasts, errors = smoothing.smooth(history, pattern, 9)
    for number, setting in enumerate(smoothing.GRID):
        for row in range(3):
            ahead, error = naive_smooth(history[row], pattern[row], 9, setting)
            assert np.allclose(forecasts[row, number], ahead)
            assert np.isclose(errors[row, number], error)


def test_of_long_histories_only_the_end_is_walked_through():
    history = np.random.default_rng(0).normal(size=(1, 700))
    pattern = np.arange(5.0)[None]
    forecasts, _ = smoothing.smooth(history, pattern, 6)
    cut = 700 - smoothing.RECENT
    again, _ = smoothing.smooth(history[:, cut:], np.roll(pattern, -(cut % 5), axis=1), 6)
    assert np.array_equal(forecasts, again)


def test_each_family_keeps_the_setting_with_the_least_error():
    history, pattern = wave()[None], smoothing.pattern_of(wave()[None], 12)
    forecasts, errors = smoothing.smooth(history, pattern, 5)
    kept, least = smoothing.families(history, pattern, 5)
    for place, family in enumerate(smoothing.FAMILIES):
        members = [n for n, setting in enumerate(smoothing.GRID) if setting.family == family]
        winner = min(members, key=lambda number: errors[0, number])
        assert least[0, place] == errors[0, winner]
        assert np.array_equal(kept[0, place], forecasts[0, winner])


@pytest.mark.parametrize("setting", [(0.3, None, None), (0.5, 0.1, 0.9), (0.9, 0.25, 0.97)])
def test_smoothing_is_that_of_statsmodels(setting):
    """Same constants and same start; theirs counts β as a part of α."""
    holt = pytest.importorskip("statsmodels.tsa.holtwinters")
    alpha, beta, damping = setting
    history = np.random.default_rng(3).normal(size=40).cumsum() + 5
    level = history[:5].mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what is not optimised
        if beta is None:
            ours = smoothing.Setting("level", alpha)
            theirs = holt.SimpleExpSmoothing(
                history, initialization_method="known", initial_level=level
            ).fit(smoothing_level=alpha, optimized=False)
        else:
            ours = smoothing.Setting("damped trend", alpha, beta, damping=damping)
            theirs = holt.ExponentialSmoothing(
                history,
                trend="add",
                damped_trend=True,
                initialization_method="known",
                initial_level=level,
                initial_trend=0.0,
            ).fit(
                smoothing_level=alpha,
                smoothing_trend=beta / alpha,
                damping_trend=damping,
                optimized=False,
            )
        wanted = theirs.forecast(12)
    found, _ = smoothing.smooth(history[None], np.zeros((1, 1)), 12, (ours,))
    assert np.allclose(found[0, 0], wanted, rtol=1e-6)


@pytest.mark.parametrize("season", [4, 7, 12])
def test_the_season_is_that_of_classical_decomposition(season):
    tools = pytest.importorskip("statsmodels.tsa.seasonal")
    history = wave(time=5 * season + 3, season=season)
    wanted = tools.seasonal_decompose(history, period=season).seasonal[:season]
    assert np.allclose(smoothing.pattern_of(history[None], season)[0], wanted)


def test_regression_is_ridge_in_closed_form():
    history = np.random.default_rng(0).normal(size=60).cumsum()
    lags, ridge = (1, 3), 0.1
    centred = history - history.mean()
    past = np.array([[centred[t - lag] for lag in lags] for t in range(3, 60)])
    wanted = centred[3:]
    penalty = (ridge + 2 / 57) * centred.var()
    weights = np.linalg.solve(past.T @ past / 57 + penalty * np.eye(2), past.T @ wanted / 57)
    values = list(centred)
    for _ in range(7):
        values.append(sum(w * values[-lag] for w, lag in zip(weights, lags, strict=True)))
    found = autoregression.autoregress(history[None], lags, 7, ridge=ridge)
    assert np.allclose(found[0], np.array(values[60:]) + history.mean())


def test_differences_are_summed_up_again():
    season = np.tile([1.0, 5.0, 2.0, 8.0], 12)
    steady = season + 0.25 * np.arange(48)
    found = autoregression.differenced(steady[None], 4, (1, 2), 10)
    assert np.allclose(
        found[0], np.tile([1, 5, 2, 8, 1], 2)[[0, 1, 2, 3] * 2 + [0, 1]] + 0.25 * np.arange(48, 58)
    )


def test_lines_are_least_squares():
    history = np.random.default_rng(0).normal(size=30)
    slope, level = np.polyfit(np.arange(18, 30), history[18:], 1)
    found = autoregression.line(history[None], 5, 12)
    assert np.allclose(found[0], level + slope * np.arange(30, 35))


def test_simple_candidates_are_what_loops_say():
    history = np.round(wave(time=31, season=4), 2)
    found, valid = candidates.candidates(history[None], 4, 9)
    assert valid.all() and found.shape == (1, len(candidates.NAMES), 9)
    by_name = dict(zip(candidates.NAMES, found[0], strict=True))
    for ahead in range(1, 10):
        phase = (ahead - 1) % 4
        assert np.isclose(by_name["seasonal naive"][ahead - 1], history[27 + phase])
        assert np.isclose(by_name["seasonal naive of logarithms"][ahead - 1], history[27 + phase])
        assert np.isclose(by_name["last value"][ahead - 1], history[-1])
        drift = (history[-1] - history[0]) / 30
        assert np.isclose(by_name["drift"][ahead - 1], history[-1] + drift * ahead)
        ratio = (history[-1] / history[0]) ** (1 / 30)
        assert np.isclose(by_name["drift of logarithms"][ahead - 1], history[-1] * ratio**ahead)
        mean = sum(history[19 + phase + 4 * number] for number in range(3)) / 3
        assert np.isclose(by_name["mean of seasons"][ahead - 1], mean)


def test_logarithms_need_positive_values():
    both = np.stack([wave(), wave() - 21])
    found, valid = candidates.candidates(both, 12, 6)
    half = len(candidates.NAMES) // 2
    assert valid[0].all() and valid[1, :half].all() and not valid[1, half:].any()
    assert np.isfinite(found).all()


def test_a_series_does_not_depend_on_those_beside_it(model):
    rows = np.stack([wave(seed=seed) for seed in range(4)])
    together = model(model.prepare(rows, 12, 8))
    alone = torch.cat([model(model.prepare(row[None], 12, 8)) for row in rows])
    assert torch.allclose(together, alone, atol=1e-4)


def test_backtests_look_only_at_what_was_before():
    history = wave(time=80)[None]
    errors, steps = candidates.backtest(history, 12, 10)
    assert steps == 10 and errors.shape[2:] == (len(candidates.ORIGINS), 10)
    for place, begin in enumerate((70, 65, 60)):
        found, _ = candidates.candidates(history[:, :begin], 12, 10)
        assert np.allclose(errors[0, :, place], found[0] - history[:, begin : begin + 10])


def test_series_of_several_lengths_and_seasons_are_forecast_at_once(model):
    rows = [wave(), wave(time=50), wave(seed=1), wave(seed=2), wave(time=50)]
    lengths = [12, 12, 12, 1, 4]
    together = model.predict(rows, lengths, 6)
    for row, season, found in zip(rows, lengths, together, strict=True):
        assert np.allclose(model.predict([row], [season], 6)[0], found, rtol=1e-4)


@given(
    seed=some.integers(0, 10**6),
    scale=some.floats(1e-12, 1e12),
    shift=some.floats(-1e4, 1e4),
    time=some.integers(12, 90),
    season=some.sampled_from([1, 4, 12]),
)
@CALM
def test_forecasts_follow_scale_and_shift(model, seed, scale, shift, time, season):
    """By any scale; by any shift, where no logarithms are taken before or after."""
    history = np.random.default_rng(seed).normal(size=time).cumsum()
    plain = model.predict([history], [season], 7)
    size = np.ptp(history) + 1e-9
    scaled = model.predict([history * scale], [season], 7)
    assert np.abs(scaled / scale - plain).max() < 2e-3 * size
    below = history - history.max() - 1  # never positive
    there = model.predict([below], [season], 7)
    moved = model.predict([below - abs(shift)], [season], 7)
    assert np.abs(moved + abs(shift) - there).max() < 5e-3 * size


@given(
    seed=some.integers(0, 10**6),
    time=some.integers(8, 80),
    season=some.integers(1, 40),
    horizon=some.integers(1, 96),
    magnitude=some.sampled_from([0.0, 1e-300, 1e-30, 1.0, 1e30, 1e300, 1.7e308]),
    gaps=some.floats(0, 0.9),
)
@CALM
def test_whatever_comes_the_quantiles_are_finite_and_ascend(
    model, seed, time, season, horizon, magnitude, gaps
):
    rng = np.random.default_rng(seed)
    history = np.clip(rng.normal(size=time), -1, 1) * magnitude
    missing = rng.random(time) < gaps
    missing[rng.choice(time, 8, replace=False)] = False
    history[missing] = rng.choice([np.nan, np.inf, -np.inf])
    found = model.predict([history], [season], horizon)
    assert found.shape == (1, 9, horizon) and np.isfinite(found).all()
    assert (found[:, 1:] >= found[:, :-1]).all()


@pytest.mark.parametrize("value", [0.0, 7.0, -3.5e9, 1e-5])
def test_a_constant_goes_on(model, value):
    found = model.predict([np.full(40, value)], [12], 10)
    assert np.allclose(found, value, rtol=1e-3, atol=1e-9)


def test_gaps_are_bridged_by_straight_lines():
    history = [np.nan, 1, np.nan, np.nan, 4, 5, np.inf, 7, 8, 9, 10, 11, np.nan]
    assert np.allclose(forecaster.bridged(history), [*range(1, 12), 11])


@pytest.mark.parametrize(
    ("history", "season", "horizon", "message"),
    [
        ([1.0], 1, 5, "at least 8 measured values, not 1: give a longer history"),
        ([np.nan] * 50, 1, 5, "at least 8 measured values, not 0"),
        ([np.inf] * 50, 1, 5, "at least 8 measured values, not 0"),
        ([], 1, 5, "at least 8 measured values, not 0"),
        ([1.0] * 20, 1, 0, "the horizon is 1 to 96 steps, not 0"),
        ([1.0] * 20, 1, 97, "the horizon is 1 to 96 steps, not 97"),
        ([1.0] * 20, 0, 5, r"a season is 1 \(none\) to 366 values, not 0"),
    ],
)
def test_what_cannot_be_forecast_is_refused(model, history, season, horizon, message):
    with pytest.raises(UsageError, match=message):
        model.predict([np.array(history)], [season], horizon)


def test_gradients_reach_every_weight(model):
    rows = np.stack([wave(seed=seed) for seed in range(6)])
    model.zero_grad()
    loss, figures = model.loss(model.prepare(rows[:, :60], 12, 12), rows[:, 60:])
    loss.backward()
    assert loss.isfinite() and 0 < figures["relative"] < 10
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    model.zero_grad()


def test_the_loss_is_the_pinball_loss(model):
    rows = np.stack([wave(seed=seed) for seed in range(2)])
    seen = model.prepare(rows[:, :60], 12, 12)
    with torch.no_grad():
        loss, _ = model.loss(seen, rows[:, 60:])
        said, truth = model(seen), seen.scaled(rows[:, 60:])
    every = []
    for row in range(2):
        losses = []
        for number, level in enumerate(forecaster.QUANTILES):
            for ahead in range(12):
                error = float(
                    (truth[row, ahead] - said[row, number, ahead]) / (seen.unit[row] + 0.01)
                )
                losses.append(level * error if error > 0 else (level - 1) * error)
        every.append(np.log1p(np.mean(losses)))
    assert loss.item() == pytest.approx(np.mean(every), rel=1e-4)


def test_it_is_small_and_forecasts_are_the_same_each_time(model):
    assert sum(parameter.numel() for parameter in model.parameters()) < 1_500_000
    one, two = (model.predict([wave()], [12], 12) for _ in range(2))
    assert np.array_equal(one, two)


def test_a_fresh_one_already_follows_a_clear_season():
    torch.manual_seed(0)
    made: Any = modality("series").forecaster()
    made.eval()
    history = wave(time=108, level=5.0)
    found = made.predict([history[:96]], [12], 12)[0, forecaster.MEDIAN]
    assert np.abs(found - history[96:]).mean() < 0.8


@pytest.mark.parametrize("season", [2, 4, 7, 12, 24])
def test_a_clear_season_is_found(season):
    pattern = np.random.default_rng(season).normal(size=season)
    history = np.tile(pattern, 12) + np.random.default_rng(0).normal(0, 0.2, 12 * season)
    assert seasons.season_of(history) == season
    assert seasons.season_of(1e200 * history) == season
    assert seasons.season_of(history + 0.1 * np.arange(len(history))) == season


def test_where_there_is_no_season_none_is_found():
    rng = np.random.default_rng(0)
    assert seasons.season_of(np.zeros(50)) == seasons.season_of(np.arange(50.0)) == 1
    assert seasons.season_of(np.ones(3)) == 1
    walks = [seasons.season_of(rng.normal(size=150).cumsum()) for _ in range(40)]
    noise = [seasons.season_of(rng.normal(size=150)) for _ in range(40)]
    assert np.mean(np.array(walks + noise) == 1) > 0.85


def test_autocorrelation_is_what_a_loop_says():
    values = np.random.default_rng(0).normal(size=30)
    centred = values - values.mean()
    found = seasons.autocorrelation(values, 8)
    for lag in range(9):
        terms = [centred[t] * centred[t + lag] for t in range(30 - lag)]
        assert found[lag] == pytest.approx(np.mean(terms) / np.mean(centred**2))
