"""Taking in what `exporting` wrote, into any memory; what is there already is passed over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from omni.errors import StoreError, UsageError
from omni.media import Media
from omni.plugins import Component

from .blobs import BlobStore
from .contracts import Space, Vectors
from .exporting import Exchanged, check, read_manifest
from .record import Provenance, Record

_NAME = re.compile(r"part-\d{5,}")

COMPONENTS = (
    Component(
        "store", "importing", "Takes an exported memory into any other, whole or not at all."
    ),
)

Given = Mapping[Space, Sequence[Vectors | None]]


def import_records(
    view: Any, folder: Path | str, *, progress: Callable[[int], None] | None = None
) -> Exchanged:
    """Put what was exported into a namespace, a part in a transaction.

    Each part is checked before a byte of it is used. To go on with what was cut off, do it again:
    parts that are there already are not written twice.

    Args:
        view: of any memory.
        folder: of the export.
        progress: told how many records are done.

    Raises:
        StoreError: if something is missing, damaged, or was cut off when it was exported.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if not manifest["whole"]:
        raise StoreError(f"the export in {folder} was cut off: run  omni memory export  again")
    blobs = BlobStore(folder / "media")
    done = kept = 0
    for part in manifest["parts"]:
        name = _checked(folder, part)
        try:
            records = _records(folder / f"{name}.jsonl", blobs)
            vectors = _vectors(folder / f"{name}.safetensors", part["spaces"], len(records))
        except (KeyError, TypeError, ValueError, UsageError) as error:
            raise StoreError(f"part {name} of {folder} makes no sense: {error}") from None
        if _there(view, records, vectors):
            kept += 1
        else:
            view.put(records, vectors)
        done += len(records)
        if progress is not None:
            progress(done)
    return Exchanged(done, len(manifest["parts"]), kept)


def _checked(folder: Path, part: Any) -> str:
    """The name of a part whose files are what was exported."""
    name = part.get("name") if isinstance(part, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise StoreError(f"the manifest in {folder} names a part {str(name)[:80]!r}: export again")
    for ending in ("jsonl", "safetensors"):
        check(folder / f"{name}.{ending}", part.get(ending))
    return name


def _records(path: Path, blobs: BlobStore) -> list[Record]:
    with path.open(encoding="utf-8", newline="\n") as stream:
        return [_record(json.loads(line), blobs) for line in stream]


def _record(told: dict[str, Any], blobs: BlobStore) -> Record:
    media, origin = told.pop("media", None), told.pop("provenance", None)
    for name in ("event_time", "expires"):
        if name in told:
            told[name] = datetime.fromisoformat(told[name])
    if media is not None:
        media = Media(**media, path=blobs.verify(media["digest"]))
    return Record(
        **told, media=media, provenance=None if origin is None else Provenance.from_json(origin)
    )


def _vectors(path: Path, spaces: Sequence[Any], count: int) -> Given:
    from safetensors.numpy import load_file

    found: dict[Space, list[Vectors | None]] = {}
    tensors = load_file(path)
    for number, told in enumerate(spaces):
        space = Space(**told)
        rows, block = tensors[f"{number}.rows"], tensors[f"{number}.vectors"]
        blocks: Sequence[Vectors] = list(block)
        if space.multi:
            blocks = np.split(block, np.cumsum(tensors[f"{number}.counts"])[:-1])
        if len(rows) != len(blocks) or (len(rows) and not 0 <= rows.min() <= rows.max() < count):
            raise ValueError(f"vectors of space {space.name!r} belong to no record")
        given: list[Vectors | None] = [None] * count
        for row, vector in zip(rows.tolist(), blocks, strict=True):
            given[row] = vector
        found[space] = given
    return found


def _there(view: Any, records: Sequence[Record], vectors: Given) -> bool:
    """Whether all of a part is there as it was exported."""
    ids = [record.id for record in records]
    there = view.get(ids)
    if [_plain(one) for one in there] != [_plain(one) for one in records]:
        return False
    return all(
        _same(vector, kept)
        for space, given in vectors.items()
        for vector, kept in zip(given, view.vectors(space, ids), strict=True)
    )


def _plain(record: Record) -> tuple[Any, ...]:
    media = record.media.digest if record.media is not None else None
    told = (record.id, record.text, record.title, record.kind, record.modality, media)
    rest = (dict(record.meta), record.provenance, record.importance)
    return (*told, *rest, record.event_time, record.expires)


def _same(one: Vectors | None, other: Vectors | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(np.allclose(one, other, atol=2e-3))


plugin = import_records
