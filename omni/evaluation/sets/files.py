"""Reading files of published sets, with errors that say which file lacks what."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omni.errors import UsageError
from omni.media import Media
from omni.modality import media_from_bytes, open_media


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file, compressed or not.

    Raises:
        UsageError: naming the first line that is none.
    """
    unpack = gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except ValueError as error:
                raise UsageError(f"{path}, line {number}, is no JSON: {error}") from None
            if not isinstance(found, dict):
                raise UsageError(f"{path}, line {number}, holds {type(found).__name__}: no object")
            yield found


def one_of(folder: Path, *patterns: str) -> Path:
    """The first file that a pattern finds in a folder.

    Raises:
        UsageError: naming what was looked for.
    """
    found = first(folder, *patterns)
    if found is None:
        raise UsageError(f"{folder} holds no {' or '.join(patterns)}: give the set's own folder")
    return found


def first(folder: Path, *patterns: str) -> Path | None:
    """The same; `None` if there is none."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: download the set and say where it lies")
    every = (path for pattern in patterns for path in sorted(folder.glob(pattern)))
    return next((path for path in every if path.is_file()), None)


def field(row: Mapping[str, Any], name: str, path: Path) -> Any:
    """A field that every row has.

    Raises:
        UsageError: naming the file, the field and those that are there.
    """
    if row.get(name) is None:
        raise UsageError(f"a row of {path} has no {name!r}; it has {', '.join(sorted(row))}")
    return row[name]


def rows(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Rows of Parquet or JSON-lines files."""
    for path in paths:
        if path.suffix == ".parquet":
            import pyarrow.parquet as parquet

            for batch in parquet.ParquetFile(path).iter_batches(batch_size=64):
                yield from batch.to_pylist()
        else:
            yield from lines(path)


def tables(folder: Path, *names: str) -> list[Path]:
    """Parquet or JSON-lines files of a part of a set, as the hub lays them out, or none.

    A part is a folder of that name, or files whose names begin with it.
    """
    for name in names:
        for pattern in (f"{name}/*.parquet", f"{name}-*.parquet", f"{name}.parquet"):
            if found := sorted(folder.glob(pattern)):
                return found
        for pattern in (f"{name}.jsonl", f"{name}.jsonl.gz", f"{name}/*.jsonl"):
            if found := sorted(folder.glob(pattern)):
                return found
    return []


def picture(value: Any, name: str, root: Path) -> Media | None:
    """A picture as the hub stores it: its bytes, or a path below the set's folder.

    Raises:
        UsageError: for a path that leads out of the folder.
    """
    if isinstance(value, Mapping):
        if value.get("bytes"):
            return media_from_bytes(value["bytes"], value.get("path") or name)
        value = value.get("path")
    if not value:
        return None
    path = (root / str(value)).resolve()
    if not path.is_relative_to(root.resolve()):
        raise UsageError(f"the picture {value!r} lies outside of {root}")
    return open_media(path) if path.is_file() else None
