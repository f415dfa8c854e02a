"""All partitions of this process, found by space and namespace, and kept in step."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .contracts import Space, Vectors
from .filters import Clause
from .partition import Partition, nearest
from .segments import Damaged, Seal
from .tail import Found, Rids

_PARTITIONS = 512
_ANSWERS = 64


class Index:
    """Nearest neighbours of a vector in a namespace.

    Args:
        folder: of the segments.
        damaged: told of each segment that is not what was sealed.
    """

    def __init__(self, folder: Path, damaged: Callable[[Seal, Damaged], None]):
        self._folder = folder
        self._damaged = damaged
        self._lock = threading.Lock()
        self._partitions: OrderedDict[tuple[int, int], Partition] = OrderedDict()
        self._answers: OrderedDict[tuple, Rids] = OrderedDict()

    def nearest(
        self,
        db: sqlite3.Connection,
        version: int,
        sid: int,
        space: Space,
        ns: int,
        vector: Vectors,
        k: int,
        *,
        where: Clause | None = None,
        past: bool = False,
        exact: bool = False,
    ) -> Found:
        """Numbers and likenesses of the `k` nearest rows, the nearest first.

        Args:
            db: in a snapshot.
            version: of which the snapshot is.
            sid: number of the space.
            space: where the vector lies.
            ns: number of the namespace.
            vector: checked, `[W]`.
            k: how many.
            where: a condition on row `i` of `item` that they have to meet.
            past: whether the condition speaks of the past, when more could be seen.
            exact: whether to take no shortcut.
        """
        allowed = None if where is None else self._allowed(db, version, where)
        parts = self._partition(sid, space, ns).follow(db, version)
        return nearest(parts, vector, k, allowed=allowed, past=past, exact=exact)

    def unchanged(
        self, version: int, sid: int, ns: int, vector: Vectors, k: int, exact: bool
    ) -> Found | None:
        """The same without a condition and a snapshot, as long as what is held is of a version.

        `None` if it is not.
        """
        with self._lock:
            partition = self._partitions.get((sid, ns))
            if partition is None:
                return None
            self._partitions.move_to_end((sid, ns))
        parts = partition.at(version)
        return None if parts is None else nearest(parts, vector, k, exact=exact)

    def _partition(self, sid: int, space: Space, ns: int) -> Partition:
        with self._lock:
            found = self._partitions.get((sid, ns))
            if found is None:
                found = Partition(sid, ns, space.width, space.metric, self._folder, self._damaged)
                self._partitions[sid, ns] = found
                if len(self._partitions) > _PARTITIONS:
                    self._partitions.popitem(last=False)
            self._partitions.move_to_end((sid, ns))
            return found

    def _allowed(self, db: sqlite3.Connection, version: int, where: Clause) -> Rids:
        """Numbers of the rows that meet a condition; remembered until something is written."""
        key = (version, where.sql, where.values)
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        query = where.listing or f"SELECT i.rid FROM item i WHERE {where.sql}"
        # One text is handed over three times as fast as a row for each number.
        (listed,) = db.execute(f"SELECT group_concat(rid) FROM ({query})", where.values).fetchone()
        rids = np.fromstring(listed or "", np.int64, sep=",")
        rids.sort()
        twice = rids[1:] == rids[:-1]  # of a field that holds a list with several that fit
        if twice.any():
            rids = np.unique(rids)
        with self._lock:
            self._answers[key] = rids
            if len(self._answers) > _ANSWERS:
                self._answers.popitem(last=False)
        return rids

    @property
    def unsealed(self) -> int:
        """The longest tail that is searched in this process."""
        with self._lock:
            return max((one.unsealed for one in self._partitions.values()), default=0)
