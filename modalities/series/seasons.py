"""Find the season of a series: after how many values it repeats."""

from __future__ import annotations

import numpy as np

LONGEST = 366
_LIKENESS = 0.3
"""Least autocorrelation at the season."""
_PROMINENCE = 0.35
"""By how much it has to exceed the least at a shorter lag: trends are alike at every lag."""
_DIGITS = 1e-9
"""Deviation, as a part of the largest value, that may come from rounding alone."""
_MULTIPLE = 0.8
"""Of seasons that are nearly as alike the shortest is meant, and the others are its multiples."""


def season_of(values: np.ndarray) -> int:
    """Values a season, or 1 where none shows at least twice and a half.

    Args:
        values: `[time]`, without gaps.
    """
    time = len(values)
    most = min(LONGEST, int(time / 2.5))
    if most < 2 or np.ptp(values) == 0:
        return 1
    found = [_peak(rest, most) for rest in (_bent_away(values), np.diff(_scaled(values)))]
    likeness, season = max(found)
    return season if likeness > 0 else 1


def _scaled(values: np.ndarray) -> np.ndarray:
    """Between −1 and 1, so that no square is too large."""
    return values / max(float(np.abs(values).max()), 1e-300)


def _bent_away(values: np.ndarray) -> np.ndarray:
    """What a parabola leaves of the values."""
    line = np.linspace(-1, 1, len(values))
    shape = np.stack([np.ones_like(line), line, line**2], axis=1)
    scaled = _scaled(values)
    weights, *_ = np.linalg.lstsq(shape, scaled, rcond=None)
    return scaled - shape @ weights


def _peak(rest: np.ndarray, most: int) -> tuple[float, int]:
    """Autocorrelation at the season, and the season; `(0, 1)` if there is none."""
    if rest.std() < _DIGITS:
        return 0.0, 1
    alike = autocorrelation(rest, most + 1)
    lags = np.arange(2, min(most, len(alike) - 2) + 1)
    if not len(lags):
        return 0.0, 1
    top = (alike[lags] >= alike[lags - 1]) & (alike[lags] >= alike[lags + 1])
    noise = 2.5 / np.sqrt(len(rest) - lags)  # of the greatest of many
    deepest = np.minimum.accumulate(alike)[lags]
    high = (alike[lags] > np.maximum(_LIKENESS, noise)) & (alike[lags] - deepest > _PROMINENCE)
    chosen = lags[top & high]
    if not len(chosen):
        return 0.0, 1
    best = alike[chosen].max()
    season = int(chosen[alike[chosen] >= _MULTIPLE * best][0])
    return float(alike[season]), season


def autocorrelation(values: np.ndarray, most: int) -> np.ndarray:
    """At the lags 0…`most`; each sum is divided by its number of terms."""
    time = len(values)
    most = min(most, time - 1)
    centred = values - values.mean()
    spectrum = np.fft.rfft(centred, 2 * time)
    sums = np.fft.irfft(np.abs(spectrum) ** 2, 2 * time)[: most + 1]
    sums /= time - np.arange(most + 1)
    return sums / sums[0] if sums[0] > 0 else np.zeros(most + 1)
