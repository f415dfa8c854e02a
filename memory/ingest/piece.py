"""What a file is taken apart into, before it is a record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from omni.media import Media

from ..record import Box, Provenance, Record, Span

VERSION = "1"
"""Of the extractors together; another one takes all files apart anew."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file, or the whole of it, with the spot where it lies.

    Attributes:
        text: what it says, or what was said of it.
        modality: `text` for words alone.
        media: the part itself, where it is more than words.
        title: a heading that it stands under.
        meta: what searches can be narrowed by.
        extractor: what made the text, with its version.
        key: tells near-duplicates; see `omni.memory.ingest.likeness`.
    """

    text: str = ""
    modality: str = "text"
    media: Media | None = None
    title: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    page: int | None = None
    box: Box | None = None
    chars: tuple[int, int] | None = None
    seconds: Span | None = None
    rows: tuple[int, int] | None = None
    bounds: tuple[float, float, float, float, float, float] | None = None
    extractor: str | None = None
    key: bytes = b""

    def record(self, source: Source, id: str, parent: str | None) -> Record:
        """The record of this piece of a source."""
        return Record(
            id=id,
            text=self.text,
            modality=self.modality,
            media=self.media,
            title=self.title,
            meta=dict(self.meta),
            provenance=Provenance(
                source=source.uri,
                mime=source.mime,
                digest=source.digest,
                page=self.page,
                box=self.box,
                chars=self.chars,
                seconds=self.seconds,
                rows=self.rows,
                bounds=self.bounds,
                parent=parent,
                extractor=self.extractor,
            ),
        )


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is taken in.

    Attributes:
        uri: its path as it was given, or what stands for it.
        mime: found in its content.
        digest: SHA-256 of its bytes.
    """

    uri: str
    mime: str
    digest: str

    @property
    def root(self) -> str:
        """Id of the record of the whole: of the place, so that a changed file replaces it."""
        return f"file-{hashlib.sha256(self.uri.encode()).hexdigest()[:24]}"

    def piece(self, mark: str, number: int) -> str:
        """Id of a piece: of place, content and how it was taken apart."""
        return f"{self.root}.{mark}.{number:05d}"

    def mark(self, plan: str) -> str:
        """Stands for the content and how it was taken apart."""
        return hashlib.sha256(f"{self.digest} {VERSION} {plan}".encode()).hexdigest()[:12]


Extract = Callable[[Media, "Any"], Iterator[Piece]]
"""The whole of a file first, and then its pieces in their order."""
