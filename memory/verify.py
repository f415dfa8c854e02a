"""Looking through a memory for damage, and mending what can be made anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from omni.errors import StoreError

from . import lexical
from .blobs import BlobStore
from .connection import Catalog
from .partition import sealed
from .schema import table_of
from .sealing import drop
from .segments import Damaged, check


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    Attributes:
        part: `catalog`, `words`, `vectors`, `segment` or `media`.
        told: what, in a line.
        mended: whether it was made anew; what is the truth itself cannot be.
    """

    part: str
    told: str
    mended: bool


def verify(
    catalog: Catalog, blobs: BlobStore, folder: Path, *, repair: bool = True
) -> list[Problem]:
    """Read everything and compare; what was found.

    Args:
        catalog: of the memory.
        blobs: of the memory.
        folder: of the segments.
        repair: whether to make anew what is derived: segments and the index of words.
    """
    found = list(_catalog(catalog))
    if found:
        return found  # what follows reads the catalogue, and would tell the same again
    found += _words(catalog, repair)
    found += _vectors(catalog, repair)
    found += _segments(catalog, folder, repair)
    found += _media(catalog, blobs)
    return found


def _catalog(catalog: Catalog) -> Iterator[Problem]:
    try:
        with catalog.reading() as db:
            for (told,) in db.execute("PRAGMA integrity_check(20)").fetchall():
                if told != "ok":
                    yield Problem("catalog", told, False)
    except StoreError as error:
        yield Problem("catalog", str(error), False)


def _words(catalog: Catalog, repair: bool) -> list[Problem]:
    """The index of words has a row for each record with text, and its parts agree."""
    with catalog.reading() as db:
        (told,) = db.execute("SELECT count(*) FROM words_docsize").fetchone()
        (wanted,) = db.execute(
            "SELECT count(*) FROM body WHERE title IS NOT NULL OR text IS NOT NULL"
        ).fetchone()
    problem = f"the index of words has {told:,} rows instead of {wanted:,}"
    if told == wanted:
        sound = _try(catalog, lambda db: db.execute("INSERT INTO words(words) VALUES (?)", _CHECK))
        if sound:
            return []
        problem = "the index of words is damaged"
    return [Problem("words", problem, repair and _try(catalog, lexical.rebuild))]


_CHECK = ("integrity-check",)


def _try(catalog: Catalog, work: Callable[[sqlite3.Connection], object]) -> bool:
    try:
        with catalog.writing() as db:
            work(db)
    except StoreError:
        return False
    return True


def _vectors(catalog: Catalog, repair: bool) -> list[Problem]:
    """Vectors are as wide as their space and belong to a row."""
    found: list[Problem] = []
    with catalog.reading() as db:
        spaces = db.execute("SELECT sid, name, width, multi FROM space").fetchall()
        for sid, name, width, multi in spaces:
            size = 2 * width if multi else 4 * width
            misfit = "length(v) % ? != 0" if multi else "length(v) != ?"
            (wrong,) = db.execute(
                f"SELECT count(*) FROM {table_of(sid)} WHERE {misfit}", (size,)
            ).fetchone()
            (stray,) = db.execute(
                f"SELECT count(*) FROM {table_of(sid)} WHERE rid NOT IN (SELECT rid FROM item)"
            ).fetchone()
            if wrong:
                told = f"{wrong:,} vectors of space {name!r} are not {width} wide"
                found.append(Problem("vectors", told, False))
            if stray:
                told = f"{stray:,} vectors of space {name!r} belong to no record"
                found.append(Problem("vectors", told, repair and _try(catalog, _without(sid))))
    return found


def _without(sid: int) -> Callable[[sqlite3.Connection], object]:
    query = f"DELETE FROM {table_of(sid)} WHERE rid NOT IN (SELECT rid FROM item)"
    return lambda db: db.execute(query)


def _segments(catalog: Catalog, folder: Path, repair: bool) -> list[Problem]:
    """Each segment is, byte for byte, what was sealed."""
    with catalog.reading() as db:
        pairs = db.execute("SELECT DISTINCT sid, ns FROM segment").fetchall()
        seals = [seal for sid, ns in pairs for seal in sealed(db, sid, ns)]
    found = []
    for seal in seals:
        try:
            check(folder, seal)
        except Damaged as error:
            mended = bool(repair and drop(catalog, folder, [seal.name]))
            found.append(Problem("segment", str(error), mended))
    return found


def _media(catalog: Catalog, blobs: BlobStore) -> list[Problem]:
    """Each medium is there and is what its name says."""
    with catalog.reading() as db:
        digests = db.execute(
            "SELECT media FROM item WHERE media IS NOT NULL AND state < 2 "
            "UNION SELECT media FROM pair WHERE media IS NOT NULL"
        ).fetchall()
    found = []
    for (digest,) in digests:
        try:
            blobs.verify(digest)
        except StoreError as error:
            found.append(Problem("media", str(error), False))
    return found
