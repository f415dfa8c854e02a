"""Names and statements in the catalogue, beside the rows that they are of and gone with them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ..searching import seen
from .entities import Names

_THESE = "rid IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Read:
    """What was read in one row.

    Attributes:
        rid: number of the row.
        found: its names and statements.
        agreement: of each statement with the row, 0…1.
    """

    rid: int
    found: Names
    agreement: Sequence[float]


def unread(
    db: sqlite3.Connection, ns: int, by: str, after: int, most: int
) -> list[tuple[int, str]]:
    """Numbers and ids of current rows from `after` on that were not read in this way."""
    visible = seen(ns)
    found = db.execute(
        "SELECT i.rid, i.id FROM item i LEFT JOIN related r ON r.rid = i.rid "
        f"WHERE {visible.sql} AND i.rid > ? AND (r.by IS NULL OR r.by != ?) "
        "ORDER BY i.rid LIMIT ?",
        (*visible.values, after, by, most),
    )
    return found.fetchall()


def keep(db: sqlite3.Connection, ns: int, by: str, read: Sequence[Read]) -> int:
    """Write what was read, in the place of what was read before; how many rows are still there."""
    these = json.dumps([one.rid for one in read])
    found = db.execute(f"SELECT rid FROM item WHERE ns = ? AND state < 2 AND {_THESE}", (ns, these))
    living = {rid for (rid,) in found}
    drop(db, [one.rid for one in read if one.rid in living])
    for one in read:
        if one.rid in living:
            _keep(db, ns, by, one)
    return len(living)


def drop(db: sqlite3.Connection, rids: Sequence[int]) -> None:
    """Take out all that was read in rows, and the names that no other row has."""
    these = json.dumps([int(rid) for rid in rids])
    found = db.execute(f"SELECT DISTINCT eid FROM mention WHERE {_THESE}", (these,))
    eids = json.dumps([eid for (eid,) in found])
    for table in ("relation", "mention", "related"):
        db.execute(f"DELETE FROM {table} WHERE {_THESE}", (these,))
    db.execute(
        "DELETE FROM entity WHERE eid IN (SELECT value FROM json_each(?)) "
        "AND NOT EXISTS (SELECT 1 FROM mention WHERE mention.eid = entity.eid)",
        (eids,),
    )


def counts(db: sqlite3.Connection, ns: int) -> tuple[int, int, int]:
    """How many current rows were read, names are in them, and statements relate those."""
    visible = seen(ns)
    inner = f"JOIN item i ON i.rid = x.rid WHERE {visible.sql}"
    return db.execute(
        f"SELECT (SELECT count(*) FROM related x {inner}), "
        f"(SELECT count(DISTINCT x.eid) FROM mention x {inner}), "
        f"(SELECT count(*) FROM relation x {inner})",
        visible.values * 3,
    ).fetchone()


def _keep(db: sqlite3.Connection, ns: int, by: str, one: Read) -> None:
    names = list(one.found.names)
    db.executemany(
        "INSERT OR IGNORE INTO entity(ns, name) VALUES (?, ?)", [(ns, name) for name in names]
    )
    eids = dict(
        db.execute(
            "SELECT name, eid FROM entity WHERE ns = ? "
            "AND name IN (SELECT value FROM json_each(?))",
            (ns, json.dumps(names)),
        ).fetchall()
    )
    db.executemany(
        "INSERT OR IGNORE INTO mention(eid, rid) VALUES (?, ?)",
        [(eids[name], one.rid) for name in names],
    )
    db.executemany(
        "INSERT OR IGNORE INTO relation(rid, head, tail, said, agreement) VALUES (?, ?, ?, ?, ?)",
        [
            (one.rid, eids[triple.head], eids[triple.tail], triple.relation, float(score))
            for triple, score in zip(one.found.triples, one.agreement, strict=True)
        ],
    )
    db.execute("INSERT INTO related(rid, by) VALUES (?, ?)", (one.rid, by))
