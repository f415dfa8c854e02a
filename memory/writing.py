"""How records are written: everything of a record in one transaction, or nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omni.errors import UsageError

from . import lexical, rows
from .blobs import BlobStore
from .contracts import Space, Vectors
from .record import Record
from .schema import GONE, table_of
from .vectors import checked_all

_ITEM = (
    "INSERT INTO item(rid, ns, id, kind, modality, media, event_time, importance, expires, "
    "created, valid_from, sameness) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_BODY = "INSERT INTO body(rid, title, text, meta, provenance, media) VALUES (?, ?, ?, ?, ?, ?)"
_TAG = "INSERT INTO tag(ns, field, value, rid) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that were checked and turned into columns, before any lock is taken."""

    records: Sequence[Record]
    items: Sequence[tuple[Any, ...]]
    bodies: Sequence[tuple[Any, ...]]
    tags: Sequence[Iterable[tuple[str, Any]]]
    sameness: Sequence[bytes]
    vectors: Mapping[Space, Sequence[bytes | None]]

    @classmethod
    def of(
        cls, records: Sequence[Record], vectors: Mapping[Space, Sequence[Vectors | None]]
    ) -> Batch:
        """Check what is to be written.

        Raises:
            UsageError: for an id that comes twice, vectors that do not fit their space, and meta
                that does not fit JSON.
        """
        ids = [record.id for record in records]
        if len(set(ids)) < len(ids):
            twice = next(id for place, id in enumerate(ids) if id in ids[:place])
            raise UsageError(f"id {twice!r} comes twice in one call: give each record its own")
        checked = {space: checked_all(space, each, ids) for space, each in vectors.items()}
        return cls(
            records,
            [rows.item_row(record) for record in records],
            [rows.body_row(record) for record in records],
            [rows.tags(record) for record in records],
            [rows.sameness(record) for record in records],
            checked,
        )


def put(db: sqlite3.Connection, ns: int, batch: Batch) -> list[int]:
    """Write a batch and let go of the rows whose ids it takes; the numbers of the new rows."""
    replaced = living(db, ns, [record.id for record in batch.records])
    let_go(db, ns, list(replaced.values()))
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'item'").fetchone()
    first = (row[0] if row else 0) + 1
    rids = range(first, first + len(batch.records))
    when = rows.now()
    try:
        _insert(db, ns, batch, rids, when)
    except UnicodeEncodeError as error:
        raise UsageError(f"text holds half a character and cannot be stored: {error}") from None
    for space, stored in batch.vectors.items():
        table = table_of(enter_space(db, space))
        pairs = [(rid, v) for rid, v in zip(rids, stored, strict=True) if v is not None]
        db.executemany(f"INSERT INTO {table}(rid, v) VALUES (?, ?)", pairs)
    if replaced:
        ids = (record.id for record in batch.records)
        heirs = [(rid, replaced[id]) for rid, id in zip(rids, ids, strict=True) if id in replaced]
        db.executemany("UPDATE item SET superseded_by = ? WHERE superseded_by = ?", heirs)
    return list(rids)


def _insert(db: sqlite3.Connection, ns: int, batch: Batch, rids: range, when: int) -> None:
    many = zip(rids, batch.items, batch.sameness, strict=True)
    db.executemany(_ITEM, [(rid, ns, *item, when, when, same) for rid, item, same in many])
    db.executemany(_BODY, [(rid, *body) for rid, body in zip(rids, batch.bodies, strict=True)])
    tags = [
        (ns, field, value, rid)
        for rid, some in zip(rids, batch.tags, strict=True)
        for field, value in some
    ]
    tags.sort(key=lambda tag: tag[1])  # neighbours in the index, one after another
    db.executemany(_TAG, tags)
    lexical.add(
        db,
        (
            (rid, record.title, record.text)
            for rid, record in zip(rids, batch.records, strict=True)
            if record.title or record.text
        ),
    )


def living(db: sqlite3.Connection, ns: int, ids: Sequence[str]) -> dict[str, int]:
    """Numbers of the rows, by id, that are there and were not let go."""
    found = db.execute(
        "SELECT id, rid FROM item INDEXED BY item_id WHERE ns = ? AND state < 2 "
        "AND id IN (SELECT value FROM json_each(?))",
        (ns, json.dumps(list(ids))),
    )
    return dict(found)


def let_go(db: sqlite3.Connection, ns: int, rids: Sequence[int]) -> None:
    """Mark rows as gone; their bytes go when the memory is compacted or they are erased."""
    if not rids:
        return
    when = rows.now()
    db.executemany(
        "UPDATE item SET state = ?, valid_to = ifnull(valid_to, ?) WHERE rid = ?",
        [(GONE, when, rid) for rid in rids],
    )
    tell(db, ns, rids)


def tell(db: sqlite3.Connection, ns: int, rids: Iterable[int]) -> None:
    """Let other processes know that these rows are no longer what they were."""
    db.executemany("INSERT INTO change(ns, rid) VALUES (?, ?)", [(ns, rid) for rid in rids])


def enter_space(db: sqlite3.Connection, space: Space) -> int:
    """Number of a space, which is made if need be.

    Raises:
        UsageError: if one of that name and model is there with another width or metric.
    """
    row = db.execute(
        "SELECT sid, width, metric, multi FROM space WHERE name = ? AND digest = ?",
        (space.name, space.digest),
    ).fetchone()
    if row is None:
        sid = db.execute(
            "INSERT INTO space(name, digest, width, metric, multi) VALUES (?, ?, ?, ?, ?)",
            (space.name, space.digest, space.width, space.metric, int(space.multi)),
        ).lastrowid
        assert sid is not None
        db.execute(f"CREATE TABLE {table_of(sid)}(rid INTEGER PRIMARY KEY, v BLOB NOT NULL)")
        return sid
    sid, width, metric, multi = row
    if (width, metric, bool(multi)) != (space.width, space.metric, space.multi):
        raise UsageError(
            f"space {space.name!r} of model {space.digest[:12]!r} is here with width {width} and "
            f"metric {metric!r}, not {space.width} and {space.metric!r}: give it another name"
        )
    return sid


def keep_media(blobs: BlobStore, records: Sequence[Record]) -> None:
    """Put the media of records into the blob store, where that is needed."""
    for record in records:
        if record.media is not None:
            blobs.put(record.media)
