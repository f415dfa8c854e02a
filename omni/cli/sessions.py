"""`omni sessions`: list the saved sessions, or delete some."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from omni.cli.screen import Screen, table
from omni.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omni.chat.sessions import Session

SUMMARY = "list the saved sessions, or delete some"


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument("action", nargs="?", choices=("list", "delete"), default="list")
    parser.add_argument("names", nargs="*", metavar="NAME", help="sessions to delete")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List or delete."""
    from omni.chat.sessions import Sessions

    screen = Screen()
    with Sessions() as sessions:
        if arguments.action == "delete":
            if not arguments.names:
                raise UsageError("name the sessions to delete: omni sessions delete NAME…")
            found = [sessions.find(name).name for name in arguments.names]
            for name in dict.fromkeys(found):
                sessions.delete(name)
            if arguments.json:
                screen.raw(json.dumps({"deleted": found}, ensure_ascii=False) + "\n")
            else:
                screen.notice(f"deleted {', '.join(found)}")
            return 0
        if arguments.names:
            raise UsageError("list takes no names: omni sessions [--json]")
        listed = sessions.list()
    if arguments.json:
        told = {"sessions": [asdict(session) for session in listed]}
        screen.raw(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
        return 0
    for line in lines(listed, screen.columns):
        screen.line(line)
    return 0


def lines(sessions: Sequence[Session], columns: int) -> list[str]:
    """A line a session, the one used last first."""
    if not sessions:
        return ["no sessions yet: omni chat"]
    rows = [
        (
            one.name,
            datetime.fromisoformat(one.updated).astimezone().strftime("%Y-%m-%d %H:%M"),
            f"{one.turns} turns",
            f"{one.attachments} media",
            one.title or "(nothing asked yet)",
        )
        for one in sessions
    ]
    return table(rows, columns)


def find(name: str) -> str:
    """The full name of the session to resume: the one that is named, or the one used last.

    Raises:
        UsageError: if there is none.
    """
    from omni.chat.sessions import Sessions

    with Sessions() as sessions:
        if name:
            return sessions.find(name).name
        last = sessions.last()
    if last is None:
        raise UsageError("there is no session to resume yet: omni chat")
    return last.name
