"""LangGraph's SQLite checkpointer, made whole: copies, prunes, forgets runs, and works in async."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.pregel._checkpoint import LATEST_VERSION

from omni.chat.asking import ASKED, Question
from omni.chat.clock import CLOCK, WORKED
from omni.errors import StoreError, UsageError

RUN = "omni_run"
"""Key in a run's configuration by which the run can be shut out."""

MOST_LOG_BYTES = 128 << 10
"""A write-ahead log that is larger is moved into the database at the end of a turn."""

_TABLES = ("writes", "checkpoints")
_DIFFERENCES = "json_extract(CAST(metadata AS TEXT), '$.counters_since_delta_snapshot') IS NOT NULL"


class Abandoned(Exception):
    """A run that was given up tried to write; raised in its own thread only."""


class Checkpoints(SqliteSaver):
    """Checkpoints of all sessions, for graphs that run in threads and in event loops.

    Every step of a run writes all messages anew, which makes a turn safe while it runs. Once it has
    ended, `prune` keeps the last: the file stays as small as the conversation. A write that fails,
    on a full disk for instance, leaves everything as it was before.
    """

    def __init__(self, connection: sqlite3.Connection):
        # Strict: what is read back is messages and plain data, never a class named in the file.
        super().__init__(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        self.lock: Any = threading.RLock()
        self._path = connection.execute("PRAGMA database_list").fetchone()[2]
        self._depth = 0
        self._abandoned: set[str] = set()

    @contextlib.contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """A cursor whose writes are committed together, or not at all.

        One that is opened within another, in the same thread, takes part in its transaction.

        Raises:
            StoreError: if the database cannot be written or read.
        """
        try:
            with self.lock, self._deeper() as outermost:
                self.setup()
                with contextlib.closing(self.conn.cursor()) as cursor:
                    try:
                        yield cursor
                        if transaction and outermost:
                            self.conn.commit()
                    except BaseException:
                        if outermost:
                            self.conn.rollback()
                        raise
        except sqlite3.IntegrityError:
            raise  # two writers met, which is the caller's to settle
        except sqlite3.Error as error:
            raise StoreError(_told(error)) from error

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that is asked for, or the newest of its thread.

        Raises:
            StoreError: if it was written by a newer version, or is damaged.
        """
        try:
            found = super().get_tuple(config)
        except (ValueError, TypeError, KeyError) as error:
            thread = config.get("configurable", {}).get("thread_id")
            raise StoreError(
                f"the last checkpoint of {thread!r} cannot be read ({error}): the session is kept "
                "as it is; go on in another one"
            ) from error
        return _known(found) if found else None

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, the newest first, read before the first is handed out.

        Whoever walks through them may then write: nothing is locked meanwhile.
        """
        found = [*super().list(config, filter=filter, before=before, limit=limit)]
        return map(_known, found)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, unless its run was given up; with the first of a run, its question."""
        question = _question(config)
        if question and metadata.get("source") == "input":
            return _at(config, checkpoint["id"])
        with self.cursor():
            self._check(config)
            if question:
                question.beside()
            saved = super().put(config, checkpoint, _with_time(config, metadata), new_versions)
        if question:
            question.is_written = True
        return saved

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save the writes of a step, unless its run was given up."""
        self._check(config)
        if not _question(config):
            super().put_writes(config, writes, task_id, task_path)

    def worked(self, thread: str) -> float:
        """Seconds for which the turn had worked whose checkpoint is the newest of its thread."""
        with self.cursor(transaction=False) as cursor:
            found = cursor.execute(
                f"SELECT json_extract(CAST(metadata AS TEXT), '$.{WORKED}') FROM checkpoints "
                "WHERE thread_id = ? AND checkpoint_ns = '' ORDER BY checkpoint_id DESC LIMIT 1",
                (thread,),
            ).fetchone()
        return float(found[0] or 0.0) if found else 0.0

    def abandon(self, run: str) -> None:
        """Shut out a run that does not end: nothing that it still does is written."""
        with self.lock:
            self._abandoned.add(run)

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete all checkpoints of threads but the newest of each namespace, or all of them.

        Threads whose graph keeps channels as differences stay whole: their newest checkpoint is
        nothing without those before it.

        Raises:
            UsageError: for a strategy other than `keep_latest` and `delete`.
        """
        if strategy not in ("keep_latest", "delete"):
            raise UsageError(f"unknown strategy {strategy!r}: wanted keep_latest or delete")
        newest = (
            " AND checkpoint_id < (SELECT MAX(checkpoint_id) FROM checkpoints newer "
            "WHERE newer.thread_id = :thread AND newer.checkpoint_ns = {table}.checkpoint_ns) "
            "AND NOT EXISTS (SELECT 1 FROM checkpoints "
            f"WHERE thread_id = :thread AND {_DIFFERENCES})"
        )
        with self.cursor() as cursor:
            for thread in thread_ids:
                for table in _TABLES:
                    only = newest.format(table=table) if strategy == "keep_latest" else ""
                    cursor.execute(
                        f"DELETE FROM {table} WHERE thread_id = :thread{only}", {"thread": thread}
                    )

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        with self.cursor() as cursor:
            copy_rows(cursor, source_thread_id, target_thread_id)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete what runs have written, by the `run_id` in their metadata."""
        made_by = "json_extract(CAST(metadata AS TEXT), '$.run_id') = ?"
        with self.cursor() as cursor:
            for run in run_ids:
                cursor.execute(
                    "DELETE FROM writes WHERE (thread_id, checkpoint_ns, checkpoint_id) IN "
                    f"(SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints "
                    f"WHERE {made_by})",
                    (run,),
                )
                cursor.execute(f"DELETE FROM checkpoints WHERE {made_by}", (run,))

    @contextlib.contextmanager
    def through(self) -> Iterator[None]:
        """What is written within, and all before it, is through to the disk at the end.

        One sync of the write-ahead log does it; a log that has grown is moved into the database.
        """
        with self.lock:
            before = self.conn.total_changes
            self.conn.execute("PRAGMA synchronous = FULL")
            try:
                yield
            finally:
                self.conn.execute("PRAGMA synchronous = NORMAL")
            if self.conn.total_changes == before or self._log_bytes() > MOST_LOG_BYTES:
                self.settle()

    def settle(self) -> None:
        """Move the write-ahead log into the database, through to the disk."""
        with self.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        found = await asyncio.to_thread(
            self.list, config, filter=filter, before=before, limit=limit
        )
        for one in found:
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        await asyncio.to_thread(self.copy_thread, source_thread_id, target_thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        await asyncio.to_thread(self.delete_for_runs, run_ids)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        await asyncio.to_thread(self.prune, thread_ids, strategy=strategy)

    def _check(self, config: RunnableConfig) -> None:
        if config.get("configurable", {}).get(RUN) in self._abandoned:
            raise Abandoned("this run was given up; what it does now is not kept")

    def _log_bytes(self) -> int:
        with contextlib.suppress(OSError):
            return os.stat(f"{self._path}-wal").st_size
        return 0

    @contextlib.contextmanager
    def _deeper(self) -> Iterator[bool]:
        """Count cursors within cursors; whether this one is the outermost."""
        self._depth += 1
        try:
            yield self._depth == 1
        finally:
            self._depth -= 1


def copy_rows(cursor: sqlite3.Cursor, source: str, target: str) -> None:
    """Copy the rows of a thread to another, in the transaction of the caller."""
    for table in _TABLES:
        columns = [row[1] for row in cursor.execute(f"PRAGMA table_info({table})")]
        rest = ", ".join(column for column in columns if column != "thread_id")
        cursor.execute(
            f"INSERT INTO {table} (thread_id, {rest}) "
            f"SELECT ?, {rest} FROM {table} WHERE thread_id = ?",
            (target, source),
        )


def delete_rows(cursor: sqlite3.Cursor, thread: str) -> None:
    """Delete the rows of a thread, in the transaction of the caller."""
    for table in _TABLES:
        cursor.execute(f"DELETE FROM {table} WHERE thread_id = ?", (thread,))


def _question(config: RunnableConfig) -> Question | None:
    """The question of a run that waits to be written."""
    question = config.get("configurable", {}).get(ASKED)
    return question if question is not None and not question.is_written else None


def _with_time(config: RunnableConfig, metadata: CheckpointMetadata) -> CheckpointMetadata:
    """The metadata of a checkpoint, with how long its turn has worked."""
    clock = config.get("configurable", {}).get(CLOCK)
    return cast(Any, {**metadata, WORKED: clock.worked()}) if clock is not None else metadata


def _at(config: RunnableConfig, checkpoint_id: str) -> RunnableConfig:
    return {"configurable": {**config.get("configurable", {}), "checkpoint_id": checkpoint_id}}


def _known(found: CheckpointTuple) -> CheckpointTuple:
    version = found.checkpoint.get("v", 0)
    if version <= LATEST_VERSION:
        return found
    thread = found.config.get("configurable", {}).get("thread_id")
    raise StoreError(
        f"the session {thread!r} was written by a newer LangGraph (checkpoints of version "
        f"{version}, this one knows {LATEST_VERSION}): update langgraph, or open another session"
    )


def _told(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return "cannot write the session: the disk is full; free some space and ask again"
    if "locked" in text or "busy" in text:
        return "cannot write the session: another process has been writing for too long; ask again"
    return f"cannot read or write the sessions: {text}"
