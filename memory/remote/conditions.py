"""What a record can be found by, as engines other than SQLite take it, and filters over that.

Each field of a record becomes a *label*, a string of field and value that is compared as a whole;
of numbers also the least and the greatest are kept. So a list needs no loop: one of its elements is
less than a number if the least is. All but two comparisons are left to the engine, and those two,
ranges of texts and parts of texts, are looked up in the labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..contracts import Filter
from ..filters import COLUMNS, SIGNS, TAGS, TIMES, Clause, compiled, time_of
from ..record import Record
from ..rows import NOTHING, PAGE, SOURCE, tag_value, tags, ticks

EXPIRES = "@expires"
_BREAK = "\x1f"
_OWN = {SOURCE: "@source", PAGE: "@page"}


@dataclass(frozen=True, slots=True)
class Every:
    """All of these hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of these holds or more."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """This does not hold."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Within:
    """It lies in this namespace."""

    path: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Its id is one of these."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """It has this label."""

    label: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number in the field is so much or more, or less."""

    field: str
    sign: str
    value: float


@dataclass(frozen=True, slots=True)
class Words:
    """A text in the field comes after or before another; no engine has that."""

    field: str
    sign: str
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """The text in the field has this in it; no engine has that, either."""

    field: str
    value: str


Condition = Every | Some | Not | Within | OneOf | Has | Number | Words | Part


@dataclass(frozen=True, slots=True)
class Marks:
    """What a record can be found by.

    Attributes:
        labels: of its fields, sorted.
        least: least number, by field.
        most: greatest number, by field.
    """

    labels: tuple[str, ...]
    least: Mapping[str, float]
    most: Mapping[str, float]

    @classmethod
    def of(cls, record: Record, created: int) -> Marks:
        """Those of a record that was put then."""
        labels: set[str] = set()
        numbers: dict[str, list[float]] = {}
        for field, value in _fields(record, created):
            plain = field.removesuffix("[]")
            labels.add(label(field, value))
            labels.update(presence(above) for above in _ancestry(plain))
            if isinstance(value, int | float):
                numbers.setdefault(plain, []).append(float(value))
        least = {field: min(some) for field, some in numbers.items()}
        most = {field: max(some) for field, some in numbers.items()}
        return cls(tuple(sorted(labels)), least, most)


def label(field: str, value: Any) -> str:
    """The label of a field that has this value, in the form of `tag_value`."""
    if isinstance(value, str):
        return f"{field}{_BREAK}t{value}"
    if value == NOTHING:
        return f"{field}{_BREAK}z"
    if isinstance(value, bytes):
        return f"{field}{_BREAK}w{value[1:].decode('utf-8', 'surrogatepass')}"
    whole = int(value) if float(value).is_integer() else value  # 1 and 1.0 are the same
    return f"{field}{_BREAK}n{whole!r}"


def presence(field: str) -> str:
    """The label of a field that is there."""
    return field + _BREAK


def condition(where: Filter | None) -> Condition:
    """A filter as a condition; means what it means to SQLite, but for unknown fields.

    A field that no record has is not refused but equals `None`, since engines keep no list of them.

    Raises:
        UsageError: for an operator or a value that cannot be.
    """
    compiled(where, Clause("1"))  # refuses what cannot be, in the same words
    return _all_of(where or {})


def resolved(given: Condition, labelled: Iterable[tuple[str, Sequence[str]]]) -> Condition:
    """A condition in which what no engine has is replaced by the ids that meet it."""
    leaves = list(dict.fromkeys(_leaves(given)))
    if not leaves:
        return given
    found: dict[Condition, list[str]] = {leaf: [] for leaf in leaves}
    for id, labels in labelled:
        for leaf in leaves:
            if any(_meets(leaf, one) for one in labels):
                found[leaf].append(id)
    return _replaced(given, {leaf: OneOf(tuple(ids)) for leaf, ids in found.items()})


def needs_labels(given: Condition) -> bool:
    """Whether there is something in it that no engine has."""
    return any(True for _ in _leaves(given))


