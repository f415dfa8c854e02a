"""`omni bench`: measure speed beside the honest rival."""

from __future__ import annotations

import argparse
import json

from omni.cli.screen import Screen, table

SUMMARY = "measure speed beside plain transformers on the same weights"
NAMES = ("nano",)


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--model", default="nano", help="nano, or the folder of another model")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, …")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print medians."""
    from omni.device import place
    from omni.errors import UsageError
    from omni.evaluation import rows, speed

    if arguments.repeats < 1:
        raise UsageError(f"--repeats is a number above 0, not {arguments.repeats}")
    placement = place(arguments.device, "float32")
    measured = speed.measure(arguments.repeats, model=arguments.model, placement=placement)
    screen = Screen()
    if arguments.json:
        found = rows.timings(
            arguments.name, measured, repeats=arguments.repeats, device=str(placement.device)
        )
        screen.raw(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        return 0
    head = ("case", "seconds", "limit", "rival", "ratio", "tokens/s", "equal")
    for line in table([head, *(_cells(row) for row in measured)], screen.columns):
        screen.line(line)
    return 0


def _cells(row: dict) -> tuple[str, ...]:
    limit = f"{row['limit_seconds']:.2g}" if "limit_seconds" in row else ""
    seconds = f"{row['seconds']:.3f}", limit, f"{row['rival_seconds']:.3f}"
    rest = f"{row['ratio']:.2f}", f"{row['tokens_per_second']:.0f}", str(row["equal"]).lower()
    return (row["case"], *seconds, *rest)
