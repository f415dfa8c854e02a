"""How loud a sound is: its levels, its outline, and that as a line of blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from omni.values import Waveform

_BLOCKS = "▁▂▃▄▅▆▇█"
_SILENT_DBFS = -120.0


def levels(waveform: Waveform) -> tuple[float | None, float | None]:
    """Peak and root mean square in dB below full scale; `None` for silence."""
    samples = waveform.samples
    if not samples.size:
        return None, None
    peak = float(max(samples.max(), -samples.min()))
    flat = samples.reshape(-1)
    step = 1 << 20
    pieces = (flat[at : at + step].astype(np.float64) for at in range(0, flat.size, step))
    rms = float(np.sqrt(sum(float(piece @ piece) for piece in pieces) / flat.size))
    return _dbfs(peak), _dbfs(rms)


def _dbfs(amplitude: float) -> float | None:
    if amplitude <= 10 ** (_SILENT_DBFS / 20):
        return None
    return round(20 * float(np.log10(amplitude)), 1)


def sparkline(waveform: Waveform, width: int) -> str:
    """The loudness over time as blocks, the highest where the sound is loudest."""
    low, high = outline(waveform.samples, max(1, width))
    height = np.maximum(high, -low)
    loudest = height.max()
    scaled = height / loudest if loudest > 0 else height
    return "".join(_BLOCKS[round(float(part) * (len(_BLOCKS) - 1))] for part in scaled)


def outline(samples: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest sample of all channels in each of `columns` equal pieces."""
    if not len(samples):
        return np.zeros(columns), np.zeros(columns)
    edges = np.linspace(0, len(samples), columns + 1)
    starts = np.minimum(edges[:-1].astype(int), len(samples) - 1)
    low = np.minimum.reduceat(samples, starts, axis=0).min(axis=1)
    high = np.maximum.reduceat(samples, starts, axis=0).max(axis=1)
    return low, high
