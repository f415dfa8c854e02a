"""LangGraph's SQLite checkpointer, made small: only the newest checkpoint of a thread is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

RUN = "omni_run"
"""Key in a run's configuration by which the run can be shut out."""


class Abandoned(Exception):
    """A run that was given up tried to write; raised in its own thread only."""


class Checkpoints(SqliteSaver):
    """Checkpoints of all sessions.

    Every step of a run writes all messages anew, which makes a turn safe while it runs. Once it has
    ended, `prune_thread` keeps the last: the file stays as small as the conversation.
    """

    def __init__(self, connection: sqlite3.Connection):
        # Strict: what is read back is messages and plain data, never a class named in the file.
        super().__init__(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        self._abandoned: set[str] = set()

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, unless its run was given up."""
        self._check(config)
        return super().put(config, checkpoint, metadata, new_versions)

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save the writes of a step, unless its run was given up."""
        self._check(config)
        super().put_writes(config, writes, task_id, task_path)

    def abandon(self, run: str) -> None:
        """Shut out a run that does not end: nothing that it still does is written."""
        self._abandoned.add(run)

    def prune_thread(self, thread: str) -> None:
        """Delete all checkpoints of a thread but the newest."""
        newest = (
            "SELECT MAX(checkpoint_id) FROM checkpoints newer WHERE newer.thread_id = :thread "
            "AND newer.checkpoint_ns = {table}.checkpoint_ns"
        )
        with self.cursor() as cursor:
            for table in ("writes", "checkpoints"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = :thread "
                    f"AND checkpoint_id < ({newest.format(table=table)})",
                    {"thread": thread},
                )

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        with self.cursor() as cursor:
            for table in ("checkpoints", "writes"):
                columns = [row[1] for row in cursor.execute(f"PRAGMA table_info({table})")]
                rest = ", ".join(column for column in columns if column != "thread_id")
                cursor.execute(
                    f"INSERT INTO {table} (thread_id, {rest}) "
                    f"SELECT ?, {rest} FROM {table} WHERE thread_id = ?",
                    (target_thread_id, source_thread_id),
                )

    def settle(self) -> None:
        """Move the write-ahead log into the database, through to the disk."""
        with self.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _check(self, config: RunnableConfig) -> None:
        if config.get("configurable", {}).get(RUN) in self._abandoned:
            raise Abandoned("this run was given up; what it does now is not kept")
