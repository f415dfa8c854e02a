"""What may be seen from a namespace, and searches that SQLite does alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from omni.errors import UsageError

from . import rows
from .contracts import Filter, Space, Vectors
from .filters import Clause, compiled
from .record import Record
from .schema import table_of
from .vectors import maxsim, restored

_BATCH = 500

_FEW = 64
"""Most numbers for which a query has a question mark each: SQLite reads those quicker than JSON."""

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What is read of rows whose numbers are known.

    Attributes:
        columns: the number of the row `i` of `item` first, then what is wanted.
        joined: what else they are of.
        made: what becomes of rows of these columns.
    """

    columns: str
    joined: str
    made: Callable[[Sequence[tuple[Any, ...]]], Sequence[T]]

    def query(self, visible: Clause, rids: Sequence[int]) -> tuple[str, tuple[Any, ...]]:
        """A query for those that can be seen, and its values; few have a text that is kept."""
        if 0 < len(rids) <= _FEW:
            text = _text(self.columns, self.joined, visible.sql, len(rids))
            return text, (*rids, *visible.values)
        text = _text(self.columns, self.joined, visible.sql, None)
        return text, (str([int(rid) for rid in rids]), *visible.values)  # as JSON has it, too

    def __call__(
        self, db: sqlite3.Connection, visible: Clause, rids: Sequence[int]
    ) -> dict[int, T]:
        """What can be seen, by number."""
        found = db.execute(*self.query(visible, rids)).fetchall()
        return {row[0]: one for row, one in zip(found, self.made(found), strict=True)}


@lru_cache(maxsize=1024)
def _text(columns: str, joined: str, visible: str, count: int | None) -> str:
    # `CROSS` holds SQLite to this order: rows by number, one after the other.
    these = "(SELECT value AS column1 FROM json_each(?))"
    if count:
        these = f"(VALUES {','.join(['(?)'] * count)})"
    return (
        f"SELECT {columns} FROM {these} j CROSS JOIN item i NOT INDEXED ON i.rid = j.column1 "
        f"{joined} WHERE {visible}"
    )


IDS = Reading("i.rid, i.id", "", lambda found: [id for _, id in found])


def ids_of(
    db: sqlite3.Connection, visible: Clause, rids: Sequence[int] | np.ndarray
) -> dict[int, str]:
    """Ids by number, of those that can be seen."""
    return IDS(db, visible, [int(rid) for rid in rids])


def records(path_of: Callable[[str], Path]) -> Reading[Record]:
    """Whole records, with media whose files a function tells."""
    joined = "CROSS JOIN body b ON b.rid = i.rid"
    return Reading(rows.COLUMNS, joined, lambda found: rows.to_records(found, path_of))


def sid_of(db: sqlite3.Connection, space: Space) -> int | None:
    """Number of a space, if anything was ever put there.

    Raises:
        UsageError: if it holds vectors of another width.
    """
    row = db.execute(
        "SELECT sid, width FROM space WHERE name = ? AND digest = ?", (space.name, space.digest)
    ).fetchone()
    if row and row[1] != space.width:
        raise UsageError(
            f"space {space.name!r} is here with vectors of width {row[1]}, not {space.width}"
        )
    return row[0] if row else None


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
