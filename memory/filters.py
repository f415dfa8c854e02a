"""A filter as a condition in SQL, so that what it lets pass is exact however few that are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from omni.errors import UsageError

from .contracts import Filter
from .rows import NOTHING, PAGE, SOURCE, tag_value, ticks

OPERATORS = ("$eq", "$ne", "$in", "$nin", "$lt", "$lte", "$gt", "$gte", "$exists", "$contains")
JOINTS = ("$and", "$or", "$not")

COLUMNS = {
    "@id": "i.id",
    "@kind": "i.kind",
    "@modality": "i.modality",
    "@created": "i.created",
    "@event_time": "i.event_time",
}
TAGS = {"@source": SOURCE, "@page": PAGE}
TIMES = ("@created", "@event_time")
SIGNS = {"$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">="}
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition on a row `i` of `item`, with the values of its question marks.

    Attributes:
        sql: the condition.
        values: of its question marks.
        listing: a query for the numbers of the rows that meet it, gone ones included, where one
            can be had without looking at `item`.
    """

    sql: str
    values: tuple[Any, ...] = ()
    listing: str | None = None

    def also(self, other: Clause) -> Clause:
        """Both."""
        return Clause(f"{self.sql} AND {other.sql}", (*self.values, *other.values))


def compiled(where: Filter | None, space: Clause, db: sqlite3.Connection | None = None) -> Clause:
    """The condition of a filter.

    A field of a record's meta is named by its keys, joined by dots. If it holds a list, each of
    its elements is compared. Numbers compare with numbers and texts with texts only; `true` is 1. A
    field that is missing equals `None`.

    Args:
        where: what was asked for.
        space: a condition on `ns`, in which fields are looked up: of a row of `tag`.
        db: where to look whether any record has such a field; `None` lets every field pass.

    Raises:
        UsageError: for an operator, a field or a value that cannot be.
    """
    if not where:
        return Clause("1")
    return _Compiler(space, db).all_of(where, 0)


class _Compiler:
    def __init__(self, space: Clause, db: sqlite3.Connection | None):
        self._space = space
        self._db = db

    def all_of(self, where: Any, depth: int) -> Clause:
        if not isinstance(where, Mapping):
            raise UsageError(f"a filter is a mapping of fields to values, not {where!r}")
        if depth > _DEEPEST:
            raise UsageError(f"a filter is nested at most {_DEEPEST} deep")
        return _joined("AND", [self._one(key, value, depth) for key, value in where.items()])

    def _one(self, key: str, value: Any, depth: int) -> Clause:
        if key in ("$and", "$or"):
            if not isinstance(value, Sequence) or isinstance(value, str) or not value:
                raise UsageError(f"{key} takes a list of filters, not {value!r}")
            parts = [self.all_of(each, depth + 1) for each in value]
            return _joined("AND" if key == "$and" else "OR", parts)
        if key == "$not":
            return _negated(self.all_of(value, depth + 1))
        if key.startswith("$"):
            raise UsageError(
                f"unknown operator {key!r} in a filter; known: {', '.join(JOINTS)} around filters, "
                f"{', '.join(OPERATORS)} on a field"
            )
        leaf = self._leaf(key)
        if isinstance(value, Mapping) and any(str(name).startswith("$") for name in value):
            parts = [self._compared(leaf, key, name, each) for name, each in value.items()]
            return _joined("AND", parts)
        return leaf("$eq", value)

    def _compared(self, leaf: Callable[..., Clause], key: str, name: str, value: Any) -> Clause:
        if name not in OPERATORS:
            raise UsageError(f"unknown operator {name!r} on {key!r}; known: {', '.join(OPERATORS)}")
        if name in ("$in", "$nin") and (
            isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset)
        ):
            raise UsageError(f"{name} on {key!r} takes a list of values, not {value!r}")
        if name == "$exists" and not isinstance(value, bool):
            raise UsageError(f"$exists on {key!r} takes true or false, not {value!r}")
        if name in ("$ne", "$nin"):
            return _negated(leaf("$eq" if name == "$ne" else "$in", value))
        return leaf(name, value)

    def _leaf(self, key: str) -> Callable[[str, Any], Clause]:
        if key in COLUMNS:
            return lambda name, value: _column(key, name, value)
        field = TAGS.get(key, key)
        self._known(key, field)
        return lambda name, value: self._tag(field, name, value)

    def _known(self, key: str, field: str) -> None:
        """Refuse a field that no record has, unless there is no record at all."""
        if self._db is None or key in TAGS:
            return
        inside = f"{self._space.sql} AND (field IN (?, ?) OR field BETWEEN ? AND ?)"
        values = (*self._space.values, field, f"{field}[]", f"{field}.", f"{field}.\U0010ffff")
        if self._db.execute(f"SELECT 1 FROM tag WHERE {inside} LIMIT 1", values).fetchone():
            return
        anything = f"SELECT 1 FROM item WHERE {self._space.sql} LIMIT 1"
        if not self._db.execute(anything, self._space.values).fetchone():
            return
        rows = self._db.execute(
            f"SELECT DISTINCT rtrim(field, '[]') FROM tag WHERE {self._space.sql} "
            "AND field > '\x01' ORDER BY 1 LIMIT 20",
            self._space.values,
        )
        known = ", ".join([*(field for (field,) in rows), *COLUMNS, *TAGS])
        raise UsageError(f"no record here has a field {key!r}; known: {known}")

    def _tag(self, field: str, name: str, value: Any) -> Clause:
        both = (field, f"{field}[]")
        if name == "$exists":
            under = (f"{field}.", f"{field}.\U0010ffff")
            found = self._among(
                Clause("(field IN (?, ?) OR field BETWEEN ? AND ?)", (*both, *under))
            )
            return found if value else _negated(found)
        if name == "$contains":
            parts = [Clause("(field = ? AND value = ?)", (both[1], tag_value(value)))]
            if isinstance(value, str):
                parts.append(
                    Clause(
                        "(field = ? AND typeof(value) = 'text' AND instr(value, ?) > 0)",
                        (field, value),
                    )
                )
            return self._among(_joined("OR", parts))
        if name == "$eq":
            return self._equal(field, value)
        if name == "$in":
            return _joined("OR", [self._equal(field, each) for each in value])
        return self._among(Clause("field IN (?, ?)", both).also(_ranged("value", name, value)))

    def _equal(self, field: str, value: Any) -> Clause:
        if value is None:
            found = self._among(Clause("field = ? AND value = ?", (field, NOTHING)))
            return _joined("OR", [found, self._tag(field, "$exists", False)])
        if isinstance(value, Mapping) and value:
            return _joined("AND", [self._equal(f"{field}.{key}", v) for key, v in value.items()])
        if isinstance(value, list | tuple | Mapping):
            return self._among(Clause("field = ? AND value = ?", (field, tag_value(value))))
        return self._among(
            Clause("field IN (?, ?) AND value = ?", (field, f"{field}[]", _scalar(field, value)))
        )

    def _among(self, condition: Clause) -> Clause:
        inner = self._space.also(condition)
        listing = f"SELECT rid FROM tag WHERE {inner.sql}"
        return Clause(f"i.rid IN ({listing})", inner.values, listing)


