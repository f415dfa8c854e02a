"""What changes: facts that take the place of others, and records that say the same as others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from omni.errors import UsageError

from . import rows
from .record import Provenance, Record
from .schema import CURRENT, SUPERSEDED
from .writing import living, tell


@dataclass(frozen=True, slots=True)
class Version:
    """A record in a history.

    Attributes:
        record: as it was.
        valid_from: since when it was held to be so.
        valid_to: until when; `None` if it still is.
        superseded_by: id of what took its place.
    """

    record: Record
    valid_from: datetime
    valid_to: datetime | None
    superseded_by: str | None


@dataclass(frozen=True, slots=True)
class Twin:
    """A record that was not kept, because another says the same.

    Attributes:
        id: under which it came.
        similarity: to the one that is kept; 1 if they are the same but for spaces and case.
        provenance: where it came from.
    """

    id: str
    similarity: float
    provenance: Provenance | None


def supersede(db: sqlite3.Connection, ns: int, old: str, new: str) -> None:
    """Let one record take the place of another, which stays in the history.

    Raises:
        UsageError: if either is not there, both are the same, or the old one has a successor.
    """
    if old == new:
        raise UsageError(f"{old!r} cannot supersede itself: put the new record under its own id")
    found = living(db, ns, [old, new])
    for id in (old, new):
        if id not in found:
            raise UsageError(f"no record {id!r} here: put it before it supersedes or is superseded")
    state, begun = db.execute(
        "SELECT state, (SELECT valid_from FROM item WHERE rid = ?) FROM item WHERE rid = ?",
        (found[new], found[old]),
    ).fetchone()
    if state != CURRENT:
        raise UsageError(f"{old!r} was superseded before: supersede the newest of its history")
    if found[old] in _successors(db, found[new]):
        raise UsageError(f"{old!r} is what superseded {new!r}: a history has no circles")
    db.execute(
        "UPDATE item SET state = ?, valid_to = max(valid_from, ?), superseded_by = ? WHERE rid = ?",
        (SUPERSEDED, begun, found[new], found[old]),
    )
    tell(db, ns, [found[old]])


def _successors(db: sqlite3.Connection, rid: int) -> set[int]:
    found: set[int] = set()
    while True:
        (next_one,) = db.execute("SELECT superseded_by FROM item WHERE rid = ?", (rid,)).fetchone()
        if next_one is None or next_one in found:
            return found
        found.add(next_one)
        rid = next_one


def history(
    db: sqlite3.Connection, ns: int, id: str, path_of: Callable[[str], Path]
) -> list[Version]:
    """All that a record superseded and all that superseded it, the oldest first, with itself."""
    found = living(db, ns, [id])
    rids = set(found.values())
    todo = list(rids)
    while todo:
        rid = todo.pop()
        linked = db.execute(
            "SELECT rid FROM item WHERE superseded_by = ? AND ns = ? UNION "
            "SELECT superseded_by FROM item WHERE rid = ? AND superseded_by IS NOT NULL",
            (rid, ns, rid),
        )
        new = {other for (other,) in linked} - rids
        rids |= new
        todo.extend(new)
    versions = [_version(db, ns, rid, path_of) for rid in sorted(rids)]
    known = [version for version in versions if version is not None]
    return sorted(known, key=lambda version: version.valid_from)


def _version(
    db: sqlite3.Connection, ns: int, rid: int, path_of: Callable[[str], Path]
) -> Version | None:
    row = db.execute(
        f"SELECT {rows.COLUMNS}, i.valid_from, i.valid_to, "
        "(SELECT id FROM item WHERE rid = i.superseded_by) "
        "FROM item i JOIN body b ON b.rid = i.rid WHERE i.rid = ? AND i.ns = ? AND i.state < 2",
        (rid, ns),
    ).fetchone()
    if row is None:
        return None
    *columns, begun, ended, heir = row
    until = None if ended is None else rows.moment(ended)
    return Version(rows.to_record(tuple(columns), path_of), rows.moment(begun), until, heir)


def same(db: sqlite3.Connection, ns: int, sameness: bytes, but: str) -> tuple[int, str] | None:
    """Number and id of a current record that says the same, other than `but`."""
    return db.execute(
        "SELECT rid, id FROM item INDEXED BY item_sameness "
        "WHERE ns = ? AND sameness = ? AND state = 0 AND id != ? LIMIT 1",
        (ns, sameness, but),
    ).fetchone()


def link(db: sqlite3.Connection, ns: int, record: Record, rid: int, similarity: float) -> None:
    """Note that a record says what another does, which is kept in its stead."""
    origin = rows.body_row(record)[3]
    db.execute(
        "INSERT OR REPLACE INTO twin VALUES (?, ?, ?, ?, ?, ?)",
        (ns, record.id, rid, min(similarity, 1.0), origin, rows.now()),
    )


def twins(db: sqlite3.Connection, ns: int, id: str) -> list[Twin]:
    """What was linked to a record instead of being kept."""
    found = db.execute(
        "SELECT t.id, t.similarity, t.provenance FROM twin t JOIN item i ON i.rid = t.rid "
        "WHERE i.ns = ? AND i.id = ? AND i.state < 2 AND t.ns = i.ns ORDER BY t.id",
        (ns, id),
    )
    return [
        Twin(id, similarity, Provenance.from_json(rows.from_json(origin)) if origin else None)
        for id, similarity, origin in found
    ]
