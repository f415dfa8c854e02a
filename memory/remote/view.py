"""A memory in another engine, as one principal sees it from one namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from omni.errors import Unsupported, UsageError

from .. import rows
from ..access import OWNER, AccessDenied, Right, ancestry, labels, spelled
from ..blobs import BlobStore
from ..contracts import Filter, Space, Vectors
from ..record import Record
from ..vectors import checked
from .conditions import (
    Condition,
    Every,
    OneOf,
    Within,
    condition,
    needs_labels,
    resolved,
    unexpired,
)
from .engine import Engine, Entry, record_of

_GRANTED = "rights are given to a named principal other than {!r}"


class RemoteView:
    """Implements `Backend`. Every operation asks anew whether the principal may do it.

    What belongs to SQLite alone (facts that supersede one another, `as_of`, links to what is nearly
    the same, erasing for good) is refused.

    Args:
        engine: what holds the memory.
        media: folder of the media; without one, records with media are refused.
        principal: who looks.
        namespace: where.
    """

    def __init__(
        self, engine: Engine, media: Path | None, principal: str, namespace: Sequence[str]
    ):
        self.engine = engine
        self.principal = principal
        self.namespace = tuple(namespace)
        self.path = spelled(namespace)
        self._media = media

    def put(
        self, records: Sequence[Record], vectors: Mapping[Space, Sequence[Vectors | None]]
    ) -> list[str]:
        """Store records, each with its vectors, all or none; their ids.

        Raises:
            UsageError: for ids that come twice, vectors of a wrong width or with a NaN, meta that
                does not fit JSON, and media where no folder holds them.
        """
        self._allowed(Right.WRITE)
        ids = [record.id for record in records]
        if len(set(ids)) < len(ids):
            twice = next(id for place, id in enumerate(ids) if id in ids[:place])
            raise UsageError(f"id {twice!r} comes twice in one call: give each record its own")
        given = {space: _checked(space, each, ids) for space, each in vectors.items()}
        for space in vectors:
            self._known(space)  # refuses one that is here with another width
        now = rows.now()
        entries = [Entry.of(self.path, record, now) for record in records]
        for record in records:
            if record.media is not None:
                self._blobs(record.id).put(record.media)
        if entries:
            self.engine.write(entries, given)
        return ids

    def get(self, ids: Sequence[str], *, as_of: datetime | None = None) -> list[Record]:
        """Records by id, in that order, without those that are not there."""
        where = self._seen(None, as_of)
        if not ids:
            return []
        kept = self.engine.documents(Every((where, OneOf(tuple(ids)))))
        found = {record.id: record for record in (record_of(one, self._media) for one in kept)}
        return [found[id] for id in ids if id in found]

    def delete(self, ids: Sequence[str]) -> int:
        """Take records out; how many were there."""
        self._allowed(Right.WRITE)
        where = Every((Within(self.path), OneOf(tuple(ids))))
        return self.engine.remove(where) if ids else 0

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

        Similarities are those of a memory in a folder. Whether a graph is searched is the engine's
        choice; without an index it looks at all.
        """
        del exact
        _count(k)
        query = checked(space, vector, "the query")
        there = self._seen(where, as_of)
        if self._known(space) is None:
            return []
        return self.engine.nearest(space, query, k, there)

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
        """The same with the records, without those that were deleted in between."""
        found = self.nearest(space, vector, k, where, as_of=as_of, exact=exact)
        records = {record.id: record for record in self.get([id for id, _ in found])}
        return [(records[id], score) for id, score in found if id in records]

    def matching(
        self, words: str, k: int, where: Filter | None = None, *, as_of: datetime | None = None
    ) -> list[tuple[str, float]]:
        """Ids and scores of the `k` best by their words, the best first."""
        _count(k)
        return self.engine.matching(words, k, self._seen(where, as_of))

    def vectors(self, space: Space, ids: Sequence[str]) -> list[Vectors | None]:
        """Stored vectors: `[W]`, `[V, W]` in a space of several; `None` where there is none."""
        where = self._seen(None)
        if not ids or self._known(space) is None:
            return [None] * len(ids)
        found = self.engine.vectors(space, Every((where, OneOf(tuple(ids)))))
        return [found.get(id) for id in ids]

    def spaces(self) -> list[Space]:
        """All in which a record of this namespace has a vector."""
        where = self._seen(None)
        return [space for space in self.engine.spaces() if self.engine.holds(space, where)]

    def ids(self, where: Filter | None = None, *, limit: int = -1, after: str = "") -> list[str]:
        """Ids in their order, of the records that a filter lets pass; from `after` on."""
        found = [id for id in self.engine.ids(self._seen(where)) if id > after]
        return found if limit < 0 else found[:limit]

    def __len__(self) -> int:
        """How many records can be seen."""
        return len(self.engine.ids(self._seen(None)))

    def grant(self, principal: str, right: Right | None) -> None:
        """Let a principal read, write or administer this namespace and all below; `None` revokes.

        Raises:
            AccessDenied: if this principal does not administer it.
        """
        self._allowed(Right.ADMIN)
        if not principal or principal == OWNER:
            raise UsageError(_GRANTED.format(OWNER))
        self.engine.grant(principal, self.path, None if right is None else int(right))

    def supersede(self, old: str, new: str) -> NoReturn:
        """Refused."""
        self._only_local("facts that supersede one another")

    def history(self, id: str) -> NoReturn:
        """Refused."""
        self._only_local("the history of a record")

    def put_unlike(self, records: Sequence[Record], vectors: Any, **_: Any) -> NoReturn:
        """Refused."""
        self._only_local("links to what is nearly the same")

    def twins(self, id: str) -> NoReturn:
        """Refused."""
        self._only_local("links to what is nearly the same")

    def weights(self, ids: Sequence[str], **_: Any) -> NoReturn:
        """Refused."""
        self._only_local("weights by age")

    def erase(self, ids: Sequence[str]) -> NoReturn:
        """Refused: old versions and segments of the engine may hold what was deleted."""
        self._only_local("erasing for good")

    def erase_all(self) -> NoReturn:
        """Refused likewise."""
        self._only_local("erasing for good")

    def _seen(self, where: Filter | None, as_of: datetime | None = None) -> Condition:
        """The condition that everything has to meet to be seen from here: the one gate."""
        self._allowed(Right.READ)
        if as_of is not None:
            self._only_local("the past (as_of)")
        here = Every((Within(self.path), unexpired(rows.now())))
        asked = condition(where)
        if needs_labels(asked):
            asked = resolved(asked, self.engine.labelled(here))
        return Every((here, asked))

    def _allowed(self, right: Right) -> None:
        if self.principal == OWNER:
            return
        known = self.engine.grants()
        levels = [known.get((self.principal, above), 0) for above in ancestry(self.path)]
        if max(levels) < right:
            there = "/".join(labels(self.path)) or "the root"
            raise AccessDenied(
                f"{self.principal!r} may not {right.name.lower()} {there!r}: "
                "ask whoever administers it for a grant"
            )

    def _known(self, space: Space) -> Space | None:
        """The space as it is here.

        Raises:
            UsageError: if one of that name and model is here with another width or metric.
        """
        for one in self.engine.spaces():
            if (one.name, one.digest) == (space.name, space.digest):
                if one != space:
                    raise UsageError(
                        f"space {space.name!r} is here with width {one.width} and metric "
                        f"{one.metric!r}, not {space.width} and {space.metric!r}"
                    )
                return one
        return None

    def _blobs(self, id: str) -> BlobStore:
        if self._media is None:
            raise UsageError(
                f"record {id!r} has media, and {self.engine.name} has no folder for them: "
                "add  ?media=/a/folder  to the URL"
            )
        return BlobStore(self._media)

    def _only_local(self, what: str) -> NoReturn:
        raise Unsupported(
            f"{self.engine.name} does not keep {what}: use a memory in a folder for that"
        )


def _checked(
    space: Space, vectors: Sequence[Vectors | None], ids: Sequence[str]
) -> list[Vectors | None]:
    if len(vectors) != len(ids):
        raise UsageError(
            f"{len(ids)} records were given and {len(vectors)} vectors in space {space.name!r}: "
            "give one each, or None"
        )
    return [
        None if vector is None else checked(space, vector, repr(id))
        for vector, id in zip(vectors, ids, strict=True)
    ]


def _count(k: int) -> None:
    if k < 1:
        raise UsageError(f"ask for 1 record or more, not {k}")
