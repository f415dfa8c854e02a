"""`omni eval`: measure what a model can do, cell by cell."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from omni.cli.screen import Screen, one_line, table

SUMMARY = "measure what a model can do, and what is lost by reading fewer tokens"
NAMES = ("nano", "compression", "memory")
_OWNERS = {
    "budget": "nano",
    "methods": "compression",
    "keep": "compression",
    "sets": "memory",
}
"""Flags that only one of them has."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--count", type=int, default=200, help="examples a cell (200)")
    parser.add_argument("--model", default="nano", help="nano, or the folder of another model")
    parser.add_argument(
        "--cells",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only these, such as 'image>text', '*>audio', 'router*'; may be given again",
    )
    parser.add_argument("--budget", type=int, help="media tokens that a prompt may use")
    parser.add_argument(
        "--methods",
        action="append",
        default=[],
        metavar="NAME",
        help="compression: only these selectors; may be given again",
    )
    parser.add_argument(
        "--keep",
        action="append",
        type=float,
        default=[],
        metavar="SHARE",
        help="compression: shares of an item's tokens that are kept; may be given again",
    )
    parser.add_argument(
        "--sets",
        action="append",
        default=[],
        metavar="NAME",
        help="memory: only these, such as world:hard, docstrings:numpy, vidore=FOLDER",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, …")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="also draw the matrix here")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print the figures."""
    from omni.errors import UsageError
    from omni.evaluation.rows import HEADINGS, cells_of

    for name in ("count", "budget"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name} is a number above 0, not {value}")
    for name, owner in _OWNERS.items():
        if getattr(arguments, name) and arguments.name != owner:
            raise UsageError(f"--{name} is for omni eval {owner}, not for {arguments.name}")
    if wrong := [share for share in arguments.keep if not 0 < share <= 1]:
        raise UsageError(f"--keep is a share above 0 and up to 1, not {wrong[0]}")
    screen = Screen()
    with _shown(screen) as progress:
        found = _measured(arguments, progress)
    if not found["rows"]:
        raise UsageError(f"no cell is called {' or '.join(arguments.cells)}")
    if arguments.plots and arguments.name != "memory":
        _plot(arguments, found)
    if arguments.json:
        screen.raw(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        return 0
    if arguments.name == "memory":
        from omni.evaluation.memory import HEADINGS, cells_of
    for line in table([HEADINGS, *(cells_of(row) for row in found["rows"])], screen.columns):
        screen.line(line)
    for bar in found.get("bars", ()):
        screen.line(one_line(bar["told"]))
    return 0


def _measured(arguments: argparse.Namespace, progress: Any) -> Any:
    if arguments.name == "memory":
        from omni.evaluation import memory

        return memory.measure(
            arguments.sets, count=arguments.count, model=arguments.model, progress=progress
        )
    from omni.device import place
    from omni.evaluation import compression, nano

    placement = place(arguments.device, "float32")
    if arguments.name == "compression":
        return compression.measure(
            arguments.model,
            methods=arguments.methods,
            keep=tuple(arguments.keep) or compression.KEEP,
            count=arguments.count,
            skills=arguments.cells,
            placement=placement,
            progress=progress,
        )
    return nano.measure(
        arguments.model,
        count=arguments.count,
        cells=arguments.cells,
        budget=arguments.budget,
        placement=placement,
        progress=progress,
    )


def _plot(arguments: argparse.Namespace, found: Any) -> None:
    from omni.evaluation import curves, heatmap

    arguments.plots.mkdir(parents=True, exist_ok=True)
    if arguments.name == "compression":
        curves.accuracy(found["rows"]).save(arguments.plots / "compression.png", optimize=True)
    else:
        heatmap.matrix(found["rows"]).save(arguments.plots / "matrix.png", optimize=True)


def _shown(screen: Screen) -> Any:
    """A bar for a person who looks at standard error, a line a cell for a log."""
    from omni.cli.measuring import Bar, Lines

    return Bar(screen) if screen.err.isatty() else Lines(screen)
