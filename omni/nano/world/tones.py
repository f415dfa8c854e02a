"""Sounds of the world that are not speech: counted beeps, sweeps up and down, noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from omni.nano.world import words
from omni.values import Waveform

SAMPLE_RATE = 16_000
MOST_BEEPS = 6

Kind = Literal["beep", "sweep", "noise"]


@dataclass(frozen=True, slots=True)
class Tone:
    """A sound and what is true of it.

    Attributes:
        kind: one of `words.SOUNDS`.
        count: how many beeps, 1…6; 0 for the other kinds.
        direction: `up` or `down` for a sweep, else `None`.
    """

    waveform: Waveform
    kind: Kind
    count: int = 0
    direction: Literal["up", "down"] | None = None


def tone(rng: np.random.Generator, kind: Kind | None = None) -> Tone:
    """A random sound of a random kind, or of the one asked for."""
    kind = kind or str(rng.choice(words.SOUNDS, p=[0.6, 0.27, 0.13]))  # type: ignore[assignment]
    if kind == "beep":
        count = int(rng.integers(1, MOST_BEEPS + 1))
        return Tone(_wave(_beeps(rng, count)), "beep", count=count)
    if kind == "sweep":
        direction = "up" if rng.random() < 0.5 else "down"
        return Tone(_wave(_sweep(rng, direction == "up")), "sweep", direction=direction)
    return Tone(_wave(_noise(rng)), "noise")


def beeps(count: int, *, pitch: float = 880.0, seconds: float = 0.12, gap: float = 0.12) -> Tone:
    """`count` equal beeps."""
    one = _beep(pitch, seconds)
    silence = np.zeros(round(gap * SAMPLE_RATE), np.float32)
    pieces = [piece for _ in range(count) for piece in (one, silence)][:-1]
    return Tone(_wave(0.5 * np.concatenate(pieces)), "beep", count=count)


def _wave(samples: np.ndarray) -> Waveform:
    return Waveform(samples.astype(np.float32)[:, None], SAMPLE_RATE)


def _beeps(rng: np.random.Generator, count: int) -> np.ndarray:
    pitch = float(np.exp(rng.uniform(np.log(300), np.log(3000))))
    seconds = float(rng.uniform(0.06, 0.22))
    gap = float(rng.uniform(0.07, 0.3))
    harmonics = float(rng.choice([0.0, 0.3, 0.6]))
    pieces = []
    for index in range(count):
        if index:
            pieces.append(np.zeros(round(gap * rng.uniform(0.85, 1.2) * SAMPLE_RATE)))
        bent = pitch * rng.choice([1.0, rng.uniform(0.97, 1.03)])
        pieces.append(_beep(bent, seconds * rng.uniform(0.9, 1.1), harmonics))
    return rng.uniform(0.2, 0.8) * np.concatenate(pieces)


def _beep(pitch: float, seconds: float, harmonics: float = 0.0) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.sin(2 * np.pi * pitch * time) + harmonics * np.sin(4 * np.pi * pitch * time)
    return wave / (1 + harmonics) * fade(len(time))


def _sweep(rng: np.random.Generator, upwards: bool) -> np.ndarray:
    seconds = rng.uniform(0.5, 2.0)
    low = np.exp(rng.uniform(np.log(150), np.log(900)))
    high = min(low * rng.uniform(2.2, 8.0), 6500.0)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    share = time / seconds if upwards else 1 - time / seconds
    pitch = low * (high / low) ** share if rng.random() < 0.5 else low + (high - low) * share
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    return rng.uniform(0.2, 0.8) * np.sin(phase) * fade(len(time))


def _noise(rng: np.random.Generator) -> np.ndarray:
    count = round(rng.uniform(0.5, 2.0) * SAMPLE_RATE)
    hiss = rng.standard_normal(count)
    if rng.random() < 0.5:  # pinkish
        spectrum = np.fft.rfft(hiss)
        spectrum /= np.sqrt(np.arange(len(spectrum)) + 20)
        hiss = np.fft.irfft(spectrum, count)
    hiss /= np.abs(hiss).max()
    return rng.uniform(0.2, 0.8) * hiss * fade(count)


def fade(count: int) -> np.ndarray:
    """An envelope that opens and closes within 5 ms, so that nothing clicks."""
    edge = min(80, count // 2)
    ramp = np.linspace(0, 1, edge)
    return np.concatenate([ramp, np.ones(count - 2 * edge), ramp[::-1]])
