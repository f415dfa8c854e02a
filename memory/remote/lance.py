"""A memory in LanceDB: files of columns on a disk or in object storage, and no server.

One table holds the records, a column a space. A write is one commit of it. LanceDB is made for
whole batches and one writer at a time; each commit leaves small files, which `tidy` merges.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np

from omni.errors import StoreError
from omni.extras import need
from omni.plugins import Component

from ..contracts import Space, Vectors
from ..vectors import maxsim, restored, stored
from ..words import words_of
from .conditions import Condition, Every, Has, Not, Number, OneOf, Some, Within
from .engine import Entry, column_of

_FIXED = ("path", "id", "document", "labels", "least", "most", "words")


class LanceEngine:
    """Implements `Engine`.

    Args:
        uri: a folder, or a place that LanceDB knows, such as `s3://bucket/prefix`; keys come from
            the environment.

    Raises:
        MissingExtra: if LanceDB is not installed.
        StoreError: if it cannot be opened.
    """

    name = "LanceDB"

    def __init__(self, uri: str):
        self._lance: Any = need("lancedb", extra="lance")
        self._arrow: Any = need("pyarrow")
        with _translated(uri):
            # Else what other processes have written would be seen only after reopening.
            self._db = self._lance.connect(uri, read_consistency_interval=timedelta(0))
            self._records = self._table("records", self._record_columns())
            self._spaces = self._table("spaces", self._space_columns())
            self._access = self._table("access", self._access_columns())
        self._uri = uri

    def write(
        self, entries: Sequence[Entry], vectors: Mapping[Space, Sequence[Vectors | None]]
    ) -> None:
        with _translated(self._uri):
            for space in vectors:
                self._enter(space)
            columns = self._columns(entries)
            for space in self.spaces():
                given = vectors.get(space, [None] * len(entries))
                columns[column_of(space)] = self._vector_column(space, given)
            schema = self._records.schema
            table = self._arrow.table(
                {field.name: self._typed(columns[field.name], field.type) for field in schema},
            )
            merge = self._records.merge_insert(["path", "id"])
            merge.when_matched_update_all().when_not_matched_insert_all().execute(table)

    def remove(self, where: Condition) -> int:
        with _translated(self._uri):
            count = self._records.count_rows(_sql(where))
            if count:
                self._records.delete(_sql(where))
            return count

    def documents(self, where: Condition) -> list[str]:
        return [row["document"] for row in self._rows(where, ["document"])]

    def ids(self, where: Condition) -> list[str]:
        return sorted(row["id"] for row in self._rows(where, ["id"]))

    def labelled(self, where: Condition) -> Iterable[tuple[str, Sequence[str]]]:
        return ((row["id"], row["labels"]) for row in self._rows(where, ["id", "labels"]))

    def nearest(
        self, space: Space, vector: Vectors, k: int, where: Condition
    ) -> list[tuple[str, float]]:
        if space.multi:
            return self._late(space, vector, k, where)
        column = column_of(space)
        with _translated(self._uri):
            search = self._records.search(vector.tolist(), vector_column_name=column)
            # Vectors of a cosine space have unit length, or none at all.
            search = search.distance_type("l2" if space.metric == "l2" else "dot")
            there = f"{_sql(where)} AND {column} IS NOT NULL"
            found = search.where(there, prefilter=True).select(["id", "_distance"])
            rows = found.limit(k).to_list()
        base = 0.0 if space.metric == "l2" else 1.0
        return [(row["id"], base - row["_distance"]) for row in rows]

    def matching(self, words: str, k: int, where: Condition) -> list[tuple[str, float]]:
        asked = " ".join(words_of(words))
        if not asked:
            return []
        query = need("lancedb.query", extra="lance").MatchQuery(asked, "words")
        with _translated(self._uri):
            search = self._records.search(query, query_type="fts").where(_sql(where))
            rows = search.select(["id", "_score"]).limit(k).to_list()
        scored = [(row["id"], float(row["_score"])) for row in rows]
        return sorted(scored, key=lambda pair: (-pair[1], pair[0]))

    def vectors(self, space: Space, where: Condition) -> dict[str, Vectors]:
        column = column_of(space)
        rows = self._rows(where, ["id", column], f"{column} IS NOT NULL")
        return {row["id"]: _vector(space, row[column]) for row in rows}

    def holds(self, space: Space, where: Condition) -> bool:
        with _translated(self._uri):
            there = f"{_sql(where)} AND {column_of(space)} IS NOT NULL"
            return self._records.count_rows(there) > 0

    def spaces(self) -> list[Space]:
        with _translated(self._uri):
            rows = self._spaces.search().to_list()
        return [Space(**row) for row in sorted(rows, key=lambda row: (row["name"], row["digest"]))]

    def grants(self) -> Mapping[tuple[str, str], int]:
        with _translated(self._uri):
            rows = self._access.search().to_list()
        return {(row["principal"], row["path"]): row["level"] for row in rows}

    def grant(self, principal: str, path: str, level: int | None) -> None:
        there = f"principal = {_quoted(principal)} AND path = {_quoted(path)}"
        with _translated(self._uri):
            self._access.delete(there)
            if level is not None:
                self._access.add([{"principal": principal, "path": path, "level": level}])

    def tidy(self) -> None:
        with _translated(self._uri):
            self._records.optimize()

    def close(self) -> None:
        """Nothing is held open: a table is read anew each time."""

    def _late(
        self, space: Space, query: Vectors, k: int, where: Condition
    ) -> list[tuple[str, float]]:
        """By looking at all: LanceDB's own late interaction knows cosine only, and no empty one."""
        found = self.vectors(space, where)
        scores = maxsim(query, list(found.values())).tolist()
        ranked = sorted(zip(found, scores, strict=True), key=lambda pair: (-pair[1], pair[0]))
        return ranked[:k]

    def _rows(self, where: Condition, columns: list[str], also: str = "") -> Iterator[dict]:
        with _translated(self._uri):
            there = " AND ".join(part for part in (_sql(where), also) if part)
            for batch in self._records.search().where(there).select(columns).to_batches():
                yield from batch.to_pylist()

    def _enter(self, space: Space) -> None:
        """Make room for a space, if there is none."""
        column, arrow = column_of(space), self._arrow
        if column not in self._records.schema.names:
            plain = arrow.list_(arrow.float32(), space.width)
            self._records.add_columns(arrow.field(column, arrow.binary() if space.multi else plain))
        row = {name: getattr(space, name) for name in Space.__slots__}
        merge = self._spaces.merge_insert(["name", "digest"]).when_not_matched_insert_all()
        merge.execute(arrow.Table.from_pylist([row], schema=self._spaces.schema))

    def _columns(self, entries: Sequence[Entry]) -> dict[str, Any]:
        return {
            "path": [one.path for one in entries],
            "id": [one.id for one in entries],
            "document": [one.document for one in entries],
            "labels": [list(one.marks.labels) for one in entries],
            "least": [json.dumps(dict(one.marks.least)) for one in entries],
            "most": [json.dumps(dict(one.marks.most)) for one in entries],
            "words": [one.words for one in entries],
        }

    def _vector_column(self, space: Space, given: Sequence[Vectors | None]) -> Any:
        arrow = self._arrow
        if space.multi:
            data = [None if one is None else stored(space, one) for one in given]
            return arrow.array(data, arrow.binary())
        blank = np.zeros(space.width, np.float32)
        block = np.stack([blank if one is None else one for one in given])
        missing = arrow.array([one is None for one in given])
        flat = arrow.array(block.reshape(-1))
        return arrow.FixedSizeListArray.from_arrays(flat, space.width, mask=missing)

    def _typed(self, column: Any, kind: Any) -> Any:
        if isinstance(column, self._arrow.Array):
            return column
        if self._arrow.types.is_large_binary(kind):  # as Lance keeps JSON
            kind = self._arrow.json_()
        return self._arrow.array(column, kind)

    def _table(self, name: str, columns: Sequence[tuple[str, Any]]) -> Any:
        schema = self._arrow.schema([self._arrow.field(*column, False) for column in columns])
        if name in self._db.list_tables().tables:
            return self._db.open_table(name)
        table = self._db.create_table(name, schema=schema, exist_ok=True)
        if name == "records":
            words = need("lancedb.index", extra="lance").FTS(
                with_position=False, stem=False, remove_stop_words=False, ascii_folding=True
            )
            table.create_index("words", config=words)
        return table

    def _record_columns(self) -> list[tuple[str, Any]]:
        text, json_ = self._arrow.string(), self._arrow.json_()
        kinds = (text, text, text, self._arrow.list_(text), json_, json_, text)
        return list(zip(_FIXED, kinds, strict=True))

    def _space_columns(self) -> list[tuple[str, Any]]:
        text = self._arrow.string()
        kinds = (text, self._arrow.int64(), text, text, self._arrow.bool_())
        return list(zip(("name", "width", "digest", "metric", "multi"), kinds, strict=True))

    def _access_columns(self) -> list[tuple[str, Any]]:
        text = self._arrow.string()
        return [("principal", text), ("path", text), ("level", self._arrow.int64())]


