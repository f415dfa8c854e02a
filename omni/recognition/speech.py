"""Speech to text with times: whisper where its weights are, else pocketsphinx, named as such.

Nothing is downloaded: a model of whisper is used if its file lies in whisper's own cache.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from omni.errors import MissingExtra, Unsupported, UsageError
from omni.extras import available, need

if TYPE_CHECKING:
    from omni.values import Waveform

SAMPLE_RATE = 16_000
SIZES = ("large-v3", "large-v2", "large", "turbo", "medium", "small", "base", "tiny")
"""Models of whisper, the best first."""

_FRAME = 160  # samples of the frames in which pocketsphinx tells times
_NOISE = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")
_PIECE_SECONDS, _PAUSE_SECONDS = 30.0, 0.3
_LOUDER = 4.0  # than the quiet parts: what counts as speech


@dataclass(frozen=True, slots=True)
class Said:
    """Some words and when they were said.

    Attributes:
        text: the words.
        start: in seconds.
        end: in seconds.
    """

    text: str
    start: float
    end: float


class Recogniser(Protocol):
    """Hears speech.

    Attributes:
        name: which it is, with its model, such as `whisper base` or `pocketsphinx en-us`.
    """

    name: str

    def hear(self, waveform: Waveform) -> list[Said]:
        """What is said, in order; empty if nothing is."""
        ...


class Whisper:
    """openai-whisper with weights that are on this machine.

    Args:
        size: the name of a model, or the path of a file of weights.
        device: where it runs.
    """

    def __init__(self, size: str, device: str = "cpu"):
        self.name = f"whisper {Path(size).stem if Path(size).is_file() else size}"
        self._device, self._size = device, size

    def hear(self, waveform: Waveform) -> list[Said]:
        model = _whisper(self._size, self._device)
        found = model.transcribe(mono(waveform), fp16=self._device.startswith("cuda"))
        return [
            Said(piece["text"].strip(), float(piece["start"]), float(piece["end"]))
            for piece in found["segments"]
            if piece["text"].strip()
        ]


class Pocketsphinx:
    """The small recogniser that comes as a package: American English, clear speech, no names."""

    name = "pocketsphinx en-us"

    def hear(self, waveform: Waveform) -> list[Said]:
        samples = mono(waveform)
        found = []
        for start, end in spoken(samples):
            found += self._piece(samples[start:end], start / SAMPLE_RATE)
        return found

    def _piece(self, samples: np.ndarray, offset: float) -> Iterator[Said]:
        decoder = _pocketsphinx()
        decoder.start_utt()
        decoder.process_raw(
            (samples.clip(-1, 1) * 32_767).astype(np.int16).tobytes(), full_utt=True
        )
        decoder.end_utt()
        words, start, end = [], 0.0, 0.0
        for part in decoder.seg() or ():
            if _NOISE.match(part.word):
                continue
            if not words:
                start = offset + part.start_frame * _FRAME / SAMPLE_RATE
            words.append(part.word.split("(")[0])
            end = offset + (part.end_frame + 1) * _FRAME / SAMPLE_RATE
        if words:
            yield Said(" ".join(words), start, min(end, offset + len(samples) / SAMPLE_RATE))


def recogniser(name: str | None = None, device: str = "cpu") -> Recogniser:
    """The recogniser of that name, or the best that is on this machine.

    Args:
        name: `pocketsphinx`, a model of whisper such as `base`, or a file of its weights.
        device: where whisper runs.

    Raises:
        UsageError: if the weights are not on this machine.
        MissingExtra: if there is no recogniser at all.
    """
    here = whisper_models()
    if name is None:
        if here:
            return Whisper(here[0], device)
        if available("pocketsphinx"):
            return Pocketsphinx()
        raise MissingExtra(
            "nothing here can hear speech: put a model of whisper into its cache, or run  "
            'pip install "omni-agent[offline]"  for pocketsphinx'
        )
    if name == "pocketsphinx":
        need("pocketsphinx", extra="offline")
        return Pocketsphinx()
    if name in here or Path(name).is_file():
        return Whisper(name, device)
    known = ", ".join([*here, "pocketsphinx"])
    raise UsageError(f"no recogniser {name!r} on this machine; there is: {known}")


def whisper_models() -> list[str]:
    """Models of whisper whose weights are in its cache, the best first."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(root) / "whisper"
    names = (f"{size}{language}" for size in SIZES for language in ("", ".en"))
    return [name for name in names if (cache / f"{name}.pt").is_file()]


def mono(waveform: Waveform) -> np.ndarray:
    """Float32 samples `[time]` of one channel at `SAMPLE_RATE`."""
    samples = waveform.samples
    samples = samples.mean(axis=1) if samples.ndim == 2 else samples
    if waveform.sample_rate != SAMPLE_RATE:
        import soxr

        samples = soxr.resample(samples, waveform.sample_rate, SAMPLE_RATE)
    return np.ascontiguousarray(samples, dtype=np.float32)


def spoken(samples: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of samples `[time]` that are louder than the quiet, with a little room around.

    Pauses of less than `_PAUSE_SECONDS` join what lies around them, up to `_PIECE_SECONDS`.
    """
    width = SAMPLE_RATE // 50
    count = len(samples) // width
    if count == 0:
        return []
    level = np.sqrt((samples[: count * width].reshape(count, width) ** 2).mean(1))
    quiet = max(float(np.quantile(level, 0.1)) * _LOUDER, float(level.max()) / 50, 1e-4)
    loud = np.flatnonzero(level > min(quiet, float(level.max()) / 2))
    if not len(loud):
        return []
    pause, longest = round(_PAUSE_SECONDS * 50), round(_PIECE_SECONDS * 50)
    pieces = [[int(loud[0]), int(loud[0]) + 1]]
    for place in loud[1:]:
        last = pieces[-1]
        if place - last[1] < pause and place - last[0] < longest:
            last[1] = int(place) + 1
        else:
            pieces.append([int(place), int(place) + 1])
    room = pause // 2
    return [
        (max(0, start - room) * width, min(len(samples), (end + room) * width))
        for start, end in pieces
    ]


def words_of(said: Sequence[Said]) -> str:
    """All words in one line."""
    return " ".join(one.text for one in said)


@lru_cache(maxsize=1)
def _whisper(size: str, device: str) -> Any:
    whisper: Any = need("whisper", extra="offline")
    if not hasattr(whisper, "load_model"):
        raise Unsupported(
            "the package 'whisper' that is installed is not a speech recogniser: run  "
            "pip uninstall whisper && pip install openai-whisper"
        )
    return whisper.load_model(size, device=device)


@lru_cache(maxsize=1)
def _pocketsphinx() -> Any:
    return need("pocketsphinx", extra="offline").Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
