"""Files of measured columns to a `Series` and back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from omni.errors import MediaError
from omni.media import Media
from omni.values import Series

from . import delimited, dialect, structured
from .columns import series_of
from .table import Table

if TYPE_CHECKING:
    import pandas as pd

_PARQUET = "application/vnd.apache.parquet"
READERS: dict[str, Callable[[Media], Table]] = {
    "text/csv": delimited.read,
    "text/tab-separated-values": delimited.read,
    "application/json": structured.read_json,
    _PARQUET: structured.read_parquet,
    "application/parquet": structured.read_parquet,
    "application/x-parquet": structured.read_parquet,
    "application/x-npy": structured.read_npy,
}


def read(media: Media) -> Series:
    """Decode a file of measured columns.

    Raises:
        MediaError: if it is broken, exceeds a limit or holds no numbers.
    """
    reader = READERS.get(media.mime)
    if reader is None:
        raise MediaError(
            f"no series is read from {media.mime!r}; readable are {', '.join(READERS)}"
        )
    return series_of(reader(media), media.name)


def write(series: Series, *, name: str, mime: str) -> Media:
    """Encode a series; the times come first, in a column called `time`.

    Raises:
        MediaError: for a MIME type that is not written, or a series without values.
    """
    if not series.values.size:
        raise MediaError(f"cannot write {name}: the series has no values")
    if mime in ("text/csv", "text/tab-separated-values"):
        data = _csv(series, "," if mime == "text/csv" else "\t")
    elif mime == "application/json":
        data = _json(series)
    elif mime in (_PARQUET, "application/parquet", "application/x-parquet"):
        data = _parquet(series)
    elif mime == "application/x-npy":
        target = io.BytesIO()
        np.save(target, series.values, allow_pickle=False)
        data = target.getvalue()
    else:
        raise MediaError(f"cannot write a series as {mime!r}; writable are {', '.join(READERS)}")
    return Media.from_bytes(data, modality="series", mime=mime, name=name)


def _csv(series: Series, separator: str) -> bytes:
    """Text with all digits; names that look like numbers are put in quotes."""
    names = (["time"] if series.times is not None else []) + list(series.names)
    doubtful = all(dialect.is_number(name) or dialect.is_empty(name) for name in series.names)
    text = _frame(series).to_csv(
        index=False,
        header=names,
        sep=separator,
        lineterminator="\n",
        na_rep="NaN" if len(names) == 1 else "",
        quoting=csv.QUOTE_NONNUMERIC if doubtful else csv.QUOTE_MINIMAL,
    )
    return text.encode()


def _json(series: Series) -> bytes:
    """The form that pandas calls `split`; the numbers of a gap are `null`."""
    rows = [
        [None if np.isnan(cell) else cell for cell in row]
        for row in np.where(np.isfinite(series.values), series.values, np.nan).tolist()
    ]
    table = {"columns": list(series.names), "data": rows}
    if series.times is not None:
        table["index"] = [str(time) for time in series.times]
    return json.dumps(table).encode()


def _parquet(series: Series) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [pa.array(column, from_pandas=True) for column in series.values.T]
    names = list(series.names)
    if series.times is not None:
        columns.insert(0, pa.array(series.times))
        names.insert(0, "time")
    target = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, names=names), target)
    return target.getvalue()


def _frame(series: Series) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(series.values)
    if series.times is not None:
        frame.insert(0, "time", series.times)
    return frame
