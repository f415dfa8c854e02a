"""Records through an embedder: their media where it takes such, else their words."""

from __future__ import annotations

from collections.abc import Sequence

from omni.errors import OmniError
from omni.media import Media

from ..contracts import Embedder, Vectors
from ..record import Record

_TEXT = "text"


def embedded(
    embedder: Embedder, records: Sequence[Record], notes: list[str]
) -> list[Vectors | None]:
    """A vector for each record, `None` where the embedder has no place for it.

    Where one of them cannot be embedded, that one goes without and a note says so.
    """
    given = [_item(embedder, record) for record in records]
    places = [place for place, item in enumerate(given) if item is not None]
    items = [item for item in given if item is not None]
    found: list[Vectors | None] = [None] * len(records)
    try:
        vectors: Sequence[Vectors | None] = list(embedder.embed(items)) if items else []
    except OmniError:
        vectors = [_alone(embedder, item, notes) for item in items]
    for place, vector in zip(places, vectors, strict=True):
        found[place] = vector
    return found


def _item(embedder: Embedder, record: Record) -> str | Media | None:
    media = record.media
    if media is not None and media.modality != _TEXT and media.modality in embedder.modalities:
        return media
    if _TEXT not in embedder.modalities:
        return None
    words = f"{record.title}\n{record.text}" if record.title and record.text else record.text
    return words if words.strip() else None


def _alone(embedder: Embedder, item: str | Media, notes: list[str]) -> Vectors | None:
    try:
        return embedder.embed([item])[0]
    except OmniError as error:
        notes.append(f"no place in {embedder.space.name}: {error}")
        return None
