"""Storing only what is not there yet: what nearly is becomes a link to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from omni.errors import UsageError

from . import facts, rows
from .contracts import Space, Vectors
from .record import Record
from .searching import ids_of, seen
from .vectors import checked
from .writing import living

if TYPE_CHECKING:
    from .view import View


def put_unlike(
    view: View,
    records: Sequence[Record],
    vectors: Mapping[Space, Sequence[Vectors | None]],
    space: Space,
    least: float,
) -> list[str]:
    """Store records in one transaction, but those that are nearly there link to what is there.

    Raises:
        UsageError: if likeness cannot be measured in that space.
    """
    if space.multi or space.metric != "cosine":
        raise UsageError(f"likeness is measured by cosine, which {space.name!r} does not use")
    own = vectors.get(space, [None] * len(records))
    asked = [
        None if vector is None else checked(space, vector, repr(record.id))
        for record, vector in zip(records, own, strict=True)
    ]
    with view.writing() as (db, ns):
        found = _Gate(view, db, ns, space, least).sorted(records, asked)
        new = [place for place, twin in enumerate(found) if twin is None]
        some = {each: [given[place] for place in new] for each, given in vectors.items()}
        view.put([records[place] for place in new], some)
        known = living(db, ns, [twin[0] for twin in found if twin is not None])
        for record, twin in zip(records, found, strict=True):
            if twin is not None:
                facts.link(db, ns, record, known[twin[0]], twin[1])
    return [
        record.id if twin is None else twin[0] for record, twin in zip(records, found, strict=True)
    ]


class _Gate:
    """Tells for each record which other, stored or new, says the same; and how much."""

    def __init__(self, view: View, db: sqlite3.Connection, ns: int, space: Space, least: float):
        self._view = view
        self._db = db
        self._ns = ns
        self._space = space
        self._least = least
        self._said: dict[bytes, str] = {}
        self._ids: list[str] = []
        self._block = np.empty((0, space.width), np.float32)

    def sorted(
        self, records: Sequence[Record], asked: Sequence[Vectors | None]
    ) -> list[tuple[str, float] | None]:
        """The twin of each record, or `None` for those that are new."""
        found = []
        for record, vector in zip(records, asked, strict=True):
            twin = self._twin(record, vector)
            if twin is None:
                self._said[rows.sameness(record)] = record.id
                if vector is not None:
                    self._ids.append(record.id)
                    self._block = np.concatenate([self._block, vector[None]])
            found.append(twin)
        return found

    def _twin(self, record: Record, vector: Vectors | None) -> tuple[str, float] | None:
        same = facts.same(self._db, self._ns, rows.sameness(record), record.id)
        said = same[1] if same else self._said.get(rows.sameness(record))
        if said is not None:
            return said, 1.0
        if vector is None:
            return None
        near = [*self._stored(vector, record.id), *self._new(vector)]
        twin = max(near, key=lambda pair: pair[1], default=None)
        return twin if twin is not None and twin[1] >= self._least else None

    def _stored(self, vector: Vectors, but: str) -> list[tuple[str, float]]:
        """The nearest of what was there before; the record itself may be among it, older."""
        parts = self._view.parts
        sid = self._view.sid(self._db, self._space)
        if sid is None:
            return []
        with parts.catalog.exactly() as (db, version):  # and nobody commits while we hold the lock
            rids, scores = parts.index.nearest(db, version, sid, self._space, self._ns, vector, 2)
            ids = ids_of(db, seen(self._ns), rids)
        pairs = zip(rids.tolist(), scores.tolist(), strict=True)
        return [(ids[rid], score) for rid, score in pairs if ids.get(rid, but) != but]

    def _new(self, vector: Vectors) -> list[tuple[str, float]]:
        if not self._ids:
            return []
        scores = self._block @ vector
        place = int(scores.argmax())
        return [(self._ids[place], float(scores[place]))]
