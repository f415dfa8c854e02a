"""Tell tables of numbers by their first bytes."""

from __future__ import annotations

import ast
import json
import re

from . import dialect

PARQUET, NPY = b"PAR1", b"\x93NUMPY"
CLOUD_COLUMNS = (3, 6)
"""Two-dimensional arrays of this width are point clouds and belong to another modality."""

_MEASURES = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?=\s*[,\]}\n])|\bnull\b")
_ROWS_WITHOUT_HINT = 3
_SAMPLE_IS_CUT = 4096
_PROSE = (".md", ".markdown", ".rst", ".html", ".htm", ".xml", ".svg", ".py", ".js", ".c", ".h")
"""Endings of text that may hold rows of numbers and is no table."""


def mime_of(head: bytes, name: str) -> str | None:
    """The MIME type of a table of numbers that begins so, or `None`.

    The name decides one thing: a table that holds only words is a series (which `load` refuses
    with a reason) if it is called `.csv` or `.tsv`, and text if it is not.
    """
    if head[:4] == PARQUET:
        return "application/vnd.apache.parquet"
    if head[:6] == NPY:
        shape = npy_shape(head)
        cloud = shape is not None and len(shape) == 2 and shape[1] in CLOUD_COLUMNS
        return None if cloud else "application/x-npy"
    complete = len(head) < _SAMPLE_IS_CUT
    lowered = name.lower()
    if _is_json(head, complete):
        return "application/json"
    if lowered.endswith(_PROSE):
        return None
    named = lowered.endswith((".csv", ".tsv", ".tab"))
    found = dialect.find(head, complete=complete)
    if found is None or not (_is_table(found) or (named and found.columns > 1)):
        return None
    if found.columns == 1 and not named:
        return None
    return "text/tab-separated-values" if found.separator == "\t" else "text/csv"


def _is_table(found: dialect.Dialect) -> bool:
    return found.numeric > 0 and found.rows >= _ROWS_WITHOUT_HINT


def npy_shape(head: bytes) -> tuple[int, ...] | None:
    """The shape that the header of an NPY file declares, if it is whole within the head."""
    start = 10 if head[6:7] == b"\x01" else 12
    length = int.from_bytes(head[8:start], "little")
    try:
        shape = ast.literal_eval(head[start : start + length].decode("latin-1").strip())["shape"]
        return tuple(int(side) for side in shape)
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        return None


def _is_json(head: bytes, complete: bool) -> bool:
    """Whether this is JSON that holds mostly rows or lists of numbers."""
    encoding = dialect.encoding_of(head)
    if encoding is None:
        return False
    text = head.decode(encoding, errors="ignore").strip()
    if text[:1] not in ("[", "{"):
        return False
    if complete:
        return _holds_numbers(text)
    if not re.match(r'\[\s*[\[{\-\d"n]|\{\s*"', text):
        return False
    without_words = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    return len(_MEASURES.findall(without_words)) >= max(8, without_words.count('""') // 6)


def _holds_numbers(text: str) -> bool:
    try:
        return _is_tabular(json.loads(text))
    except (ValueError, RecursionError):
        pass
    try:
        lines = [json.loads(line) for line in text.splitlines()[:20] if line.strip()]
    except (ValueError, RecursionError):
        return False
    return len(lines) > 1 and _is_tabular(lines)


def _is_tabular(value: object, depth: int = 2) -> bool:
    """Whether parsed JSON is rows, columns, or dated numbers, or an object around such."""
    if isinstance(value, list):
        if len(value) < 2:
            return False
        measured = [_has_number(item) for item in value]
        gaps = [None in _cells(item) for item in value]
        fitting = sum(map(max, measured, gaps))
        return any(measured) and fitting >= max(2, len(value) / 2)
    if not isinstance(value, dict) or not depth:
        return False
    if value and all(dialect.is_date(str(key)) for key in value):
        return all(_is_number(item) or item is None for item in value.values())
    inside = [item for item in value.values() if isinstance(item, list | dict)]
    return any(_is_tabular(item, depth - 1) or _is_column(item) for item in inside)


def _is_column(value: object) -> bool:
    """Whether this is a column as pandas writes it: row number to number."""
    return (
        isinstance(value, dict)
        and len(value) > 1
        and all(key.isdigit() for key in value)
        and all(_is_number(item) or item is None for item in value.values())
    )


def _has_number(item: object) -> bool:
    return any(_is_number(cell) for cell in _cells(item))


def _cells(item: object) -> list[object]:
    """The cells of a row, or the one that stands alone."""
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else [item]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
