"""Tables in JSON, Parquet and NPY to named columns."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from omni.errors import MediaError
from omni.media import Media

from .table import MAX_JSON_BYTES, Table, check_size

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_MAX_TEXT_CELL = 64
"""Longer text is no time and no number, and is not spelled out for every row."""
_WIDE = 8
"""A two-dimensional array with at most this many rows and far more columns lies on its side."""


def read_json(media: Media) -> Table:
    """Records, columns, rows, dated numbers, a plain list, JSON lines, or an object around one.

    Raises:
        MediaError: if it is no JSON, or holds no table.
    """
    if media.size > MAX_JSON_BYTES:
        raise MediaError(
            f"{media.name} has {media.size:,} bytes; the limit for JSON is {MAX_JSON_BYTES:,}: "
            "save it as CSV or Parquet"
        )
    frame = _frame(_parse(media))
    if frame is None:
        raise MediaError(
            f"{media.name} is JSON without a table: wanted are a list of numbers, a list of "
            "records, or an object of columns"
        )
    check_size(media, *frame.shape)
    return _table(frame)


def _parse(media: Media) -> Any:
    try:
        text = media.read().decode("utf-8-sig")
        try:
            return json.loads(text)
        except ValueError:
            lines = text.splitlines()
            if len(lines) < 2 or not lines[0].rstrip().endswith(("}", "]")):
                raise
            return [json.loads(line) for line in lines if line.strip()]
    except RecursionError:
        raise MediaError(f"{media.name} is JSON that is nested too deeply for a table") from None
    except ValueError as error:
        raise MediaError(f"{media.name} is broken or cut off JSON: {error}") from None


def _frame(value: Any, depth: int = 3) -> pd.DataFrame | None:
    import pandas as pd

    if not depth or not value:
        return None
    try:
        if isinstance(value, list):
            return _frame_of_rows(value)
        if not isinstance(value, dict):
            return None
        if {"columns", "data"} <= value.keys() and isinstance(value["data"], list):
            return _frame_of_split(value)
        if all(isinstance(item, dict) for item in value.values()):
            return _frame_of_columns(value)
        columns = {key: item for key, item in value.items() if _is_column(item)}
        longest = max((len(item) for item in columns.values()), default=0)
        if longest:
            same = {key: item for key, item in columns.items() if len(item) == longest}
            return pd.DataFrame(same)
        if all(not isinstance(item, list | dict) for item in value.values()):
            return pd.DataFrame({"key": list(value), "value": list(value.values())})
    except (ValueError, TypeError, OverflowError):
        return None
    inside = [item for kind in (list, dict) for item in value.values() if isinstance(item, kind)]
    return next((frame for item in inside if (frame := _frame(item, depth - 1)) is not None), None)


def _frame_of_columns(value: dict[str, dict[str, Any]]) -> pd.DataFrame | None:
    """Columns as pandas writes them: row label to value; bare row numbers are left out."""
    import pandas as pd

    frame = pd.DataFrame(value)
    if any(isinstance(cell, list | dict) for cell in frame.iloc[0]):
        return None
    numbered = list(frame.index) == [str(row) for row in range(len(frame))]
    return frame.reset_index(drop=True) if numbered else frame.reset_index(names="index")


def _frame_of_rows(rows: list[Any]) -> pd.DataFrame | None:
    import pandas as pd

    if all(isinstance(row, dict) for row in rows):
        return pd.DataFrame.from_records(rows)
    if all(isinstance(row, list) for row in rows):
        names = rows[0] if rows[0] and all(isinstance(cell, str) for cell in rows[0]) else None
        if names and len(rows) > 1 and not all(isinstance(cell, str) for cell in rows[1]):
            return pd.DataFrame(rows[1:], columns=names)
        return _numbered(pd.DataFrame(rows))
    if any(isinstance(row, list | dict) for row in rows):
        return None
    return pd.DataFrame({"value": rows})


def _frame_of_split(value: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(value["data"], columns=value["columns"])
    index = value.get("index")
    if isinstance(index, list) and len(index) == len(frame) and index != list(range(len(index))):
        frame.insert(0, "time", index, allow_duplicates=True)
    return frame


def _is_column(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(cell, list | dict) for cell in value)


def read_parquet(media: Media) -> Table:
    """The flat columns of a Parquet file.

    Raises:
        MediaError: if it is broken, or exceeds a limit, which its footer tells before decoding.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyarrow.types as kinds

    try:
        with media.open() as stream:
            file = pq.ParquetFile(stream)
            schema = file.schema_arrow
            kept = [f.name for f in schema if not kinds.is_nested(f.type)]
            texts = [f.name for f in schema if kinds.is_string(f.type) or kinds.is_binary(f.type)]
            check_size(media, file.metadata.num_rows, len(kept))
            # Text as numbered words: a word of a megabyte is then not repeated in every row.
            file = pq.ParquetFile(stream, read_dictionary=texts)
            frame = file.read(columns=kept).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MediaError(f"{media.name} is a broken or cut off Parquet file ({reason})") from None
    table = _table(frame)
    columns = [(name, _spelled_out(column)) for name, column in table.columns]
    nested = len(schema) - len(kept)
    notes = [f"{nested} nested columns left out"] if nested else []
    return Table(columns, notes)


