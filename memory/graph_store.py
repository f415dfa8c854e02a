"""A memory as LangGraph's `BaseStore`: what agents keep between threads.

An item is a record whose meta is the item's value; its texts have their vectors in a space of
several vectors an item, of which the best counts.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from langchain_core.runnables import run_in_executor
from langgraph.store.base import (
    BaseStore,
    GetOp,
    IndexConfig,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    ensure_embeddings,
    get_text_at_path,
    tokenize_path,
    validate_op_namespace,
)

from omni.errors import UsageError
from omni.plugins import Component

from . import access, rows
from .access import Right, spelled
from .contracts import Space, Vectors
from .record import Record
from .schema import table_of
from .vector_store import digest_of
from .vectors import checked, maxsim, restored
from .view import View

_LONGEST = 5e8  # minutes: more than calendars have

Key = tuple[tuple[str, ...], str]
Found = tuple[SearchItem, bytes | None]

COMPONENTS = (
    Component(
        "store",
        "graph_store",
        "A memory as LangGraph's store for what agents keep.",
    ),
)


class OmniStore(BaseStore):
    """Items under namespaces below that of a view.

    A batch reads first and writes last, in one transaction. Time to live counts from the writing;
    reading does not prolong it.

    Args:
        view: below which all namespaces lie.
        index: how items are searched by meaning; not at all if `None`.
    """

    supports_ttl = True

    def __init__(self, view: View, *, index: IndexConfig | None = None):
        self._view = view
        self._embeddings = ensure_embeddings(index.get("embed")) if index else None
        self._paths: list[str] = list((index or {}).get("fields") or ["$"])
        self._space = None
        if index and self._embeddings is not None:
            digest = digest_of(self._embeddings)
            if "dims" not in index:
                raise UsageError("say how wide the vectors are: index={'dims': …, 'embed': …}")
            self._space = Space("langgraph", index["dims"], digest, multi=True)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what is asked, in one go."""
        ops = _checked(ops)
        texts, queries = self._texts(ops), _queries(ops)
        if self._embeddings is None:
            return self._run(ops, {}, {})
        given = self._embeddings.embed_documents(texts) if texts else []
        asked = {query: self._embeddings.embed_query(query) for query in queries}
        return self._run(ops, dict(zip(texts, given, strict=True)), asked)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """The same, embedding as the embedding does it asynchronously."""
        ops = _checked(ops)
        texts, queries = self._texts(ops), _queries(ops)
        if self._embeddings is None:
            return await run_in_executor(None, self._run, ops, {}, {})
        given = await self._embeddings.aembed_documents(texts) if texts else []
        asked = {query: await self._embeddings.aembed_query(query) for query in queries}
        made = dict(zip(texts, given, strict=True))
        return await run_in_executor(None, self._run, ops, made, asked)

    def _run(
        self,
        ops: Sequence[Op],
        vectors: Mapping[str, Sequence[float]],
        asked: Mapping[str, Sequence[float]],
    ) -> list[Result]:
        results: list[Result] = []
        for op in ops:
            if isinstance(op, GetOp):
                results.append(self._get(op))
            elif isinstance(op, SearchOp):
                results.append(self._search(op, asked))
            elif isinstance(op, ListNamespacesOp):
                results.append(self._list(op))
            else:
                results.append(None)
        puts = {(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}
        if puts:
            self._put(puts, vectors)
        return results

    def _place(self, namespace: tuple[str, ...]) -> View:
        return View(self._view.parts, self._view.principal, (*self._view.namespace, *namespace))

    def _get(self, op: GetOp) -> Item | None:
        place = self._place(op.namespace)
        with place.reading() as (db, ns):
            found = [] if ns is None else _items(db, [ns], len(self._view.namespace), op.key)
        return next((_item(one) for one, _ in found), None)

    def _put(self, puts: Mapping[Key, PutOp], vectors: Mapping[str, Sequence[float]]) -> None:
        with self._view.parts.catalog.writing():
            for (namespace, key), op in puts.items():
                place = self._place(namespace)
                if op.value is None:
                    place.delete([key])
                    continue
                before = self._get(GetOp(namespace, key))
                now = datetime.now(UTC)
                record = Record(
                    key,
                    text=rows.to_json(dict(op.value), f"the value of {key!r}"),
                    kind="note",
                    meta=dict(op.value),
                    event_time=before.created_at if before else now,
                    expires=now + timedelta(minutes=min(op.ttl, _LONGEST)) if op.ttl else None,
                )
                own = [vectors[text] for text in self._texts([op]) if text in vectors]
                block = np.asarray(own, np.float32) if own else None
                place.put([record], {self._space: [block]} if self._space else {})

    def _search(self, op: SearchOp, asked: Mapping[str, Sequence[float]]) -> list[SearchItem]:
        path = spelled((*self._view.namespace, *op.namespace_prefix))
        query = asked.get(op.query) if op.query else None
        with self._view.parts.catalog.reading() as db:
            access.check(db, self._view.principal, path, Right.READ)
            sid = self._view.sid(db, self._space) if self._space and query is not None else None
            depth = len(self._view.namespace)
            found = _items(db, access.below(db, path), depth, sid=sid)
            passing = [pair for pair in found if _meets(pair[0].value, op.filter or {})]
        end = op.offset + op.limit
        if query is None or self._space is None:
            return [item for item, _ in passing[op.offset : end]]
        return _ranked(passing, self._space, np.asarray(query, np.float32))[op.offset : end]

    def _list(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        with self._view.reading() as (db, _):
            found = db.execute(
                "SELECT path FROM namespace n WHERE substr(path, 1, ?) = ? AND EXISTS "
                "(SELECT 1 FROM item i WHERE i.ns = n.ns AND i.state = 0 "
                "AND (i.expires IS NULL OR i.expires > ?))",
                (len(self._view.path), self._view.path, rows.now()),
            ).fetchall()
        depth = len(self._view.namespace)
        under = [access.labels(path)[depth:] for (path,) in found]
        kept = {
            path[: op.max_depth]
            for path in under
            if path and all(_matches(each, path) for each in op.match_conditions or ())
        }
        return sorted(kept)[op.offset : op.offset + op.limit]

    def _texts(self, ops: Iterable[Op]) -> list[str]:
        """Every text that is to be embedded, once."""
        found: dict[str, None] = {}
        if self._space is None:
            return []
        for op in ops:
            if not isinstance(op, PutOp) or op.value is None or op.index is False:
                continue
            for path in self._paths if op.index is None else op.index:
                tokens = path if path == "$" else tokenize_path(path)
                found |= dict.fromkeys(get_text_at_path(op.value, tokens))
        return list(found)


def _checked(ops: Iterable[Op]) -> list[Op]:
    ops = list(ops)
    for op in ops:
        validate_op_namespace(op)
    return ops


def _queries(ops: Iterable[Op]) -> list[str]:
    return list({op.query: None for op in ops if isinstance(op, SearchOp) and op.query})


def _items(
    db: sqlite3.Connection,
    spaces: Sequence[int],
    depth: int,
    key: str | None = None,
    sid: int | None = None,
) -> list[Found]:
    """Items of these namespaces in the order in which they were made, with their vectors."""
    vector = "NULL" if sid is None else f"(SELECT v FROM {table_of(sid)} v WHERE v.rid = i.rid)"
    mine = "" if key is None else "AND i.id = ? "
    found = db.execute(
        f"SELECT n.path, i.id, b.meta, i.event_time, i.created, {vector} FROM item i "
        "JOIN body b ON b.rid = i.rid JOIN namespace n ON n.ns = i.ns "
        "WHERE i.ns IN (SELECT value FROM json_each(?)) AND i.state < 2 AND i.state = 0 "
        f"AND (i.expires IS NULL OR i.expires > ?) {mine}ORDER BY i.ns, i.event_time, i.rid",
        (json.dumps(list(spaces)), rows.now(), *([] if key is None else [key])),
    )
    return [
        (
            SearchItem(
                namespace=access.labels(path)[depth:],
                key=id,
                value=rows.from_json(meta),
                created_at=rows.moment(created if made is None else made),
                updated_at=rows.moment(created),
            ),
            data,
        )
        for path, id, meta, made, created, data in found
    ]


def _item(found: SearchItem) -> Item:
    return Item(
        value=found.value,
        key=found.key,
        namespace=found.namespace,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def _ranked(found: Sequence[Found], space: Space, query: Vectors) -> list[SearchItem]:
    """The most alike first; behind them those that have no vector."""
    scored = [(item, restored(space, data)) for item, data in found if data is not None]
    scores = maxsim(checked(space, query, "the query"), [block for _, block in scored])
    for (item, _), score in zip(scored, scores.tolist(), strict=True):
        item.score = score
    ranked = sorted((item for item, _ in scored), key=lambda item: -(item.score or 0.0))
    return [*ranked, *(item for item, data in found if data is None)]


def _meets(value: Any, where: Mapping[str, Any]) -> bool:
    """Whether a value has these fields; nested mappings are met by parts of theirs."""
    if not isinstance(value, Mapping):
        return False
    return all(_alike(value.get(key), wanted) for key, wanted in where.items())


def _alike(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if any(str(name).startswith("$") for name in wanted):
            return all(_compared(value, name, each) for name, each in wanted.items())
        return _meets(value, wanted)
    if isinstance(wanted, list | tuple):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(_alike(a, b) for a, b in zip(value, wanted, strict=True))
        )
    return value == wanted


def _compared(value: Any, name: str, wanted: Any) -> bool:
    if name in ("$eq", "$ne"):
        return (value == wanted) == (name == "$eq")
    if name not in ("$gt", "$gte", "$lt", "$lte"):
        raise ValueError(f"unsupported operator: {name}")
    try:
        left, right = float(value), float(wanted)
    except (TypeError, ValueError):
        return False
    return {"$gt": left > right, "$gte": left >= right, "$lt": left < right}.get(
        name, left <= right
    )


def _matches(condition: MatchCondition, path: tuple[str, ...]) -> bool:
    wanted = condition.path
    if len(path) < len(wanted):
        return False
    part = path[: len(wanted)] if condition.match_type == "prefix" else path[-len(wanted) :]
    return all(b in ("*", a) for a, b in zip(part, wanted, strict=True))


plugin = OmniStore
