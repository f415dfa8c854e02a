"""Recordings by spoken segment, with what is said and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from omni.errors import MissingExtra
from omni.media import Media
from omni.modality import modality
from omni.recognition import speech
from omni.recognition.voice import RATE, Samples, mono, segments
from omni.values import Waveform

from .likeness import key_of_bytes
from .piece import Piece
from .plan import Plan

_MIME = "audio/flac"
_LEAD = 0.5
"""Seconds of silence before or after what is said, from which on its moment is worth telling."""

NO_RECOGNISER = (
    'nothing that is said was written down: run  pip install "omni-agent[offline]"  for '
    "pocketsphinx, or put whisper's weights on disk"
)


def extract(media: Media, plan: Plan) -> Iterator[Piece]:
    """A recording whole, and each of its spoken segments."""
    kind = modality(media.modality)
    wave = kind.load(media)
    caption = kind.caption(wave)
    spoken = list(of_wave(wave, media.name, plan))
    meta: dict[str, Any] = {"caption": caption, "seconds": round(wave.seconds, 3)}
    if notes := notes_of(plan, wave, spoken):
        meta["notes"] = notes
    said = " ".join(piece.text for piece in spoken if piece.text)
    filled = len(spoken) == 1 and _fills(spoken[0], wave)
    yield Piece(
        text=said if filled else caption,
        modality=media.modality,
        media=media,
        title=media.name,
        meta=meta,
        seconds=(0.0, round(wave.seconds, 3)),
        extractor=spoken[0].extractor if filled else None,
        key=key_of_bytes(media.digest),
    )
    if not filled:
        yield from spoken


def of_wave(wave: Waveform, name: str, plan: Plan, title: str = "") -> Iterator[Piece]:
    """Spoken segments of a sound, each with its own sound as 16 kHz FLAC."""
    samples = mono(wave)
    scribe = recogniser(plan.speech)
    by = scribe_name(scribe)
    for start, end in segments(samples):
        part = samples[round(start * RATE) : round(end * RATE)]
        text = ""
        if scribe is not None and start < plan.speech_seconds:
            text = scribe.transcribe(part)
        yield Piece(
            text=text,
            modality="audio",
            media=_saved(part, f"{name} {start:.1f}-{end:.1f} s"),
            title=title or name,
            seconds=(start, end),
            extractor=by if text else None,
        )


def recogniser(kind: str) -> speech.Recogniser | None:
    """Who writes down what is said, as a plan asks for it; with `auto` the best one here, if any.

    Raises:
        UsageError: if one was asked for by name and is not there.
        MissingExtra: likewise.
    """
    if kind == "none":
        return None
    if kind != "auto":
        return speech.recogniser(kind)
    try:
        return speech.recogniser()
    except MissingExtra:
        return None


def scribe_name(scribe: speech.Recogniser | None) -> str:
    """A recogniser with its version; empty for none."""
    return f"{scribe.name} {scribe.version}" if scribe is not None else ""


def notes_of(plan: Plan, wave: Waveform, spoken: list[Piece]) -> list[str]:
    """What a person should know of what was not done."""
    notes = []
    if spoken and plan.speech != "none" and recogniser(plan.speech) is None:
        notes.append(NO_RECOGNISER)
    if plan.speech != "none" and wave.seconds > plan.speech_seconds:
        notes.append(f"speech was written down up to second {plan.speech_seconds:,.0f}")
    return notes


def _fills(piece: Piece, wave: Waveform) -> bool:
    """Whether a segment is all there is to a recording, so that it need not be told twice."""
    assert piece.seconds is not None
    start, end = piece.seconds
    return start <= _LEAD and wave.seconds - end <= _LEAD


def _saved(samples: Samples, name: str) -> Media:
    wave = Waveform(np.ascontiguousarray(samples[:, None]), RATE)
    return modality("audio").save(wave, name=f"{name}.flac", mime=_MIME)
