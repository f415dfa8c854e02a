"""The table as all formats hand it on, and how large it may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.errors import MediaError
from omni.media import Media

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 5_000_000
MAX_COLUMNS = 1_000
MAX_CELLS = 40_000_000
"""Rows times columns: 320 MB as numbers."""
MAX_TEXT_BYTES = 128 << 20
MAX_TEXT_CELLS = 20_000_000
"""Parsing text takes several times the memory of the numbers in it."""
MAX_JSON_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of any type, as they stood in the file.

    Attributes:
        columns: pairs of name and column; names may repeat.
        notes: what was left out or mended so far, in plain words.
        decimal: the decimal sign of numbers that are still text.
    """

    columns: list[tuple[str, pd.Series]]
    notes: list[str] = field(default_factory=list)
    decimal: str = "."


def check_size(media: Media, rows: int, columns: int) -> None:
    """Refuse a table without rows, or with too many.

    Raises:
        MediaError: naming the limit.
    """
    if not rows or not columns:
        raise MediaError(f"{media.name} holds no rows: a series needs at least one row of numbers")
    if rows > MAX_ROWS:
        raise MediaError(
            f"{media.name} has more than {MAX_ROWS:,} rows, which is the limit: "
            "take fewer rows, or averages over longer steps"
        )
    if columns > MAX_COLUMNS:
        raise MediaError(f"{media.name} has {columns:,} columns; the limit is {MAX_COLUMNS:,}")
    if rows * columns > MAX_CELLS:
        raise MediaError(
            f"{media.name} has {rows:,} × {columns:,} cells; the limit is {MAX_CELLS:,}: "
            "take fewer rows or columns"
        )


def floats(column: pd.Series) -> np.ndarray:
    """A column as float64, NaN for what is no number."""
    import pandas as pd

    numbers: Any = pd.to_numeric(column, errors="coerce")
    return np.asarray(numbers.to_numpy(np.float64, na_value=np.nan))