def _spelled_out(column: pd.Series) -> pd.Series:
    """A column of numbered words as text, or as blanks where its words are long."""
    import pandas as pd

    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    words = column.cat.categories
    if len(words) and words.astype(str).str.len().max() > _MAX_TEXT_CELL:
        return pd.Series("text", index=column.index, dtype="str")
    return column.astype("str")


def read_npy(media: Media) -> Table:
    """An array of one or two dimensions, or of records.

    Raises:
        MediaError: for pickled objects, other dimensions, and a file that is cut off.
    """
    import numpy as np

    array = _read_array(media)
    if array.dtype.names:
        if array.ndim != 1:
            raise MediaError(f"{media.name} is an array of records with {array.ndim} dimensions")
        return _table(_records(media, array))
    if array.dtype.kind not in "biuf":
        raise MediaError(
            f"{media.name} is an array of {array.dtype}, not of numbers that can be measured"
        )
    if array.ndim == 2 and array.shape[0] <= _WIDE and array.shape[1] > 8 * array.shape[0]:
        table = _read_sheet(media, array.T)
        table.notes.append(f"the array [{array.shape[0]}, {array.shape[1]}] was turned on its side")
        return table
    return _read_sheet(media, np.atleast_2d(array.T).T)


def _read_sheet(media: Media, array: np.ndarray) -> Table:
    import pandas as pd

    check_size(media, *array.shape)
    return _table(_numbered(pd.DataFrame(array)))


def _records(media: Media, array: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    names = [name for name in array.dtype.names or () if array.dtype[name].shape == ()]
    check_size(media, len(array), len(names))
    return pd.DataFrame({name: array[name] for name in names})


def _read_array(media: Media) -> np.ndarray:
    """The array of an NPY file, whose header is checked before memory is asked for."""
    import numpy as np
    from numpy.lib import format as npy

    try:
        with media.open() as stream:
            version = npy.read_magic(stream)
            reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = reader(stream)
            start = stream.tell()
    except (ValueError, TypeError, SyntaxError, OverflowError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MediaError(f"{media.name} has a broken NPY header ({reason})") from None
    if dtype.hasobject:
        raise MediaError(
            f"{media.name} holds pickled Python objects, which are never loaded: "
            "save plain numbers, for example  np.save(path, array.astype(float))"
        )
    if len(shape) not in (1, 2):
        raise MediaError(
            f"{media.name} has {len(shape)} dimensions; a series has 1 (time) or 2 (time, columns)"
        )
    count = math.prod(shape)
    if min(shape) < 1 or dtype.itemsize == 0:
        raise MediaError(f"{media.name} is an empty array of shape {list(shape)}")
    if start + count * dtype.itemsize > media.size:
        raise MediaError(
            f"{media.name} is cut off: it declares {count:,} values and holds "
            f"{max(0, media.size - start) // dtype.itemsize:,}; get a complete copy of the file"
        )
    check_size(media, *sorted((*shape, 1), reverse=True)[:2])
    with media.open() as stream:
        return np.load(stream, allow_pickle=False)


def _table(frame: pd.DataFrame) -> Table:
    return Table([(str(name), frame.iloc[:, at]) for at, name in enumerate(frame.columns)])


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Name the columns `value`, or `column 1`, `column 2` and so on."""
    several = frame.shape[1] > 1
    frame.columns = [f"column {at + 1}" if several else "value" for at in range(frame.shape[1])]
    return frame
