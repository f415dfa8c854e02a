"""Sound to a log-mel spectrogram: 16 kHz mono, 100 frames a second, 64 mel bands.

Shapes: `S` samples, `T` frames, `F` frequency bins, `M` mel bands.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from omni.values import Waveform

SAMPLE_RATE = 16_000
WINDOW = 400  # samples: 25 ms
HOP = 160  # samples: 10 ms
FRAMES_PER_SECOND = SAMPLE_RATE // HOP
MELS = 64
MAX_SECONDS = 30
FLOOR = 1e-5
"""Smallest mel power that is told from silence: just above the noise of 16-bit samples."""
SPREAD = 4.0
"""Divides the natural logarithm, so that most values lie within −3…3."""


def features(waveform: Waveform) -> dict[str, torch.Tensor]:
    """`mel [T, 64]`: the log-mel spectrogram of the first 30 seconds, less its mean."""
    heard = waveform.samples[: MAX_SECONDS * waveform.sample_rate]
    mel = log_mel(torch.from_numpy(resample(heard, waveform.sample_rate)))
    return {"mel": (mel - mel.mean()) / SPREAD}


def resample(samples: np.ndarray, sample_rate: int, to_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Samples `[S, channels]` or `[S]` at any rate → float32 mono `[S']` at `to_rate`."""
    import soxr

    mono = downmix(samples) if samples.ndim == 2 else samples.astype(np.float32)
    if sample_rate != to_rate and len(mono):
        mono = soxr.resample(mono, sample_rate, to_rate)
    return mono


def downmix(samples: np.ndarray) -> np.ndarray:
    """The mean of all channels, float32 `[S, channels]` → `[S]`."""
    # As a product: on rows this short, numpy's mean is some twenty times slower.
    channels = samples.shape[1]
    return np.asarray(samples, dtype=np.float32) @ np.full(channels, 1 / channels, np.float32)


def log_mel(samples: torch.Tensor) -> torch.Tensor:
    """Samples `[S]` at 16 kHz → natural logarithm of mel power `[T, M]`.

    `T` is `S / 160` rounded up, and at least 1; what is missing at the end is silence.
    """
    frames = max(1, -(-len(samples) // HOP))
    padded = torch.nn.functional.pad(samples.float(), (0, frames * HOP - len(samples)))
    spectrum = torch.stft(
        padded,
        n_fft=WINDOW,
        hop_length=HOP,
        window=torch.hann_window(WINDOW),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    power = spectrum[:, :frames].abs().square()  # [F, T]
    return (mel_filters() @ power).clamp(min=FLOOR).log().T.contiguous()


@cache
def mel_filters() -> torch.Tensor:
    """Triangles `[M, F]` of height 1, evenly spaced from 0 to 8 kHz on the HTK mel scale."""
    top = _mel(SAMPLE_RATE / 2)
    corners = _hertz(np.linspace(0.0, top, MELS + 2))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, WINDOW // 2 + 1)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising = (bins - low) / (middle - low)
    falling = (high - bins) / (high - middle)
    return torch.from_numpy(np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32))


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
