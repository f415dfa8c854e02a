"""The vectors of one space in one namespace, as searched: segments, tail, and what may be seen."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from .contracts import Vectors
from .rows import now
from .schema import CURRENT, table_of
from .segments import Damaged, Seal, Segment
from .tail import Found, Mask, Rids, Tail
from .vectors import fetch


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are searched together, and which of them may be seen; `None` stands for all."""

    rows: Segment | Tail
    visible: Mask | None

    def hiding(self, rids: Rids) -> Part:
        """The same without these rows."""
        places = self.rows.places(rids)
        if not len(places):
            return self
        mask = np.ones(len(self.rows), bool) if self.visible is None else self.visible.copy()
        mask[places] = False
        return replace(self, visible=mask)


class Partition:
    """A view of the catalogue that follows it.

    Args:
        sid: number of the space.
        ns: number of the namespace.
        width: of its vectors.
        metric: by which they are compared.
        folder: of the segments.
        damaged: told of each segment whose file is not what was sealed.
    """

    def __init__(
        self,
        sid: int,
        ns: int,
        width: int,
        metric: str,
        folder: Path,
        damaged: Callable[[Seal, Damaged], None],
    ):
        self.sid = sid
        self.ns = ns
        self._width = width
        self._metric = metric
        self._folder = folder
        self._damaged = damaged
        self._lock = threading.Lock()
        self._version: int | None = None
        self._parts: tuple[Part, ...] = ()
        self._names: frozenset[str] = frozenset()
        self._open: dict[str, Segment] = {}
        self._last_rid = self._last_change = 0
        self._expiries: list[tuple[int, int]] = []

    def follow(self, db: sqlite3.Connection, version: int) -> tuple[Part, ...]:
        """What is to be searched, after everything that was committed before.

        Args:
            db: in a snapshot.
            version: of which the snapshot is.
        """
        with self._lock:
            if version != self._version and self._refresh(db):
                self._version = version
            self._expire()
            return self._parts

    def at(self, version: int) -> tuple[Part, ...] | None:
        """What is to be searched, if it is that of a version; `None` if not."""
        with self._lock:
            if version != self._version:
                return None
            self._expire()
            return self._parts

    @property
    def unsealed(self) -> int:
        """Rows that are in no segment, as of the last look."""
        return sum(len(part.rows) for part in self._parts if isinstance(part.rows, Tail))

    def _refresh(self, db: sqlite3.Connection) -> bool:
        """Take over a snapshot, unless another thread has gone further; whether it was."""
        rid, change = _marks(db)
        if rid < self._last_rid or change < self._last_change:
            return False
        names = frozenset(
            name
            for (name,) in db.execute(
                "SELECT name FROM segment WHERE sid = ? AND ns = ?", (self.sid, self.ns)
            )
        )
        floor = db.execute("SELECT value FROM setting WHERE name = 'change_floor'").fetchone()
        if names != self._names or self._version is None or self._last_change < floor[0]:
            self._reload(db, names)
        else:
            self._catch_up(db)
        return True

    def _reload(self, db: sqlite3.Connection, names: frozenset[str]) -> None:
        self._last_rid, self._last_change = _marks(db)
        seals = [seal for seal in sealed(db, self.sid, self.ns) if seal.name in names]
        self._open = {seal.name: one for seal in seals if (one := self._opened(seal))}
        segments = sorted(self._open.values(), key=lambda one: int(one.rids.min()))
        current, superseded = (_rids(db, self.ns, state) for state in (0, 1))
        covered = [one.rids for one in segments]
        rest = np.concatenate([current, superseded])
        if covered:
            rest = np.setdiff1d(rest, np.concatenate(covered), assume_unique=True)
        tail = self._load(db, rest)
        self._parts = tuple(
            Part(rows, _visible(rows, current)) for rows in (*segments, tail) if len(rows)
        )
        self._expiries = _expiries(db, self.ns, 0)
        self._names = names

    def _load(self, db: sqlite3.Connection, rest: Rids) -> Tail:
        """The rows that are in no segment and have a vector."""
        tail = Tail.empty(self._metric, self._width)
        if len(rest):
            # Most rows of a space have a vector, or none of a stretch has: ask for few at a time.
            rids, block = fetch(db, self.sid, rest.tolist(), self._width)
            tail = tail.extended(rids, block) if len(rids) else tail
        return tail

    def _opened(self, seal: Seal) -> Segment | None:
        if seal.name in self._open:
            return self._open[seal.name]
        try:
            return Segment.open(self._folder, seal, self._metric, self._width)
        except Damaged as error:
            self._damaged(seal, error)
            return None

    def _catch_up(self, db: sqlite3.Connection) -> None:
        rid, change = _marks(db)
        new = db.execute(
            f"SELECT i.rid, i.state, v.v FROM item i JOIN {table_of(self.sid)} v ON v.rid = i.rid "
            "WHERE i.ns = ? AND i.state IN (0, 1) AND i.rid > ? ORDER BY i.rid",
            (self.ns, self._last_rid),
        ).fetchall()
        if new:
            self._append(new)
        hidden = db.execute(
            "SELECT rid FROM change WHERE ns = ? AND seq > ?", (self.ns, self._last_change)
        ).fetchall()
        if hidden:
            self._hide(np.array(hidden, np.int64)[:, 0])
        if rid > self._last_rid:
            self._expiries = sorted(self._expiries + _expiries(db, self.ns, self._last_rid))
        self._last_rid, self._last_change = rid, change

    def _append(self, new: list[tuple[int, int, bytes]]) -> None:
        rids = np.array([rid for rid, _, _ in new], np.int64)
        states = np.array([state for _, state, _ in new])
        data = b"".join(v for _, _, v in new)
        block = np.frombuffer(data, np.float32).reshape(len(new), self._width)
        *parts, last = self._parts or (Part(Tail.empty(self._metric, self._width), None),)
        if not isinstance(last.rows, Tail):
            parts, last = [*parts, last], Part(Tail.empty(self._metric, self._width), None)
        fresh = states == CURRENT
        visible = last.visible
        if visible is not None or not fresh.all():
            before = np.ones(len(last.rows), bool) if visible is None else visible
            visible = np.concatenate([before, fresh])
        assert isinstance(last.rows, Tail)
        self._parts = (*parts, Part(last.rows.extended(rids, block), visible))

    def _hide(self, rids: Rids) -> None:
        self._parts = tuple(part.hiding(rids) for part in self._parts)

    def _expire(self) -> None:
        if self._expiries and self._expiries[0][0] <= now():
            count = sum(when <= now() for when, _ in self._expiries)
            self._hide(np.array([rid for _, rid in self._expiries[:count]], np.int64))
            self._expiries = self._expiries[count:]


