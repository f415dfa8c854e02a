"""What an engine has to do to hold a memory; it knows nothing of principals and of filters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .. import rows
from ..contracts import Space, Vectors
from ..lexical import TITLE_WEIGHT
from ..record import Record
from ..words import spread
from .conditions import Condition, Marks


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as an engine keeps it.

    Attributes:
        path: of its namespace.
        id: unique there.
        document: all that is known of it, as JSON.
        marks: by which it is found.
        words: of its text, with those of the title as often as they count.
    """

    path: str
    id: str
    document: str
    marks: Marks
    words: str

    @classmethod
    def of(cls, path: str, record: Record, created: int) -> Entry:
        """That of a record."""
        columns = [*rows.item_row(record), *rows.body_row(record)]
        # To repeat the title is what BM25F comes to (Robertson, Zaragoza and Taylor, 2004).
        words = " ".join([*[record.title] * int(TITLE_WEIGHT), record.text]).strip()
        return cls(
            path,
            record.id,
            rows.to_json(columns, f"record {record.id!r}"),
            Marks.of(record, created),
            spread(words),
        )


def record_of(document: str, media: Path | None) -> Record:
    """The inverse of `Entry.of`.

    Args:
        document: as it was kept.
        media: folder in which the media lie, as in a `BlobStore`.
    """
    root = media or Path()
    return rows.to_record((0, *json.loads(document)), lambda digest: place(root, digest))


def place(root: Path, digest: str) -> Path:
    """Where a blob lies."""
    return root / digest[:2] / digest[2:4] / digest


class Engine(Protocol):
    """Entries with vectors; every call is atomic, and sees what was written before it.

    Attributes:
        name: for people.
    """

    name: str

    def write(
        self,
        entries: Sequence[Entry],
        vectors: Mapping[Space, Sequence[Vectors | None]],
    ) -> None:
        """Put entries in, in place of those with the same path and id; vectors are checked."""
        ...

    def remove(self, where: Condition) -> int:
        """Take out what meets a condition; how many."""
        ...

    def documents(self, where: Condition) -> list[str]:
        """The documents of what meets a condition, in no order."""
        ...

    def ids(self, where: Condition) -> list[str]:
        """The ids of what meets a condition, sorted."""
        ...

    def labelled(self, where: Condition) -> Iterable[tuple[str, Sequence[str]]]:
        """Ids and labels of what meets a condition."""
        ...

    def nearest(
        self, space: Space, vector: Vectors, k: int, where: Condition
    ) -> list[tuple[str, float]]:
        """Ids and similarities of the `k` nearest, the nearest first."""
        ...

    def matching(self, words: str, k: int, where: Condition) -> list[tuple[str, float]]:
        """Ids and scores of the `k` best by their words, the best first."""
        ...

    def vectors(self, space: Space, where: Condition) -> dict[str, Vectors]:
        """Vectors by id, of what meets a condition and has one."""
        ...

    def holds(self, space: Space, where: Condition) -> bool:
        """Whether anything that meets a condition has a vector there."""
        ...

    def spaces(self) -> list[Space]:
        """All in which anything was ever put."""
        ...

    def grants(self) -> Mapping[tuple[str, str], int]:
        """Rights by principal and path."""
        ...

    def grant(self, principal: str, path: str, level: int | None) -> None:
        """Set a right, or take it away."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...

    def tidy(self) -> None:
        """Merge what many small writes left behind, and bring indices up to date."""
        ...


def column_of(space: Space) -> str:
    """Under which name an engine keeps the vectors of a space."""
    told = f"{space.name}\x00{space.digest}".encode()
    return f"vector_{hashlib.sha256(told).hexdigest()[:16]}"
