"""Series by window, each described in words: how long, how high, whether it rises or swings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni.media import Media
from omni.modality import modality
from omni.values import Series

from .likeness import key_of_bytes
from .piece import Piece
from .plan import Plan

_COLUMNS = 8
"""So many columns are described."""

_CLEAR_TREND = 0.3
"""Share of the variance that a straight line must explain."""

_CLEAR_CYCLE = 0.5
"""Correlation with itself one cycle later."""

_NEARLY = 0.85
_BY = "omni"


def extract(media: Media, plan: Plan) -> Iterator[Piece]:
    """A series whole, and its windows where it has more than one."""
    kind = modality(media.modality)
    series = kind.load(media)
    rows = len(series.values)
    size = max(plan.window_rows, -(-rows // plan.most_windows))
    meta: dict[str, Any] = {"caption": kind.caption(series), "rows": rows, **_facts(series)}
    yield Piece(
        text=f"{meta['caption']}. {described(series)}",
        modality=media.modality,
        media=media,
        title=media.name,
        meta=meta,
        rows=(0, rows),
        extractor=_BY,
        key=key_of_bytes(media.digest),
    )
    if rows <= size:
        return
    for start, end in windows(rows, size):
        part = _between(series, start, end)
        yield Piece(
            text=f"{kind.caption(part)}. {described(part)}",
            modality=media.modality,
            media=kind.save(part, name=f"{media.name} rows {start}-{end}.csv", mime="text/csv"),
            title=media.name,
            meta=_facts(part),
            rows=(start, end),
            extractor=_BY,
        )


def windows(rows: int, size: int) -> Iterator[tuple[int, int]]:
    """First row and the one after the last of each window; the last is not left much shorter."""
    count = max(1, round(rows / size))
    edges = np.linspace(0, rows, count + 1).round().astype(int).tolist()
    yield from itertools.pairwise(edges)


def described(series: Series) -> str:
    """What happens in each column, in words."""
    names = series.names[:_COLUMNS]
    return " ".join(f"{name} {shape(series.values[:, place])}." for place, name in enumerate(names))


def shape(column: NDArray[np.float64]) -> str:
    """Such as `rises, with a cycle of 12 rows`."""
    known = np.isfinite(column)
    if known.sum() < 4:
        return "has hardly any values"
    places = np.arange(len(column))
    values = np.interp(places, places[known], column[known])
    spread = float(values.std())
    if spread <= 1e-9 * max(1.0, float(np.abs(values).max())):
        return "stays the same"
    slope, level = np.polyfit(places, values, 1)
    line = slope * places + level
    explained = float(line.var() / values.var())
    told = "keeps its level"
    if explained >= _CLEAR_TREND:
        told = "rises" if slope > 0 else "falls"
    if cycle := _cycle(values - line):
        told += f", with a cycle of {cycle} rows"
    return told


def _cycle(rest: NDArray[np.float64]) -> int | None:
    """Rows after which it is most like itself, if that is clear and fits in at least thrice."""
    size = len(rest)
    if size < 12 or rest.std() == 0:
        return None
    spectrum = np.fft.rfft(rest - rest.mean(), 2 * size)
    alike = np.fft.irfft(np.abs(spectrum) ** 2)[: size // 3]
    alike = alike / alike[0] * size / (size - np.arange(len(alike)))
    below = np.flatnonzero(alike < 0)
    if not len(below) or below[0] + 2 >= len(alike):
        return None
    later = alike[below[0] : -1]
    tops = np.flatnonzero((later >= np.roll(later, 1)) & (later >= alike[below[0] + 1 :]))
    # Two cycles later it is as like itself again, and sometimes a little more.
    tops = tops[later[tops] >= max(_CLEAR_CYCLE, _NEARLY * float(later.max()))]
    return int(below[0] + tops[0]) if len(tops) else None


def _facts(series: Series) -> dict[str, Any]:
    """Where it begins and ends, and the range of its first columns."""
    found: dict[str, Any] = {"columns": list(series.names[:_COLUMNS])}
    if series.times is not None and len(series.times):
        found["from"], found["to"] = (str(time)[:19] for time in series.times[[0, -1]])
    values = series.values[:, : len(found["columns"])]
    known = np.isfinite(values)
    if known.any():
        found["least"] = float(values[known].min())
        found["greatest"] = float(values[known].max())
    return found


def _between(series: Series, start: int, end: int) -> Series:
    times = None if series.times is None else series.times[start:end]
    return replace(series, values=series.values[start:end], times=times, notes=())
