"""`omni bench`: measure speed beside the honest rival."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from omni.cli.screen import Screen, table

SUMMARY = "measure speed beside what one would use instead"
NAMES = ("nano", "select", "prefill", "memory")


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--model", default="nano", help="nano, or the folder of another model")
    parser.add_argument(
        "--methods",
        action="append",
        default=[],
        metavar="NAME",
        help="select: only these selectors; may be given again",
    )
    parser.add_argument(
        "--shapes",
        action="append",
        default=[],
        metavar="NAME",
        help="select: only clip, siglip, tiles or film; prefill: only models whose names begin so; "
        "may be given again",
    )
    parser.add_argument("--items", type=int, default=50_000, help="memory: records (50,000)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, …")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print medians."""
    from omni.device import place
    from omni.errors import UsageError
    from omni.evaluation import rows

    if arguments.repeats < 1:
        raise UsageError(f"--repeats is a number above 0, not {arguments.repeats}")
    for flag, names in (("methods", ("select",)), ("shapes", ("select", "prefill"))):
        if getattr(arguments, flag) and arguments.name not in names:
            wanted = " and ".join(f"omni bench {name}" for name in names)
            raise UsageError(f"--{flag} is for {wanted}, not for {arguments.name}")
    if arguments.name == "memory":
        if arguments.items < 2_000:
            raise UsageError(f"--items is a number from 2,000 up, not {arguments.items}")
        # Searches are timed on one thread; libraries look at this when they are loaded.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    placement = place(arguments.device, "float32")
    measured = _measured(arguments, placement)
    screen = Screen()
    if arguments.json:
        found = rows.timings(
            arguments.name, measured, repeats=arguments.repeats, device=str(placement.device)
        )
        screen.raw(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        return 0
    head, cells = _HEADS[arguments.name]
    for line in table([head, *(cells(row) for row in measured)], screen.columns):
        screen.line(line)
    return 0


def _measured(arguments: argparse.Namespace, placement: Any) -> list[dict]:
    if arguments.name == "memory":
        from omni.evaluation import memory_speed

        return memory_speed.measure(arguments.repeats, items=arguments.items)
    from omni.evaluation import selection_speed, speed

    if arguments.name == "select":
        return selection_speed.measure(
            arguments.repeats,
            shapes=selection_speed.shapes_named(arguments.shapes),
            methods=arguments.methods,
            device=placement.device,
            told=_told,
        )
    if arguments.name == "prefill":
        from omni.evaluation import prefill_speed

        return prefill_speed.measure(
            arguments.repeats,
            geometries=prefill_speed.geometries_named(arguments.shapes, placement.device),
            device=placement.device,
            told=_told,
        )
    return speed.measure(arguments.repeats, model=arguments.model, placement=placement)


def _told(row: dict) -> None:
    """A row as it comes, on standard error: what is cut off has said something."""
    print(json.dumps(row, ensure_ascii=False), file=sys.stderr, flush=True)


def _answering_cells(row: dict) -> tuple[str, ...]:
    limit = f"{row['limit_seconds']:.2g}" if "limit_seconds" in row else ""
    seconds = f"{row['seconds']:.3f}", limit, f"{row['rival_seconds']:.3f}"
    rest = f"{row['ratio']:.2f}", f"{row['tokens_per_second']:.0f}", str(row["equal"]).lower()
    return (row["case"], *seconds, *rest)


def _selecting_cells(row: dict) -> tuple[str, ...]:
    times = f"{1000 * row['seconds']:.1f}", f"{1000 * row['limit_seconds']:.2f}"
    if "rival" not in row:
        return (row["case"], *times, "", "", "", "")
    greedy = f"{row['greedy_ratio']:.2f}" if "greedy_ratio" in row else ""
    rest = f"{row['ratio']:.2f}", greedy, f"{100 * row['overlap']:.0f} %"
    return (row["case"], *times, f"{1000 * row['rival_seconds']:.1f}", *rest)


def _prefill_cells(row: dict) -> tuple[str, ...]:
    times = f"{1000 * row['seconds']:.0f}", f"{1000 * row['rival_seconds']:.0f}"
    parts = (f"{1000 * row[f'{part}_seconds']:.1f}" for part in ("encode", "select", "prefill"))
    held = f"{100 * row['kv_bytes'] / row['rival_kv_bytes']:.0f} %"
    how = "whole" if row["bypassed"] else ""
    return (row["case"], *times, f"{row['ratio']:.2f}", *parts, held, how)


def _memory_cells(row: dict) -> tuple[str, ...]:
    seconds = f"{1000 * row['seconds']:.2f}"
    recall = f"{100 * row['recall']:.1f} %" if "recall" in row else ""
    if "rival" not in row:
        return (row["case"], seconds, recall, "", "", "")
    theirs = f"{100 * row['rival_recall']:.1f} %" if "rival_recall" in row else ""
    return (
        row["case"],
        seconds,
        recall,
        row["rival"],
        f"{1000 * row['rival_seconds']:.2f}",
        theirs,
    )


_HEADS: dict[str, tuple[tuple[str, ...], Callable[[dict], tuple[str, ...]]]] = {
    "nano": (
        ("case", "seconds", "limit", "rival", "ratio", "tokens/s", "equal"),
        _answering_cells,
    ),
    "memory": (("case", "ms", "recall", "rival", "rival ms", "its recall"), _memory_cells),
    "prefill": (
        ("case", "ms", "rival", "ratio", "encode", "select", "prefill", "cache", "read"),
        _prefill_cells,
    ),
    "select": (("case", "ms", "limit", "rival", "ratio", "greedy", "alike"), _selecting_cells),
}
