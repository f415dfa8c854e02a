"""A record as rows of the catalogue, and rows as a record."""

from __future__ import annotations

import hashlib
import json
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from omni.errors import UsageError
from omni.media import Media

from .record import Provenance, Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)

NOTHING, WHOLE = b"\x00", b"\x01"
"""Tag of a field that holds `null`; begin of one that stands for a list or a mapping as it is."""

SOURCE, PAGE = "\x00source", "\x00page"
"""Fields of what is known of the origin; no field of a record's own can be called so."""

_DECODER = json.JSONDecoder()
_DECODE = _DECODER.raw_decode  # `loads` looks first for what `to_json` never writes
_SCAN = _DECODER.scan_once  # type: ignore[attr-defined]

COLUMNS = "i.rid, i.id, i.kind, i.modality, i.media, i.event_time, i.importance, i.expires, "
COLUMNS += "b.title, b.text, b.meta, b.provenance, b.media"
"""What `to_record` and `to_records` take, of `item i` and `body b`."""


def ticks(moment: datetime) -> int:
    """Microseconds since 1970; a time without a zone is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _TICK


def moment(count: int) -> datetime:
    """The inverse of `ticks`."""
    return _EPOCH + count * _TICK


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def to_json(value: Any, what: str) -> str:
    """JSON of a value.

    Raises:
        UsageError: if it does not fit JSON, naming what it is.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} does not fit JSON: {error}") from None


def from_json(text: str | None) -> Any:
    """The inverse of `to_json`; an empty mapping for nothing."""
    return _DECODE(text)[0] if text else {}


def _from_jsons(texts: Sequence[str | None]) -> Sequence[Any]:
    """The same for many, which are read as one list."""
    if None not in texts:
        try:
            found, end = _SCAN(whole := f"[{','.join(texts)}]", 0)  # type: ignore[arg-type]
            if len(found) == len(texts) and end == len(whole):
                return found
        except (StopIteration, ValueError):
            pass  # whichever it is that is damaged says so below
    return [from_json(text) for text in texts]


def item_row(record: Record) -> tuple[Any, ...]:
    """Columns of `item` from `id` to `expires` without those that the store decides."""
    media = record.media.digest if record.media else None
    event = ticks(record.event_time) if record.event_time else None
    expires = ticks(record.expires) if record.expires else None
    return record.id, record.kind, record.modality, media, event, record.importance, expires


def body_row(record: Record) -> tuple[Any, ...]:
    """Columns of `body` after the number."""
    meta = to_json(dict(record.meta), f"meta of {record.id!r}") if record.meta else None
    origin = None
    if record.provenance is not None:
        origin = to_json(record.provenance.to_json(), f"provenance of {record.id!r}")
    media = None
    if record.media is not None:
        one = record.media
        media = to_json([one.modality, one.mime, one.name, one.size], f"media of {record.id!r}")
    return record.title or None, record.text or None, meta, origin, media


def to_record(row: tuple[Any, ...], path_of: Callable[[str], Path]) -> Record:
    """The record of a row of `COLUMNS`."""
    _, id, kind, modality, digest, event, importance, expires, title, text, meta, origin, media = (
        row
    )
    found = _media(digest, media, path_of)
    return Record(
        id,
        text or "",
        modality,
        found,
        title or "",
        kind,
        from_json(meta),
        _origin(origin) if origin else None,
        moment(event) if event is not None else None,
        importance,
        moment(expires) if expires is not None else None,
    )


class _Draft:
    """A record that is being filled in, with the same fields in the same places."""

    __slots__ = tuple(one.name for one in fields(Record))


def to_records(found: Sequence[tuple[Any, ...]], path_of: Callable[[str], Path]) -> list[Record]:
    """The records of rows of `COLUMNS`.

    Each is filled in as a draft and then declared to be a record: to construct one would check
    again what was checked before it was stored, and takes three times as long.
    """
    made: list[Any] = []
    for row, meta in zip(found, _from_jsons([row[10] for row in found]), strict=True):
        one: Any = _Draft()
        _, one.id, one.kind, one.modality, digest, event, one.importance, expires = row[:8]
        title, text, _, origin, about = row[8:]
        one.title, one.text, one.meta = title or "", text or "", meta
        one.media = _media(digest, about, path_of) if digest else None
        one.provenance = _origin(origin) if origin else None
        one.event_time = None if event is None else moment(event)
        one.expires = None if expires is None else moment(expires)
        one.__class__ = Record
        made.append(one)
    return made


def _media(digest: str | None, about: str, path_of: Callable[[str], Path]) -> Media | None:
    if not digest:
        return None
    modality, mime, name, size = json.loads(about)
    return Media(modality, mime, name, digest, size, path=path_of(digest))


def _origin(text: str) -> Provenance:
    return Provenance.from_json(json.loads(text))


def sameness(record: Record) -> bytes:
    """What two records share if they say the same, but for spaces, case and form of letters."""
    plain = " ".join(unicodedata.normalize("NFKC", record.text).casefold().split())
    media = record.media.digest if record.media else ""
    return hashlib.sha256(f"{media}\x00{plain}".encode("utf-8", "surrogatepass")).digest()[:16]


def tags(record: Record) -> set[tuple[str, Any]]:
    """Fields and values by which a record can be found: leaves of its meta, and its origin."""
    found = set(_leaves(record.meta, ""))
    if record.provenance is not None:
        found.add((SOURCE, record.provenance.source))
        if record.provenance.page is not None:
            found.add((PAGE, record.provenance.page))
    return found


def _leaves(meta: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in meta.items():
        field = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{field}.")
            continue
        yield field, tag_value(value)
        if isinstance(value, list | tuple):
            for each in value:
                yield f"{field}[]", tag_value(each)


def tag_value(value: Any) -> Any:
    """How a value stands in a tag: numbers compare with numbers and texts with texts."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return float(value)
    if isinstance(value, int | float | str):
        return value
    return WHOLE + to_json(value, "a list or mapping").encode()
