"""What can be measured on a series, as numbers and in one line."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from omni.values import Series

_COLUMNS_TOLD = 32
_COLUMNS_IN_CAPTION = 4


def facts(series: Series) -> dict[str, Any]:
    """Rows, columns, span, frequency, gaps, and lowest, mean and highest value of each column."""
    values = np.where(np.isfinite(series.values), series.values, np.nan)
    found: dict[str, Any] = {"rows": len(values), "columns": values.shape[1]}
    if series.times is not None and len(series.times):
        found |= {"from": shown(series.times[0]), "to": shown(series.times[-1])}
        found["frequency"] = series.frequency
    found["gaps"] = int(np.isnan(values).sum())
    # Names may repeat, so that a list is needed and not a dictionary.
    found["by_column"] = [
        {"name": name, **_measured(values[:, at])}
        for at, name in enumerate(series.names[:_COLUMNS_TOLD])
    ]
    return found | {"notes": list(series.notes)}


def _measured(column: np.ndarray) -> dict[str, float | int | None]:
    gaps = int(np.isnan(column).sum())
    if gaps == len(column):
        return {"min": None, "mean": None, "max": None, "gaps": gaps}
    with warnings.catch_warnings(), np.errstate(over="ignore"):
        warnings.simplefilter("ignore")
        mean = float(np.nanmean(column))
    low, high = float(np.nanmin(column)), float(np.nanmax(column))
    if not np.isfinite(mean):  # the sum exceeded what a float holds
        mean = float(np.nanmean(column / len(column)) * len(column))
    return {
        "min": _rounded(low),
        "mean": _rounded(min(max(mean, low), high)),
        "max": _rounded(high),
        "gaps": gaps,
    }


def _rounded(value: float) -> float:
    """Six digits."""
    return float(f"{value:.6g}")


def shown(time: np.datetime64) -> str:
    """A time in ISO form, without what is zero at its end."""
    text = str(time.astype("datetime64[ns]"))
    if text.endswith("T00:00:00.000000000"):
        return text[:10]
    return text.rstrip("0").removesuffix(".") if "." in text else text


def caption(series: Series) -> str:
    """One line of facts."""
    found = facts(series)
    rows, columns = found["rows"], found["columns"]
    words = [f"{rows:,} rows of {columns} column{'s' * (columns != 1)}"]
    if "from" in found:
        every = found["frequency"] or "irregular"
        words.append(f"{found['from']} to {found['to']} ({every})")
    for column in found["by_column"][:_COLUMNS_IN_CAPTION]:
        low, mean, high = (_short(column[key]) for key in ("min", "mean", "max"))
        words.append(f"{column['name']}: {low} to {high}, mean {mean}")
    if columns > _COLUMNS_IN_CAPTION:
        words.append(f"and {columns - _COLUMNS_IN_CAPTION} more columns")
    return "; ".join((*words, *series.notes))


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"
