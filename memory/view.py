"""A memory as one principal sees it from one namespace; there is no other way to what it holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from omni.errors import UsageError

from . import access, facts, lexical, rows, unlike, writing
from . import erase as erasing
from .access import Right, spelled
from .blobs import BlobStore
from .connection import Catalog
from .contracts import Filter, Space, Vectors
from .decay import Decay
from .facts import Twin, Version
from .index import Index
from .neighbours import Neighbours
from .record import Record
from .schema import table_of
from .sealer import Sealer
from .searching import IDS, ids_of, passing, records, seen, sid_of
from .vectors import restored

_OF_THESE = "i.id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the views of a memory share.

    Attributes:
        catalog: where the truth is.
        blobs: where the media are.
        segments: folder of what is sealed.
        index: of vectors.
        sealer: told of what was written.
    """

    catalog: Catalog
    blobs: BlobStore
    segments: Path
    index: Index
    sealer: Sealer


class View:
    """Implements `Backend`. Every operation asks anew whether the principal may do it.

    Times without a zone are taken as UTC. With `as_of` records are seen as they stood then: those
    that were superseded later are there, those that were put later are not. What was deleted or
    has expired is never seen again.
    """

    def __init__(self, parts: Parts, principal: str, namespace: Sequence[str]):
        self.parts = parts
        self.principal = principal
        self.namespace = tuple(namespace)
        self.path = spelled(namespace)
        self._neighbours = Neighbours(parts.catalog, parts.index, principal, self.path)
        self._records = records(parts.blobs.path)

    @contextmanager
    def reading(self) -> Iterator[tuple[sqlite3.Connection, int | None]]:
        """A connection, and the number of the namespace if anything is there."""
        with self.parts.catalog.reading() as db:
            yield db, access.check(db, self.principal, self.path, Right.READ)

    @contextmanager
    def writing(self, right: Right = Right.WRITE) -> Iterator[tuple[sqlite3.Connection, int]]:
        """A transaction, and the number of the namespace."""
        with self.parts.catalog.writing() as db:
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
        writing.keep_media(self.parts.blobs, records)
        with self.writing() as (db, ns):
            # Again, for a compaction may have swept between; costs nothing if the bytes are there.
            writing.keep_media(self.parts.blobs, records)
            writing.put(db, ns, batch)
        self.parts.sealer.nudge(len(records))
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
                found[row[1]] = rows.to_record(row, self.parts.blobs.path)
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
        return self._neighbours.nearest(IDS, space, vector, k, where, as_of, exact)

    def nearest_records(
        self,
        space: Space,
        vector: Vectors,
        k: int,
        where: Filter | None = None,
        *,
        as_of: datetime | None = None,
        exact: bool = False,
    ) -> list[tuple[Record, float]]:
        """The same with the records, all of one moment."""
        _count(k)
        return self._neighbours.nearest(self._records, space, vector, k, where, as_of, exact)

    def matching(
        self, words: str, k: int, where: Filter | None = None, *, as_of: datetime | None = None
    ) -> list[tuple[str, float]]:
        """Ids and BM25 scores of the `k` best by their words, the best first."""
        _count(k)
        with self.reading() as (db, ns):
            if ns is None:
                return []
            found = lexical.search(db, words, k, passing(db, ns, where, as_of))
            ids = ids_of(db, seen(ns, as_of), [rid for rid, _ in found])
        return [(ids[rid], score) for rid, score in found if rid in ids]

    def vectors(self, space: Space, ids: Sequence[str]) -> list[Vectors | None]:
        """Stored vectors: `[W]`, `[V, W]` in a space of several; `None` where there is none."""
        with self.reading() as (db, ns):
            sid = self.sid(db, space)
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
            clause = passing(db, ns, where)
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

    def supersede(self, old: str, new: str) -> None:
        """Let one record take the place of another, which is then seen only with `as_of`.

        Deleting the new one later does not bring the old one back.

        Raises:
            UsageError: if either is not there, or the old one was superseded before.
        """
        with self.writing() as (db, ns):
            facts.supersede(db, ns, old, new)

    def history(self, id: str) -> list[Version]:
        """What a record superseded and what superseded it, the oldest first, with itself."""
        with self.reading() as (db, ns):
            return [] if ns is None else facts.history(db, ns, id, self.parts.blobs.path)

    def put_unlike(
        self,
        records: Sequence[Record],
        vectors: Mapping[Space, Sequence[Vectors | None]],
        *,
        space: Space,
        least: float = 0.97,
    ) -> list[str]:
        """Store those records that nothing here is nearly the same as, and link the others.

        Args:
            records: to be stored.
            vectors: as `put` takes them.
            space: in which likeness is measured; it compares by cosine.
            least: likeness from which two are the same.

        Returns:
            Under which id each is found now: its own, or that of the record it was linked to.
        """
        return unlike.put_unlike(self, records, vectors, space, least)

    def twins(self, id: str) -> list[Twin]:
        """What was linked to a record by `put_unlike`."""
        with self.reading() as (db, ns):
            return [] if ns is None else facts.twins(db, ns, id)

    def weights(
        self, ids: Sequence[str], *, decay: Decay | None = None, at: datetime | None = None
    ) -> list[float]:
        """What records count by importance and age; 0 for those that are not there.

        Args:
            ids: of records.
            decay: how it halves; `HALF_LIVES` if `None`.
            at: from when to look; now if `None`.
        """
        decay = decay or Decay()
        now = rows.now() if at is None else rows.ticks(at)
        with self.reading() as (db, ns):
            if ns is None:
                return [0.0] * len(ids)
            visible = seen(ns, at)
            found = db.execute(
                "SELECT i.id, i.kind, i.importance, ifnull(i.event_time, i.created) "
                f"FROM item i INDEXED BY item_id WHERE {visible.sql} AND {_OF_THESE}",
                (*visible.values, json.dumps(list(ids))),
            )
            weights = {
                id: decay.weight(kind, importance, then, now)
                for id, kind, importance, then in found
            }
        return [weights.get(id, 0.0) for id in ids]

    def erase(self, ids: Sequence[str]) -> int:
        """Take records out so that no byte of them is left, their earlier versions included.

        How many rows that were. It writes the whole catalogue anew: erase many at once.
        """
        with self.writing() as (db, ns):
            rids = erasing.rows_of(db, ns, ids)
        erasing.erase(self.parts.catalog, self.parts.blobs, self.parts.segments, ns, rids)
        return len(rids)

    def erase_all(self) -> int:
        """Erase everything in this namespace, though not in those below; how many rows."""
        with self.writing(Right.ADMIN) as (_, ns):
            pass
        parts = self.parts
        return erasing.erase_namespace(parts.catalog, parts.blobs, parts.segments, ns)

    def sid(self, db: sqlite3.Connection, space: Space) -> int | None:
        """Number of a space, if anything was ever put there."""
        return sid_of(db, space)

    def _holds(self, db: sqlite3.Connection, sid: int, ns: int) -> bool:
        found = db.execute(
            f"SELECT 1 FROM item i JOIN {table_of(sid)} v ON v.rid = i.rid "
            "WHERE i.ns = ? AND i.state = 0 LIMIT 1",
            (ns,),
        )
        return found.fetchone() is not None


def _count(k: int) -> None:
    if k < 1:
        raise UsageError(f"ask for 1 record or more, not {k}")
