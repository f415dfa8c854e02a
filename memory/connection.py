"""Connections to the catalogue: one writer at a time, any number of readers, many processes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from omni.errors import StoreError

from .schema import migrate

Durability = Literal["full", "normal"]

_SERVED = ("nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "coda")
_CLUSTERED = ("ceph", "lustre", "gpfs", "glusterfs", "beegfs", "orangefs", "davfs", "fuse.davfs2")
_FUSED = ("sshfs", "s3fs", "gcsfuse", "rclone", "glusterfs", "cephfs", "juicefs")
NETWORK = frozenset([*_SERVED, *_CLUSTERED, *(f"fuse.{name}" for name in _FUSED)])
"""File systems that cannot hold the shared memory by which SQLite's processes agree."""

_FORSAKEN: list[sqlite3.Connection] = []


class Catalog:
    """The SQLite file of a memory.

    Args:
        path: of the file; its folder has to be there.
        durability: `full` survives a loss of power, `normal` only the death of a process.
        timeout: seconds to wait for another writer.
    """

    def __init__(self, path: Path, *, durability: Durability = "full", timeout: float = 30.0):
        self.path = path
        self._durability = durability
        self._timeout = timeout
        self._starts = 0
        refuse_network(path.parent)
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._starts += 1
        self._lock = threading.RLock()
        self._watch_lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._all: list[sqlite3.Connection] = []
        self._seen: dict[sqlite3.Connection, tuple[int, int]] = {}
        self._closed = False
        with _Translated(self.path):
            self._writer = self._connect()
            try:
                # Page size counts only before the first table, and before the log is chosen.
                self._writer.execute("PRAGMA journal_mode = WAL")
                migrate(self._writer, str(self.path))
                self._watcher = self._connect()
            except BaseException:
                self.close()
                raise

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        self._all.append(db)
        db.execute(f"PRAGMA synchronous = {'FULL' if self._durability == 'full' else 'NORMAL'}")
        db.execute("PRAGMA cache_size = -16000")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("PRAGMA wal_autocheckpoint = 4000")  # pages: fewer stops in a row of writes
        db.execute("PRAGMA trusted_schema = OFF")
        return db

    def _check(self) -> None:
        if self._process != os.getpid():
            # SQLite forbids that a child uses what its parent opened, even to close it.
            _FORSAKEN.extend(self._all)
            self._start()
        if self._closed:
            raise StoreError(f"the memory in {self.path.parent} is closed: open it again")

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; when the block is left, it survives a kill, or nothing was changed.

        Raises:
            StoreError: if the disk is full, the file is damaged, or another writer does not end.
        """
        self._check()
        with self._lock, _Translated(self.path):
            if self._writer.in_transaction:  # part of a transaction of the same thread
                yield self._writer
                return
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from; each statement sees what was committed before it."""
        self._check()
        with _Translated(self.path):
            db = self._lent()
            try:
                yield db
            finally:
                self._given_back(db)

    def _lent(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            db = self._connect()
            db.execute("PRAGMA query_only = ON")
            return db

    def _given_back(self, db: sqlite3.Connection) -> None:
        if db.in_transaction:
            db.execute("ROLLBACK")
        self._idle.append(db)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """The same, with all statements seeing one state."""
        with self.reading() as db:
            db.execute("BEGIN")
            yield db
            db.execute("ROLLBACK")

    @contextlib.contextmanager
    def exactly(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """A snapshot, and the version that it is of, neither older nor newer."""
        self._check()
        with _Translated(self.path):
            db = self._lent()
            try:
                yield db, self._begun(db)
            finally:
                self._given_back(db)

    def _begun(self, db: sqlite3.Connection) -> int:
        """The version of a snapshot that was taken."""
        before = None
        while True:
            db.execute("BEGIN")
            mark = _mark(db)  # only a read takes the snapshot
            known = self._seen.get(db)
            if known and known[0] == mark:  # nothing was committed since this connection looked
                return known[1]
            if before is not None and self.version() == before:
                self._seen[db] = mark, before
                return before
            db.execute("ROLLBACK")
            before = self.version()

    def unchanged(
        self, version: int, query: str, values: Sequence[Any]
    ) -> list[tuple[Any, ...]] | None:
        """Rows of a query, if nothing was committed since a version; `None` if something was.

        What a version is told by is read after the rows: if it is still the same, then so was
        what they were read from. It takes two statements less than a snapshot.
        """
        self._check()
        db = self._lent()
        try:
            found = db.execute(query, values).fetchall()
            return found if self._seen.get(db) == (_mark(db), version) else None
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _translated(error, self.path) from error
        finally:
            self._given_back(db)

    def version(self) -> int:
        """A number that is another one after each commit, of whichever process."""
        self._check()
        with self._watch_lock, _Translated(self.path):
            # A child counts from 1 again, with connections of its own.
            return (self._starts << 32) + _mark(self._watcher)

    def settle(self) -> None:
        """Move the log into the file and cut it to nothing.

        Raises:
            StoreError: if readers hold the log for longer than the timeout.
        """
        self._check()
        until = time.monotonic() + self._timeout
        with self._lock, _Translated(self.path):
            while self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > until:
                    raise StoreError(
                        f"a reader holds the old log of {self.path}, which cannot be cut: end "
                        "the other processes and try again"
                    )
                time.sleep(0.05)

    def rewrite(self) -> None:
        """Write the file anew, so that nothing is left in it of what was deleted.

        SQLite's `secure_delete` is not enough: it leaves copies of what moved between pages.

        Raises:
            StoreError: if the disk is full, or readers hold the log for longer than the timeout.
        """
        self._check()
        with self._lock, _Translated(self.path):
            self._writer.execute("VACUUM")
        self.settle()

    def close(self) -> None:
        """Close every connection; what was committed is safe with or without it."""
        if self._process != os.getpid():
            return
        self._closed = True
        with self._lock:
            for db in self._all:
                with contextlib.suppress(sqlite3.Error):
                    db.close()
            self._all.clear()
            self._idle.clear()
            self._seen.clear()


def _mark(db: sqlite3.Connection) -> int:
    """A number that is another one whenever another connection committed; of this one only."""
    return db.execute("PRAGMA data_version").fetchone()[0]


class _Translated:
    """Tell what SQLite says in a line for people."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error | UnicodeDecodeError):
            raise _translated(error, self._path) from error


def _translated(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> StoreError:
    if isinstance(error, UnicodeDecodeError):  # of a text of SQLite's, which are all UTF-8
        return StoreError(f"{_DAMAGED.format(path)} ({error})")
    return StoreError(f"{_told(error, path)} ({error})")


_DAMAGED = "{} is damaged: run  omni memory verify, or put back a copy"


def _told(error: sqlite3.Error, path: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return f"no room left for {path}: nothing of this write was kept; free some space"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"another process writes to {path} without end: try again when it is done"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _DAMAGED.format(path)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"cannot open {path} for writing: check its folder and its rights"
    if "fts5" in str(error):
        return "this Python's SQLite was built without FTS5: use another build of Python"
    return f"cannot use {path}"


def refuse_network(folder: Path, mounts: str | None = None) -> None:
    """Let only local file systems pass, since on others SQLite's log loses writes.

    Args:
        folder: that is to hold the catalogue.
        mounts: what the system has mounted, in the form of `/proc/self/mounts`; read if `None`.

    Raises:
        StoreError: if the folder lies on a network file system.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
    place, kind = "", ""
    here = str(folder.resolve())
    for line in mounts.splitlines():
        _, point, fs, *_ = (*line.split(" "), "", "", "")
        point = point.replace("\\040", " ")
        inside = here == point or here.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(place):
            place, kind = point, fs
    if kind in NETWORK:
        raise StoreError(
            f"{folder} lies on a network file system ({kind} at {place}), where a memory would "
            "lose writes: use a local folder, or a server (qdrant://…, lance://…)"
        )
