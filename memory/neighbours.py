"""The nearest to a question with what they are, all of one moment, for one principal."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import TypeVar

import numpy as np

from . import access
from .access import Right
from .connection import Catalog
from .contracts import Filter, Space, Vectors
from .index import Index
from .searching import Reading, late, narrowed, passing, seen, sid_of
from .vectors import checked

T = TypeVar("T")

_TRIES = 10


class Neighbours:
    """Asks the index and reads what it found.

    As long as nobody commits, it does so without a snapshot: what was read is of the version that
    the index is of if the version is still the same afterwards. Whatever a snapshot would guard
    against, among it a right that is taken away, is a commit, and leads to a search in a snapshot.

    Args:
        catalog: where the truth is.
        index: of vectors.
        principal: who asks.
        path: of the namespace.
    """

    def __init__(self, catalog: Catalog, index: Index, principal: str, path: str):
        self._catalog = catalog
        self._index = index
        self._principal = principal
        self._path = path
        self._known: dict[Space, tuple[int, int, int]] = {}
        self._calm = False

    def nearest(
        self,
        reading: Reading[T],
        space: Space,
        vector: Vectors,
        k: int,
        where: Filter | None,
        as_of: datetime | None,
        exact: bool,
    ) -> list[tuple[T, float]]:
        """What is read of the `k` nearest, and their likenesses, the nearest first."""
        query = checked(space, vector, "the query")
        # Beside a writer who never rests most of such searches would be in vain.
        if self._calm and not where and as_of is None and not space.multi:
            found = self._unchanged(reading, space, query, k, exact)
            if found is not None:
                return found
        picked: dict[int, T] = {}
        rids, scores = np.empty(0, np.int64), np.empty(0, np.float32)
        for _ in range(_TRIES):
            with self._catalog.exactly() as (db, version):
                numbers = self._numbers(db, version, space)
                if numbers is None:
                    return []
                ns, sid = numbers
                if space.multi:
                    near = late(db, sid, space, query, k, passing(db, ns, where, as_of))
                    picked = reading(db, seen(ns, as_of), [rid for rid, _ in near])
                    return [(picked[rid], score) for rid, score in near if rid in picked]
                rids, scores = self._index.nearest(
                    db,
                    version,
                    sid,
                    space,
                    ns,
                    query,
                    k,
                    where=narrowed(db, ns, where, as_of),
                    past=as_of is not None,
                    exact=exact,
                )
                picked = reading(db, seen(ns, as_of), rids.tolist())
            if len(picked) == len(rids):
                break  # else another thread was ahead of our snapshot: take a newer one
        pairs = zip(rids.tolist(), scores.tolist(), strict=True)
        return [(picked[rid], score) for rid, score in pairs if rid in picked]

    def _unchanged(
        self, reading: Reading[T], space: Space, query: Vectors, k: int, exact: bool
    ) -> list[tuple[T, float]] | None:
        """The same, if nothing has been committed since the last search; `None` if in doubt."""
        known = self._known.get(space)
        if known is None:
            return None
        version, ns, sid = known
        near = self._index.unchanged(version, sid, ns, query, k, exact)
        if near is None:
            return None
        rids = near[0].tolist()
        found = self._catalog.unchanged(version, *reading.query(seen(ns), rids))
        if found is None or [row[0] for row in found] != rids:
            self._calm = False
            return None
        return list(zip(reading.made(found), near[1].tolist(), strict=True))

    def _numbers(
        self, db: sqlite3.Connection, version: int, space: Space
    ) -> tuple[int, int] | None:
        """Of the namespace and the space; `None` if either was never there.

        Who may read can change only by a commit: within a version the answer holds.
        """
        known = self._known.get(space)
        self._calm = known is not None and known[0] == version
        if known is None or not self._calm:
            ns = access.check(db, self._principal, self._path, Right.READ)
            sid = sid_of(db, space)
            if ns is None or sid is None:
                return None
            known = self._known[space] = version, ns, sid
        return known[1:]
