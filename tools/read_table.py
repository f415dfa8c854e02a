"""Rows and columns of a table of numbers, and sums over groups of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool

if TYPE_CHECKING:
    from omni.values import Series

COMPONENTS = (Component("tool", "read_table", "Rows, columns and totals of a table of numbers."),)

_MOST_CELLS = 1200
_TOTALS = {"sum": np.nansum, "mean": np.nanmean, "min": np.nanmin, "max": np.nanmax,
           "median": np.nanmedian}  # fmt: skip


class _Table(Arguments):
    table: str = Field(description="handle of a table or a series, such as ser-1")
    columns: list[str] = Field(default_factory=list, description="which columns; all if empty")
    first: int = Field(0, ge=0, description="first row, counted from 0")
    rows: int = Field(20, ge=1, le=400, description="how many rows")
    total: Literal["sum", "mean", "min", "max", "median", "count"] | None = Field(
        None, description="instead of the rows: one number for each column over all these rows"
    )


class ReadTable(BenchTool):
    """Shows as much as a model can read, and says where the rest is."""

    name: str = "read_table"
    description: str = (
        "Read rows and columns of a table of numbers, or one total (sum, mean, min, max, median, "
        "count) of each column over the chosen rows."
    )
    args_schema: Any = _Table

    def work(
        self,
        table: str,
        columns: list[str] | None = None,
        first: int = 0,
        rows: int = 20,
        total: str | None = None,
    ) -> str:
        series: Series = self.bench.value(table, "series")
        places = _places(series, columns or [])
        count = len(series.values)
        if first >= count:
            raise Retry(f"{table} has {count} rows, counted from 0: there is no row {first}")
        names = [series.names[place] for place in places]
        last = count if total and rows == 20 else min(first + rows, count)
        values = series.values[first:last, places]
        if total:
            head = f"{total} of rows {first} to {last - 1} of {count}"
            return f"{head}: " + ", ".join(
                f"{name} {_total(total, column)}"
                for name, column in zip(names, values.T, strict=True)
            )
        if values.size > _MOST_CELLS:
            raise Retry(
                f"{values.shape[0]} rows of {values.shape[1]} columns are {values.size} values: "
                f"ask for at most {_MOST_CELLS}, by rows or columns"
            )
        lines = [",".join(["row", *(["time"] if series.times is not None else []), *names])]
        for place, row in enumerate(values, first):
            when = [str(series.times[place])[:19]] if series.times is not None else []
            lines.append(",".join([str(place), *when, *(_cell(value) for value in row)]))
        lines.append(f"(rows {first} to {last - 1} of {count})")
        return "\n".join(lines)


def _places(series: Series, columns: list[str]) -> list[int]:
    unknown = [name for name in columns if name not in series.names]
    if unknown:
        known = ", ".join(series.names[:30])
        raise Retry(f"there is no column {unknown[0]!r}; there are: {known}")
    return [series.names.index(name) for name in columns] or list(range(len(series.names)))


def _total(kind: str, column: np.ndarray) -> str:
    known = column[np.isfinite(column)]
    if kind == "count":
        return str(len(known))
    return _cell(float(_TOTALS[kind](known))) if len(known) else "no value"


def _cell(value: float) -> str:
    return f"{value:.10g}" if np.isfinite(value) else ""


plugin = ReadTable
