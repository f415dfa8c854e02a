"""A memory as one principal sees it from one namespace; there is no other way to what it holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import numpy as np

from omni.errors import UsageError

from . import access, lexical, rows, writing
from .access import Right, spelled
from .blobs import BlobStore
from .connection import Catalog
from .contracts import Filter, Space, Vectors
from .filters import Clause, compiled
from .index import Index
from .record import Record
from .schema import table_of
from .sealer import Sealer
from .vectors import checked, maxsim, restored

_BATCH = 500
_OF_THESE = "i.id IN (SELECT value FROM json_each(?))"


class View:
    """Implements `Backend`. Every operation asks anew whether the principal may do it.

    Times without a zone are taken as UTC. With `as_of` records are seen as they stood then: those
    that were superseded later are there, those that were put later are not. What was deleted or
    has expired is never seen again.
    """

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        index: Index,
        sealer: Sealer,
        principal: str,
        namespace: Sequence[str],
    ):
        self.catalog = catalog
        self.blobs = blobs
        self.principal = principal
        self.namespace = tuple(namespace)
        self.path = spelled(namespace)
        self._index = index
        self._sealer = sealer

    @contextmanager
    def reading(self) -> Iterator[tuple[sqlite3.Connection, int | None]]:
        """A connection, and the number of the namespace if anything is there."""
        with self.catalog.reading() as db:
            yield db, access.check(db, self.principal, self.path, Right.READ)

    @contextmanager
    def writing(self, right: Right = Right.WRITE) -> Iterator[tuple[sqlite3.Connection, int]]:
        """A transaction, and the number of the namespace."""
        with self.catalog.writing() as db:
            ns = access.check(db, self.principal, self.path, right)
            yield db, access.enter(db, self.path) if ns is None else ns

    def put(
        self, records: Sequence[Record], vectors: Mapping[Space, Sequence[Vectors | None]]
    ) -> list[str]:
        """Store records, each with its vectors, in one transaction; their ids.

        Raises:
            UsageError: for ids that come twice, vectors of a wrong width or with a NaN, and meta
                that does not fit JSON.
            StoreError: if the disk is full. Whenever it raises, nothing was stored.
        """
        batch = writing.Batch.of(records, vectors)
        with self.reading():
            pass  # who may not even read is refused before a byte is copied
        writing.keep_media(self.blobs, records)
        with self.writing() as (db, ns):
            # Again, for a compaction may have swept between; costs nothing if the bytes are there.
            writing.keep_media(self.blobs, records)
            writing.put(db, ns, batch)
        self._sealer.nudge(len(records))
        return [record.id for record in records]

    def get(self, ids: Sequence[str], *, as_of: datetime | None = None) -> list[Record]:
        """Records by id, in that order, without those that are not there."""
        found: dict[str, Record] = {}
        with self.reading() as (db, ns):
            if ns is None:
                return []
            visible = seen(ns, as_of)
            query = (
                f"SELECT {rows.COLUMNS} FROM item i INDEXED BY item_id "
                f"JOIN body b ON b.rid = i.rid WHERE {visible.sql} AND {_OF_THESE}"
            )
            for row in db.execute(query, (*visible.values, json.dumps(list(ids)))):
                found[row[1]] = rows.to_record(row, self.blobs.path)
        return [found[id] for id in ids if id in found]

    def delete(self, ids: Sequence[str]) -> int:
        """Take records out; how many were there.

        They are found no more. Their bytes go with the next compaction; `erase` does it at once.
        """
        with self.writing() as (db, ns):
            found = writing.living(db, ns, ids)
            writing.let_go(db, ns, list(found.values()))
        return len(found)

    def nearest(
        self,
        space: Space,
        vector: Vectors,
        k: int,
        where: Filter | None = None,
        *,
        as_of: datetime | None = None,
        exact: bool = False,
    ) -> list[tuple[str, float]]:
        """Ids and similarities of the `k` nearest in a space, the nearest first.

        With `l2` a similarity is minus the squared distance; in a space of several vectors an item
        it is the sum over the query's vectors of the best of the item's.

        Args:
            space: where to look.
            vector: `[W]`; `[Q, W]` in a space of several vectors.
            k: how many.
            where: which records may be found.
            as_of: when.
            exact: whether to take no shortcut through a graph.
        """
        _count(k)
        query = checked(space, vector, "the query")
        with self.reading() as (db, ns):
            sid = self._sid(db, space)
            if ns is None or sid is None:
                return []
            if space.multi:
                return self._late(db, sid, space, ns, query, k, self._clause(db, ns, where, as_of))
            ids: dict[int, str] = {}
            rids, scores = np.empty(0, np.int64), np.empty(0, np.float32)
            for _ in range(3):
                rids, scores = self._index.nearest(
                    db,
                    sid,
                    space,
                    ns,
                    query,
                    k,
                    where=self._narrowed(db, ns, where, as_of),
                    past=as_of is not None,
                    exact=exact,
                )
                ids = self._ids(db, seen(ns, as_of), rids)
                if len(ids) == len(rids):
                    break  # else some were taken out while we searched: look again
        pairs = zip(rids.tolist(), scores.tolist(), strict=True)
        return [(ids[rid], score) for rid, score in pairs if rid in ids]

    def matching(
        self, words: str, k: int, where: Filter | None = None, *, as_of: datetime | None = None
    ) -> list[tuple[str, float]]:
        """Ids and BM25 scores of the `k` best by their words, the best first."""
        _count(k)
        with self.reading() as (db, ns):
            if ns is None:
                return []
            found = lexical.search(db, words, k, self._clause(db, ns, where, as_of))
            ids = self._ids(db, seen(ns, as_of), [rid for rid, _ in found])
        return [(ids[rid], score) for rid, score in found if rid in ids]

    def vectors(self, space: Space, ids: Sequence[str]) -> list[Vectors | None]:
        """Stored vectors: `[W]`, `[V, W]` in a space of several; `None` where there is none."""
        with self.reading() as (db, ns):
            sid = self._sid(db, space)
            if ns is None or sid is None:
                return [None] * len(ids)
            visible = seen(ns)
            query = (
                "SELECT i.id, v.v FROM item i INDEXED BY item_id "
                f"JOIN {table_of(sid)} v ON v.rid = i.rid WHERE {visible.sql} AND {_OF_THESE}"
            )
            given = db.execute(query, (*visible.values, json.dumps(list(ids))))
            found = {id: restored(space, data) for id, data in given}
        return [found.get(id) for id in ids]

    def spaces(self) -> list[Space]:
        """All in which a record of this namespace has a vector."""
        with self.reading() as (db, ns):
            known = db.execute("SELECT sid, name, width, digest, metric, multi FROM space")
            return [
                Space(name, width, digest, metric, bool(multi))
                for sid, name, width, digest, metric, multi in known.fetchall()
                if ns is not None and self._holds(db, sid, ns)
            ]

    def ids(self, where: Filter | None = None, *, limit: int = -1, after: str = "") -> list[str]:
        """Ids in their order, of the records that a filter lets pass; from `after` on."""
        with self.reading() as (db, ns):
            if ns is None:
                return []
            clause = self._clause(db, ns, where, None)
            found = db.execute(
                f"SELECT i.id FROM item i WHERE {clause.sql} AND i.id > ? ORDER BY i.id LIMIT ?",
                (*clause.values, after, limit),
            )
            return [id for (id,) in found]

    def __len__(self) -> int:
        """How many records can be seen."""
        with self.reading() as (db, ns):
            if ns is None:
                return 0
            visible = seen(ns)
            query = f"SELECT count(*) FROM item i WHERE {visible.sql}"
            return db.execute(query, visible.values).fetchone()[0]

    def grant(self, principal: str, right: Right | None) -> None:
        """Let a principal read, write or administer this namespace and all below; `None` revokes.

        Raises:
            AccessDenied: if this principal does not administer it.
        """
        with self.writing(Right.ADMIN) as (db, _):
            access.grant(db, principal, self.path, right)

    def _sid(self, db: sqlite3.Connection, space: Space) -> int | None:
        row = db.execute(
            "SELECT sid, width FROM space WHERE name = ? AND digest = ?",
            (space.name, space.digest),
        ).fetchone()
        if row and row[1] != space.width:
            raise UsageError(
                f"space {space.name!r} is here with vectors of width {row[1]}, not {space.width}"
            )
        return row[0] if row else None

    def _holds(self, db: sqlite3.Connection, sid: int, ns: int) -> bool:
        found = db.execute(
            f"SELECT 1 FROM item i JOIN {table_of(sid)} v ON v.rid = i.rid "
            "WHERE i.ns = ? AND i.state = 0 LIMIT 1",
            (ns,),
        )
        return found.fetchone() is not None

    def _clause(
        self, db: sqlite3.Connection, ns: int, where: Filter | None, as_of: datetime | None
    ) -> Clause:
        return seen(ns, as_of).also(compiled(where, Clause("ns = ?", (ns,)), db))

    def _narrowed(
        self, db: sqlite3.Connection, ns: int, where: Filter | None, as_of: datetime | None
    ) -> Clause | None:
        """What an index has to be told beyond what it sees for itself."""
        if as_of is not None:
            return self._clause(db, ns, where, as_of)
        if not where:
            return None
        condition = compiled(where, Clause("ns = ?", (ns,)), db)
        return Clause("i.ns = ? AND i.state = 0", (ns,)).also(condition)

    def _ids(
        self, db: sqlite3.Connection, visible: Clause, rids: Sequence[int] | np.ndarray
    ) -> dict[int, str]:
        query = (
            "SELECT i.rid, i.id FROM item i NOT INDEXED "
            f"WHERE i.rid IN (SELECT value FROM json_each(?)) AND {visible.sql}"
        )
        some = json.dumps([int(rid) for rid in rids])
        return dict(db.execute(query, (some, *visible.values)).fetchall())

    def _late(
        self,
        db: sqlite3.Connection,
        sid: int,
        space: Space,
        ns: int,
        query: Vectors,
        k: int,
        clause: Clause,
    ) -> list[tuple[str, float]]:
        """All items of a space of several vectors, some at a time."""
        cursor = db.execute(
            f"SELECT i.id, v.v FROM item i JOIN {table_of(sid)} v ON v.rid = i.rid "
            f"WHERE {clause.sql}",
            clause.values,
        )
        found: list[tuple[str, float]] = []
        while some := cursor.fetchmany(_BATCH):
            scores = maxsim(query, [restored(space, data) for _, data in some]).tolist()
            found += [(id, score) for (id, _), score in zip(some, scores, strict=True)]
            found = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]
        return found


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


def _count(k: int) -> None:
    if k < 1:
        raise UsageError(f"ask for 1 record or more, not {k}")
