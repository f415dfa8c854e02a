"""Find out how a table of text is written: encoding, separator, decimal sign, header.

Only the first part of a file is looked at, with nothing but the standard library, because every
text file that is opened passes here to be told from a table.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace

SAMPLE_BYTES = 1 << 16
SEPARATORS = (",", ";", "\t", "|")
_MOST = 0.8
"""Share of rows, or of a column's cells, that must agree."""
_PREAMBLE_ROWS = 30
_SAMPLE_ROWS = 400
EMPTY = frozenset(
    {"", "-", "--", "—", "–", "?", ".", "..", "...", "na", "n/a", "n.a.", "nan", "null", "none"}
    | {"nil", "missing", "#n/a", "#value!", "#div/0!", "inf", "-inf", "+inf", "infinity"}
)
"""What people write, in small letters, where there is no number."""

_CURRENCY = re.compile(r"^\s*[$€£¥₹]\s*|\s*(?:[$€£¥₹%]|EUR|USD|GBP)\s*$")
NUMBER = re.compile(
    r"[+\-−]?(?:\d{1,3}(?:[ \u00a0\u202f'’,.]\d{3})+|\d+)(?:[.,]\d*)?(?:[eE][+-]?\d+)?"
    r"|[+\-−]?[.,]\d+(?:[eE][+-]?\d+)?"
)
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?:[T ].*)?"  # 2024-03-05 12:00
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?:[T ,].*)?"  # 5.3.2024
    r"|\d{4}[- ]?[QqMm]\d{1,2}"  # 2024Q1
    r"|(?=.*\d)(?:\d{1,2}[-. ])?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b.*"
    r"|\d{1,2}:\d{2}(?::\d{2}.*)?",
    re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(r"[+\-−]?(?:\d{1,3}(?:[. \u00a0\u202f'’]\d{3})+|\d*),(?!\d{3}$)\d+")
_DECIMAL_POINT = re.compile(r"[+\-−]?(?:\d{1,3}(?:[, \u00a0\u202f'’]\d{3})+|\d*)\.(?!\d{3}$)\d+")
_EITHER_COMMA = re.compile(r"[+\-−]?\d{1,3},\d{3}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table of text is written.

    Attributes:
        encoding: Python's name for the encoding.
        separator: the character between cells.
        columns: cells in a row.
        skip: rows before the table, such as a title.
        header: whether the table's first row holds names.
        decimal: the decimal sign.
        numeric: how many columns hold numbers.
        rows: rows of the table that were looked at, the header among them.
        agreeing: share of these rows that have `columns` cells.
        understood: share of cells that are a number, a date or empty.
    """

    encoding: str
    separator: str
    columns: int
    skip: int
    header: bool
    decimal: str
    numeric: int
    rows: int
    agreeing: float
    understood: float


def find(sample: bytes, *, complete: bool) -> Dialect | None:
    """The dialect of a table that begins so, or `None` if this is no table.

    Args:
        sample: the first bytes of the file.
        complete: whether they are the whole file; if not, the last line is left out.
    """
    encoding = encoding_of(sample)
    if encoding is None:
        return None
    text = sample.decode(encoding, errors="ignore").replace("\r\n", "\n").replace("\r", "\n")
    if not complete:
        text = text.rpartition("\n")[0]
    found = [_with_separator(text, separator, encoding) for separator in SEPARATORS]
    several = [dialect for dialect in found if dialect and dialect.columns > 1]
    if several:
        return max(several, key=lambda dialect: dialect.understood)
    single = [dialect for dialect in found if dialect and dialect.numeric]
    return min(single, key=lambda dialect: dialect.skip, default=None)


def encoding_of(sample: bytes) -> str | None:
    """The encoding of text that begins so, or `None` for what is no text."""
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in set(sample)):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _with_separator(text: str, separator: str, encoding: str) -> Dialect | None:
    rows = _rows(text, separator)
    if len(rows) < 2:
        return None
    # The table's width is the most frequent one; of equals, the one further down.
    counts = Counter(len(row) for row in reversed(rows))
    width = counts.most_common(1)[0][0]
    skip = next(number for number, row in enumerate(rows) if len(row) == width)
    if skip > _PREAMBLE_ROWS:
        return None
    table = rows[skip:]
    fitting = [row for row in table if len(row) == width]
    if len(fitting) < 2 or len(fitting) < _MOST * len(table):
        return None
    columns = list(zip(*fitting[1:], strict=True))
    decimal = _decimal([cell for column in columns for cell in column], separator)
    header = _has_header(fitting[0], columns, text, separator)
    if not header:
        columns = list(zip(*fitting, strict=True))
    dialect = Dialect(encoding, separator, width, skip, header, decimal, 0, len(table), 1.0, 0.0)
    return replace(
        dialect,
        numeric=sum(_mostly(column, is_number) for column in columns),
        agreeing=len(fitting) / len(table),
        understood=_understood(columns),
    )


def _rows(text: str, separator: str) -> list[list[str]]:
    """The first rows that are not blank; none where the text cannot be split so."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    rows = []
    try:
        for row in reader:
            if row and any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
            if len(rows) >= _SAMPLE_ROWS:
                break
    except csv.Error:
        return []
    return rows


def _has_header(
    first: list[str], columns: list[tuple[str, ...]], text: str, separator: str
) -> bool:
    """Whether a word stands over numbers or dates, or the first row alone is in quotes."""
    for cell, column in zip(first, columns, strict=True):
        is_word = not is_empty(cell) and not is_number(cell) and not is_date(cell)
        if is_word and (_mostly(column, is_number) or _mostly(column, is_date)):
            return True
    quoted = separator.join(f'"{cell}"' for cell in first)
    if quoted in text and text.count('"') == 2 * len(first):
        return True
    return all(not is_number(cell) and not is_date(cell) for cell in first) and any(first)


def _decimal(cells: list[str], separator: str) -> str:
    """The decimal sign; a lone `1,234` has a decimal comma only where `;` parts the cells."""
    if any(_DECIMAL_POINT.fullmatch(bare(cell)) for cell in cells):
        return "."
    if any(_DECIMAL_COMMA.fullmatch(bare(cell)) for cell in cells):
        return ","
    doubtful = any(_EITHER_COMMA.fullmatch(bare(cell)) for cell in cells)
    return "," if doubtful and separator == ";" else "."


def bare(cell: str) -> str:
    """A cell without its currency or percent sign."""
    return _CURRENCY.sub("", cell)


def is_empty(cell: str) -> bool:
    """Whether a cell stands for no value."""
    return cell.lower() in EMPTY


def is_number(cell: str) -> bool:
    """Whether a cell is a number in any common way of writing, currency and percent included."""
    return NUMBER.fullmatch(bare(cell)) is not None


def is_date(cell: str) -> bool:
    """Whether a cell looks like a date or a time of day."""
    return len(cell) <= 40 and _DATE.fullmatch(cell) is not None


def _mostly(column: tuple[str, ...], test) -> bool:
    """Whether nearly all cells that are not empty pass a test, and there are any."""
    filled = [cell for cell in column if not is_empty(cell)]
    return bool(filled) and sum(map(test, filled)) >= _MOST * len(filled)


def _understood(columns: list[tuple[str, ...]]) -> float:
    cells = [cell for column in columns for cell in column]
    return sum(is_empty(cell) or is_number(cell) or is_date(cell) for cell in cells) / len(cells)
