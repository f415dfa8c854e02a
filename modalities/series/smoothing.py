"""Exponential smoothing of many series at once, over a fixed grid of constants.

Every setting is a model with additive errors of Hyndman, Koehler, Ord & Snyder 2008 ("Forecasting
with Exponential Smoothing"), in error-correction form: level `l`, damped slope `b`, season `s`:

    expected = l + φ b + s[phase];  error = value − expected
    l ← l + φ b + α error;  b ← φ b + β error;  s[phase] ← s[phase] + γ error

Of each family the setting with the least squared one-step error is kept, which is a coarse
maximum-likelihood fit without an optimiser. Values are expected near unit scale.

Shapes: `rows` series of `time` points, `settings`, `horizon` steps ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALPHAS = (0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0)
SLOPED = ((0.1, 0.02), (0.3, 0.03), (0.3, 0.15), (0.6, 0.05), (0.6, 0.3), (0.95, 0.2))
"""Pairs of α and β."""

DAMPINGS = (0.88, 0.97)
RECENT = 256
"""Values that are walked through, or four seasons if these are more: all else is forgotten."""

ADAPTIVE = tuple((alpha, gamma) for alpha in (0.05, 0.2, 0.5, 0.8) for gamma in (0.05, 0.2))
"""Pairs of α and γ; what is left of an error after the level is the season's at most."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The constants of one model.

    Attributes:
        family: settings of the same family compete.
        seasonal: whether it begins with the season of the whole history rather than with none.
    """

    family: str
    alpha: float
    beta: float = 0.0
    gamma: float = 0.0
    damping: float = 0.0
    seasonal: bool = False


def _grid() -> tuple[Setting, ...]:
    found = []
    for seasonal in (False, True):
        end = " with season" if seasonal else ""
        found += [Setting(f"level{end}", alpha, seasonal=seasonal) for alpha in ALPHAS]
        for name, dampings in (("damped trend", DAMPINGS), ("trend", (1.0,))):
            found += [
                Setting(f"{name}{end}", alpha, beta, damping=damping, seasonal=seasonal)
                for alpha, beta in SLOPED
                for damping in dampings
            ]
    for name, beta, damping in (("level", 0.0, 0.0), ("trend", 0.03, 0.98)):
        found += [
            Setting(f"{name} with moving season", alpha, beta, gamma, damping, seasonal=True)
            for alpha, gamma in ADAPTIVE
        ]
    return tuple(found)


GRID = _grid()
PLAIN = tuple(setting for setting in GRID if not setting.seasonal)
FAMILIES = tuple(dict.fromkeys(setting.family for setting in GRID))


def smooth(
    history: np.ndarray, pattern: np.ndarray, horizon: int, grid: tuple[Setting, ...] = GRID
) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts `[rows, settings, horizon]` and mean squared one-step errors `[rows, settings]`.

    Args:
        history: `[rows, time]`, without gaps.
        pattern: `[rows, season]`, the season to begin with; its first phase is the first value's.
        horizon: steps ahead.
        grid: the settings.
    """
    history, pattern = _recent(history, pattern)
    rows, time = history.shape
    season = pattern.shape[1]
    alpha, beta, gamma, damping = (
        np.array([getattr(setting, name) for setting in grid])
        for name in ("alpha", "beta", "gamma", "damping")
    )
    seasonal = np.array([setting.seasonal for setting in grid], dtype=float)
    phases = [np.ascontiguousarray(pattern[:, phase, None] * seasonal) for phase in range(season)]
    level, slope = _start(history, pattern, seasonal, damping)
    moving = gamma.any()
    squares, weight = np.zeros_like(level), 0.0
    error, scratch = np.empty_like(level), np.empty_like(level)
    for now in range(time):
        swing = phases[now % season]
        np.multiply(slope, damping, out=slope)
        np.add(level, slope, out=level)
        np.subtract(history[:, now, None], level, out=error)
        np.subtract(error, swing, out=error)
        np.multiply(error, alpha, out=scratch)
        np.add(level, scratch, out=level)
        np.multiply(error, beta, out=scratch)
        np.add(slope, scratch, out=slope)
        if moving:
            np.multiply(error, gamma, out=scratch)
            np.add(swing, scratch, out=swing)
        # the recent past tells more of what is to come
        share = 0.3 + 0.7 * now / time
        np.multiply(error, error, out=error)
        np.multiply(error, share, out=error)
        np.add(squares, error, out=squares)
        weight += share
    forecasts = np.empty((rows, len(grid), horizon))
    for ahead in range(horizon):
        slope = slope * damping
        level = level + slope
        forecasts[:, :, ahead] = level + phases[(time + ahead) % season]
    return forecasts, squares / weight


def _recent(history: np.ndarray, pattern: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last values, and the season turned so that it begins with the first of them."""
    kept = max(RECENT, 4 * pattern.shape[1])
    gone = max(0, history.shape[1] - kept)
    return history[:, gone:], np.roll(pattern, -(gone % pattern.shape[1]), axis=1)


def _start(
    history: np.ndarray, pattern: np.ndarray, seasonal: np.ndarray, damping: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Level and slope `[rows, settings]` before the first value, from the first two blocks."""
    time, season = history.shape[1], pattern.shape[1]
    block = max(1, min(time // 2, season if season > 3 else 5))
    phase = np.arange(2 * block) % season
    plain, adjusted = history[:, : 2 * block], history[:, : 2 * block] - pattern[:, phase]
    first, second = (
        (1 - seasonal) * plain[:, part].mean(1, keepdims=True)
        + seasonal * adjusted[:, part].mean(1, keepdims=True)
        for part in (slice(block), slice(block, None))
    )
    slope = np.where(damping == 1, (second - first) / block, 0.0)
    return first - slope * (block + 1) / 2, slope


def families(
    history: np.ndarray, pattern: np.ndarray, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of each family the setting with the least error: `[rows, families, horizon]` and its error.

    The families are in the order of `FAMILIES`; of equal errors the first setting is taken. Without
    a season those with one are what they are without.
    """
    grid = GRID if pattern.shape[1] > 1 else PLAIN
    forecasts, errors = smooth(history, pattern, horizon, grid)
    names = np.array([setting.family for setting in grid])
    row = np.arange(len(errors))
    kept, least = [], []
    for family in FAMILIES:
        name = family if family in names else family.partition(" with ")[0]
        members = np.flatnonzero(names == name)
        winner = members[errors[:, members].argmin(1)]
        kept.append(forecasts[row, winner])
        least.append(errors[row, winner])
    return np.stack(kept, axis=1), np.stack(least, axis=1)


def pattern_of(history: np.ndarray, season: int) -> np.ndarray:
    """The season `[rows, season]` of classical decomposition, with mean 0; zeros if unseen twice.

    What is left of the values after a centred moving average over a season, averaged by phase.
    """
    rows, time = history.shape
    if season < 2 or time < 2 * season:
        return np.zeros((rows, max(1, season)))
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    weights /= weights.sum()
    half = len(weights) // 2
    windows = np.lib.stride_tricks.sliding_window_view(history, len(weights), axis=1)
    rest = history[:, half : time - half] - windows @ weights
    phase = np.arange(half, time - half) % season
    pattern = np.stack([rest[:, phase == each].mean(1) for each in range(season)], axis=1)
    return pattern - pattern.mean(1, keepdims=True)
