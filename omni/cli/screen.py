"""Where a verb writes: results on standard output, everything else on standard error."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

_PIPE_COLUMNS = 10_000
_KEPT = "\n\t"
_DROPPED = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in _KEPT}


class Screen:
    """Standard output and standard error, with what each of them can show.

    Text from files and models is hostile until cleaned: no control character of theirs reaches the
    terminal, so that a file name or an answer cannot move the cursor or retitle the window.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None):
        self.out = out or sys.stdout
        self.err = err or sys.stderr

    @property
    def interactive(self) -> bool:
        """Whether a person looks at standard output."""
        return self.out.isatty()

    @property
    def columns(self) -> int:
        """The width to keep to; a pipe has none, unless `COLUMNS` says so."""
        if not self.interactive and "COLUMNS" not in os.environ:
            return _PIPE_COLUMNS
        return shutil.get_terminal_size((80, 24)).columns

    @property
    def rows(self) -> int:
        return shutil.get_terminal_size((80, 24)).lines

    def write(self, text: str) -> None:
        """A piece of an answer, shown at once."""
        self.out.write(clean(text))
        self.out.flush()

    def line(self, text: str = "") -> None:
        """A line of the result."""
        self.write(text + "\n")

    def raw(self, text: str) -> None:
        """Text that carries escape sequences of our own making."""
        self.out.write(text)
        self.out.flush()

    def notice(self, text: str) -> None:
        """A line beside the result, in dim type where there is type."""
        self._aside(text, "2")

    def error(self, text: str) -> None:
        """One line that says what went wrong."""
        self._aside(f"omni: {one_line(text)}", "31")

    def _aside(self, text: str, style: str) -> None:
        if self.interactive:
            self.out.flush()
        text = clean(text)
        styled = f"\x1b[{style}m{text}\x1b[0m" if colourful(self.err) else text
        self.err.write(styled + "\n")
        self.err.flush()


def colourful(stream: TextIO) -> bool:
    """Whether colours may be written: on a terminal, unless `NO_COLOR` is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def clean(text: str) -> str:
    """The text without control characters, apart from line ends and tabs."""
    return text.translate(_DROPPED)


def one_line(text: str) -> str:
    """The text on one line: a line end and the white space around it become one space."""
    return re.sub(r"\s*[\r\n\t]\s*", " ", text).strip()


def fit(text: str, columns: int) -> str:
    """The text cut to a number of columns, with `…` where something was cut."""
    if sum(map(_cells, text)) <= columns:
        return text
    kept, used = [], 1
    for character in text:
        used += _cells(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def table(rows: Iterable[Sequence[Any]], columns: int) -> list[str]:
    """Lines of aligned cells; the last cell is wrapped, or put below where it is narrow."""
    cells = [[clean(str(cell)).replace("\n", " ") for cell in row] for row in rows]
    if not cells:
        return []
    widths = [max(len(row[index]) for row in cells) for index in range(len(cells[0]) - 1)]
    indent = sum(widths) + 2 * len(widths)
    lines = []
    for row in cells:
        head = "".join(cell.ljust(width + 2) for cell, width in zip(row, widths, strict=False))
        if columns - indent >= 24:
            body = textwrap.wrap(row[-1], columns - indent) or [""]
            lines.append((head + body[0]).rstrip())
            lines.extend(" " * indent + more for more in body[1:])
        else:
            lines.append(fit("  ".join(cell for cell in row[:-1] if cell), columns))
            lines.extend("  " + more for more in textwrap.wrap(row[-1], max(columns - 2, 8)))
    return lines


def size(count: float) -> str:
    """A number of bytes for people: `1.2 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
