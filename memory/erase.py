"""Erasing for good: afterwards no byte of what was erased is left under the memory's folder."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import lexical
from .blobs import BlobStore
from .choosing import encoded
from .connection import Catalog
from .knowledge import edges
from .partition import sealed
from .schema import table_of
from .sealing import record
from .segments import Damaged, Seal, Segment, faiss, path_of, vectors_of, write
from .writing import tell

_THESE = "rid IN (SELECT value FROM json_each(?))"


def rows_of(db: sqlite3.Connection, ns: int, ids: Sequence[str]) -> list[int]:
    """Numbers of all rows that ever had these ids and are still on disk, deleted or not."""
    found = db.execute(
        "SELECT rid FROM item WHERE ns = ? AND id IN (SELECT value FROM json_each(?))",
        (ns, json.dumps(list(ids))),
    )
    return [rid for (rid,) in found]


def purge(db: sqlite3.Connection, ns: int, rids: Sequence[int]) -> set[str]:
    """Delete every row that belongs to these; digests of media that they had."""
    these = json.dumps([int(rid) for rid in rids])
    media = db.execute(f"SELECT media FROM item WHERE {_THESE} AND media IS NOT NULL", (these,))
    digests = {digest for (digest,) in media}
    texts = db.execute(
        f"SELECT rid, ifnull(title, ''), ifnull(text, '') FROM body WHERE {_THESE} "
        "AND (title IS NOT NULL OR text IS NOT NULL)",
        (these,),
    ).fetchall()
    lexical.remove(db, texts)
    db.execute(f"DELETE FROM tag WHERE ns = ? AND {_THESE}", (ns, these))
    db.execute(f"DELETE FROM twin WHERE {_THESE}", (these,))
    edges.drop(db, rids)
    db.execute(f"DELETE FROM body WHERE {_THESE}", (these,))
    for (sid,) in db.execute("SELECT sid FROM space").fetchall():
        db.execute(f"DELETE FROM {table_of(sid)} WHERE {_THESE}", (these,))
    db.execute(
        "UPDATE item SET superseded_by = NULL "
        "WHERE superseded_by IN (SELECT value FROM json_each(?))",
        (these,),
    )
    db.execute(f"DELETE FROM item WHERE {_THESE}", (these,))
    return digests


def erase(catalog: Catalog, blobs: BlobStore, folder: Path, ns: int, rids: Sequence[int]) -> None:
    """Take rows out of every table, segment and file, and leave nothing of them behind.

    The catalogue is written anew, which takes about as long as copying it: erase many at once.

    Raises:
        StoreError: if another process holds on to the old log, or the disk is full. What was to be
            erased is found no more even then; erasing anything again finishes the work.
    """
    with catalog.writing() as db:
        stale = scrub(db, folder, ns, rids)
        tell(db, ns, rids)
        digests = purge(db, ns, rids)
        lexical.tidy(db)
    for name in stale:
        path_of(folder, name).unlink(missing_ok=True)
    release(catalog, blobs, digests)
    catalog.rewrite()


def scrub(db: sqlite3.Connection, folder: Path, ns: int, rids: Sequence[int]) -> list[str]:
    """Put copies without these rows' vectors in the place of segments; names of the old ones.

    A graph keeps its shape, so that it need not be built anew: the place of the vector is emptied.
    Codes are learnt anew, since what they are measured by was learnt from what is erased.
    """
    stale: list[str] = []
    spaces = db.execute("SELECT sid, metric, width FROM space WHERE NOT multi").fetchall()
    for sid, metric, width in spaces:
        for seal in sealed(db, sid, ns):
            places = np.flatnonzero(np.isin(seal.rids, np.asarray(rids, np.int64)))
            if not len(places):
                continue
            stale.append(seal.name)
            db.execute("DELETE FROM segment WHERE name = ?", (seal.name,))
            # One that is damaged is only dropped: its other rows are in the catalogue.
            with contextlib.suppress(Damaged):
                record(db, sid, ns, _emptied(folder, seal, metric, width, places))
    return stale


def _emptied(folder: Path, seal: Seal, metric: str, width: int, places: np.ndarray) -> Seal:
    Segment.open(folder, seal, metric, width)  # its digest is checked before it is read
    index = faiss.read_index(str(path_of(folder, seal.name)))
    flat: Any = vectors_of(seal.kind, index)
    block = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * width).reshape(-1, width)
    block[places] = 0
    if seal.kind == "codes":
        index = encoded(block, metric)
        index.add(block)
    name, size, digest = write(folder, index)
    return Seal(name, seal.kind, seal.rids, size, digest, seal.breadth, seal.recall)


def release(catalog: Catalog, blobs: BlobStore, digests: Iterable[str]) -> int:
    """Delete the media that no row has any more; how many."""
    count = 0
    with catalog.writing() as db:  # so that nobody puts a row while its media are deleted
        for digest in digests:
            held = db.execute(
                "SELECT EXISTS (SELECT 1 FROM item WHERE media = ?) "
                "OR EXISTS (SELECT 1 FROM pair WHERE media = ?)",
                (digest, digest),
            ).fetchone()
            if not held[0]:
                blobs.delete(digest)
                count += 1
    return count


def erase_namespace(catalog: Catalog, blobs: BlobStore, folder: Path, ns: int) -> int:
    """Erase all that a namespace holds, also what LangChain kept there; how many rows."""
    with catalog.writing() as db:
        rids = [rid for (rid,) in db.execute("SELECT rid FROM item WHERE ns = ?", (ns,))]
        media = db.execute("SELECT media FROM pair WHERE ns = ? AND media IS NOT NULL", (ns,))
        digests = {digest for (digest,) in media}
        for table in ("pair", "message", "indexed", "twin"):
            db.execute(f"DELETE FROM {table} WHERE ns = ?", (ns,))
    release(catalog, blobs, digests)
    erase(catalog, blobs, folder, ns, rids)
    return len(rids)
