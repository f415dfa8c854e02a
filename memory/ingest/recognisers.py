"""Who writes down what is spoken: openai-whisper where its weights are, else pocketsphinx."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from omni.errors import MissingExtra
from omni.extras import available, need

from ..record import Span
from .voice import RATE, Samples

_WHISPER_SIZES = ("turbo", "large-v3-turbo", "large-v3", "large-v2", "large", "medium")
_WHISPER_SMALLER = ("medium.en", "small", "small.en", "base", "base.en", "tiny", "tiny.en")
_lock = threading.Lock()


class Recogniser(Protocol):
    """Writes down speech.

    Attributes:
        name: of the recogniser, with its version.
    """

    name: str

    def transcribe(self, samples: Samples) -> str:
        """What is said in a segment of 16 kHz sound; empty if nothing is understood."""
        ...


def recogniser(kind: str) -> Recogniser | None:
    """The recogniser that a plan asks for; with `auto` the best that is on this machine, or `None`.

    Raises:
        MissingExtra: if one was asked for by name and is not there.
    """
    weights = whisper_weights()
    if kind == "none":
        return None
    if kind == "whisper" or (kind == "auto" and weights is not None):
        if weights is None:
            raise MissingExtra(
                f"whisper's weights are not on this machine (looked in {_whisper_folder()}): run  "
                "python -c \"import whisper; whisper.load_model('base')\"  where there is a network"
            )
        return Whisper(weights)
    if available("pocketsphinx"):
        return PocketSphinx()
    if kind == "pocketsphinx":
        need("pocketsphinx", extra="offline")
    return None


def recogniser_name(kind: str) -> str:
    """What `recogniser` would take, without loading anything."""
    weights = whisper_weights()
    if kind == "none":
        return ""
    if kind == "whisper" or (kind == "auto" and weights is not None):
        return f"whisper {weights.stem}" if weights else ""
    return "pocketsphinx" if available("pocketsphinx") else ""


def whisper_weights() -> Path | None:
    """The best of whisper's models that lie where it keeps them."""
    folder = _whisper_folder()
    for size in (*_WHISPER_SIZES, *_WHISPER_SMALLER):
        if (folder / f"{size}.pt").is_file():
            return folder / f"{size}.pt"
    return next(iter(sorted(folder.glob("*.pt"))), None)


def _whisper_folder() -> Path:
    cache_folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_folder) / "whisper"


class Whisper:
    """openai-whisper with weights that lie on disk."""

    def __init__(self, weights: Path):
        self.name = f"openai-whisper {version('openai-whisper')} {weights.stem}"
        self._model = _whisper(str(weights))

    def transcribe(self, samples: Samples) -> str:
        with _lock:
            found = self._model.transcribe(
                samples, fp16=False, condition_on_previous_text=False, verbose=None
            )
        segments = found["segments"]
        # Whisper's own rule for what it made up in silence.
        said = [one["text"] for one in segments if one["no_speech_prob"] < 0.6]
        return " ".join("".join(said).split())


class PocketSphinx:
    """pocketsphinx with the English model that is in its package."""

    def __init__(self):
        self.name = f"pocketsphinx {version('pocketsphinx')}"

    def transcribe(self, samples: Samples) -> str:
        return " ".join(word for word, _ in self.words(samples))

    def words(self, samples: Samples) -> list[tuple[str, Span]]:
        """Each word with its seconds in the segment."""
        data = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        decoder = _sphinx()
        with _lock:
            decoder.start_utt()
            decoder.process_raw(data, full_utt=True)
            decoder.end_utt()
            found: Sequence[Any] = list(decoder.seg() or ())
        return [
            (one.word.split("(")[0], (one.start_frame / 100, (one.end_frame + 1) / 100))
            for one in found
            if one.word[0] not in "<["
        ]


@cache
def _whisper(weights: str) -> Any:
    package: Any = need("whisper", extra="offline")
    return package.load_model(weights)


@cache
def _sphinx() -> Any:
    package: Any = need("pocketsphinx", extra="offline")
    return package.Decoder(samprate=RATE, loglevel="FATAL")
