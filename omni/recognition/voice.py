"""Where somebody speaks in a recording, told by its loudness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from omni.values import Waveform

RATE = 16_000
"""Samples a second of what is listened to."""

FRAME = RATE // 50
LONGEST = 20.0
"""Seconds of a segment at most; a longer one is cut where it is quietest."""

_PAUSE = 0.35
_SHORTEST = 0.15
_AROUND = 0.06
_ABOVE_FLOOR = 9.0
_BELOW_PEAK = 34.0
_SILENT = -65.0

Samples = NDArray[np.float32]


def mono(waveform: Waveform) -> Samples:
    """Sound as samples `[time]` of one channel at `RATE`."""
    samples = waveform.samples.mean(1) if waveform.samples.ndim > 1 else waveform.samples
    if waveform.sample_rate != RATE:
        import soxr

        samples = soxr.resample(samples, waveform.sample_rate, RATE)
    return np.ascontiguousarray(samples, np.float32)


def segments(samples: Samples) -> list[tuple[float, float]]:
    """Start and end in seconds of each run of sound between pauses, in samples `[time]` at `RATE`.

    A frame counts if it is well above the quietest tenth of the recording and not far below its
    peak, so that hiss does not count in a loud recording and a whisper does in a quiet one.
    """
    count = len(samples) // FRAME
    if not count:
        return []
    frames = samples[: count * FRAME].reshape(count, FRAME)
    level = 10 * np.log10((frames.astype(np.float64) ** 2).mean(1) + 1e-12)
    floor, peak = float(np.quantile(level, 0.1)), float(level.max())
    if peak < _SILENT:
        return []
    least = max(min(floor + _ABOVE_FLOOR, peak - 6), peak - _BELOW_PEAK, _SILENT)
    runs = _joined(_runs(level > least))
    whole = len(samples) / RATE
    found = []
    for first, last in runs:
        if (last - first) * FRAME / RATE < _SHORTEST:
            continue
        for start, end in _cut(level, first, last):
            found.append(
                (
                    max(0.0, round(start * FRAME / RATE - _AROUND, 3)),
                    min(whole, round(end * FRAME / RATE + _AROUND, 3)),
                )
            )
    return found


def _runs(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate([[0], active.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _joined(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs with a pause between them too short to end a phrase are one."""
    found: list[tuple[int, int]] = []
    for first, last in runs:
        if found and (first - found[-1][1]) * FRAME / RATE < _PAUSE:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def _cut(level: NDArray[np.float64], first: int, last: int) -> list[tuple[int, int]]:
    most = int(LONGEST * RATE / FRAME)
    found = []
    while last - first > most:
        # In the second half of what fits, where the least is lost by cutting.
        half = first + most // 2
        at = half + int(level[half : first + most].argmin())
        found.append((first, at))
        first = at
    return [*found, (first, last)]
