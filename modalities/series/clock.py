"""Find the column that tells when a row was measured, and read it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .dialect import is_date, is_empty
from .table import floats

if TYPE_CHECKING:
    import pandas as pd

NamedColumns = Sequence[tuple[str, "pd.Series"]]

_TIME_NAME = re.compile(
    r"\b(?:dates?|date ?time|times?|time ?stamp|ts|ds|datum|zeit|uhrzeit|fecha|day|week|month"
    r"|quarter|year|jahr|monat|tag|period|unix|epoch|seconds?|elapsed|t)\b"
)
_INDEX_NAME = re.compile(r"|index|id|row(?:s|names?)?|n|nr|no|step|obs|observation|level 0|x")
_DAY_MONTH = r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{2}|\d{4})\b(.*)$"
_QUARTER = r"^(\d{4})[- ]?[Qq]([1-4])$"
_MONTH = r"^(\d{4})[- ]?[Mm](0?[1-9]|1[0-2])$"
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?")
_ZONE = re.compile(r":\d{2}(?:\.\d+)?\s*(?:Z|[+-]\d{2}:?\d{2})$")
_ENOUGH = 0.8
_SAMPLE = 200
_SLOW_PARSER_ROWS = 200_000
_UNITS = (("s", 1e8, 5e9), ("ms", 1e11, 5e12), ("us", 1e14, 5e15), ("ns", 1e17, 5e18))
"""Units of time since 1970 and the numbers they take between 1973 and 2128."""
_YEARS = (1680, 2260)
"""Years that 64 bits of nanoseconds hold."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When each row was measured.

    Attributes:
        times: datetime64[ns] `[rows]`, NaT where unreadable; `None` for a bare row number.
        used: numbers of the columns that tell it.
        notes: how they were read, where there was a choice.
    """

    times: np.ndarray | None
    used: frozenset[int]
    notes: tuple[str, ...] = ()


def find(columns: NamedColumns) -> Clock | None:
    """The clock of a table, or `None` where no column tells a time."""
    from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

    for number, (_, column) in enumerate(columns):
        if is_datetime64_any_dtype(column.dtype):
            return Clock(_plain(column), frozenset({number}))
    if clock := _from_parts(columns):
        return clock
    for number, (_, column) in enumerate(columns):
        if not is_numeric_dtype(column.dtype) and (read := _read_text(column)):
            return Clock(read[0], frozenset({number}), read[1])
    row_number = None
    for number, (name, column) in enumerate(columns):
        if is_numeric_dtype(column.dtype) and column.dtype != bool:
            read = _read_numbers(name, column, first=number == 0, alone=len(columns) == 1)
            clock = Clock(read[0], frozenset({number}), read[1]) if read else None
            if clock and clock.times is not None:
                both = clock.used | (row_number.used if row_number else frozenset())
                return Clock(clock.times, both, clock.notes)
            row_number = row_number or clock
    return row_number


def _from_parts(columns: NamedColumns) -> Clock | None:
    """Year with month or quarter, and perhaps day, in columns of their own."""
    import pandas as pd

    spots = {name.strip().lower(): number for number, (name, _) in enumerate(columns)}
    year = next((spots[name] for name in ("year", "yr", "jahr") if name in spots), None)
    month = next(
        (spots[name] for name in ("month", "mon", "quarter", "qtr") if name in spots), None
    )
    if year is None or month is None:
        return None
    years, months = (pd.Series(floats(columns[at][1])) for at in (year, month))
    if columns[month][0].strip().lower().startswith("q"):
        months = months * 3 - 2
    if years.isna().any() or not years.between(*_YEARS).all() or not months.between(1, 12).all():
        return None
    parts = {"year": years, "month": months, "day": pd.Series(1, index=years.index)}
    used = {year, month}
    if "day" in spots:
        parts["day"] = pd.Series(floats(columns[spots["day"]][1]))
        used.add(spots["day"])
    times = pd.to_datetime(pd.DataFrame(parts), errors="coerce")
    return Clock(_plain(times), frozenset(used))


def _read_text(column: pd.Series) -> tuple[np.ndarray, tuple[str, ...]] | None:
    import pandas as pd

    text = column.astype("str")
    first = (cell.strip() for cell in text.dropna().iloc[: 2 * _SAMPLE])
    sample = [cell for cell in first if not is_empty(cell)][:_SAMPLE]
    if not sample or sum(map(is_date, sample)) < _ENOUGH * len(sample):
        return None
    text = text.str.strip()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        times, notes = _parse(text, sample)
    empty = text.isna() | (text.str.len() <= 1)
    if times is None or times.notna().sum() < _ENOUGH * (~empty).sum():
        return None
    return _plain(pd.Series(times)), notes


def _parse(text: pd.Series, sample: list[str]) -> tuple[pd.Series | None, tuple[str, ...]]:
    """Times of a column whose sample looks like dates, by the way that the sample is written."""
    import pandas as pd

    def mostly(pattern: str | re.Pattern[str]) -> bool:
        return sum(bool(re.match(pattern, cell)) for cell in sample) >= _ENOUGH * len(sample)

    if sum(bool(_TIME_OF_DAY.fullmatch(cell)) for cell in sample) >= _ENOUGH * len(sample):
        whole = text.where(text.str.count(":") > 1, text + ":00")
        times = pd.Timestamp(0) + pd.to_timedelta(whole, errors="coerce")
        return times, ("times of day without a date are placed on 1970-01-01",)
    for pattern, months in ((_QUARTER, 3), (_MONTH, 1)):
        if mostly(pattern):
            parts = text.str.extract(pattern).astype("float64")
            month = (parts[1] - 1) * months + 1
            dates = pd.DataFrame({"year": parts[0], "month": month, "day": 1})
            return pd.to_datetime(dates, errors="coerce"), ()
    if mostly(_DAY_MONTH):
        return _parse_day_month(text, sample)
    zoned = any(_ZONE.search(cell) for cell in sample)
    plain = text
    if any(re.match(r"\d{4}[/.]", cell) for cell in sample):
        plain = text.str.replace(r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})", r"\1-\2-\3", regex=True)
    times = pd.to_datetime(plain, format="ISO8601", errors="coerce", utc=zoned)
    if times.notna().mean() < _ENOUGH and len(text) <= _SLOW_PARSER_ROWS:
        times = pd.to_datetime(plain, format="mixed", errors="coerce", utc=zoned)
    return times, (("times with a zone are given in UTC",) if zoned else ())


def _parse_day_month(
    text: pd.Series, sample: list[str]
) -> tuple[pd.Series | None, tuple[str, ...]]:
    """Dates such as 03/04/2024: whichever order the whole column allows, and says so if both."""
    import pandas as pd

    parts = text.str.extract(_DAY_MONTH)
    first, second = parts[0].astype("float64"), parts[1].astype("float64")
    readings = {}
    for order, day, month in (("day", first, second), ("month", second, first)):
        year = parts[2].where(parts[2].str.len() != 2, "20" + parts[2])
        clock = parts[3].fillna("").str.replace(r"^[T ,]+", "", regex=True)
        numbers = pd.DataFrame({"year": year.astype("float64"), "month": month, "day": day})
        dates = pd.to_datetime(numbers, errors="coerce")
        if clock.str.len().max():
            stamps = dates.dt.strftime("%Y-%m-%d") + " " + clock
            dates = pd.to_datetime(stamps.str.strip(), format="mixed", errors="coerce")
        readings[order] = dates
    counts = {order: int(dates.notna().sum()) for order, dates in readings.items()}
    if counts["day"] != counts["month"]:
        return readings[max(counts, key=lambda order: counts[order])], ()
    if readings["day"].equals(readings["month"]):
        return readings["day"], ()
    rising = [order for order, dates in readings.items() if dates.is_monotonic_increasing]
    usual = "day" if "." in sample[0] else "month"
    order = rising[0] if len(rising) == 1 else usual
    why = "so that they ascend" if len(rising) == 1 else "which is a guess"
    return readings[order], (f"dates such as {sample[0]} are read {order} first, {why}",)


def _read_numbers(
    name: str, column: pd.Series, *, first: bool, alone: bool
) -> tuple[np.ndarray | None, tuple[str, ...]] | None:
    """Seconds since 1970, dates in digits, years, or an index: a name or the place must hint."""
    label = re.sub(r"[_\-]+", " ", name.strip().lower())
    hinted = bool(_TIME_NAME.search(label))
    numbers = floats(column)
    if alone or len(numbers) < 2 or not np.isfinite(numbers).all():
        return None
    with np.errstate(over="ignore"):
        steps = np.diff(numbers)
    if not np.isfinite(steps).all():
        return None
    ascending = bool((steps > 0).all())
    if not hinted and not (first and ascending):
        return None
    whole = bool((numbers == np.floor(numbers)).all())
    if (times := _since_1970(numbers)) is not None and (hinted or whole):
        return times
    if whole and (times := _in_digits(numbers)) is not None and (hinted or ascending):
        return times, ()
    if (times := _in_years(numbers, steps, hinted=hinted, whole=whole)) is not None:
        return times, ()
    return _elapsed(label, numbers, steps, hinted=hinted, ascending=ascending)


def _since_1970(numbers: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]] | None:
    low, high = numbers.min(), numbers.max()
    for unit, least, most in _UNITS:
        if least <= low and high < most:
            scale = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}[unit]
            times = (numbers * scale).round().astype("int64").astype("datetime64[ns]")
            return times, (f"times are read as {unit} since 1970",)
    return None


def _in_digits(numbers: np.ndarray) -> np.ndarray | None:
    """Numbers such as 20240305 or 202403."""
    import pandas as pd

    for form, least, most in (("%Y%m%d", 17000101, 22591231), ("%Y%m", 170001, 225912)):
        if least <= numbers.min() and numbers.max() <= most:
            text = pd.Series(numbers.astype("int64").astype(str))
            times = pd.to_datetime(text, format=form, errors="coerce")
            if times.notna().all():
                return _plain(times)
    return None


def _in_years(
    numbers: np.ndarray, steps: np.ndarray, *, hinted: bool, whole: bool
) -> np.ndarray | None:
    """Years such as 1998, or 1998.25 for its second quarter."""
    if numbers.min() < _YEARS[0] or numbers.max() > _YEARS[1]:
        return None
    if whole and (hinted or (steps == 1).all()):
        months = (numbers - 1970) * 12
    elif hinted and (steps > 0).all() and np.abs(numbers * 12 - np.round(numbers * 12)).max() < 0.1:
        months = np.round((numbers - 1970) * 12)
    else:
        return None
    return months.astype("int64").astype("datetime64[M]").astype("datetime64[ns]")


def _elapsed(
    label: str, numbers: np.ndarray, steps: np.ndarray, *, hinted: bool, ascending: bool
) -> tuple[np.ndarray | None, tuple[str, ...]] | None:
    """A row number, or seconds from a start that is not told."""
    if not ascending or not (hinted or _INDEX_NAME.fullmatch(label)):
        return None
    shown = repr(label or "the first column")
    if np.allclose(steps, steps[0], rtol=1e-6, atol=0):
        return None, (f"{shown} ascends in steps of {steps[0]:g} and is taken as the row number",)
    if not hinted or numbers.max() > 1e9:
        return None
    times = (numbers * 1e9).round().astype("int64").astype("datetime64[ns]")
    return times, (f"{shown} is read as seconds, shown as if from 1970-01-01",)


def _plain(times: pd.Series) -> np.ndarray:
    """Times as datetime64[ns] in UTC without a zone; NaT for what 64 bits do not hold."""
    import pandas as pd

    if times.dt.tz is not None:
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    held = times.where(times.between(pd.Timestamp("1678-01-01"), pd.Timestamp("2262-01-01")))
    return held.astype("datetime64[ns]").to_numpy()
