"""What may be seen from a namespace, and searches that SQLite does alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from . import rows
from .contracts import Filter, Space, Vectors
from .filters import Clause, compiled
from .record import Record
from .schema import table_of
from .vectors import maxsim, restored

_BATCH = 500

_THESE = "json_each(?) j CROSS JOIN item i NOT INDEXED ON i.rid = j.value"
"""Rows by number, one after the other, which `CROSS` holds SQLite to."""


def seen(ns: int, as_of: datetime | None = None) -> Clause:
    """The condition that every row has to meet to be seen from a namespace: the one gate."""
    if as_of is None:
        # The term that is superfluous lets SQLite use the index of ids, which has the same.
        sql = "i.ns = ? AND i.state < 2 AND i.state = 0 AND (i.expires IS NULL OR i.expires > ?)"
        return Clause(sql, (ns, rows.now()))
    then = rows.ticks(as_of)
    sql = (
        "i.ns = ? AND i.state < 2 AND (i.expires IS NULL OR i.expires > ?) "
        "AND i.valid_from <= ? AND (i.valid_to IS NULL OR i.valid_to > ?)"
    )
    return Clause(sql, (ns, rows.now(), then, then))


def passing(
    db: sqlite3.Connection, ns: int, where: Filter | None, as_of: datetime | None = None
) -> Clause:
    """The condition of what can be seen and a filter lets pass."""
    return seen(ns, as_of).also(compiled(where, Clause("ns = ?", (ns,)), db))


def narrowed(
    db: sqlite3.Connection, ns: int, where: Filter | None, as_of: datetime | None
) -> Clause | None:
    """What an index has to be told beyond what it sees for itself; the same until rows change."""
    if as_of is not None:
        return passing(db, ns, where, as_of)
    if not where:
        return None
    condition = compiled(where, Clause("ns = ?", (ns,)), db)
    if condition.listing is not None:
        return condition  # of this namespace; the index knows which rows are gone
    return Clause("i.ns = ? AND i.state = 0", (ns,)).also(condition)


def ids_of(
    db: sqlite3.Connection, visible: Clause, rids: Sequence[int] | np.ndarray
) -> dict[int, str]:
    """Ids by number, of those that can be seen."""
    query = f"SELECT i.rid, i.id FROM {_THESE} WHERE {visible.sql}"
    return dict(db.execute(query, (_listed(rids), *visible.values)).fetchall())


def records_of(
    db: sqlite3.Connection,
    visible: Clause,
    rids: Sequence[int] | np.ndarray,
    *,
    path_of: Callable[[str], Path],
) -> dict[int, Record]:
    """Records by number, of those that can be seen."""
    query = f"SELECT {rows.COLUMNS} FROM {_THESE} JOIN body b ON b.rid = i.rid WHERE {visible.sql}"
    found = db.execute(query, (_listed(rids), *visible.values)).fetchall()
    made = rows.to_records(found, path_of)
    return {row[0]: record for row, record in zip(found, made, strict=True)}


def _listed(rids: Sequence[int] | np.ndarray) -> str:
    return str([int(rid) for rid in rids])  # as JSON has it, too


def late(
    db: sqlite3.Connection, sid: int, space: Space, query: Vectors, k: int, clause: Clause
) -> list[tuple[int, float]]:
    """Numbers and scores of the `k` best in a space of several vectors an item.

    All are looked at, some at a time: right, and quick enough for some ten thousand. To search
    more, find candidates in a plain space and score those.
    """
    cursor = db.execute(
        f"SELECT i.rid, v.v FROM item i JOIN {table_of(sid)} v ON v.rid = i.rid WHERE {clause.sql}",
        clause.values,
    )
    found: list[tuple[int, float]] = []
    while some := cursor.fetchmany(_BATCH):
        scores = maxsim(query, [restored(space, data) for _, data in some]).tolist()
        found += [(rid, score) for (rid, _), score in zip(some, scores, strict=True)]
        found = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]
    return found
