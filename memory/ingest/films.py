"""Films by shot: the shot itself, key frames, words on the screen, and speech with its seconds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.media import Media
from omni.modality import modality
from omni.recognition.writing import can_read
from omni.values import Clip

from . import sounds, words
from .likeness import key_of_bytes
from .pictures import NO_READER, saved, sizes
from .piece import Piece
from .plan import Plan
from .shots import cuts

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINEST = 0.125
"""A film is looked at every so many seconds, or less often if it is long."""

MOST_LOOKS = 2_400
"""Frames that are looked at; they take 200 MB at most, made smaller as they are more."""

DECODED_PIXELS = 30_000_000_000
"""Of a film, about a minute of one core; beyond, only frames near key frames are seen."""

_CLIP_FRAMES = 16
_CLIP_SIDE = 320
_BY = "omni"


def extract(media: Media, plan: Plan) -> Iterator[Piece]:
    """A film whole, and its shots, key frames, words and speech."""
    kind: Any = modality(media.modality)
    kind = type(kind)(max_sound_seconds=plan.speech_seconds)
    film: Clip = kind.load(media)
    looked = _look(kind, media, film)
    starts = [0.0, *cuts(looked.frames, looked.times)]
    shots = list(itertools.pairwise([*starts, max(film.seconds, starts[-1] + 0.001)]))
    wave = film.waveform
    caption = kind.caption(film)
    notes = []
    if plan.ocr and not can_read():
        notes.append(NO_READER)
    spoken = [] if wave is None else list(sounds.of_wave(wave, media.name, plan))
    if wave is not None:
        notes += sounds.notes_of(plan, wave, spoken)
    meta: dict[str, Any] = {"caption": caption, "shots": len(shots), "seconds": film.seconds}
    if notes:
        meta["notes"] = notes
    yield Piece(
        text=f"{caption}, {len(shots)} shot{'s' * (len(shots) != 1)}",
        modality=media.modality,
        media=media,
        title=media.name,
        meta=meta,
        seconds=(0.0, round(film.seconds, 3)),
        extractor=_BY,
        key=key_of_bytes(media.digest),
    )
    if len(shots) > 1:
        yield from _shots(kind, media, looked, shots)
    yield from _key_frames(kind, media, shots, plan)
    yield from spoken


def _look(kind: Any, media: Media, film: Clip) -> Clip:
    """Frames all through a film."""
    step = max(FINEST, film.seconds / MOST_LOOKS)
    instants = np.arange(0, max(film.seconds, step), step)
    return kind.frames_at(media, instants.tolist(), pixels=DECODED_PIXELS)


def _shots(
    kind: Any, media: Media, looked: Clip, shots: list[tuple[float, float]]
) -> Iterator[Piece]:
    """Each shot as a short film of its own, small and without sound."""
    for number, (start, end) in enumerate(shots, 1):
        inside = np.flatnonzero((looked.times >= start) & (looked.times < end))
        if not len(inside):
            continue
        chosen = inside[np.linspace(0, len(inside) - 1, min(len(inside), _CLIP_FRAMES)).astype(int)]
        frames = _small(looked.frames[chosen])
        rate = len(chosen) / max(end - start, 1e-3)
        clip = Clip(frames, np.arange(len(frames)) / rate, len(frames) / rate, rate)
        name = f"{media.name} shot {number}"
        yield Piece(
            text=f"shot {number} of {len(shots)}, {start:.1f} to {end:.1f} s",
            modality=media.modality,
            media=kind.save(clip, name=f"{name}.mp4"),
            title=name,
            meta={"shot": number},
            seconds=(round(start, 3), round(end, 3)),
            extractor=_BY,
        )


def _key_frames(
    kind: Any, media: Media, shots: list[tuple[float, float]], plan: Plan
) -> Iterator[Piece]:
    """A frame from the middle of each shot, of long ones several, and the words on them."""
    instants = [instant for shot in shots for instant in _instants(shot, plan.shot_seconds)]
    before: tuple[int, str] = (-1, "")
    for read, (number, start, end, at) in enumerate(_limited(shots, instants, plan)):
        clip = kind.frames_at(media, [at], pixels=DECODED_PIXELS)
        from PIL import Image

        picture = Image.fromarray(clip.frames[0])
        shown = float(clip.times[0])
        found = None
        if plan.ocr and read < plan.most_read and can_read():
            found = words.read_words(picture)
        text = found.text if found else ""
        name = f"{media.name} at {shown:.1f} s"
        yield Piece(
            text=text,
            modality="image",
            media=saved(picture, name),
            title=name,
            meta={**sizes(picture), "of": "frame", "shot": number, "at": round(shown, 3)},
            seconds=(round(start, 3), round(end, 3)),
            extractor=found.by if found and text else None,
        )
        if found is not None and text and (number, text) != before:
            for line, box, _ in found.blocks(plan.passage):
                yield Piece(
                    line,
                    title=name,
                    box=box,
                    meta={"of": "screen", "shot": number, "at": round(shown, 3)},
                    seconds=(round(start, 3), round(end, 3)),
                    extractor=found.by,
                )
        before = (number, text)


def _instants(shot: tuple[float, float], every: float) -> list[tuple[float, float, float]]:
    """Equal parts of a shot, none much longer than `every`, and the middle of each."""
    start, end = shot
    edges = np.linspace(start, end, max(1, round((end - start) / every)) + 1).tolist()
    return [(first, last, (first + last) / 2) for first, last in itertools.pairwise(edges)]


def _limited(
    shots: list[tuple[float, float]], instants: list[tuple[float, float, float]], plan: Plan
) -> Iterator[tuple[int, float, float, float]]:
    """Instants with the number of their shot; spread over the film where they are too many."""
    if len(instants) > plan.most_read:
        chosen = np.linspace(0, len(instants) - 1, plan.most_read).round().astype(int)
        instants = [instants[place] for place in chosen]
    begins = np.array([start for start, _ in shots])
    for start, end, at in instants:
        yield int(np.searchsorted(begins, at, side="right")), start, end, at


def _small(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames of at most 320 pixels a side, with even sides, as films need."""
    from PIL import Image

    height, width = frames.shape[1:3]
    scale = min(1.0, _CLIP_SIDE / max(height, width))
    size = tuple(max(2, round(side * scale) // 2 * 2) for side in (width, height))
    if size == (width, height):
        return frames
    return np.stack([np.asarray(Image.fromarray(frame).resize(size)) for frame in frames])  # type: ignore[arg-type]
