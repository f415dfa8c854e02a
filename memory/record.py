"""What memory holds: a record, where it came from, and what a search answers with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from omni.errors import UsageError
from omni.media import Media

KINDS = ("document", "fact", "episode", "insight", "note")
"""What a record is: a piece of a source, a fact, a turn of talk, a lesson learnt, a remark."""

Box = tuple[float, float, float, float]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a record came from, to the spot. What is not known is `None`, never made up.

    Attributes:
        source: path or URI of the file as it was given.
        mime: of the source.
        digest: SHA-256 of the source's bytes.
        page: from 1.
        box: left, top, right, bottom on the page or picture, as shares 0…1 from the top left.
        chars: first character and the one after the last, in the text of the source.
        seconds: start and end in a film or recording.
        rows: first row and the one after the last, in a series or table.
        bounds: least x, y, z and greatest x, y, z, of a part of a solid.
        parent: id of the record that this is a piece of.
        extractor: what made the text, with its version.
    """

    source: str
    mime: str | None = None
    digest: str | None = None
    page: int | None = None
    box: Box | None = None
    chars: tuple[int, int] | None = None
    seconds: Span | None = None
    rows: tuple[int, int] | None = None
    bounds: tuple[float, float, float, float, float, float] | None = None
    parent: str | None = None
    extractor: str | None = None

    def __post_init__(self) -> None:
        if self.page is not None and self.page < 1:
            raise UsageError(f"pages count from 1, not {self.page}")
        if self.box is not None:
            left, top, right, bottom = self.box
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise UsageError(f"a box is left, top, right, bottom within 0…1, not {self.box}")
        for name in ("chars", "seconds", "rows"):
            span = getattr(self, name)
            if span is not None and not (0 <= span[0] <= span[1] < math.inf):
                raise UsageError(f"{name} are a start and an end from 0 up, not {span}")

    def to_json(self) -> dict[str, Any]:
        """What is known of it, in values that fit JSON."""
        known = ((name, getattr(self, name)) for name in self.__slots__)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in known
            if value is not None
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Provenance:
        """The inverse of `to_json`; names that a newer version wrote are passed over."""
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in found.items()
            if name in cls.__slots__
        }
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that is remembered.

    Attributes:
        id: unique in its namespace; putting another of the same id replaces it.
        text: what it says, or what was said of it; may be empty if there is media.
        modality: name of a modality; `text` for words alone.
        media: what it is about; the bytes go into the blob store once.
        title: a heading, weighed more in lexical search.
        kind: of `KINDS`.
        meta: values that fit JSON, by which searches can be narrowed.
        provenance: where it came from.
        event_time: when what it tells happened; `None` if that is not known.
        importance: from 0 up, 1 by default.
        expires: when it is to be forgotten; `None` for never.
    """

    id: str
    text: str = ""
    modality: str = "text"
    media: Media | None = None
    title: str = ""
    kind: str = "document"
    meta: Mapping[str, Any] = field(default_factory=dict)
    provenance: Provenance | None = None
    event_time: datetime | None = None
    importance: float = 1.0
    expires: datetime | None = None

    def __post_init__(self) -> None:
        if not self.id or len(self.id) > 512:
            raise UsageError(f"the id of a record has 1 to 512 characters, not {len(self.id)}")
        if not self.text and self.media is None:
            raise UsageError(f"record {self.id!r} has neither text nor media")
        if self.kind not in KINDS:
            raise UsageError(f"unknown kind of record {self.kind!r}; known: {', '.join(KINDS)}")
        if not (0 <= self.importance < math.inf):
            raise UsageError(f"importance is a number from 0 up, not {self.importance}")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: words, media, or both ("this picture, but at night").

    Attributes:
        text: words; empty if only media are given.
        media: of any modality.
    """

    text: str = ""
    media: tuple[Media, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.strip() and not self.media:
            raise UsageError("nothing to look for: give words, media or both")


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found.

    Attributes:
        record: it, with its media readable.
        score: by which hits are ranked; higher is better, comparable within one search only.
        stages: what each stage of the search gave it, by the stage's name.
    """

    record: Record
    score: float
    stages: Mapping[str, float] = field(default_factory=dict)
