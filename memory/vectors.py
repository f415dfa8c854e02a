"""Vectors as they are checked, stored and read back.

Shapes: N rows, W width of a space, V vectors of one item, Q of one question, G items.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from omni.errors import UsageError

from .contracts import Space, Vectors
from .schema import table_of

_ROWS = 4096  # of a buffer for late interaction: 2 MB at a width of 128


def checked(space: Space, vector: Vectors, what: str) -> Vectors:
    """The vector in single precision, of unit length where the space compares by cosine.

    Raises:
        UsageError: if it has another width than the space, holds a NaN or an infinity, or is one
            vector where several belong, or the other way round.
    """
    found = np.asarray(vector, dtype=np.float32)
    if space.multi and found.ndim == 1:
        found = found[None]
    wanted = f"[V, {space.width}]" if space.multi else f"[{space.width}]"
    if found.ndim != 1 + space.multi or found.shape[-1] != space.width or not found.size:
        raise UsageError(
            f"the vector of {what} has the shape {list(np.shape(vector))}; "
            f"space {space.name!r} takes {wanted}"
        )
    if found.ndim == 1:
        square = float(found.dot(found))
        if 1e-30 < square < 1e30:  # then no number is a NaN or infinite, or too small to square
            return found / np.float32(math.sqrt(square)) if space.metric == "cosine" else found
    if not np.isfinite(found).all():
        raise UsageError(f"the vector of {what} in space {space.name!r} holds a NaN or an infinity")
    if space.metric != "cosine":
        return found
    length = np.sqrt(np.einsum("...w,...w->...", found, found, dtype=np.float64))[..., None]
    # What has no direction is like nothing, and stays as it is.
    return np.divide(found, length, out=np.zeros_like(found), where=length > 0, casting="same_kind")


def checked_all(
    space: Space, vectors: Sequence[Vectors | None], names: Sequence[str]
) -> list[bytes | None]:
    """Bytes to store, one a record; checks a whole batch at once where all are plain vectors."""
    if len(vectors) != len(names):
        raise UsageError(
            f"{len(names)} records were given and {len(vectors)} vectors in space {space.name!r}: "
            "give one each, or None"
        )
    given = [place for place, vector in enumerate(vectors) if vector is not None]
    if not space.multi and given:
        whole = isinstance(vectors, np.ndarray)
        try:
            block = np.asarray(
                vectors if whole else [vectors[place] for place in given], dtype=np.float32
            )
        except ValueError:
            block = np.empty(0)
        if block.shape == (len(given), space.width) and np.isfinite(block).all():
            if space.metric == "cosine":
                length = np.sqrt(np.einsum("nw,nw->n", block, block, dtype=np.float64))[:, None]
                block = np.divide(block, length, out=np.zeros_like(block), where=length > 0)
            found: list[bytes | None] = [None] * len(names)
            for place, row in zip(given, np.ascontiguousarray(block), strict=True):
                found[place] = row.tobytes()
            return found
    one_by_one: list[bytes | None] = [None] * len(names)
    for place in given:
        vector = vectors[place]
        assert vector is not None
        one_by_one[place] = stored(space, checked(space, vector, repr(names[place])))
    return one_by_one


def stored(space: Space, vector: Vectors) -> bytes:
    """Bytes of a checked vector; those of spaces with several are kept in half precision."""
    return vector.astype(np.float16 if space.multi else np.float32).tobytes()


def restored(space: Space, data: bytes) -> Vectors:
    """The inverse of `stored`."""
    if space.multi:
        return np.frombuffer(data, np.float16).astype(np.float32).reshape(-1, space.width)
    return np.frombuffer(data, np.float32)


def fetch(
    db: sqlite3.Connection, sid: int, rids: Iterable[int], width: int
) -> tuple[np.ndarray, Vectors]:
    """Numbers, ascending, and vectors `[N, W]` of those rows that have one; for plain spaces."""
    wanted = sorted(int(rid) for rid in rids)
    query = (
        f"SELECT rid, v FROM {table_of(sid)} "
        "WHERE rid IN (SELECT value FROM json_each(?)) ORDER BY rid"
    )
    found = db.execute(query, (json.dumps(wanted),)).fetchall()
    numbers = np.fromiter((rid for rid, _ in found), np.int64, len(found))
    block = np.frombuffer(b"".join(v for _, v in found), np.float32)
    return numbers, block.reshape(len(found), width)


def maxsim(query: Vectors, items: Sequence[Vectors]) -> Vectors:
    """Late interaction: for each query vector the best of an item's, summed: `[G]`.

    Args:
        query: `[Q, W]`.
        items: `[V, W]` each; V may differ.
    """
    scores = np.empty(len(items), np.float32)
    block = np.empty((min(_ROWS, sum(map(len, items))), query.shape[1]), np.float32)
    start = 0
    while start < len(items):
        stop, rows = start + 1, len(items[start])
        while stop < len(items) and rows + len(items[stop]) <= len(block):
            rows += len(items[stop])
            stop += 1
        # One product for many items, in a buffer that stays in the cache and is used again.
        some = items[start:stop]
        whole = items[start] if stop - start == 1 else np.concatenate(some, out=block[:rows])
        begins = np.cumsum([0, *(len(item) for item in some[:-1])])
        scores[start:stop] = np.maximum.reduceat(query @ whole.T, begins, axis=1).sum(axis=0)
        start = stop
    return scores
