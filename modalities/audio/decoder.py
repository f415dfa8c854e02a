"""Codes to sound and back: a spectrogram autoencoder with finite scalar quantisation.

A code stands for 32 ms and depends on the 80 ms around it only, so that a word between short gaps
has the same codes in every sentence.

Shapes: `S` samples, `T` spectrogram frames, `F` frequency bins, `N` codes, `Z` code dimensions.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omni.errors import UsageError
from omni.plugins import Component
from omni.values import Waveform

SAMPLE_RATE = 16_000
WINDOW = 1024
HOP = 256
SPAN = 2 * HOP
"""Samples to a code."""
BINS = WINDOW // 2 + 1
LEVELS = (8, 5, 5, 5)
FLOOR = 1e-2
"""Smallest magnitude that is told from silence; a full sine reaches 256."""
CENTRE, SPREAD = -1.5, 3.0
ROUNDS = 32


class AudioDecoder(nn.Module):
    """16 kHz mono ⇄ codes, 31.25 a second, at most 4 seconds.

    Attributes:
        codes: size of the vocabulary.
        length: `None`, since sounds are of any length.
        max_length: most codes to a sound.
    """

    codes = 1000
    length = None
    max_length = 4 * SAMPLE_RATE // SPAN

    def __init__(self, width: int = 192, depth: int = 4):
        super().__init__()
        self.inwards = nn.Sequential(
            nn.Conv1d(BINS, width, 1),
            nn.GELU(),
            nn.Conv1d(width, width, 2, stride=2),
            nn.GELU(),
            Mix(width, 1, 1),
            nn.Conv1d(width, len(LEVELS), 1),
        )
        self.outwards = nn.Sequential(
            nn.Conv1d(len(LEVELS), width, 3, padding=1),
            *(Mix(width, 3, dilation) for dilation in (1, 2)),
            nn.ConvTranspose1d(width, width, 2, stride=2),
            *(Mix(width, 3, 2**index) for index in range(depth)),
            nn.Conv1d(width, BINS, 1),
        )

    def encode(self, value: Waveform) -> Tensor:
        """Codes, int64 `[N]`, of the first 4 seconds of a sound."""
        return self.encode_all([value])[0]

    def decode(self, codes: Tensor) -> Waveform:
        """The sound that codes stand for; the phases are found by Griffin and Lim's method.

        Raises:
            UsageError: for no codes, too many, or one outside the vocabulary.
        """
        codes = codes.to(self.device, torch.int64).reshape(-1)
        if not 0 < len(codes) <= self.max_length:
            raise UsageError(f"a sound takes 1 to {self.max_length} codes, not {len(codes)}")
        if codes.min() < 0 or codes.max() >= self.codes:
            raise UsageError(f"sound codes lie in 0…{self.codes - 1}, not {codes.tolist()}")
        with torch.inference_mode():
            levels = unpack(codes).to(self.dtype).T[None]
            magnitude = magnitudes(self.outwards(levels)[0].float().cpu())
        samples = griffin_lim(magnitude, len(codes) * SPAN)
        return Waveform(samples.clamp(-1, 1).numpy()[:, None], SAMPLE_RATE)

    @torch.inference_mode()
    def encode_all(self, values: list[Waveform]) -> list[Tensor]:
        """Codes of several sounds, each on its own."""
        found = []
        for value in values:
            spectrum = spectrogram(samples_of(value))[None].to(self.device, self.dtype)
            found.append(pack(quantise(self.inwards(spectrum))[0].T).cpu())
        return found

    def forward(self, spectrum: Tensor) -> Tensor:
        """Normalised log-magnitudes `[B, F, T]`, `T` even → their reconstruction (for training)."""
        return self.outwards(quantise(self.inwards(spectrum)))

    @property
    def device(self) -> torch.device:
        return self.inwards[0].weight.device  # type: ignore[return-value]

    @property
    def dtype(self) -> torch.dtype:
        return self.inwards[0].weight.dtype  # type: ignore[return-value]


class Mix(nn.Module):
    """A residual convolution over time and one over channels."""

    def __init__(self, width: int, kernel: int, dilation: int):
        super().__init__()
        padding = dilation * (kernel // 2)
        self.near = nn.Conv1d(width, width, kernel, padding=padding, dilation=dilation)
        self.out = nn.Conv1d(width, width, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.out(F.gelu(self.near(hidden)))


def samples_of(value: Waveform) -> Tensor:
    """Mono at 16 kHz, at most 4 seconds, filled up with silence to whole codes: `[N · 512]`."""
    from .features import resample

    samples = resample(value.samples, value.sample_rate)[: AudioDecoder.max_length * SPAN]
    if not len(samples):
        raise UsageError("an empty sound has no codes: give at least one sample")
    return torch.from_numpy(np.pad(samples, (0, -len(samples) % SPAN)))


def spectrogram(samples: Tensor) -> Tensor:
    """Samples `[…, S]` → normalised log-magnitudes `[…, F, T]`, each centred on its samples."""
    edge = (WINDOW - HOP) // 2
    spectrum = torch.stft(
        F.pad(samples, (edge, edge)),
        n_fft=WINDOW,
        hop_length=HOP,
        window=torch.hann_window(WINDOW),
        center=False,
        return_complex=True,
    )
    return (spectrum.abs().clamp(min=FLOOR).log() - CENTRE) / SPREAD


def magnitudes(normalised: Tensor) -> Tensor:
    """The inverse of the normalisation, with the floor taken for silence."""
    magnitude = (normalised * SPREAD + CENTRE).clamp(max=6.0).exp()
    return (magnitude - FLOOR).clamp(min=0)


def griffin_lim(magnitude: Tensor, size: int, *, rounds: int = ROUNDS) -> Tensor:
    """Samples `[size]` whose spectrogram comes near `magnitude [F, T]`; always the same ones."""
    edge = (WINDOW - HOP) // 2
    window = torch.hann_window(WINDOW)
    weight = _overlap_add(window.square()[:, None].expand(-1, magnitude.shape[1]))
    weight = weight.clamp(min=1e-3)
    generator = torch.Generator().manual_seed(0)
    angles = torch.rand(magnitude.shape, generator=generator) * (2 * torch.pi)
    guess = torch.polar(magnitude, angles)
    before = torch.zeros_like(guess)
    wave = torch.zeros(0)
    for _ in range(rounds + 1):
        frames = torch.fft.irfft(guess, n=WINDOW, dim=0) * window[:, None]
        wave = _overlap_add(frames) / weight
        again = torch.fft.rfft(wave.unfold(0, WINDOW, HOP).T * window[:, None], dim=0)
        ahead = again + 0.99 * (again - before)
        before = again
        guess = magnitude * ahead / ahead.abs().clamp(min=1e-8)
    return wave[edge : edge + size]


def _overlap_add(frames: Tensor) -> Tensor:
    """Frames `[WINDOW, T]` → samples `[(T − 1) · HOP + WINDOW]`."""
    size = (frames.shape[1] - 1) * HOP + WINDOW
    return F.fold(frames[None], (1, size), (1, WINDOW), stride=(1, HOP)).reshape(-1)


def quantise(hidden: Tensor) -> Tensor:
    """Bound each of the `Z` dimensions of `[B, Z, N]` and round it to its levels, in −1…1.

    The gradient passes straight through the rounding.
    """
    half = _halves(hidden)[:, None]
    shift = _shifts(hidden)[:, None]
    bounded = (hidden + shift / half).tanh() * half * 1.001 - shift
    rounded = bounded + (bounded.round() - bounded).detach()
    return rounded / _widths(hidden)[:, None]


def pack(levels: Tensor) -> Tensor:
    """Levels in −1…1 `[N, Z]` → codes `[N]`."""
    widths = _widths(levels)
    digits = (levels * widths).round() + widths
    return (digits.to(torch.int64) * _bases(levels)).sum(-1)


def unpack(codes: Tensor) -> Tensor:
    """Codes `[N]` → levels in −1…1 `[N, Z]`."""
    sizes = torch.tensor(LEVELS, device=codes.device)
    digits = codes[:, None] // _bases(codes) % sizes
    widths = _widths(codes.float())
    return (digits - widths) / widths


def _bases(like: Tensor) -> Tensor:
    return torch.tensor(np.cumprod((1, *LEVELS[:-1])), device=like.device)


def _widths(like: Tensor) -> Tensor:
    return torch.tensor([size // 2 for size in LEVELS], device=like.device, dtype=like.dtype)


def _halves(like: Tensor) -> Tensor:
    return torch.tensor([(s - 1) / 2 for s in LEVELS], device=like.device, dtype=like.dtype)


def _shifts(like: Tensor) -> Tensor:
    return torch.tensor([0.5 * (1 - s % 2) for s in LEVELS], device=like.device, dtype=like.dtype)


COMPONENTS = (
    Component(
        kind="decoder",
        name="audio",
        summary="Codes to a spectrogram (finite scalar quantisation), then a wave (Griffin-Lim).",
        paper="Finite Scalar Quantization: VQ-VAE Made Simple (arXiv 2309.15505)",
    ),
)
