"""Measures from which a network learns which candidate forecast to trust.

All of them are free of the unit of the series, and bounded. Arrays come in the units of
`forecaster.prepare`.

Shapes: `rows` series of `time` points, `candidates`, `origins`, `steps` of backtests, `horizon`.
"""

from __future__ import annotations

import numpy as np

from .candidates import ORIGINS, SEASONAL_NAIVE
from .smoothing import pattern_of

TOKEN = 8 + len(ORIGINS) + 5
SERIES = 20
STEP = 8
_LEAST = 1e-4
"""Error below which candidates are equally good, in units of the spread of the history."""


def of_candidates(
    forecasts: np.ndarray, errors: np.ndarray, valid: np.ndarray, history: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Measures `[rows, candidates, TOKEN]` of each candidate, and the usual error `[rows]`.

    The first measure is the logarithm of its error over all backtests, as a part of the usual.

    Args:
        forecasts: `[rows, candidates, horizon]`.
        errors: `[rows, candidates, origins, steps]` of backtests.
        valid: bool `[rows, candidates]`.
        history: `[rows, time]`.
    """
    size = np.abs(errors)
    total = size.mean((2, 3))
    usual = _median(total, valid)
    halves = size.shape[3] // 2
    ends = np.stack([size[..., : max(1, halves)].mean((2, 3)), size[..., halves:].mean((2, 3))], 2)
    by_origin = size.mean(3)
    naive = total[:, SEASONAL_NAIVE, None]
    steep = np.sqrt((errors**2).mean((2, 3)))
    rank = np.argsort(np.argsort(np.where(valid, total, np.inf), 1, kind="stable"), 1)
    record = [
        _ratio(total, usual[:, None]),
        _ratio(total, naive),
        _ratio(steep, usual[:, None]),
        errors.mean((2, 3)) / (total + _LEAST),
        errors[..., -1].mean(2) / (total + _LEAST),
        rank / rank.shape[1] - 0.5,
        *np.moveaxis(_ratio(ends, _median(ends, valid)[:, None]), 2, 0),
        *np.moveaxis(_ratio(by_origin, _median(by_origin, valid)[:, None]), 2, 0),
    ]
    unit = usual[:, None, None] + _LEAST
    middle = _median(forecasts, valid)[:, None]
    apart = np.arcsinh((forecasts - middle) / unit)
    parts = np.array_split(np.arange(forecasts.shape[2]), 4)
    shape = [apart[..., part if len(part) else [-1]].mean(2) for part in parts]
    shape.append(np.arcsinh((forecasts.mean(2) - history[:, -1:]) / unit[..., 0]) / 2)
    return np.stack([*record, *shape], axis=2).clip(-6, 6), usual


def _median(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Median over the valid candidates `[rows, …]` of values `[rows, candidates, …]`.

    A row has either the first half of the candidates or all.
    """
    half = values.shape[1] // 2
    whole = valid.all(1).reshape(-1, *(1,) * (values.ndim - 2))
    return np.where(whole, np.median(values, axis=1), np.median(values[:, :half], axis=1))


def _ratio(values: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Logarithm of errors as parts of others."""
    return np.log((values + _LEAST) / (usual + _LEAST))


def of_series(history: np.ndarray, season: int, horizon: int, steps: int) -> np.ndarray:
    """Measures `[rows, SERIES]` of series `[rows, time]`.

    Args:
        history: with deviation 1, at its own level.
        season: values a season.
        horizon: steps ahead that are asked for.
        steps: steps of a backtest.
    """
    rows, time = history.shape
    level = history.mean(1, keepdims=True)
    centred = history - level
    season = season if time >= 2 * season else 1
    pattern = pattern_of(centred, season)
    adjusted = centred - pattern[:, np.arange(time) % season]
    moves = np.diff(adjusted, axis=1)
    half = time // 2
    line = np.linspace(-1, 1, time)
    slope = adjusted @ line / (line @ line)
    straight = adjusted - slope[:, None] * line
    ordered = np.sort(centred, axis=1)
    calm = np.median(np.abs(moves), axis=1)
    measures = [
        np.full(rows, np.log(time) - 4.5),
        np.full(rows, np.log(season) - 1.5),
        np.full(rows, np.log(time / season) - 3),
        np.full(rows, np.log(horizon) - 3),
        np.full(rows, np.log(horizon / steps)),
        _alike(centred, 1),
        _alike(centred, season),
        _alike(moves, 1),
        _alike(adjusted, 1),
        _alike(straight, 2),
        1 - adjusted.var(1),
        1 - straight.var(1) / np.maximum(adjusted.var(1), 1e-6),
        np.sign(slope) * np.log1p(np.abs(slope) * 5),
        np.log(moves.std(1) + 0.01),
        np.log((calm + 0.003) / (moves.std(1) + 0.003)),
        np.log((moves[:, -half:].std(1) + 0.01) / (moves[:, :half].std(1) + 0.01)),
        np.arcsinh(level[:, 0]) / 2,
        (history.min(1) >= 0).astype(float),
        np.arcsinh((ordered[:, -1] + ordered[:, 0]) / 2),
        adjusted[:, -max(3, time // 8) :].mean(1),
    ]
    return np.stack(measures, axis=1).clip(-6, 6)


def _alike(values: np.ndarray, lag: int) -> np.ndarray:
    """Autocorrelation `[rows]` at a lag; 0 where it is not known."""
    if values.shape[1] <= lag + 2:
        return np.zeros(len(values))
    centred = values - values.mean(1, keepdims=True)
    return (centred[:, lag:] * centred[:, :-lag]).sum(1) / np.maximum((centred**2).sum(1), 1e-9)


def of_steps(season: int, horizon: int, steps: int, time: int) -> np.ndarray:
    """Measures `[horizon, STEP]` of each step ahead."""
    ahead = np.arange(1, horizon + 1)
    turn = 2 * np.pi * ahead / max(season, 2)
    measures = [
        np.log(ahead) - 2,
        ahead / horizon - 0.5,
        np.log(ahead / steps),
        np.log(ahead / season),
        np.log(ahead / time) + 2,
        1 / ahead,
        np.sin(turn) * (season > 1),
        np.cos(turn) * (season > 1),
    ]
    return np.stack(measures, axis=1).clip(-6, 6)
