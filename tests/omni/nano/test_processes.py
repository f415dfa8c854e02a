"""Synthetic processes: seeded, finite, of every kind that forecasting is to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from omni.nano.world import processes


def autocorrelation(values: np.ndarray, lag: int) -> float:
    centred = values - values.mean()
    return float((centred[lag:] * centred[:-lag]).sum() / (centred**2).sum())


@given(
    seed=some.integers(0, 2**32),
    rows=some.integers(1, 9),
    time=some.integers(2, 150),
    season=some.integers(1, 60),
)
@settings(max_examples=60, deadline=None)
def test_any_length_and_season_gives_finite_values(seed, rows, time, season):
    values = processes.sample(np.random.default_rng(seed), rows, time, season)
    assert values.shape == (rows, time) and values.dtype == np.float64
    assert np.isfinite(values).all() and np.abs(values).max() < 1e12


def test_the_same_seed_gives_the_same_process():
    one, same, other = (
        processes.sample(np.random.default_rng(seed), 5, 80, 12) for seed in (3, 3, 4)
    )
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("family", processes.FAMILIES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("season", [1, 2, 7, 52])
def test_each_family_can_be_drawn_alone(family, season):
    values = family(np.random.default_rng(0), 40, 120, season)
    assert values.shape == (120, 40) and np.isfinite(values).all()
    assert (values.std(0) > 0).all()


def test_many_processes_repeat_with_the_season():
    rng = np.random.default_rng(0)
    steps = [np.diff(row) for row in processes.sample(rng, 300, 240, 12)]
    steps = [each for each in steps if each.std() > 0]
    alike = np.array([autocorrelation(each, 12) for each in steps])
    beside = np.array([autocorrelation(each, 17) for each in steps])
    assert (alike > 0.4).mean() > 0.2 > 0.1 > (beside > 0.4).mean()


def test_there_are_trends_counts_positive_ones_and_both_signs():
    rows = processes.sample(np.random.default_rng(1), 500, 120, 7)
    whole = (rows == np.round(rows)).all(1)
    positive = (rows > 0).all(1)
    assert 0.05 < whole.mean() < 0.4
    assert 0.3 < positive.mean() < 0.8
    assert ((rows.min(1) < 0) & (rows.max(1) > 0)).mean() > 0.1
    line = np.arange(120) - 59.5
    trend = np.abs([np.corrcoef(row, line)[0, 1] if row.std() else 0.0 for row in rows])
    assert (trend > 0.8).mean() > 0.1 and (trend < 0.2).mean() > 0.1


def test_autoregressions_follow_their_coefficients_and_are_stable():
    rng = np.random.default_rng(2)
    coefficients = processes._stable(rng, 200)
    for column in coefficients.T:
        roots = np.roots(np.r_[1.0, -column])
        assert np.abs(roots).max() < 1
    shocks = rng.standard_normal((30, 200))
    made = processes._autoregressive(shocks, coefficients)
    for row in (0, 77):
        naive = []
        for now in range(30):
            past = sum(
                c * naive[now - lag] for lag, c in enumerate(coefficients[:, row], 1) if lag <= now
            )
            naive.append(shocks[now, row] + past)
        assert np.allclose(made[:, row], naive)


def test_smooth_processes_have_the_kernel_they_claim():
    """Autocorrelation of a squared-exponential kernel, exp(−d² / 2 l²), over many rows."""
    time, share = 200, 0.05
    rows = processes._smooth(np.random.default_rng(0), 4000, time, share, share)
    assert rows.std() == pytest.approx(rows[0].std(), rel=0.1)
    scale = time * share
    for lag in (5, 10, 20):
        found = (rows[lag:] * rows[:-lag]).mean() / (rows**2).mean()
        assert found == pytest.approx(np.exp(-(lag**2) / (2 * scale**2)), abs=0.05)
