"""A table as it stood in the file → a `Series`: numbers, their names and their times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from omni.errors import MediaError
from omni.values import Series

from . import clock
from .dialect import EMPTY, NUMBER, is_empty, is_number
from .mending import mend
from .table import MAX_CELLS, Table, floats

if TYPE_CHECKING:
    import pandas as pd

_MOST = 0.8
"""Share of a column's filled cells that must be numbers."""
_SAMPLE = 2000
_FEWEST = 0.2
"""Share of numbers among a column's first cells, below which the rest is not looked at."""
_MOST_GROUPS = 50
_NAMES_SHOWN = 5
_SIGNS = r"^\s*[$€£¥₹]\s*|\s*(?:[$€£¥₹%]|EUR|USD|GBP)\s*$"
_SPACES = r"[\s\u00a0\u202f'’]"


def series_of(table: Table, file_name: str) -> Series:
    """The measured columns of a table.

    Raises:
        MediaError: if no column holds numbers.
    """
    notes = list(table.notes)
    told = clock.find(table.columns)
    rest = [pair for at, pair in enumerate(table.columns) if not told or at not in told.used]
    measured, texts = _sort_out(rest, table.decimal, notes)
    if not measured:
        raise MediaError(_no_numbers(rest, texts, file_name))
    times = told.times if told else None
    if told:
        notes += told.notes
    if times is not None and np.isnat(times).all():
        times = None
        notes.append("the times lie outside the years 1678 to 2261 and are left out")
    if times is not None:
        measured, times, texts = _spread(measured, times, texts, notes)
    if texts:
        notes.append(f"columns of text left out: {_listed([name for name, _ in texts])}")
    return _assemble(measured, times, notes, file_name)


def _assemble(
    measured: list[tuple[str, np.ndarray]],
    times: np.ndarray | None,
    notes: list[str],
    file_name: str,
) -> Series:
    values = np.stack([column for _, column in measured], axis=1)
    endless = int(np.isinf(values).sum())
    if endless:
        notes.append(f"{endless:,} infinite values are taken as gaps")
        values[np.isinf(values)] = np.nan
    measured_at_all = np.isfinite(values).any(axis=0)
    if not measured_at_all.any():
        raise MediaError(
            f"{file_name} has no measured value: every number in it is missing or not finite"
        )
    names = [name or f"column {at + 1}" for at, (name, _) in enumerate(measured)]
    kept = np.flatnonzero(measured_at_all)
    if len(kept) < len(names):
        blank = [name for at, name in enumerate(names) if at not in kept]
        notes.append(f"columns without a value left out: {_listed(blank)}")
        values, names = values[:, kept], [names[at] for at in kept]
    gaps = int(np.isnan(values).sum())
    if gaps:
        notes.append(f"{gaps:,} of {values.size:,} values are missing")
    if times is None:
        return Series(np.ascontiguousarray(values), tuple(names), notes=tuple(notes))
    mended = mend(values, times)
    return Series(
        mended.values, tuple(names), mended.times, mended.frequency, (*notes, *mended.notes)
    )


def _sort_out(
    columns: list[tuple[str, pd.Series]], decimal: str, notes: list[str]
) -> tuple[list[tuple[str, np.ndarray]], list[tuple[str, pd.Series]]]:
    """Columns of numbers as float64, and columns of text."""
    measured, texts = [], []
    for name, column in columns:
        found = _numbers(column, decimal)
        if found is None:
            texts.append((name, column))
            continue
        numbers, refused = found
        if refused:
            notes.append(f"{refused:,} cells of {name!r} that are no numbers are taken as gaps")
        measured.append((name, numbers))
    return measured, texts


def _numbers(column: pd.Series, decimal: str) -> tuple[np.ndarray, int] | None:
    """A column as float64, and how many filled cells were no numbers; `None` for text."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    if is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype):
        return None if is_complex_dtype(column.dtype) else (floats(column), 0)
    if not (column.dtype == object or isinstance(column.dtype, pd.StringDtype)):
        return None
    text = column.astype("str")
    first = [cell for cell in text.dropna().iloc[:_SAMPLE] if not is_empty(cell.strip())]
    if first and sum(is_number(cell.strip()) for cell in first) < _FEWEST * len(first):
        return None
    text = text.str.strip()
    text = text.mask(text.str.lower().isin(EMPTY))
    filled = int(text.notna().sum())
    if not filled:
        return np.full(len(text), np.nan), 0
    bare = text.str.replace(_SIGNS, "", regex=True)
    bare = bare.where(bare.str.fullmatch(NUMBER.pattern).fillna(False).astype(bool))
    bare = bare.str.replace("−", "-").str.replace(_SPACES, "", regex=True)
    if decimal == ",":
        bare = bare.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    else:
        bare = bare.str.replace(",", "", regex=False)
    numbers = floats(bare)
    good = int(np.isfinite(numbers).sum())
    return (numbers, filled - good) if good >= _MOST * filled else None


def _spread(
    measured: list[tuple[str, np.ndarray]],
    times: np.ndarray,
    texts: list[tuple[str, pd.Series]],
    notes: list[str],
) -> tuple[list[tuple[str, np.ndarray]], np.ndarray, list[tuple[str, pd.Series]]]:
    """Long form to wide: a column for each word of a text column that parts rows of one time."""
    import pandas as pd

    if not texts or not pd.Index(times).has_duplicates:
        return measured, times, texts
    for at, (label, text) in enumerate(texts):
        words = text.astype("str").fillna("")
        groups = words.unique()
        frame = pd.DataFrame({"time": times, "word": words.to_numpy()})
        if not 2 <= len(groups) <= _MOST_GROUPS or frame.duplicated().any():
            continue
        if len(groups) * len(measured) * pd.Index(times).nunique() > MAX_CELLS:
            continue
        wide: list[tuple[str, np.ndarray]] = []
        for name, column in measured:
            sheet = frame.assign(value=column).pivot(index="time", columns="word", values="value")
            names = [f"{word} {name}" if len(measured) > 1 else str(word) for word in sheet.columns]
            wide += zip(names, sheet.to_numpy(np.float64).T, strict=True)
        notes.append(f"rows are spread into a column for each of the {len(groups)} {label!r}")
        rows = np.sort(pd.unique(times[~np.isnat(times)]))
        return wide, rows, texts[:at] + texts[at + 1 :]
    return measured, times, texts


def _no_numbers(
    rest: list[tuple[str, pd.Series]], texts: list[tuple[str, pd.Series]], file_name: str
) -> str:
    if not rest:
        return f"{file_name} holds only times and no column of numbers: add what was measured"
    return (
        f"{file_name} holds only text (columns {_listed([name for name, _ in texts])}): "
        "a series needs at least one column of numbers"
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