def nearest(
    parts: Iterable[Part],
    vector: Vectors,
    k: int,
    *,
    allowed: Rids | None = None,
    past: bool = False,
    exact: bool = False,
) -> Found:
    """The `k` nearest rows of all parts, the nearest first; among equals the oldest.

    Args:
        parts: where to look.
        vector: checked, `[W]`.
        k: how many.
        allowed: numbers of rows, ascending, that may be found; all if `None`.
        past: whether rows that were superseded may be found, too; needs `allowed`.
        exact: whether to take no shortcut.
    """
    found = [_nearest_in(part, vector, k, allowed, past, exact) for part in parts]
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    rids, scores = found[0]
    if len(found) == 1 and (falling := scores.tolist()) == sorted(set(falling), reverse=True):
        return rids[:k], scores[:k]
    if len(found) > 1:
        rids = np.concatenate([each[0] for each in found])
        scores = np.concatenate([each[1] for each in found])
    order = np.lexsort((rids, -scores))[:k]
    return rids[order], scores[order]


def _nearest_in(
    part: Part, vector: Vectors, k: int, allowed: Rids | None, past: bool, exact: bool
) -> Found:
    if allowed is None:
        if exact and isinstance(part.rows, Segment):
            return part.rows.exactly(vector, k, part.visible)
        return part.rows.search(vector, k, part.visible)
    places = part.rows.places(allowed)
    if part.visible is not None and not past:
        places = places[part.visible[places]]
    if not len(places):
        return np.empty(0, np.int64), np.empty(0, np.float32)
    return part.rows.among(vector, k, places, exact)


def sealed(db: sqlite3.Connection, sid: int, ns: int) -> list[Seal]:
    """The segments of a space in a namespace."""
    rows = db.execute(
        "SELECT name, kind, rids, bytes, sha256, width_of_search, recall FROM segment "
        "WHERE sid = ? AND ns = ? ORDER BY created",
        (sid, ns),
    )
    return [
        Seal(name, kind, np.frombuffer(rids, np.int64), size, digest, breadth, recall)
        for name, kind, rids, size, digest, breadth, recall in rows
    ]


def _marks(db: sqlite3.Connection) -> tuple[int, int]:
    """Numbers of the last row and of the last change."""
    rows = dict(db.execute("SELECT name, seq FROM sqlite_sequence"))
    return rows.get("item", 0), rows.get("change", 0)


def _rids(db: sqlite3.Connection, ns: int, state: int) -> Rids:
    rows = db.execute(
        "SELECT rid FROM item WHERE ns = ? AND state = ? ORDER BY rid", (ns, state)
    ).fetchall()
    return np.fromiter(chain.from_iterable(rows), np.int64, len(rows))


def _visible(rows: Segment | Tail, current: Rids) -> Mask | None:
    if np.array_equal(rows.rids, current):
        return None
    mask = np.zeros(len(rows), bool)
    mask[rows.places(current)] = True
    return None if mask.all() else mask


def _expiries(db: sqlite3.Connection, ns: int, after: int) -> list[tuple[int, int]]:
    return db.execute(
        "SELECT expires, rid FROM item INDEXED BY item_expires "
        "WHERE ns = ? AND expires IS NOT NULL AND rid > ? AND state < 2 ORDER BY expires",
        (ns, after),
    ).fetchall()
