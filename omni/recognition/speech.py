"""Speech to text with times: whisper where its weights are, else pocketsphinx, named as such.

Nothing is downloaded: a model of whisper is used if its file lies in whisper's own cache.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from omni.errors import MissingExtra, Unsupported, UsageError
from omni.extras import available, need
from omni.recognition.voice import RATE, Samples, mono, segments

if TYPE_CHECKING:
    from omni.values import Waveform

SIZES = (
    *("large-v3-turbo", "large-v3", "large-v2", "large-v1"),
    *("medium", "small", "base", "tiny"),
)
"""Models of whisper by the names of their files, the best first."""

_FRAMES = 100  # a second, in which pocketsphinx tells times
_NOISE = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")
_NO_SPEECH = 0.6  # whisper's own rule for what it made up in silence
_lock = threading.Lock()


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
        version: of the package.
    """

    name: str
    version: str

    def hear(self, waveform: Waveform) -> list[Said]:
        """What is said, in order; empty if nothing is."""
        ...

    def transcribe(self, samples: Samples) -> str:
        """What is said in one spoken segment `[time]` at `RATE`; empty if nothing is understood."""
        ...


class Whisper:
    """openai-whisper with weights that are on this machine.

    Args:
        size: the name of a model in its cache, or the path of a file of weights.
        device: where it runs.
    """

    def __init__(self, size: str, device: str = "cpu"):
        weights = Path(size) if Path(size).is_file() else whisper_folder() / f"{size}.pt"
        self.name, self.version = f"whisper {weights.stem}", version("openai-whisper")
        self._device, self._weights = device, weights

    def hear(self, waveform: Waveform) -> list[Said]:
        return self._heard(mono(waveform))

    def transcribe(self, samples: Samples) -> str:
        return words_of(self._heard(samples))

    def _heard(self, samples: Samples) -> list[Said]:
        # By its path, since whisper downloads a model again whose file differs from its own.
        model = _whisper(str(self._weights), self._device)
        with _lock:
            found = model.transcribe(
                samples,
                fp16=self._device.startswith("cuda"),
                condition_on_previous_text=False,
                verbose=None,
            )
        return [
            Said(" ".join(piece["text"].split()), float(piece["start"]), float(piece["end"]))
            for piece in found["segments"]
            if piece["text"].strip() and piece["no_speech_prob"] < _NO_SPEECH
        ]


class Pocketsphinx:
    """The small recogniser that comes as a package: American English, clear speech, no names."""

    name = "pocketsphinx en-us"

    def __init__(self) -> None:
        self.version = version("pocketsphinx")

    def hear(self, waveform: Waveform) -> list[Said]:
        samples = mono(waveform)
        found = []
        for start, end in segments(samples):
            words = self.words(samples[round(start * RATE) : round(end * RATE)])
            if words:
                first, last = words[0].start, words[-1].end
                found.append(Said(words_of(words), start + first, min(end, start + last)))
        return found

    def transcribe(self, samples: Samples) -> str:
        return words_of(self.words(samples))

    def words(self, samples: Samples) -> list[Said]:
        """Each word of one segment, with its seconds in it."""
        data = (samples.clip(-1, 1) * 32_767).astype("<i2").tobytes()
        with _lock:
            decoder = _pocketsphinx()
            decoder.start_utt()
            decoder.process_raw(data, full_utt=True)
            decoder.end_utt()
            return list(_words(decoder.seg() or ()))


def _words(found: Any) -> Iterator[Said]:
    for one in found:
        if not _NOISE.match(one.word):
            word = one.word.split("(")[0]
            yield Said(word, one.start_frame / _FRAMES, (one.end_frame + 1) / _FRAMES)


def recogniser(name: str | None = None, device: str = "cpu") -> Recogniser:
    """The recogniser of that name, or the best that is on this machine.

    Args:
        name: `pocketsphinx`, `whisper` for its best model here, one of them such as `base`, or a
            file of its weights.
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
    if name == "whisper":
        if not here:
            raise UsageError(
                f"whisper's weights are not on this machine (looked in {whisper_folder()}): run  "
                "python -c \"import whisper; whisper.load_model('base')\"  where there is a network"
            )
        return Whisper(here[0], device)
    if name in here or Path(name).is_file():
        return Whisper(name, device)
    known = ", ".join([*here, "pocketsphinx"])
    raise UsageError(f"no recogniser {name!r} on this machine; there is: {known}")


def whisper_models() -> list[str]:
    """Models of whisper whose weights are in its cache, the best first."""
    known = [f"{size}{language}" for size in SIZES for language in ("", ".en")]
    here = sorted(path.stem for path in whisper_folder().glob("*.pt"))
    return sorted(here, key=lambda name: known.index(name) if name in known else len(known))


def whisper_folder() -> Path:
    """Where whisper keeps its weights."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"


def words_of(said: Sequence[Said]) -> str:
    """All words in one line."""
    return " ".join(one.text for one in said)


@lru_cache(maxsize=1)
def _whisper(weights: str, device: str) -> Any:
    whisper: Any = need("whisper", package="openai-whisper")
    if not hasattr(whisper, "load_model"):
        raise Unsupported(
            "the package 'whisper' that is installed is not a speech recogniser: run  "
            "pip uninstall whisper && pip install openai-whisper"
        )
    return whisper.load_model(weights, device=device)


@lru_cache(maxsize=1)
def _pocketsphinx() -> Any:
    return need("pocketsphinx", extra="offline").Decoder(samprate=RATE, loglevel="FATAL")
