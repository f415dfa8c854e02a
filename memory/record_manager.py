"""What LangChain's `index` keeps to know what it has indexed, in the catalogue of the memory."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from langchain_core.indexing import RecordManager
from langchain_core.runnables import run_in_executor

from omni.plugins import Component

from .view import View

COMPONENTS = (
    Component(
        "store",
        "record_manager",
        "What LangChain's index() keeps, in the catalogue of the memory.",
    ),
)


class OmniRecordManager(RecordManager):
    """Keys with the time at which they were last seen.

    It lies in the file of the documents, so a copy or a kill never parts the two. `index` stores
    documents first and tells of them afterwards: after a kill it stores some again, and loses none.

    Args:
        view: where the documents lie.
        namespace: name of the collection, since one memory may hold several.
    """

    def __init__(self, view: View, namespace: str = "documents"):
        super().__init__(namespace)
        self._view = view

    def create_schema(self) -> None:
        """Nothing to do: the tables are those of the memory."""

    async def acreate_schema(self) -> None:
        """Nothing to do: the tables are those of the memory."""

    def get_time(self) -> float:
        """Seconds since 1970, and never less than what was written before."""
        with self._view.reading() as (db, ns):
            (last,) = db.execute("SELECT max(updated) FROM indexed WHERE ns = ?", (ns,)).fetchone()
        return max(time.time(), last or 0.0)

    async def aget_time(self) -> float:
        """The same."""
        return await run_in_executor(None, self.get_time)

    def update(
        self,
        keys: Sequence[str],
        *,
        group_ids: Sequence[str | None] | None = None,
        time_at_least: float | None = None,
    ) -> None:
        """Note that these were seen now.

        Raises:
            ValueError: if groups and keys differ in number, or the time is yet to come.
        """
        groups = [None] * len(keys) if group_ids is None else group_ids
        if len(groups) != len(keys):
            raise ValueError(f"{len(keys)} keys were given and {len(groups)} group ids")
        now = self.get_time()
        if time_at_least is not None and time_at_least > now:
            raise ValueError(f"time_at_least lies {time_at_least - now:.3f} s in the future")
        with self._view.writing() as (db, ns):
            db.executemany(
                "INSERT OR REPLACE INTO indexed(ns, name, collection, part_of, updated) "
                "VALUES (?, ?, ?, ?, ?)",
                [
                    (ns, key, self.namespace, group, now)
                    for key, group in zip(keys, groups, strict=True)
                ],
            )

    async def aupdate(
        self,
        keys: Sequence[str],
        *,
        group_ids: Sequence[str | None] | None = None,
        time_at_least: float | None = None,
    ) -> None:
        """The same."""

        def work() -> None:
            self.update(keys, group_ids=group_ids, time_at_least=time_at_least)

        await run_in_executor(None, work)

    def exists(self, keys: Sequence[str]) -> list[bool]:
        """Whether each was seen."""
        with self._view.reading() as (db, ns):
            found = db.execute(
                "SELECT name FROM indexed WHERE ns = ? AND collection = ? "
                "AND name IN (SELECT value FROM json_each(?))",
                (ns, self.namespace, json.dumps(list(keys))),
            )
            known = {name for (name,) in found}
        return [key in known for key in keys]

    async def aexists(self, keys: Sequence[str]) -> list[bool]:
        """The same."""
        return await run_in_executor(None, self.exists, keys)

    def list_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Keys that were last seen before and after these times, in these groups."""
        sql, values = "ns = ? AND collection = ?", [self.namespace]
        for condition, value in (("updated < ?", before), ("updated > ?", after)):
            if value is not None:
                sql, values = f"{sql} AND {condition}", [*values, value]
        if group_ids:
            sql += " AND part_of IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(list(group_ids)))
        with self._view.reading() as (db, ns):
            found = db.execute(
                f"SELECT name FROM indexed WHERE {sql} ORDER BY updated, name LIMIT ?",
                (ns, *values, limit or -1),
            )
            return [name for (name,) in found]

    async def alist_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """The same."""

        def work() -> list[str]:
            return self.list_keys(before=before, after=after, group_ids=group_ids, limit=limit)

        return await run_in_executor(None, work)

    def delete_keys(self, keys: Sequence[str]) -> None:
        """Forget keys."""
        with self._view.writing() as (db, ns):
            db.executemany(
                "DELETE FROM indexed WHERE ns = ? AND collection = ? AND name = ?",
                [(ns, self.namespace, key) for key in keys],
            )

    async def adelete_keys(self, keys: Sequence[str]) -> None:
        """The same."""
        await run_in_executor(None, self.delete_keys, keys)


plugin = OmniRecordManager
