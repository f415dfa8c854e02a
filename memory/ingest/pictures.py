"""A picture whole, and the words in it with their boxes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from omni.media import Media
from omni.modality import modality
from omni.recognition.writing import can_read

from . import words
from .likeness import key_of_picture
from .piece import Piece
from .plan import Plan

if TYPE_CHECKING:
    from PIL import Image

NO_READER = (
    'no words were looked for in pictures: run  pip install "omni-agent[offline]"  for rapidocr'
)
_CAPTION = 200


def extract(media: Media, plan: Plan) -> Iterator[Piece]:
    """A picture, with all its words, and each block of them."""
    kind = modality(media.modality)
    picture = kind.load(media)
    found = words.read_words(picture) if plan.ocr and can_read() else None
    caption = kind.caption(picture)
    notes = [NO_READER] if plan.ocr and found is None else []
    meta: dict[str, Any] = {"caption": caption, **sizes(picture)}
    if notes:
        meta["notes"] = notes
    yield Piece(
        text=found.text if found and found.lines else "",
        modality=media.modality,
        media=media,
        title=media.name,
        meta=meta,
        extractor=found.by if found and found.lines else None,
        key=key_of_picture(picture),
    )
    if found is not None:
        for text, box, _ in found.blocks(plan.passage):
            yield Piece(text, title=media.name, box=box, extractor=found.by)


def sizes(picture: Image.Image) -> dict[str, int]:
    """Width and height in pixels."""
    return {"width": picture.width, "height": picture.height}


def saved(picture: Image.Image, name: str, *, drawn: bool = False) -> Media:
    """A picture as media: PNG for what is drawn, JPEG for what may be a photograph."""
    from omni.pixels import flatten

    stream = io.BytesIO()
    if drawn:
        flatten(picture).save(stream, "PNG", optimize=False)
    else:
        flatten(picture).save(stream, "JPEG", quality=90)
    suffix, mime = (".png", "image/png") if drawn else (".jpg", "image/jpeg")
    return Media.from_bytes(stream.getvalue(), modality="image", mime=mime, name=name + suffix)
