"""Sensor logs: find the stretch where something happened, by words, with its rows and times.

    python recipes/sensor_logs.py                                     # a log that is made here
    python recipes/sensor_logs.py ~/logs "pressure falls" --unusual 3

Each log is cut into windows; of each column its trend and cycle are told in words. `--unusual`
needs no words: it names the windows whose level, spread or trend is least like the others'.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import omni
from omni.memory.retrieve import Library
from omni.modality import modality

WANTED = ("pressure falls", "temperature with a cycle of 24 rows")


def sample() -> str:
    """Sixty days, hour by hour: a daily cycle, a leak from row 768 to 1024, a rattle at the end."""
    chance, rows = np.random.default_rng(3), 1440
    hours = np.arange(rows)
    pressure = 8 + 0.02 * chance.normal(size=rows)
    pressure[768:1024] -= np.linspace(0, 3, 256)
    pressure[1024:] -= 3
    shake = 1 + 0.1 * chance.normal(size=rows)
    shake[1280:] *= 4
    log = pd.DataFrame(
        {
            "temperature": 20 + 5 * np.sin(2 * np.pi * hours / 24) + 0.3 * chance.normal(size=rows),
            "pressure": pressure,
            "vibration": shake,
        }
    )
    log = log.round(3)
    log.insert(0, "time", pd.Timestamp("2026-01-01") + pd.to_timedelta(hours, unit="h"))
    return log.to_csv(index=False)


def windows(library: Library, words: str, most: int) -> list[dict[str, Any]]:
    """The windows that words find, the best first; whole logs where they are short."""
    found = []
    for hit in library.search(words, 4 * most, {"@modality": "series"}).hits:
        record = hit.record
        media = library.excerpt(hit)
        if media is None or record.meta.get("file", {}).get("pieces"):
            continue  # a long log as a whole is no stretch of it
        kind = modality("series")
        citation = library.cite(hit)
        found.append(
            {
                "source": Path(citation.source).name,
                "rows": list(citation.rows or ()),
                "from": record.meta.get("from"),
                "to": record.meta.get("to"),
                "text": record.text,
                "curve": kind.sparkline(kind.load(media), width=48),
            }
        )
    return found[:most]


def unusual(paths: list[Path], most: int, size: int = 256) -> list[dict[str, Any]]:
    """Windows by how far level, spread and slope lie from the median, in robust deviations."""
    found = []
    for path in paths:
        series: Any = modality("series").load(omni.open_media(path))
        count = max(1, round(len(series.values) / size))
        edges = np.linspace(0, len(series.values), count + 1).round().astype(int)
        if count < 4:
            continue  # of so few none is unusual
        facts = np.stack([facts_of(series.values[a:b]) for a, b in itertools.pairwise(edges)])
        middle = np.median(facts, 0)  # [3, columns]
        scale = 1.4826 * np.median(np.abs(facts - middle), 0) + 1e-3 * np.abs(middle) + 1e-9
        apart = np.abs(facts - middle) / scale  # [windows, 3, columns]
        for place, one in enumerate(apart):
            what, column = np.unravel_index(one.argmax(), one.shape)
            found.append(
                {
                    "source": path.name,
                    "rows": [int(edges[place]), int(edges[place + 1])],
                    "column": series.names[column],
                    "by": ("level", "spread", "slope")[what],
                    "deviations": round(float(one.max()), 1),
                }
            )
    return sorted(found, key=lambda one: -one["deviations"])[:most]


def facts_of(values: Any) -> Any:
    """Level, spread and slope of each column `[3, columns]`."""
    slope = np.nanmean(np.diff(values, axis=0), 0)
    return np.stack([np.nanmedian(values, 0), np.nanstd(values, 0), slope])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="by default a log that is made here")
    parser.add_argument("words", nargs="*", metavar="WORDS", help="each something that happened")
    parser.add_argument("-k", type=int, default=1, metavar="N", help="stretches for each (1)")
    parser.add_argument("--unusual", type=int, default=2, metavar="N", help="unusual ones (2)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary, "logs")
        if given.folder is None:
            folder.mkdir()
            (folder / "pump.csv").write_text(sample())
        with Library(Path(temporary, "memory"), create=True) as library:
            outcome = library.add([folder])
            wanted = given.words or WANTED
            told = [{"words": one, "windows": windows(library, one, given.k)} for one in wanted]
        taken = [one.path for one in outcome.of("added") if one.path.suffix in (".csv", ".parquet")]
        odd = unusual(taken, given.unusual)
    if given.json:
        print(json.dumps({"found": told, "unusual": odd}, ensure_ascii=False))
        return
    for one in told:
        for window in one["windows"]:
            rows = "–".join(map(str, window["rows"]))
            print(f"{one['words']}: {window['source']} rows {rows}, from {window['from']}")
            print(window["curve"])
    for one in odd:
        rows = "–".join(map(str, one["rows"]))
        told = f"{one['by']} of {one['column']} is {one['deviations']:g} deviations away"
        print(f"unusual: {one['source']} rows {rows}: {told}")


if __name__ == "__main__":
    main()
