"""Turning the tail into sealed segments, off the path of writers, by a measured choice of index.

While an index is built nothing is locked. Then one transaction swaps the segments' rows: whoever
reads sees the old ones or the new. A kill in between leaves a file that nobody knows, which the
next sealing removes.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .choosing import Sealing, choose
from .connection import Catalog
from .partition import sealed
from .rows import now
from .schema import table_of
from .segments import Seal, path_of, write
from .tail import Rids, places_of
from .vectors import fetch


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be sealed: a new segment that takes the place of old ones."""

    sid: int
    ns: int
    metric: str
    width: int
    rids: Rids
    replaced: tuple[str, ...]


def due(db: sqlite3.Connection, plan: Sealing, *, everything: bool = False) -> list[Work]:
    """All sealing that is to be done; with `everything` also of tails that are short."""
    pairs = db.execute(
        "SELECT s.sid, n.ns, s.metric, s.width FROM space s, namespace n WHERE NOT s.multi"
    ).fetchall()
    found = [_due(db, plan, *pair, everything=everything) for pair in pairs]
    return [work for work in found if work is not None]


def _due(
    db: sqlite3.Connection,
    plan: Sealing,
    sid: int,
    ns: int,
    metric: str,
    width: int,
    *,
    everything: bool,
) -> Work | None:
    seals = sealed(db, sid, ns)
    rows = db.execute(
        f"SELECT v.rid FROM item i JOIN {table_of(sid)} v ON v.rid = i.rid "
        "WHERE i.ns = ? AND i.state < 2",
        (ns,),
    ).fetchall()
    living = np.unique(np.fromiter((rid for (rid,) in rows), np.int64, len(rows)))
    covered = [seal.rids for seal in seals]
    tail = np.setdiff1d(living, np.concatenate(covered)) if covered else living
    worn = [seal for seal in seals if _dead_share(seal, living) > plan.dead]
    if not worn and (len(tail) < plan.tail and not (everything and len(tail))):
        return None
    merged = _with_peers(seals, worn, len(tail))
    rids = np.concatenate([tail, *(seal.rids for seal in merged)])
    rids = np.intersect1d(rids, living)
    return Work(sid, ns, metric, width, rids, tuple(seal.name for seal in merged))


def _dead_share(seal: Seal, living: Rids) -> float:
    return 1 - len(places_of(seal.rids, living)) / max(len(seal.rids), 1)


def _with_peers(seals: Sequence[Seal], worn: Sequence[Seal], size: int) -> list[Seal]:
    """Those worn, and from the smallest up all that are not much larger than what they join.

    So a row is built into a segment a logarithmic number of times, and segments stay few.
    """
    taken = list(worn)
    size += sum(len(seal.rids) for seal in worn)
    for seal in sorted((seal for seal in seals if seal not in worn), key=lambda s: len(s.rids)):
        if len(seal.rids) > 2 * size:
            break
        taken.append(seal)
        size += len(seal.rids)
    return taken


def seal(
    catalog: Catalog,
    folder: Path,
    work: Work,
    plan: Sealing,
    stopped: Callable[[], bool] = lambda: False,
) -> Seal | None:
    """Do one piece of work; `None` if nothing is left to be sealed, or others did it meanwhile."""
    with catalog.reading() as db:
        rids, block = fetch(db, work.sid, work.rids.tolist(), work.width)
    made = None
    if len(rids):
        chosen = choose(block, work.metric, plan, stopped)
        name, size, digest = write(folder, chosen.index)
        rids = rids if chosen.order is None else rids[chosen.order]
        made = Seal(name, chosen.kind, rids, size, digest, chosen.breadth, chosen.recall)
    if not _swap(catalog, work, made):
        if made is not None:
            path_of(folder, made.name).unlink(missing_ok=True)
        return None
    for name in work.replaced:
        path_of(folder, name).unlink(missing_ok=True)
    return made


def _swap(catalog: Catalog, work: Work, made: Seal | None) -> bool:
    """Put the new segment in the place of the old ones, unless those are there no longer."""
    with catalog.writing() as db:
        there = {seal.name for seal in sealed(db, work.sid, work.ns)}
        if not there.issuperset(work.replaced):
            return False
        if made is not None and _clashes(db, work, made.rids):
            return False
        for name in work.replaced:
            db.execute("DELETE FROM segment WHERE name = ?", (name,))
        if made is not None:
            record(db, work.sid, work.ns, made)
    return True


def _clashes(db: sqlite3.Connection, work: Work, rids: Rids) -> bool:
    """Whether another process has sealed some of these rows, or erased one of them, meanwhile."""
    for other in sealed(db, work.sid, work.ns):
        if other.name not in work.replaced and len(places_of(other.rids, rids)):
            return True
    low, high = int(rids.min()), int(rids.max())
    rows = db.execute(
        f"SELECT rid FROM {table_of(work.sid)} WHERE rid BETWEEN ? AND ?", (low, high)
    ).fetchall()
    there = np.fromiter((rid for (rid,) in rows), np.int64, len(rows))
    return not np.isin(rids, there).all()


def record(db: sqlite3.Connection, sid: int, ns: int, made: Seal) -> None:
    """Tell the catalogue of a segment."""
    db.execute(
        "INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            made.name,
            sid,
            ns,
            made.kind,
            len(made.rids),
            made.rids.astype(np.int64).tobytes(),
            made.size,
            made.sha256,
            made.breadth,
            made.recall,
            now(),
        ),
    )


def drop(catalog: Catalog, folder: Path, names: Sequence[str]) -> int:
    """Forget segments; how many were known.

    Their rows are searched from the catalogue until they are sealed again.
    """
    with catalog.writing() as db:
        count = sum(
            db.execute("DELETE FROM segment WHERE name = ?", (name,)).rowcount for name in names
        )
    for name in names:
        path_of(folder, name).unlink(missing_ok=True)
    return count


def sweep(catalog: Catalog, folder: Path, *, older_than: float) -> int:
    """Remove files that no catalogue knows, left by what was killed; how many."""
    before, count = time.time() - older_than, 0
    with catalog.writing() as db:  # so that none is there whose row is about to be written
        known = {name for (name,) in db.execute("SELECT name FROM segment")}
        for path in folder.glob("*.*") if folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if path.stem not in known and path.stat().st_mtime <= before:
                    path.unlink()
                    count += 1
    return count
