"""Things with words and media into a memory as they are, without reading files into pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from omni.errors import UsageError
from omni.media import Media

from ..contracts import Embedder, Vectors
from ..ingest.vectors import embedded
from ..record import Record
from ..view import View

_BATCH = 256


class Thing(Protocol):
    """What is put in; `title`, `text` and `media` may be empty, but not all of them.

    A thing may have a `kind` and `meta`, too, as a record has them.
    """

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def media(self) -> Media | None: ...


def fill(
    view: View,
    embedders: Sequence[Embedder],
    things: Sequence[Thing],
    vectors: Mapping[str, Sequence[Any]],
) -> list[str]:
    """Store things, some hundred at a time; what could not be embedded is told.

    Args:
        view: where.
        embedders: of the spaces in which they are to be found.
        things: with ids of their own.
        vectors: by name of a space, one a thing or `None`, where somebody has computed them.

    Raises:
        UsageError: if there are not as many vectors as things, or of no embedder's space.
    """
    for name, given in vectors.items():
        if name not in {one.space.name for one in embedders}:
            raise UsageError(f"no embedder has the space {name!r}, of which there are vectors")
        if len(given) != len(things):
            raise UsageError(f"{len(given)} vectors of {name!r} for {len(things)} things")
    notes: list[str] = []
    for start in range(0, len(things), _BATCH):
        some = slice(start, start + _BATCH)
        records = [_record(one) for one in things[some]]
        found: dict[Any, Sequence[Vectors | None]] = {}
        for one in embedders:
            given = vectors.get(one.space.name)
            found[one.space] = embedded(one, records, notes) if given is None else list(given[some])
        view.put(records, found)
    return notes


def _record(thing: Thing) -> Record:
    modality = thing.media.modality if thing.media is not None else "text"
    more = {name: getattr(thing, name) for name in ("kind", "meta") if hasattr(thing, name)}
    return Record(thing.id, thing.text, modality, thing.media, thing.title, **more)
