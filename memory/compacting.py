"""Clearing away what is dead: rows that were let go or have expired, media, free pages."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from . import erase, lexical, rows
from .blobs import BlobStore
from .connection import Catalog
from .schema import GONE
from .writing import let_go

_ROWS = 2000  # a transaction, so that writers never wait long
_FREE = 0.25  # share of pages from which the file is written anew


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did.

    Attributes:
        expired: records whose time was over.
        rows: that were taken out for good.
        media: files that nothing referred to.
        segments: that were made.
        freed: bytes by which the memory became smaller; less than 0 if it grew.
    """

    expired: int
    rows: int
    media: int
    segments: int
    freed: int


def expire(catalog: Catalog) -> int:
    """Let go of what has expired; how many."""
    count = 0
    with catalog.writing() as db:
        for (ns,) in db.execute("SELECT ns FROM namespace").fetchall():
            found = db.execute(
                "SELECT rid FROM item INDEXED BY item_expires "
                "WHERE ns = ? AND expires IS NOT NULL AND expires <= ? AND state < 2",
                (ns, rows.now()),
            ).fetchall()
            let_go(db, ns, [rid for (rid,) in found])
            count += len(found)
    return count


def purge_gone(catalog: Catalog) -> int:
    """Take out rows that were let go; how many."""
    count = 0
    with catalog.reading() as db:
        spaces = [ns for (ns,) in db.execute("SELECT ns FROM namespace")]
    for ns in spaces:
        while some := _purge_some(catalog, ns):
            count += some
    if count:
        with catalog.writing() as db:
            lexical.tidy(db)
            _forget_changes(db)
    return count


def _purge_some(catalog: Catalog, ns: int) -> int:
    with catalog.writing() as db:
        found = db.execute(
            "SELECT rid FROM item INDEXED BY item_state WHERE ns = ? AND state = ? LIMIT ?",
            (ns, GONE, _ROWS),
        ).fetchall()
        if found:
            erase.purge(db, ns, [rid for (rid,) in found])
        return len(found)


def _forget_changes(db: sqlite3.Connection) -> None:
    """Cut the list of changes; who has not read it to its end starts over."""
    (last,) = db.execute("SELECT ifnull(max(seq), 0) FROM change").fetchone()
    db.execute("UPDATE setting SET value = max(value, ?) WHERE name = 'change_floor'", (last,))
    db.execute("DELETE FROM change WHERE seq <= ?", (last,))


def release_media(catalog: Catalog, blobs: BlobStore) -> int:
    """Delete media that no row has; how many files."""
    if not blobs.root.is_dir():
        return 0
    with catalog.reading() as db:
        held = {digest for (digest,) in db.execute("SELECT DISTINCT media FROM item")}
        held |= {digest for (digest,) in db.execute("SELECT media FROM pair")}
    return erase.release(catalog, blobs, [one for one in blobs.digests() if one not in held])


def shrink(catalog: Catalog) -> None:
    """Give back free pages where there are many, and cut the log."""
    with catalog.reading() as db:
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        (pages,) = db.execute("PRAGMA page_count").fetchone()
    if free > _FREE * pages:
        catalog.rewrite()
    else:
        catalog.settle()


def size_of(root: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
