"""`omni sessions`: list the saved sessions, search what was said in them, or delete some."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from omni.cli.screen import Screen, clean, colourful, fit, one_line, table
from omni.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omni.chat.searching import Found
    from omni.chat.sessions import Session

OPEN, CLOSE = "\x02", "\x03"  # as `omni.chat.searching` has them, which is heavy to import

SUMMARY = "list the saved sessions, search what was said in them, or delete some"


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "search", "delete", "clean"), default="list"
    )
    parser.add_argument(
        "names", nargs="*", metavar="WORD", help="words to search for, or sessions to delete"
    )
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most N turns found")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List, search, delete, or clean up after processes that died."""
    from omni.chat.sessions import Sessions

    screen = Screen()
    with Sessions() as sessions:
        if arguments.action == "search":
            found = sessions.search(" ".join(arguments.names), arguments.limit)
            return _tell_found(found, screen, arguments.json)
        if arguments.action == "clean":
            count = sessions.collect()
            told = json.dumps({"collected": count}) if arguments.json else ""
            if told:
                screen.raw(f"{told}\n")
            else:
                screen.notice(f"{count} unused blobs deleted")
            return 0
        if arguments.action == "delete":
            if not arguments.names:
                raise UsageError("name the sessions to delete: omni sessions delete NAME…")
            names = [sessions.find(name).name for name in arguments.names]
            for name in dict.fromkeys(names):
                sessions.delete(name)
            if arguments.json:
                screen.raw(json.dumps({"deleted": names}, ensure_ascii=False) + "\n")
            else:
                screen.notice(f"deleted {', '.join(names)}")
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


def _tell_found(found: Sequence[Found], screen: Screen, as_json: bool) -> int:
    if as_json:
        plain = [asdict(one) | {"text": marked(one.text, "", "")} for one in found]
        screen.raw(json.dumps({"found": plain}, ensure_ascii=False, indent=1) + "\n")
        return 0
    for line in found_lines(found, screen):
        screen.raw(line + "\n")
    return 0


def found_lines(found: Sequence[Found], screen: Screen) -> list[str]:
    """Two lines a turn: where it was said, and the words, which stand out where colours do."""
    if not found:
        return ["nothing was found"]
    colours = colourful(screen.out)
    told = []
    for one in found:
        at = (
            datetime.fromisoformat(one.at).astimezone().strftime("%Y-%m-%d %H:%M") if one.at else ""
        )
        told.append(fit(one_line(clean(f"{one.session}  turn {one.turn}  {at}")), screen.columns))
        text = f"  {_cut(one.text, screen.columns - 3)}"
        told.append(marked(text, "\x1b[1m", "\x1b[0m") if colours else marked(text, "", ""))
    return told


def _cut(text: str, columns: int) -> str:
    """The text on one line in so many columns, without control characters but our paired marks."""
    kept: list[str] = []
    for sign in one_line(text):
        if sign not in (OPEN, CLOSE):
            sign = clean(sign)
            shown = marked("".join(kept), "", "") + sign
            if fit(shown, columns) != shown:
                kept.append("…" + (CLOSE if kept.count(OPEN) > kept.count(CLOSE) else ""))
                break
        kept.append(sign)
    return "".join(kept)


def marked(text: str, before: str, after: str) -> str:
    """The text with these signs around what was searched for."""
    return text.replace(OPEN, before).replace(CLOSE, after)


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
