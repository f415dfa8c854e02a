"""A namespace as plain files: records as JSON lines, vectors as safetensors, media by digest.

    folder/manifest.json              what is there, with the digest of each part; written last
    folder/part-00000.jsonl           a record a line
    folder/part-00000.safetensors     its vectors, by space: `n.rows` and `n.vectors`
    folder/media/ab/cd/<sha256>       each medium once

What was cut off goes on after the last whole part. Only what can be found is written: no history,
no rights, and not what LangChain keeps beside the records.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from omni.errors import StoreError
from omni.media import hash_file
from omni.plugins import Component

from . import rows
from .blobs import BlobStore
from .contracts import Space, Vectors
from .record import Record

FORMAT = 1
MANIFEST = "manifest.json"
PART = 1000
"""Records of a part: what is held in memory at once."""

COMPONENTS = (
    Component("store", "exporting", "A memory as JSON lines, safetensors and media files."),
)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What was written or read.

    Attributes:
        records: in all.
        parts: files of records.
        kept: parts that were there already.
    """

    records: int
    parts: int
    kept: int


def export_records(
    view: Any,
    folder: Path | str,
    *,
    progress: Callable[[int], None] | None = None,
    part: int = PART,
) -> Exchanged:
    """Write what a namespace holds into a folder, or go on with what was cut off.

    Records that are put meanwhile may be in it or not.

    Args:
        view: of any memory.
        folder: new, empty, or of an export that was cut off.
        progress: told how many records are done.
        part: records a file.

    Raises:
        StoreError: if the folder holds a whole export or other files, or cannot be written.
    """
    folder = Path(folder)
    try:
        manifest = _begun(folder)
        return _written(view, folder, manifest, progress, part)
    except OSError as error:
        raise StoreError(f"cannot export to {folder}: {error.strerror or error}") from None


def _written(
    view: Any,
    folder: Path,
    manifest: dict[str, Any],
    progress: Callable[[int], None] | None,
    size: int,
) -> Exchanged:
    parts = manifest["parts"]
    kept, done = len(parts), sum(part["records"] for part in parts)
    after = parts[-1]["last"] if parts else ""
    blobs = BlobStore(folder / "media")
    while ids := view.ids(limit=size, after=after):
        records = view.get(ids)
        if records:
            spaces = view.spaces()
            told = _write_part(view, folder, len(parts), records, spaces, blobs)
            parts.append(told | {"last": ids[-1]})
            _save(folder, manifest)
        done += len(records)
        after = ids[-1]
        if progress is not None:
            progress(done)
    manifest["whole"] = True
    _save(folder, manifest)
    return Exchanged(done, len(parts), kept)


def _begun(folder: Path) -> dict[str, Any]:
    """The manifest of what was cut off, or a new one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MANIFEST
    if path.is_file():
        manifest = read_manifest(folder)
        if manifest["whole"]:
            raise StoreError(f"{folder} holds a whole export: name another folder, or remove it")
        return manifest
    if any(folder.iterdir()):
        raise StoreError(f"{folder} holds other files: name an empty folder")
    manifest = {"format": FORMAT, "whole": False, "parts": []}
    _save(folder, manifest)
    return manifest


def _write_part(
    view: Any,
    folder: Path,
    number: int,
    records: Sequence[Record],
    spaces: Sequence[Space],
    blobs: BlobStore,
) -> dict[str, Any]:
    from safetensors.numpy import save

    name = f"part-{number:05}"
    ids = [record.id for record in records]
    tensors: dict[str, np.ndarray] = {}
    used: list[dict[str, Any]] = []
    for space in spaces:
        packed = _packed(space, view.vectors(space, ids), len(used))
        if packed:
            tensors |= packed
            used.append(asdict(space))
    for record in records:
        if record.media is not None:
            blobs.put(record.media)
    lines = "".join(f"{_line(record)}\n" for record in records)
    return {
        "name": name,
        "records": len(records),
        "spaces": used,
        "jsonl": _put(folder / f"{name}.jsonl", lines.encode()),
        "safetensors": _put(folder / f"{name}.safetensors", save(tensors)),
    }


def _packed(
    space: Space, given: Sequence[Vectors | None], number: int
) -> dict[str, np.ndarray] | None:
    """Rows that have vectors, how many each, and the vectors one under another."""
    there = [(row, vector) for row, vector in enumerate(given) if vector is not None]
    if not there:
        return None
    blocks = [np.atleast_2d(vector) for _, vector in there]
    found = {
        f"{number}.rows": np.array([row for row, _ in there], np.int64),
        f"{number}.vectors": np.concatenate(blocks).astype(np.float32),
    }
    if space.multi:
        found[f"{number}.counts"] = np.array([len(block) for block in blocks], np.int64)
    return found


def _line(record: Record) -> str:
    media = record.media
    told: dict[str, Any] = {
        "id": record.id,
        "text": record.text,
        "modality": record.modality,
        "title": record.title,
        "kind": record.kind,
        "meta": dict(record.meta),
        "importance": record.importance,
    }
    if media is not None:
        names = ("modality", "mime", "name", "digest", "size")
        told["media"] = {name: getattr(media, name) for name in names}
    if record.provenance is not None:
        told["provenance"] = record.provenance.to_json()
    for name in ("event_time", "expires"):
        when = getattr(record, name)
        if when is not None:
            told[name] = rows.moment(rows.ticks(when)).isoformat()
    return rows.to_json(told, f"record {record.id!r}")


def read_manifest(folder: Path) -> dict[str, Any]:
    """What an export says of itself.

    Raises:
        StoreError: if there is none, it is damaged, or a newer version wrote it.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text("utf-8"))
        version = int(found["format"])
    except FileNotFoundError:
        raise StoreError(f"no export in {folder}: it has no {MANIFEST}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from None
    if version > FORMAT:
        raise StoreError(
            f"{path} was written by a newer Omni (format {version}, this one knows up to "
            f"{FORMAT}): run  pip install -U omni-agent"
        )
    if not isinstance(found.get("parts"), list) or not isinstance(found.get("whole"), bool):
        raise StoreError(f"{path} is damaged: export again")
    return found


def _put(path: Path, data: bytes) -> dict[str, Any]:
    """Write a file through to the disk, by rename; its size and digest."""
    draft = path.with_suffix(f"{path.suffix}.incoming")
    with draft.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, path)
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def check(path: Path, told: Any) -> None:
    """Read a file through and compare.

    Raises:
        StoreError: if it is not, byte for byte, what was exported.
    """
    try:
        digest, size = hash_file(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from None
    if not isinstance(told, dict) or (size, digest) != (told.get("bytes"), told.get("sha256")):
        raise StoreError(f"{path} is not what was exported ({size:,} bytes): export again")


def _save(folder: Path, manifest: dict[str, Any]) -> None:
    _put(folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False).encode())


plugin = export_records
