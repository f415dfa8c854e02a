"""How much a memory holds, and in what state it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .compacting import size_of
from .connection import Catalog
from .schema import CURRENT, GONE, SUPERSEDED


@dataclass(frozen=True, slots=True)
class Sealed:
    """A segment, as told to people.

    Attributes:
        space: name of its space.
        kind: `flat`, `codes` or `graph`.
        rows: how many it has.
        breadth: of a graph search, or how many rows that codes find are compared.
        recall: at 10, as measured when it was sealed.
    """

    space: str
    kind: str
    rows: int
    breadth: int
    recall: float


@dataclass(frozen=True, slots=True)
class Stats:
    """What is in a memory, over all namespaces.

    Attributes:
        records: that can be found.
        superseded: that are kept as history.
        gone: that wait for a compaction.
        namespaces: in which something was ever put.
        media: files, each counted once.
        segments: what is sealed.
        bytes: of all files.
    """

    records: int
    superseded: int
    gone: int
    namespaces: int
    media: int
    segments: tuple[Sealed, ...]
    bytes: int


def stats(catalog: Catalog, root: Path) -> Stats:
    """Count; nothing is said of what the records are."""
    with catalog.snapshot() as db:
        states = dict(db.execute("SELECT state, count(*) FROM item GROUP BY state"))
        (namespaces,) = db.execute("SELECT count(*) FROM namespace").fetchone()
        (media,) = db.execute("SELECT count(DISTINCT media) FROM item WHERE state < 2").fetchone()
        segments = db.execute(
            "SELECT s.name, g.kind, g.rows, g.width_of_search, g.recall FROM segment g "
            "JOIN space s ON s.sid = g.sid ORDER BY g.created"
        ).fetchall()
    return Stats(
        states.get(CURRENT, 0),
        states.get(SUPERSEDED, 0),
        states.get(GONE, 0),
        namespaces,
        media,
        tuple(Sealed(*row) for row in segments),
        size_of(root),
    )