def unexpired(now: int) -> Condition:
    """The condition that it has not expired."""
    return Not(Number(EXPIRES, "<=", float(now)))


def _fields(record: Record, created: int) -> Iterable[tuple[str, Any]]:
    for field, value in tags(record):
        if field in _OWN:
            yield _OWN[field], value
        elif field not in COLUMNS and field not in TAGS and field != EXPIRES:
            yield field, value
    yield from (("@id", record.id), ("@kind", record.kind), ("@modality", record.modality))
    yield "@created", created
    if record.event_time is not None:
        yield "@event_time", ticks(record.event_time)
    if record.expires is not None:
        yield EXPIRES, ticks(record.expires)


def _ancestry(field: str) -> Iterable[str]:
    yield field
    while "." in field:
        field = field.rpartition(".")[0]
        yield field


def _all_of(where: Filter) -> Condition:
    return Every(tuple(_one(key, value) for key, value in where.items()))


def _one(key: str, value: Any) -> Condition:
    if key in ("$and", "$or"):
        parts = tuple(_all_of(each) for each in value)
        return Every(parts) if key == "$and" else Some(parts)
    if key == "$not":
        return Not(_all_of(value))
    if isinstance(value, Mapping) and any(str(name).startswith("$") for name in value):
        return Every(tuple(_compared(key, name, each) for name, each in value.items()))
    return _equal(key, value)


def _compared(field: str, name: str, value: Any) -> Condition:
    if name == "$eq":
        return _equal(field, value)
    if name in ("$ne", "$nin"):
        return Not(_compared(field, "$eq" if name == "$ne" else "$in", value))
    if name == "$in":
        return Some(tuple(_equal(field, each) for each in value))
    if name == "$exists":
        there = Has(presence(field))
        return there if value else Not(there)
    if name == "$contains":
        if field in COLUMNS:
            return Part(field, str(value))
        element = Has(label(f"{field}[]", tag_value(value)))
        return Some((element, Part(field, value))) if isinstance(value, str) else element
    value = time_of(field, value) if field in TIMES else tag_value(value)
    if isinstance(value, str):
        return Words(field, SIGNS[name], value)
    return Number(field, SIGNS[name], float(value))


def _equal(field: str, value: Any) -> Condition:
    if value is None:
        return Some((Has(label(field, NOTHING)), Not(Has(presence(field)))))
    if field in TIMES:
        return Has(label(field, time_of(field, value)))
    if isinstance(value, Mapping) and value:
        return Every(tuple(_equal(f"{field}.{key}", each) for key, each in value.items()))
    if isinstance(value, list | tuple | Mapping):
        return Has(label(field, tag_value(value)))
    scalar = tag_value(value)
    return Some((Has(label(field, scalar)), Has(label(f"{field}[]", scalar))))


def _leaves(given: Condition) -> Iterable[Words | Part]:
    if isinstance(given, Words | Part):
        yield given
    elif isinstance(given, Not):
        yield from _leaves(given.part)
    elif isinstance(given, Every | Some):
        for part in given.parts:
            yield from _leaves(part)


def _replaced(given: Condition, by: Mapping[Condition, Condition]) -> Condition:
    if isinstance(given, Not):
        return Not(_replaced(given.part, by))
    if isinstance(given, Every | Some):
        return type(given)(tuple(_replaced(part, by) for part in given.parts))
    return by.get(given, given)


def _meets(leaf: Words | Part, one: str) -> bool:
    """Whether a label speaks of the leaf's field, and of a text that meets it."""
    field, _, value = one.partition(_BREAK)
    if not value.startswith("t"):
        return False
    text = value[1:]
    if isinstance(leaf, Part):
        return field == leaf.field and leaf.value in text
    if field.removesuffix("[]") != leaf.field:
        return False
    return {
        "<": text < leaf.value,
        "<=": text <= leaf.value,
        ">": text > leaf.value,
        ">=": text >= leaf.value,
    }[leaf.sign]
