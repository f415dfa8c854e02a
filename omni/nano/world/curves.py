"""Series of the world: trend, season, an event and noise, at the scales of real measurements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from omni.nano.world import words
from omni.values import Series

FEWEST_ROWS, MOST_ROWS = 48, 720
MOST_CYCLES = 12
"""A season comes round 2 to 12 times; 0 cycles mean that there is none."""

FEWEST_ROWS_A_CYCLE = 10

EDGES = {"spike": 0.05, "level shift": 0.15, "variance change": 0.18}
"""How near to either end an event may be: what changes must be seen before and after."""

BETWEEN = 0.05
"""How near to the border of a third of the time, so that `early` is never nearly `middle`."""

NOISE, LOUDER = (0.05, 0.3), (3.0, 6.0)
"""Deviation of the noise, and how many times as large it is on one side of a variance change."""

QUIET = (0.05, 0.13)
"""Deviation on the other side of it."""

NAMES = ("sales", "temperature", "load", "price", "visitors", "level", "value", "flow")
FREQUENCIES = {"D": np.timedelta64(1, "D"), "h": np.timedelta64(1, "h")}


@dataclass(frozen=True, slots=True)
class Course:
    """What is true of one column.

    Attributes:
        trend: one of `words.TRENDS`.
        cycles: how often the season comes round over the whole column; 0 without a season.
        event: one of `words.EVENTS`, or `None`.
        place: where the event lies, 0…1; 0 without one.
    """

    trend: str
    cycles: int = 0
    event: str | None = None
    place: float = 0.0

    @property
    def when(self) -> str:
        """One of `words.TIMES`; empty without an event."""
        return words.TIMES[min(2, int(self.place * 3))] if self.event else ""

    @property
    def held_out(self) -> bool:
        """Whether such courses are never trained on."""
        return (self.trend, self.cycles > 0, self.event) in words.HELD_OUT_COURSES


@dataclass(frozen=True, slots=True)
class Curve:
    """A series with the course of each of its columns; the plain labels are the first column's."""

    series: Series
    courses: tuple[Course, ...]

    @property
    def trend(self) -> str:
        return self.courses[0].trend

    @property
    def cycles(self) -> int:
        return self.courses[0].cycles

    @property
    def event(self) -> str | None:
        return self.courses[0].event

    @property
    def place(self) -> float:
        return self.courses[0].place

    @property
    def when(self) -> str:
        return self.courses[0].when


def sample(rng: np.random.Generator, *, columns: int = 1, held_out: bool | None = False) -> Curve:
    """A random series; most are clean, some have gaps, about half a time column.

    Args:
        rng: what is chosen comes from it.
        columns: how many.
        held_out: whether all courses are of `words.HELD_OUT_COURSES`; `None` is either.
    """
    length = round(float(np.exp(rng.uniform(np.log(FEWEST_ROWS), np.log(MOST_ROWS)))))
    courses = tuple(course(rng, length, held_out=held_out) for _ in range(columns))
    values = np.stack([_scaled(rng, draw(rng, each, length)) for each in courses], axis=1)
    if rng.random() < 0.15:
        values = _with_gaps(rng, values)
    names = tuple(str(name) for name in rng.choice(NAMES, columns, replace=False))
    times, frequency = None, None
    if rng.random() < 0.5:
        frequency = str(rng.choice(list(FREQUENCIES)))
        start = np.datetime64("2015-01-01", "ns") + np.timedelta64(int(rng.integers(3000)), "D")
        times = start + np.arange(length) * FREQUENCIES[frequency].astype("timedelta64[ns]")
    return Curve(Series(values, names, times=times, frequency=frequency), courses)


def describe(made: Course) -> dict[str, str | int]:
    """What is true of it, in words; its cycles are a number."""
    return {
        "trend": made.trend,
        "cycles": made.cycles,
        "event": made.event or "",
        "when": made.when,
    }


def course(
    rng: np.random.Generator, length: int = MOST_ROWS, *, held_out: bool | None = False
) -> Course:
    """What shall be true of a column of this length; for `held_out` see `sample`."""
    while True:
        made = _course(rng, length)
        if held_out is None or held_out == made.held_out:
            return made


def _course(rng: np.random.Generator, length: int) -> Course:
    trend = str(rng.choice(words.TRENDS))
    most = min(MOST_CYCLES, length // FEWEST_ROWS_A_CYCLE)
    cycles = int(rng.integers(2, most + 1)) if rng.random() < 0.5 else 0
    if rng.random() < 0.3:
        return Course(trend, cycles)
    event = str(rng.choice(words.EVENTS))
    third = int(rng.integers(3))
    low = max(EDGES[event], third / 3 + BETWEEN)
    high = min(1 - EDGES[event], (third + 1) / 3 - BETWEEN)
    return Course(trend, cycles, event, float(rng.uniform(low, high)))


def draw(rng: np.random.Generator, made: Course, length: int) -> np.ndarray:
    """The column `[length]` of a course, in units of its own."""
    time = np.linspace(0, 1, length)
    column = _noise(rng, length) * _deviation(rng, made, time)
    climb = {"rising": 1, "falling": -1, "flat": 0}[made.trend] * rng.uniform(2.0, 5.0)
    bend = rng.uniform(0.75, 1.35)
    column += climb * (time**bend if climb > 0 else 1 - (1 - time) ** bend)
    if made.cycles:
        phase = 2 * np.pi * (made.cycles * time + rng.uniform())
        swing = rng.uniform(0.6, 1.4)
        column += swing * (np.sin(phase) + rng.uniform(0, 0.3) * np.sin(2 * phase))
    if made.event == "level shift":
        column += rng.choice([-1, 1]) * rng.uniform(2.0, 3.5) * (time >= made.place)
    elif made.event == "spike":
        middle = min(length - 1, round(made.place * (length - 1)))
        width = max(1, -(-length // 256) + int(rng.integers(0, 2)))
        column[middle : middle + width] += rng.choice([-1, 1]) * rng.uniform(3.0, 6.0)
    return column


def _deviation(rng: np.random.Generator, made: Course, time: np.ndarray) -> np.ndarray:
    """Of the noise, at each time."""
    if made.event != "variance change":
        return np.full_like(time, rng.uniform(*NOISE))
    after = (time >= made.place) == (rng.random() < 0.5)
    return rng.uniform(*QUIET) * np.where(after, rng.uniform(*LOUDER), 1.0)


def _noise(rng: np.random.Generator, length: int) -> np.ndarray:
    """White, or with a little memory."""
    noise = rng.standard_normal(length)
    if rng.random() < 0.3:
        memory = rng.uniform(0.1, 0.5)
        for index in range(1, length):
            noise[index] += memory * noise[index - 1]
        noise *= np.sqrt(1 - memory**2)
    return noise


def _scaled(rng: np.random.Generator, column: np.ndarray) -> np.ndarray:
    """At a scale and level as real series have them: mostly positive, of any size."""
    unit = 10 ** rng.uniform(-2, 4)
    level = unit * rng.uniform(-5, 5) if rng.random() < 0.3 else unit * rng.uniform(8, 30)
    digits = int(np.clip(3 - np.floor(np.log10(unit)), 0, 6))
    return np.round(level + unit * column, digits)


def _with_gaps(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    values = values.copy()
    missing = rng.random(values.shape) < rng.uniform(0.01, 0.08)
    missing[[0, -1]] = False
    values[missing] = np.nan
    return values
