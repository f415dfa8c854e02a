"""Speech of the world: espeak-ng through the package that carries its library and its voices.

espeak-ng keeps one global state (voice, parameters, callback) per process, so every call here takes
one lock: threads may call `speak` at will, but they take turns.
"""

from __future__ import annotations

import _ctypes
import ctypes
import threading
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from omni.errors import UsageError
from omni.extras import need
from omni.nano.world.utterances import VOCABULARY as VOCABULARY
from omni.nano.world.utterances import phrase as phrase
from omni.values import Waveform

SAMPLE_RATE = 16_000

_SYNCHRONOUS = 2
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_CHARACTER_POSITION = 1
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Voice:
    """How to speak.

    Attributes:
        name: an espeak-ng voice, with a variant after `+`, such as `en-us+f3`.
        speed: words a minute, 80…450.
        pitch: 0…100; 50 is the voice's own.
        range: 0…100, how much the pitch moves; 0 is monotone.
    """

    name: str = "en-us"
    speed: int = 165
    pitch: int = 50
    range: int = 50


HOUSE = Voice("en-us", speed=185, pitch=40, range=0)
"""The one voice that Omni speaks with; the codec and the language model are trained on it.

Of ten voices at three settings each, it is the shortest of those that pocketsphinx understands
best, in quiet and in noise.
"""

GRID = 512
"""Samples to a unit of `speak_house`: one code of the audio decoder."""

_GAP = 384
"""Silence at both ends of a house word: as far as the window of a code reaches beyond it."""

_VARIANTS = {
    "en-us": (
        "plain m1 m2 m3 m7 m8 f1 f2 f4 f5 Alex Annie edward Andy belinda boris caleb "
        "david ed Henrique Hugo Jacky Lee miguel norbert paul rob shelby victor zac"
    ),
    "en": (
        "plain m1 m3 m5 m6 f1 f2 f5 linda benjamin Denis Gene john max pablo quincy robert travis"
    ),
    "en-gb-x-rp": "plain m5 f4",
    "en-gb-scotland": "m1 f2",
    "en-us-nyc": "plain",
}

VOICES: tuple[str, ...] = tuple(
    accent if variant == "plain" else f"{accent}+{variant}"
    for accent, variants in _VARIANTS.items()
    for variant in variants.split()
)
"""Voices of the training."""

UNSEEN_VOICES = ("en-us+f3", "en+m4", "en-us+steph", "en+Michael")
"""Voices that are only ever tested."""


def speak(
    text: str,
    voice: str | Voice = HOUSE,
    *,
    speed: int | None = None,
    pitch: int | None = None,
) -> Waveform:
    """Say `text`, as 16 kHz mono without the silence around it; the same call gives the same sound.

    Raises:
        MissingExtra: where the synthesiser is not installed.
        UsageError: for an unknown voice or a text with nothing to say.
    """
    chosen = voice if isinstance(voice, Voice) else Voice(voice)
    if speed is not None:
        chosen = replace(chosen, speed=speed)
    if pitch is not None:
        chosen = replace(chosen, pitch=pitch)
    samples, rate = _synthesise(text, chosen)
    samples = trim(_resample(samples, rate))
    if not len(samples):
        raise UsageError(f"there is nothing to say in {text!r}: give it at least one word")
    return Waveform(samples[:, None], SAMPLE_RATE)


def speak_house(text: str) -> Waveform:
    """Say `text` as Omni does: in the house voice, monotone, word by word on a grid of `GRID`.

    So a word is the same samples, and exactly the same codes, in whatever sentence it stands, which
    is what lets a small language model learn to speak from few examples.
    """
    pieces = [_house_word(word) for word in text.split()]
    if not pieces:
        raise UsageError("there is nothing to say: give at least one word")
    return Waveform(np.concatenate(pieces)[:, None], SAMPLE_RATE)


@lru_cache(maxsize=1024)
def _house_word(word: str) -> np.ndarray:
    samples = speak(word).samples[80:-80, 0].copy()
    edge = np.linspace(0, 1, 80, dtype=np.float32)
    samples[:80] *= edge
    samples[-80:] *= edge[::-1]
    return np.pad(samples, (_GAP, _GAP + -(len(samples) + 2 * _GAP) % GRID))


def random_voice(rng: np.random.Generator, names: tuple[str, ...] = VOICES) -> Voice:
    """One of the voices, at a random speed and pitch."""
    return Voice(
        names[rng.integers(len(names))],
        speed=int(rng.integers(120, 221)),
        pitch=int(rng.integers(25, 76)),
        range=int(rng.integers(20, 81)),
    )


def trim(samples: np.ndarray, *, floor: float = 0.004, margin: int = 160) -> np.ndarray:
    """Cut the silence from both ends of `[time]`, but for a margin of samples."""
    loud = np.flatnonzero(np.abs(samples) > floor)
    if not len(loud):
        return samples[:0]
    return samples[max(0, loud[0] - margin) : loud[-1] + 1 + margin]


def _resample(samples: np.ndarray, rate: int) -> np.ndarray:
    if rate == SAMPLE_RATE:
        return samples
    import soxr

    return soxr.resample(samples, rate, SAMPLE_RATE, quality="HQ").astype(np.float32)


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Synthesiser:
    """A freshly loaded library. Use it under the lock only, and close it."""

    def __init__(self):
        loader = need("espeakng_loader", extra="offline")
        self._library = ctypes.CDLL(loader.get_library_path())
        self._pieces: list[np.ndarray] = []
        self._callback = _Callback(self._receive)
        data = str(loader.get_data_path())
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), 0)
        if self.rate <= 0:
            raise RuntimeError(f"espeak-ng does not start with the data in {data}")
        self._library.espeak_SetSynthCallback(self._callback)
        if hasattr(self._library, "espeak_ng_SetRandSeed"):  # of the noise in breathy voices
            self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))

    def _receive(self, samples, count: int, events) -> int:
        if samples and count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0

    def say(self, text: str, voice: Voice) -> np.ndarray:
        library = self._library
        if library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise UsageError(f"espeak-ng has no voice {voice.name!r}; try 'en-us' or 'en+f2'")
        for parameter, value in (
            (_RATE, voice.speed),
            (_PITCH, voice.pitch),
            (_RANGE, voice.range),
        ):
            library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        code = library.espeak_Synth(
            data, ctypes.c_size_t(len(data) + 1), 0, _CHARACTER_POSITION, 0, _UTF8, None, None
        )
        if code != 0:
            raise RuntimeError(f"espeak-ng failed with code {code} on {text!r}")
        library.espeak_Synchronize()
        if not self._pieces:
            return np.zeros(0, np.float32)
        return np.concatenate(self._pieces).astype(np.float32) / 32768

    def close(self) -> None:
        self._library.espeak_Terminate()
        unload = getattr(_ctypes, "dlclose", None) or getattr(_ctypes, "FreeLibrary", None)
        if unload is not None:
            unload(self._library._handle)


def _synthesise(text: str, voice: Voice) -> tuple[np.ndarray, int]:
    """Samples and rate.

    The library is loaded anew (a millisecond): its phase counters have no reset, so that a second
    utterance would come out a little different from the first.
    """
    with _lock:
        engine = _Synthesiser()
        try:
            return engine.say(text, voice), engine.rate
        finally:
            engine.close()
