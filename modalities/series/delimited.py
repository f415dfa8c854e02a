"""Tables of text (CSV, TSV and their like) to named columns."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from omni.errors import MediaError
from omni.media import Media

from . import dialect
from .table import MAX_COLUMNS, MAX_ROWS, MAX_TEXT_BYTES, MAX_TEXT_CELLS, Table, check_size

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_LINE = 1 << 20


def read(media: Media) -> Table:
    """Read a table of text.

    Raises:
        MediaError: if it is no table, or exceeds a limit.
    """
    if media.size > MAX_TEXT_BYTES:
        raise MediaError(
            f"{media.name} has {media.size:,} bytes; the limit for a table of text is "
            f"{MAX_TEXT_BYTES:,}: save it as Parquet, or take fewer rows"
        )
    found = _dialect(media)
    lines = _count_lines(media)
    if lines * found.columns > MAX_TEXT_CELLS:
        raise MediaError(
            f"{media.name} has about {lines:,} × {found.columns:,} cells; the limit for a table "
            f"of text is {MAX_TEXT_CELLS:,}: save it as Parquet, or take fewer rows"
        )
    frame, notes = _parse(media, found)
    check_size(media, len(frame), frame.shape[1])
    columns = [
        (_name(label, number, found.header), frame.iloc[:, number])
        for number, label in enumerate(frame.columns)
    ]
    return Table(columns, notes, found.decimal)


def _count_lines(media: Media) -> int:
    """Line ends, which are nearly the rows: told before the parser asks for memory."""
    with media.open() as stream:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))


def _dialect(media: Media) -> dialect.Dialect:
    with media.open() as stream:
        sample = stream.read(_LONGEST_LINE)
    complete = len(sample) == media.size
    if not complete and b"\n" not in sample and b"\r" not in sample:
        raise MediaError(
            f"{media.name} is one line of more than {_LONGEST_LINE:,} bytes: "
            "a table needs a line for each row"
        )
    whole = complete and len(sample) <= dialect.SAMPLE_BYTES
    found = dialect.find(sample[: dialect.SAMPLE_BYTES], complete=whole)
    if found is None and not whole:
        found = dialect.find(sample, complete=complete)
    if found is None:
        raise MediaError(
            f"{media.name} is no table of numbers: its rows do not have the same number of cells; "
            "wanted are columns parted by commas, semicolons or tabs"
        )
    if found.columns > MAX_COLUMNS:
        raise MediaError(
            f"{media.name} has {found.columns:,} columns; the limit is {MAX_COLUMNS:,}"
        )
    return found


def _parse(media: Media, found: dialect.Dialect) -> tuple[pd.DataFrame, list[str]]:
    import pandas as pd

    with warnings.catch_warnings(record=True) as caught, media.open() as stream:
        warnings.simplefilter("always")
        try:
            frame = pd.read_csv(
                stream,
                sep=found.separator,
                header=0 if found.header else None,
                skiprows=found.skip,
                decimal=found.decimal,
                encoding=found.encoding,
                encoding_errors="replace",
                skipinitialspace=True,
                index_col=False,
                na_values=sorted(dialect.EMPTY - {"inf", "-inf", "+inf", "infinity"}),
                on_bad_lines="warn",
                float_precision="round_trip",
                low_memory=False,
                nrows=MAX_ROWS + 1,
            )
        except (ValueError, OverflowError, MemoryError) as error:
            reason = str(error).strip().splitlines()[0]
            raise MediaError(
                f"{media.name} cannot be read as a table ({reason}): check its quotes and commas"
            ) from None
    skipped = sum(str(warning.message).count("Skipping line") for warning in caught)
    notes = [f"{skipped:,} rows with too many cells left out"] if skipped else []
    if found.skip:
        notes.append(f"{found.skip} lines before the table left out")
    return frame, notes


def _name(label: object, number: int, header: bool) -> str:
    """The name of a column; pandas says `Unnamed: 0` where the header is blank."""
    text = str(label).strip()
    if not header:
        return f"column {number + 1}"
    return "" if text.startswith("Unnamed: ") else text
