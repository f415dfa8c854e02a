"""Where conversations are kept: one SQLite file for all sessions, and blobs for their media.

The tables of LangGraph's checkpointer hold the messages; two tables of ours beside them hold the
handles and what a list of sessions shows. What a method wrote has been committed when it returns.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni import plugins
from omni.chat.checkpoints import Checkpoints
from omni.config import home as default_home
from omni.errors import StoreError, UsageError
from omni.media import BlobStore, Lineage, Media, MediaRef, Shelf

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage

FORMAT = 1
_NAME_LENGTH = 100
_TITLE_LENGTH = 60
_TABLES = """
CREATE TABLE IF NOT EXISTS sessions (
    name TEXT PRIMARY KEY, title TEXT NOT NULL, model TEXT NOT NULL,
    created TEXT NOT NULL, updated TEXT NOT NULL, turns INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS media (
    session TEXT NOT NULL, handle TEXT NOT NULL, ref TEXT NOT NULL, pending INTEGER NOT NULL,
    PRIMARY KEY (session, handle)
);
"""


@dataclass(frozen=True, slots=True)
class Session:
    """What a list of sessions shows.

    Attributes:
        name: by which it is opened.
        title: beginning of its first question.
        model: the brain that was used last.
        created: when, in UTC, in ISO form.
        updated: when something was last asked or attached.
        turns: number of questions.
        attachments: number of media items, made ones among them.
    """

    name: str
    title: str
    model: str
    created: str
    updated: str
    turns: int
    attachments: int


class Sessions:
    """The sessions of one home folder."""

    def __init__(self, home: Path | None = None):
        self.home = Path(home) if home else default_home()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.blobs: BlobStore = plugins.load("memory", "blobs")(self.home / "blobs")
        self.path = self.home / "sessions.sqlite"
        self._closed = False
        self.checkpoints = Checkpoints(_connect(self.path))
        with self.checkpoints.cursor() as cursor:
            _prepare(cursor, self.path)

    def list(self) -> list[Session]:
        """All sessions, the one used last first."""
        with self.checkpoints.cursor(transaction=False) as cursor:
            rows = cursor.execute(
                "SELECT name, title, model, created, updated, turns, "
                "(SELECT COUNT(*) FROM media WHERE session = name) "
                "FROM sessions ORDER BY updated DESC, rowid DESC"
            ).fetchall()
        return [Session(*row) for row in rows]

    def last(self) -> Session | None:
        """The session used last."""
        return next(iter(self.list()), None)

    def find(self, name: str) -> Session:
        """The session of that name, or the only one whose name begins so.

        Raises:
            UsageError: if there is none or more than one.
        """
        sessions = self.list()
        exact = [session for session in sessions if session.name == name]
        found = exact or [session for session in sessions if session.name.startswith(name)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(session.name for session in found or sessions) or "none yet"
        problem = "several sessions begin with" if found else "no session called"
        raise UsageError(f"{problem} {name!r}; there is: {known}")

    def messages(self, name: str) -> Sequence[AnyMessage]:
        """What was said in a session; nothing in one that there is not."""
        config: Any = {"configurable": {"thread_id": name, "checkpoint_ns": ""}}
        found = self.checkpoints.get_tuple(config)
        return list(found.checkpoint["channel_values"].get("messages", [])) if found else []

    def new_name(self) -> str:
        """A name that no session has: today's date and a number."""
        day = datetime.now().strftime("%Y-%m-%d")
        taken = {session.name for session in self.list()}
        return next(name for number in range(1, 10**6) if (name := f"{day}-{number}") not in taken)

    def delete(self, name: str) -> None:
        """Delete a session, and the blobs that no other session holds.

        Raises:
            UsageError: if there is no such session, or it is being used.
        """
        name = self.find(name).name
        with self.lock(name):
            digests = {ref.digest for ref in self.refs(name)}
            self.checkpoints.delete_thread(name)
            with self.checkpoints.cursor() as cursor:
                cursor.execute("DELETE FROM sessions WHERE name = ?", (name,))
                cursor.execute("DELETE FROM media WHERE session = ?", (name,))
                rows = cursor.execute("SELECT ref FROM media").fetchall()
            held = {MediaRef.model_validate_json(row[0]).digest for row in rows}
            for digest in digests - held:
                self.blobs.delete(digest)
            self.checkpoints.settle()

    def copy(self, source: str, target: str) -> None:
        """Copy a session with all its handles under a new name.

        Raises:
            UsageError: if the name is taken.
        """
        check_name(target)
        with self.checkpoints.cursor() as cursor:
            if cursor.execute("SELECT 1 FROM sessions WHERE name = ?", (target,)).fetchone():
                raise UsageError(f"there is a session called {target!r} already: choose another")
            cursor.execute(
                "INSERT INTO sessions SELECT ?, title, model, created, ?, turns "
                "FROM sessions WHERE name = ?",
                (target, now(), source),
            )
            cursor.execute(
                "INSERT INTO media SELECT ?, handle, ref, pending FROM media WHERE session = ?",
                (target, source),
            )
        self.checkpoints.copy_thread(source, target)

    def touch(self, name: str, *, model: str = "", title: str = "", turn: bool = False) -> None:
        """Note that a session is used; the first title that is given stays."""
        title = " ".join(title.split())
        title = title if len(title) <= _TITLE_LENGTH else f"{title[: _TITLE_LENGTH - 1]}…"
        with self.checkpoints.cursor() as cursor:
            cursor.execute(
                "INSERT INTO sessions VALUES (:name, :title, :model, :now, :now, :turn) "
                "ON CONFLICT (name) DO UPDATE SET updated = :now, turns = turns + :turn, "
                "title = CASE title WHEN '' THEN :title ELSE title END, "
                "model = CASE :model WHEN '' THEN model ELSE :model END",
                {"name": name, "title": title, "model": model, "now": now(), "turn": int(turn)},
            )

    def refs(self, name: str, *, pending: bool = False) -> list[MediaRef]:
        """The handles of a session in order of arrival; `pending` ones wait for the next turn."""
        only = " AND pending > 0 ORDER BY pending" if pending else " ORDER BY rowid"
        with self.checkpoints.cursor(transaction=False) as cursor:
            rows = cursor.execute(f"SELECT ref FROM media WHERE session = ?{only}", (name,))
            return [MediaRef.model_validate_json(row[0]) for row in rows.fetchall()]

    def keep(self, name: str, ref: MediaRef) -> bool:
        """Write a handle; `False` if another process has just used the same one."""
        try:
            with self.checkpoints.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO media VALUES (?, ?, ?, 0)",
                    (name, ref.handle, ref.model_dump_json(exclude_none=True)),
                )
        except sqlite3.IntegrityError:
            return False
        return True

    def await_turn(self, name: str, handle: str) -> None:
        """Let an attachment wait for the next turn, behind those that wait already."""
        with self.checkpoints.cursor() as cursor:
            cursor.execute(
                "UPDATE media SET pending = ? WHERE session = ? AND handle = ? AND pending = 0",
                (time.time_ns(), name, handle),
            )

    def asked(self, name: str) -> None:
        """No attachment waits any more: the turn that holds them has been written."""
        with self.checkpoints.cursor() as cursor:
            cursor.execute("UPDATE media SET pending = 0 WHERE session = ?", (name,))

    def settle(self, name: str, *, stamp: int, turns: int) -> None:
        """Bring the tables in line with the messages, whose last question is of time `stamp`."""
        with self.checkpoints.cursor() as cursor:
            cursor.execute(
                "UPDATE media SET pending = 0 WHERE session = ? AND pending BETWEEN 1 AND ?",
                (name, stamp),
            )
            cursor.execute("UPDATE sessions SET turns = ? WHERE name = ?", (turns, name))

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a session against other processes; the system lets go when a process dies.

        Raises:
            UsageError: if another process holds it.
        """
        folder = self.home / "locks"
        folder.mkdir(exist_ok=True, mode=0o700)
        path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.lock"
        with path.open("a+b") as stream:
            if not _try_lock(stream.fileno()):
                raise UsageError(
                    f"the session {name!r} is being used by another process: wait, or fork it"
                )
            yield

    def close(self) -> None:
        """Let go of the database; closing again does nothing."""
        if not self._closed:
            self._closed = True
            self.checkpoints.settle()
            self.checkpoints.conn.close()

    def __enter__(self) -> Sessions:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SessionShelf(Shelf):
    """A shelf whose handles are written to the database before they are handed out."""

    def __init__(self, sessions: Sessions, name: str):
        super().__init__(sessions.blobs, sessions.refs(name))
        self._sessions = sessions
        self._name = name
        self._adding = threading.Lock()

    def add(self, media: Media, *, prefix: str, lineage: Lineage | None = None) -> MediaRef:
        """Store the bytes and give them a handle; both are durable on return."""
        with self._adding:
            while True:
                known = set(self._refs)
                ref = super().add(media, prefix=prefix, lineage=lineage)
                if ref.handle in known or self._sessions.keep(self._name, ref):
                    return ref
                self._refs = {ref.handle: ref for ref in self._sessions.refs(self._name)}


def check_name(name: str) -> str:
    """A session's name, if it may be one.

    Raises:
        UsageError: if it is empty, too long or holds characters that cannot be shown.
    """
    if not name.strip() or len(name) > _NAME_LENGTH or not name.isprintable():
        raise UsageError(
            f"a session's name has 1 to {_NAME_LENGTH} printable characters, not {name[:40]!r}"
        )
    return name


def now() -> str:
    """The time in UTC, in ISO form."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
        # Small steps and a truncated log: a file that grows with what is said, not with writes.
        connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
            "PRAGMA wal_autocheckpoint = 64; PRAGMA journal_size_limit = 262144;"
        )
    except sqlite3.Error as error:
        raise StoreError(
            f"cannot open the sessions in {path}: {error}; move the file away to begin anew"
        ) from None
    return connection


def _prepare(cursor: sqlite3.Cursor, path: Path) -> None:
    found = cursor.execute("PRAGMA user_version").fetchone()[0]
    if found > FORMAT:
        raise StoreError(
            f"{path} was written by a newer Omni (format {found}, this one knows {FORMAT}): "
            "update, or choose another OMNI_HOME"
        )
    cursor.executescript(_TABLES + f"PRAGMA user_version = {FORMAT};")


def _try_lock(handle: int) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
