"""Where conversations are kept: one SQLite file for all sessions, and blobs for their media.

The tables of LangGraph's checkpointer hold the messages; two tables of ours beside them hold the
handles and what a list of sessions shows. What a method wrote has been committed when it returns.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni import plugins
from omni.chat import searching
from omni.chat.checkpoints import Checkpoints, copy_rows, delete_rows
from omni.chat.locking import Held, hold
from omni.chat.searching import Found
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
        with self.lock(name), self._collecting():
            with self.checkpoints.cursor() as cursor:
                digests = {ref.digest for ref in _refs(cursor, name)}
                delete_rows(cursor, name)
                for table, column in (("sessions", "name"), ("media", "session")):
                    cursor.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))
                searching.forget(cursor, name)
                digests -= {ref.digest for ref in _refs(cursor)}
            for digest in digests:
                self.blobs.delete(digest)
            self.checkpoints.settle()

    def collect(self) -> int:
        """Delete every blob that no session holds, and return how many there were.

        They are left by a process that died between storing bytes and writing down their handle.
        Writers wait meanwhile, in this process and in others, so that nothing is taken from them.
        """
        with self._collecting():
            with self.checkpoints.cursor(transaction=False) as cursor:
                held = {ref.digest for ref in _refs(cursor)}
            loose = [digest for digest in self.blobs.digests() if digest not in held]
            for digest in loose:
                self.blobs.delete(digest)
        return len(loose)

    def storing(self) -> contextlib.AbstractContextManager[None]:
        """From storing bytes to writing down their handle: no blob is collected meanwhile."""
        return hold(self._blob_lock, shared=True)

    def _collecting(self) -> contextlib.AbstractContextManager[None]:
        return hold(self._blob_lock)

    @property
    def _blob_lock(self) -> Path:
        return self.home / "locks" / "blobs.lock"

    def copy(self, source: str, target: str) -> None:
        """Copy a session with all its handles under a new name.

        Raises:
            UsageError: if the name is taken.
        """
        check_name(target)
        try:
            with self.checkpoints.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO sessions SELECT ?, title, model, created, ?, turns "
                    "FROM sessions WHERE name = ?",
                    (target, now(), source),
                )
                cursor.execute(
                    "INSERT INTO media SELECT ?, handle, ref, pending FROM media WHERE session = ?",
                    (target, source),
                )
                copy_rows(cursor, source, target)
        except sqlite3.IntegrityError:
            raise UsageError(
                f"there is a session called {target!r} already: choose another"
            ) from None

    def search(self, words: str, limit: int = 20) -> list[Found]:
        """Turns in which all the words were said, the best first.

        Raises:
            UsageError: if no word is given.
        """
        return searching.search(self, words, limit)

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
        path = self.home / "locks" / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.lock"
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(hold(path, wait=False))
            except Held:
                raise UsageError(
                    f"the session {name!r} is being used by another process: wait, or fork it"
                ) from None
            yield

    def version(self) -> int | None:
        """A number that changes when another process writes; `None` once closed."""
        if self._closed:
            return None
        with self.checkpoints.cursor(transaction=False) as cursor:
            return cursor.execute("PRAGMA data_version").fetchone()[0]

    def close(self) -> None:
        """Let go of the database; closing again does nothing."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(StoreError):  # the log is as good, and a full disk is no end
                self.checkpoints.settle()
            self.checkpoints.conn.close()

    def __enter__(self) -> Sessions:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SessionShelf(Shelf):
    """A shelf whose handles are written to the database before they are handed out.

    What another process adds to the session is seen here at once.
    """

    def __init__(self, sessions: Sessions, name: str):
        self._sessions = sessions
        self._name = name
        self._adding = threading.RLock()
        self._version = sessions.version()
        super().__init__(sessions.blobs, sessions.refs(name))

    def add(self, media: Media, *, prefix: str, lineage: Lineage | None = None) -> MediaRef:
        """Store the bytes and give them a handle; both are durable on return."""
        with self._adding, self._sessions.storing():
            self._follow()
            while True:
                known = dict(self._refs)
                ref = super().add(media, prefix=prefix, lineage=lineage)
                if ref.handle in known:
                    return ref
                self._refs = known
                if self._sessions.keep(self._name, ref):
                    self._refs[ref.handle] = ref
                    return ref
                self._refs = {ref.handle: ref for ref in self._sessions.refs(self._name)}

    def _follow(self) -> None:
        """Read the handles again if another process has written since."""
        with self._adding:
            if (version := self._sessions.version()) not in (None, self._version):
                self._refs = {ref.handle: ref for ref in self._sessions.refs(self._name)}
                self._version = version

    def __getitem__(self, handle: str) -> MediaRef:
        self._follow()
        return super().__getitem__(handle)

    def __contains__(self, handle: object) -> bool:
        return super().__contains__(handle) or (self._follow() or super().__contains__(handle))

    def __iter__(self) -> Iterator[MediaRef]:
        self._follow()
        return iter(list(self._refs.values()))

    def __len__(self) -> int:
        self._follow()
        return super().__len__()


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
    cursor.executescript(_TABLES + searching.TABLES + f"PRAGMA user_version = {FORMAT};")


def _refs(cursor: sqlite3.Cursor, session: str | None = None) -> list[MediaRef]:
    """The handles of a session, or of all."""
    only = "" if session is None else " WHERE session = ?"
    given = () if session is None else (session,)
    rows = cursor.execute(f"SELECT ref FROM media{only}", given).fetchall()
    return [MediaRef.model_validate_json(row[0]) for row in rows]
