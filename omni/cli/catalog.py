"""`omni catalog`: every component, and the published system that it comes from."""

from __future__ import annotations

import argparse
import json

from omni.cli.screen import Screen, table

SUMMARY = "list every component and the published system it comes from"


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the catalogue."""
    from omni.catalog import catalog, to_json

    screen = Screen()
    entries = catalog()
    if arguments.json:
        screen.raw(json.dumps(to_json(entries), ensure_ascii=False, indent=1) + "\n")
        return 0
    rows = [(one.kind, one.name, one.system, one.summary) for one in entries]
    for line in table(rows, screen.columns):
        screen.line(line)
    return 0
