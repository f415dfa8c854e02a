"""`omni memory relate`: read what is new in a memory for names, for searches by `--graph`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from omni.cli.screen import Screen


def flags(parser: argparse.ArgumentParser) -> None:
    """The flags of this task."""
    parser.add_argument(
        "--model", metavar="NAME", help="a brain that reads instead of the rules, such as openai:…"
    )


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    """Read, and tell what was found."""
    from omni.cli.memory import open_library
    from omni.config import settings

    brain = None
    if arguments.model:
        from omni.chat.brain import brain as chosen

        brain = chosen(arguments.model)
    with open_library(arguments.memory, settings()) as library:
        done = library.relate(brain)
        for note in dict.fromkeys([*library.notes, *done.notes]):
            screen.notice(note)
    if arguments.json:
        screen.raw(json.dumps(asdict(done), ensure_ascii=False) + "\n")
        return 0
    dropped = f", {done.dropped:,} dropped that disagree" if done.dropped else ""
    screen.line(
        f"read {done.records:,} records: {done.names:,} names, {done.statements:,} statements"
        f"{dropped}"
    )
    return 0


TASKS = {"relate": ("read what is new for names, for searches by --graph", flags, run)}
