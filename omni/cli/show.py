"""`omni show`: what a session holds beside its words."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omni.cli.screen import Screen
from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.chat.transcript import Turn

SUMMARY = "show what the budget kept of the media of a session, over pictures of them"


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument("what", choices=("selection",), help="what to show")
    parser.add_argument("session", nargs="?", default="", help="by default the one used last")
    parser.add_argument(
        "--turn", type=int, metavar="N", help="of this question, from 1; by default the last"
    )
    parser.add_argument("-o", "--out", metavar="DIR", help="write the pictures into this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Draw the selection of a turn from what was stored with its session."""
    from omni.chat.sessions import Sessions, SessionShelf
    from omni.chat.transcript import turns
    from omni.cli import overlays
    from omni.cli.sessions import find
    from omni.config import settings

    screen = Screen()
    name = find(arguments.session)
    with Sessions() as sessions:
        shelf = SessionShelf(sessions, name)
        turn = chosen(turns(sessions.messages(name), {ref.handle for ref in shelf}), arguments.turn)
        selection = turn.answer.selection
        assert selection is not None
        target = Path(arguments.out).expanduser() if arguments.out else None
        drawn = overlays.write(shelf, selection, target or overlays.usual_folder(name))
    if arguments.json:
        told = overlays.in_json(selection.to_json(), drawn)
        found = {"session": name, "turn": turn.number, "selection": told}
        screen.raw(json.dumps(found, ensure_ascii=False) + "\n")
    else:
        overlays.tell(drawn, screen, settings().graphics)
    return 0 if all(one.path for one in drawn) else 1


def chosen(found: Sequence[Turn], number: int | None) -> Turn:
    """The turn of that number, or the last one in which media were looked at.

    Raises:
        UsageError: if there is no such turn, or its model tells of no selection.
    """
    if number is not None and not 1 <= number <= len(found):
        raise UsageError(f"there is no turn {number}: this session has {len(found)}")
    asked = found if number is None else [found[number - 1]]
    told = [turn for turn in asked if turn.answer.selection and turn.answer.selection.items]
    if not told:
        which = (
            "no turn of this session tells" if number is None else f"turn {number} does not tell"
        )
        raise UsageError(
            f"{which} what was kept of media: attach some, and ask a model of ours such as nano"
        )
    return told[-1]
