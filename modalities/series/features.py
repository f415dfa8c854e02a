"""A series to curves of one length: shape in `values`, unrest in `rough`, size in `stats`.

Shapes: `L` rows of the table, `C` columns, `P` points of a curve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from omni.values import Series

POINTS = 256
COLUMNS = 8
"""Columns that the model sees: the first ones."""


def features(series: Series) -> dict[str, torch.Tensor]:
    """`values [C, 256]`, each of mean 0 and deviation 1, `rough [C, 256]` and `stats [C, 4]`."""
    columns = series.values[:, :COLUMNS].T
    spots = positions(series)
    curves = [standardise(curve(column, spots)) for column in columns]
    return {
        "values": torch.from_numpy(np.stack(curves).astype(np.float32)),
        "rough": torch.from_numpy(np.stack([roughness(column, spots) for column in columns])),
        "stats": torch.from_numpy(np.stack([stats(column) for column in columns])),
    }


def positions(series: Series) -> np.ndarray:
    """Where each row lies, float64 `[L]` from 0: by its time, or by its number without times."""
    if series.times is None or len(series.times) < 2:
        return np.arange(len(series.values), dtype=np.float64)
    elapsed = (series.times - series.times[0]).astype("timedelta64[ns]").astype(np.float64)
    if not np.isfinite(elapsed).all() or (np.diff(elapsed) <= 0).any():
        return np.arange(len(series.values), dtype=np.float64)
    return elapsed


def curve(column: np.ndarray, spots: np.ndarray, points: int = POINTS) -> np.ndarray:
    """A column `[L]` with gaps → `[P]` without, evenly over the span of `spots`.

    Gaps are bridged by straight lines. A longer column is averaged within each point, so that a
    short spike leaves its trace.
    """
    known = np.isfinite(column)
    if not known.any():
        return np.zeros(points)
    if len(column) <= points:
        return np.interp(np.linspace(spots[0], spots[-1], points), spots[known], column[known])
    finer = -(-len(column) // points)
    fine = np.linspace(spots[0], spots[-1], points * finer)
    dense = np.interp(fine, spots[known], column[known])
    return dense.reshape(points, finer).mean(axis=1)


def standardise(curve: np.ndarray) -> np.ndarray:
    """Less its mean, divided by its deviation; zeros for a constant."""
    largest = np.abs(curve).max()
    if largest == 0:
        return np.zeros_like(curve)
    scaled = curve / largest  # of order 1, so that squares neither overflow nor vanish
    centred = scaled - scaled.mean()
    deviation = centred.std()
    return centred / deviation if deviation > 1e-9 else np.zeros_like(curve)


def roughness(column: np.ndarray, spots: np.ndarray, points: int = POINTS) -> np.ndarray:
    """How far each row lies from the middle of its neighbours, float32 `[P]`.

    Trends and seasons leave little trace in it; a spike, a step and a change of the noise do, for
    which the averages of a long column have no room. It is log(1 + distance / usual distance).
    """
    known = np.flatnonzero(np.isfinite(column))
    if len(known) < 5:
        return np.zeros(points, np.float32)
    level = column[known] / (np.abs(column[known]).max() or 1.0)
    for _ in range(2):  # once leaves much of a season of few rows
        level = level[1:-1] - (level[:-2] + level[2:]) / 2
    apart = np.abs(level)
    usual = np.median(apart) if np.median(apart) > 1e-9 else apart.mean()
    if usual <= 1e-9:
        return np.zeros(points, np.float32)
    apart = np.log1p(np.pad(apart, 2, mode="edge") / usual)
    share = (spots[known] - spots[0]) / (spots[-1] - spots[0])
    spread = np.interp(np.linspace(0, 1, points), share, apart)
    # Where several rows share a point, the roughest of them counts.
    np.maximum.at(spread, np.rint(share * (points - 1)).astype(int), apart)
    return spread.astype(np.float32)


def stats(column: np.ndarray) -> np.ndarray:
    """sign(mean) · log(1 + |mean|), log(1 + deviation), log10(length) / 4, share of gaps."""
    known = column[np.isfinite(column)]
    length = np.log10(max(1, len(column))) / 4
    if not len(known):
        return np.array([0.0, 0.0, length, 1.0], dtype=np.float32)
    largest = np.abs(known).max() or 1.0
    mean = (known / largest).mean() * largest
    deviation = (known / largest).std() * largest
    gaps = 1 - len(known) / len(column)
    level = np.sign(mean) * np.log1p(abs(mean))
    return np.array([level, np.log1p(deviation), length, gaps], dtype=np.float32)
