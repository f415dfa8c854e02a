"""Ridge regression of many series at once: on their own past, and on time.

Fitted in closed form by normal equations (Hoerl & Kennard 1970) and run forwards step by step
(Box & Jenkins 1970 without the moving average). Values are expected near unit scale.

Shapes: `rows` series of `time` points, `horizon` steps ahead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RECENT = 300
"""Values that are looked at; what was long before tells little and costs much."""

RIDGE = 0.02
"""Weight of the penalty, of the variance of the values and one for each lag."""


def autoregress(
    history: np.ndarray, lags: Sequence[int], horizon: int, *, ridge: float = RIDGE
) -> np.ndarray:
    """Forecasts `[rows, horizon]` of a regression on the values so many steps before.

    Lags of which there is too little history are left out, of the others the last if they are
    more than a quarter of the values; without any the mean goes on.
    """
    history = history[:, -RECENT:]
    time = history.shape[1]
    known = dict.fromkeys(lag for lag in lags if 0 < lag <= time // 2)
    used = sorted(list(known)[: max(1, time // 4)])
    mean = history.mean(1, keepdims=True)
    centred = history - mean
    if not used:
        return np.repeat(mean, horizon, axis=1)
    most = used[-1]
    count = time - most
    # the regressors, and last what they are to tell
    both = np.empty((len(history), len(used) + 1, count))
    for place, lag in enumerate((*used, 0)):
        both[:, place] = centred[:, most - lag : time - lag]
    products = both @ both.transpose(0, 2, 1) / count
    gram, moment = products[:, :-1, :-1], products[:, :-1, -1]
    variance = np.maximum((centred**2).mean(1), 1e-9)
    # a penalty that is worth so many observations, whatever their number
    penalty = (ridge + 2 / count) * variance
    gram = gram + penalty[:, None, None] * np.eye(len(used))
    weights = np.linalg.solve(gram, moment[:, :, None])[:, :, 0]
    values = np.concatenate([centred, np.zeros((len(history), horizon))], axis=1)
    bound = 20 * np.abs(centred).max(1) + 1e-9
    back = np.array(used)
    for now in range(time, time + horizon):
        step = (weights * values[:, now - back]).sum(1)
        values[:, now] = np.clip(step, -bound, bound)
    return values[:, time:] + mean


def differenced(
    history: np.ndarray, lag: int, lags: Sequence[int], horizon: int, *, ridge: float = RIDGE
) -> np.ndarray:
    """Forecasts `[rows, horizon]` of the regression of differences at a lag, summed up again."""
    if history.shape[1] < lag + 4:
        return np.repeat(history[:, -1:], horizon, axis=1)
    steps = autoregress(history[:, lag:] - history[:, :-lag], lags, horizon, ridge=ridge)
    values = np.concatenate([history[:, -lag:], steps], axis=1)
    for ahead in range(horizon):
        values[:, lag + ahead] += values[:, ahead]
    return values[:, lag:]


def line(history: np.ndarray, horizon: int, recent: int) -> np.ndarray:
    """Forecasts `[rows, horizon]` along the straight line through the recent values."""
    values = history[:, -max(2, recent) :]
    time = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    mean = values.mean(1, keepdims=True)
    spread = float((time**2).sum())
    slope = ((values - mean) @ time / spread)[:, None] if spread else np.zeros_like(mean)
    return mean + slope * (time[-1] + np.arange(1, horizon + 1))
