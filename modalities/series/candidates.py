"""Classical forecasts of many series at once, from which a model may learn to choose.

Naive ones, exponential smoothing, Theta (Assimakopoulos & Nikolopoulos 2000), regressions on the
past and on time; each once on the values and once, where all are positive, on their logarithms,
where seasons multiply and growth is a line. That a learned mixture of such forecasts is hard to
beat is the lesson of FFORMA (Montero-Manso et al. 2020).

Shapes: `rows` series of `time` points, `candidates`, `horizon` steps ahead, `origins` to look back
from. All series of a call have the same length and season.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import smoothing
from .autoregression import autoregress, differenced, line

_LONG_LAGS = 24
_MOST_CHANGE = 4.0
"""No candidate leaves the range of the history by more than so many times its height (and in
proportion to the horizon)."""

_PLAIN = (
    "seasonal naive",
    "last value",
    "drift",
    "seasonal drift",
    "mean of seasons",
    "mean",
    "recent median",
    *smoothing.FAMILIES,
    "least error",
    "theta",
    "short regression",
    "long regression",
    "regression of steps",
    "long regression of steps",
    "regression of seasonal steps",
    "line",
    "recent line",
)
NAMES = (*_PLAIN, *(f"{name} of logarithms" for name in _PLAIN))
SEASONAL_NAIVE = NAMES.index("seasonal naive")


def candidates(history: np.ndarray, season: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts `[rows, candidates, horizon]` in the order of `NAMES`, and which rows have them.

    Args:
        history: `[rows, time]`, finite, near unit scale (see `forecaster.scaled`).
        season: values a season; 1 is none.
        horizon: steps ahead.

    Returns:
        The forecasts, finite everywhere, and bool `[rows, candidates]`.
    """
    rows = len(history)
    positive = np.all(history > 0, axis=1)
    logarithms = np.log(history[positive])
    level = logarithms.mean(1, keepdims=True)
    spread = np.maximum(logarithms.std(1, keepdims=True), 1e-9)
    both = np.concatenate([history, (logarithms - level) / spread])
    found = np.stack(list(_plain(both, season, horizon)), axis=1)
    found = _bounded(found, both, horizon)
    plain = found[:rows]
    raised = plain.copy()
    exponents = found[rows:] * spread[:, None] + level[:, None]
    raised[positive] = np.exp(np.clip(exponents, -600, 600))
    forecasts = np.concatenate([plain, _bounded(raised, history, horizon)], axis=1)
    own = np.ones((rows, len(_PLAIN)), dtype=bool)
    return forecasts, np.concatenate([own, own & positive[:, None]], axis=1)


def _plain(history: np.ndarray, season: int, horizon: int) -> Iterator[np.ndarray]:
    """Each of `_PLAIN` as `[rows, horizon]`."""
    time = history.shape[1]
    season = season if time >= 2 * season else 1
    ahead = np.arange(1, horizon + 1)
    pattern = smoothing.pattern_of(history, season)
    adjusted = history - pattern[:, np.arange(time) % season]
    swing = pattern[:, (time + np.arange(horizon)) % season]

    last = history[:, -1:]
    again = seasonal_naive(history, season, horizon)
    slope = (last - history[:, :1]) / max(1, time - 1)
    yield again
    yield np.repeat(last, horizon, axis=1)
    yield last + slope * ahead
    rounds = -(-ahead // season)  # seasons from the one that is repeated
    yield again + _season_change(history, season) * rounds
    yield _mean_of_seasons(history, season, horizon)
    yield adjusted.mean(1, keepdims=True) + swing
    yield np.median(adjusted[:, -max(6, season) :], axis=1, keepdims=True) + swing

    kept, least = smoothing.families(history, pattern, horizon)
    yield from kept.transpose(1, 0, 2)
    # families with seasons and slopes have more freedom, as information criteria count it
    names = smoothing.FAMILIES
    freedom = np.array([2 + 2 * ("trend" in n) + season * ("season" in n) for n in names])
    cost = np.log(least + 1e-12) + 2 * freedom / time
    yield kept[np.arange(len(kept)), cost.argmin(1)]
    theta = kept[:, names.index("level with season")]
    tilt = line(adjusted, horizon, time)
    yield theta + (tilt - tilt[:, :1]) / 2

    short = (1, 2, 3)
    around = (season, season + 1) if season > 1 else ()
    long = (*short, *around, *range(4, _LONG_LAGS + 1))
    yield autoregress(adjusted, short, horizon) + swing
    yield autoregress(history, long, horizon)
    yield differenced(adjusted, 1, short, horizon) + swing
    yield differenced(history, 1, long, horizon)
    yield differenced(history, season, (*short, *around), horizon)
    yield line(adjusted, horizon, time) + swing
    yield line(adjusted, horizon, max(8, 2 * season)) + swing


def seasonal_naive(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last season again and again, `[rows, horizon]`; the last value, if there is no season."""
    season = season if history.shape[1] >= season else 1
    return history[:, -season:][:, np.arange(horizon) % season]


def _season_change(history: np.ndarray, season: int) -> np.ndarray:
    """How much a season differs from the one before, in the mean of the last three: `[rows, 1]`."""
    steps = history[:, season:] - history[:, :-season]
    return steps[:, -3 * max(season, 4) :].mean(1, keepdims=True)


def _mean_of_seasons(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The mean of up to the last three seasons, `[rows, horizon]`; of 3 values if there is none."""
    count = min(3, history.shape[1] // season)
    recent = history[:, history.shape[1] - count * season :]
    mean = recent.reshape(len(history), count, season).mean(1)
    return mean[:, np.arange(horizon) % season]


def _bounded(found: np.ndarray, history: np.ndarray, horizon: int) -> np.ndarray:
    low, high = history.min(1)[:, None, None], history.max(1)[:, None, None]
    room = (high - low) * _MOST_CHANGE * (1 + horizon / history.shape[1])
    return np.clip(found, low - room, high + room)


def backtest(history: np.ndarray, season: int, horizon: int) -> tuple[np.ndarray, int]:
    """Errors `[rows, candidates, origins, steps]` of forecasts from `ORIGINS` places in the past.

    Returns:
        The errors, forecast less truth, and how many steps there are: at most a quarter of the
        history, so that half of it lies before every origin.
    """
    time = history.shape[1]
    steps = max(1, min(horizon, time // 4))
    errors = []
    for origin in ORIGINS:
        begin = time - round(steps * origin)
        found, _ = candidates(history[:, :begin], season, steps)
        errors.append(found - history[:, None, begin : begin + steps])
    return np.stack(errors, axis=2), steps


ORIGINS = (1.0, 1.5, 2.0)
"""Where forecasts are tried: so many times their length before the end."""
