"""What a citation points at, as media: the box of a page, the seconds of a film, the rows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.media import Media
from omni.modality import modality
from omni.pixels import flatten
from omni.values import Waveform

from ..record import Box, Record

if TYPE_CHECKING:
    from PIL import Image

_MARGIN = 0.01
"""Room around a box, as a share of the page: letters at its edge stay whole."""

_SMALLEST = 8


def excerpt(record: Record, whole: Media | None) -> Media | None:
    """The part of a source that a record is of; `None` where its words are all there is to see.

    Args:
        record: what was found.
        whole: the file that it is a piece of, if it is one.

    Raises:
        MediaError: if the file cannot be read any more.
    """
    origin = record.provenance
    if record.media is not None and (origin is None or origin.parent is not None):
        return record.media
    if origin is None or whole is None or origin.parent is None:
        return record.media if record.modality != "text" else None
    if origin.page is not None:
        picture = modality("text").load(whole).pages[origin.page - 1]
        return _cut(picture, origin.box, f"{whole.name} page {origin.page}")
    if whole.modality == "image":
        return _cut(modality("image").load(whole), origin.box, whole.name)
    if whole.modality == "video" and origin.seconds is not None:
        return _frame(record, whole)
    if whole.modality == "audio" and origin.seconds is not None:
        return _stretch(whole, *origin.seconds)
    return None


def _cut(picture: Image.Image, box: Box | None, name: str) -> Media:
    """A picture within a box of shares, as PNG."""
    if box is not None:
        wide, high = picture.size
        left, top = (
            max(0, int((share - _MARGIN) * side))
            for share, side in zip(box[:2], (wide, high), strict=True)
        )
        right = min(wide, max(left + _SMALLEST, round((box[2] + _MARGIN) * wide)))
        bottom = min(high, max(top + _SMALLEST, round((box[3] + _MARGIN) * high)))
        picture = picture.crop((left, top, right, bottom))
    stream = io.BytesIO()
    flatten(picture).save(stream, "PNG")
    return Media.from_bytes(
        stream.getvalue(), modality="image", mime="image/png", name=f"{name}.png"
    )


def _frame(record: Record, film: Media) -> Media:
    """The frame in which words were read, within their box; else the middle of the seconds."""
    from PIL import Image

    origin = record.provenance
    assert origin is not None and origin.seconds is not None
    at = record.meta.get("at")
    second = float(at) if isinstance(at, int | float) else sum(origin.seconds) / 2
    kind: Any = modality("video")
    shown = kind.frames_at(film, [second])
    return _cut(Image.fromarray(shown.frames[0]), origin.box, f"{film.name} at {second:.1f} s")


def _stretch(recording: Media, start: float, end: float) -> Media:
    """The seconds of a recording, at its own rate."""
    kind = modality("audio")
    wave: Waveform = kind.load(recording)
    first, last = (round(second * wave.sample_rate) for second in (start, end))
    part = Waveform(
        np.ascontiguousarray(wave.samples[first : max(last, first + 1)]), wave.sample_rate
    )
    return kind.save(part, name=f"{recording.name} {start:.1f}-{end:.1f} s.wav")