def _column(key: str, name: str, value: Any) -> Clause:
    column = COLUMNS[key]
    if name == "$exists":
        return Clause(f"{column} IS {'NOT ' if value else ''}NULL")
    if name == "$contains":
        return Clause(f"instr({column}, ?) > 0", (str(value),))
    if name == "$in":
        parts = [_column(key, "$eq", each) for each in value]
        return _joined("OR", parts)
    if value is None:
        return Clause(f"{column} IS NULL")
    if key in TIMES:
        value = time_of(key, value)
    if name == "$eq":
        return Clause(f"({column} IS NOT NULL AND {column} = ?)", (value,))
    return Clause(f"({column} IS NOT NULL AND {_ranged(column, name, value).sql})", (value,))


def _ranged(column: str, name: str, value: Any) -> Clause:
    """Less or more, within the numbers or within the texts: SQLite puts all texts after numbers."""
    value = _scalar(name, value)
    least, most = ("", " AND {0} < ''") if not isinstance(value, str) else (" AND {0} >= ''", "")
    bound = most if name in ("$gt", "$gte") else least
    if isinstance(value, str) and name in ("$gt", "$gte"):
        bound = " AND {0} < x''"
    return Clause(f"{column} {SIGNS[name]} ?{bound.format(column)}", (value,))


def _scalar(what: str, value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return tag_value(value)
    raise UsageError(f"{what!r} is compared with a number or a text, not {value!r}")


def time_of(key: str, value: Any) -> int:
    """What a time is compared as."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise UsageError(f"{key} is a time such as 2026-02-24T18:00, not {value!r}") from None
    if not isinstance(value, datetime):
        raise UsageError(f"{key} is compared with a time, not {value!r}")
    return ticks(value)


def _joined(word: str, parts: Sequence[Clause]) -> Clause:
    if not parts:
        return Clause("1" if word == "AND" else "0")
    if len(parts) == 1:
        return parts[0]
    sql = f" {word} ".join(part.sql for part in parts)
    return Clause(f"({sql})", tuple(value for part in parts for value in part.values))


def _negated(part: Clause) -> Clause:
    return Clause(f"NOT ({part.sql})", part.values)
