"""What the ear learns from: speech and tones as they reach a microphone, with their labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from omni.nano.world import speech, strange_sounds, tones, utterances
from omni.nano.world.speech import SAMPLE_RATE

KINDS = ("speech", "beep", "sweep up", "sweep down", "noise")

SYMBOLS = ("", *utterances.VOCABULARY, "<beep>", "<up>", "<down>", "<hiss>")
"""What is written down of a sound, in order of time; the first is nothing (the CTC blank)."""

_INDEX = {symbol: index for index, symbol in enumerate(SYMBOLS)}


@dataclass(frozen=True, slots=True)
class Heard:
    """A sound `[time]` at 16 kHz with its labels.

    Attributes:
        kind: index in `KINDS`; −1 for sounds from outside the world.
        count: how many beeps; 0 for other kinds, −1 for sounds from outside the world.
        symbols: indices in `SYMBOLS`, in order of time.
        text: the words spoken; empty for tones.
    """

    samples: np.ndarray
    kind: int
    count: int
    symbols: tuple[int, ...]
    text: str = ""


def spoken(samples: np.ndarray, text: str) -> Heard:
    """Label speech with its words."""
    return Heard(samples, 0, 0, tuple(_INDEX[word] for word in text.split()), text)


def toned(made: tones.Tone) -> Heard:
    """Label a tone with what it is: a symbol for every beep, one for a sweep or for noise."""
    samples = made.waveform.samples[:, 0]
    if made.kind == "beep":
        return Heard(samples, 1, made.count, (_INDEX["<beep>"],) * made.count)
    if made.kind == "sweep":
        return Heard(samples, 2 + (made.direction == "down"), 0, (_INDEX[f"<{made.direction}>"],))
    return Heard(samples, 4, 0, (_INDEX["<hiss>"],))


def strange(rng: np.random.Generator) -> Heard:
    """A sound from outside the world, of which nothing can be written down."""
    return Heard(strange_sounds.sound(rng).samples[:, 0], -1, -1, ())


class Corpus:
    """Clean utterances, synthesised once and kept in a file of 16-bit samples."""

    def __init__(self, samples: np.ndarray, ends: np.ndarray, texts: list[str]):
        self.samples, self.ends, self.texts = samples, ends, texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> Heard:
        start = int(self.ends[index - 1]) if index else 0
        samples = self.samples[start : int(self.ends[index])].astype(np.float32) / 32768
        return spoken(samples, self.texts[index])

    @classmethod
    def make(
        cls,
        size: int,
        seed: int,
        *,
        voices: tuple[str, ...] = speech.VOICES,
        held_out: bool = False,
        jumbled: float = 0.0,
        folder: Path | None = None,
    ) -> Corpus:
        """Synthesise `size` phrases of random voices; with a folder, keep and reuse them there.

        Args:
            jumbled: share of phrases that are words in no order.
        """
        stem = f"speech-{size}-{seed}-{len(voices)}-{int(held_out)}"
        kept = folder / f"{stem}.npy" if folder else None
        if kept and kept.exists():
            about = json.loads(kept.with_suffix(".json").read_text())
            return cls(np.load(kept), np.array(about["ends"]), about["texts"])
        rng = np.random.default_rng((seed, 77))
        texts = [
            utterances.jumble(rng)
            if rng.random() < jumbled
            else utterances.phrase(rng, held_out=held_out)
            for _ in range(size)
        ]
        pieces = []
        for text in texts:
            wave = speech.speak(text, speech.random_voice(rng, voices)).samples[:, 0]
            pieces.append((wave * 32767).clip(-32767, 32767).astype(np.int16))
        made = cls(np.concatenate(pieces), np.cumsum([len(piece) for piece in pieces]), texts)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            about = {"ends": made.ends.tolist(), "texts": texts}
            kept.with_suffix(".json").write_text(json.dumps(about))
            np.save(kept, made.samples)
        return made


def disturb(rng: np.random.Generator, samples: np.ndarray, *, most: float = 0.5) -> np.ndarray:
    """The sound as a microphone in a room hears it: pauses, echo, gain, hiss."""
    pauses = [np.zeros(round(rng.uniform(0, most) * SAMPLE_RATE), np.float32) for _ in range(2)]
    wave = np.concatenate([pauses[0], samples, pauses[1]]).astype(np.float32)
    if rng.random() < 0.3:
        wave = _echo(rng, wave)
    wave *= np.float32(10 ** rng.uniform(-1.2, 0.1) / max(1e-3, float(np.abs(wave).max())))
    if rng.random() < 0.75:
        loudness = np.sqrt(wave @ wave / len(wave)) * 10 ** (-rng.uniform(10, 45) / 20)
        wave += np.float32(loudness) * _hiss(rng, len(wave))
    return wave.clip(-1, 1)


def warp(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    """Half of the time, play the sound a little faster or slower.

    It then comes as from a smaller or larger throat: more voices than the synthesiser has.
    """
    if rng.random() < 0.5:
        return samples
    places = np.arange(0, len(samples) - 1, rng.uniform(0.86, 1.16))
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def _echo(rng: np.random.Generator, wave: np.ndarray) -> np.ndarray:
    count = round(rng.uniform(0.03, 0.15) * SAMPLE_RATE)
    tail = rng.standard_normal(count, np.float32) * np.exp(-5 * np.arange(count) / count)
    tail *= rng.uniform(0.1, 0.5) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    size = _quick(len(wave) + count)
    spectrum = np.fft.rfft(wave, size) * np.fft.rfft(tail.astype(np.float32), size)
    return np.fft.irfft(spectrum, size)[: len(wave)].astype(np.float32)


def _hiss(rng: np.random.Generator, count: int) -> np.ndarray:
    size = _quick(count)
    hiss = rng.standard_normal(size, np.float32)
    if rng.random() < 0.5:
        return hiss[:count]
    step = np.exp(rng.uniform(np.log(20), np.log(400)))
    slope = np.sqrt(1 + np.arange(size // 2 + 1, dtype=np.float32) / np.float32(step))
    hiss = np.fft.irfft(np.fft.rfft(hiss) / slope, size)[:count].astype(np.float32)
    return hiss / max(1e-6, float(hiss.std()))


def _quick(count: int) -> int:
    """The next size that Fourier transforms are quick at."""
    return -(-count // 4096) * 4096