def _sql(given: Condition) -> str:
    """A condition in the SQL of LanceDB; nothing in it is ever unknown, so that `NOT` is plain."""
    if isinstance(given, Every | Some):
        word = " AND " if isinstance(given, Every) else " OR "
        empty = "true" if isinstance(given, Every) else "false"
        return f"({word.join(map(_sql, given.parts)) or empty})"
    if isinstance(given, Not):
        return f"(NOT {_sql(given.part)})"
    if isinstance(given, Within):
        return f"path = {_quoted(given.path)}"
    if isinstance(given, OneOf):
        return f"id IN ({', '.join(map(_quoted, given.ids))})" if given.ids else "false"
    if isinstance(given, Has):
        return f"array_has(labels, {_quoted(given.label)})"
    assert isinstance(given, Number)
    column = "least" if given.sign.startswith("<") else "most"
    value = f"json_get_float({column}, {_quoted(given.field)})"
    return f"coalesce({value} {given.sign} {given.value!r}, false)"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _vector(space: Space, data: Any) -> Vectors:
    return restored(space, data) if space.multi else np.asarray(data, np.float32)


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    """Tell what LanceDB says in a line for people."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        told = " ".join(str(error).split())[:300]
        raise StoreError(f"LanceDB in {uri}: {told}") from error


COMPONENTS = (Component("store", "lance", "A memory in LanceDB, on a disk or in object storage."),)
