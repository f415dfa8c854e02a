"""`omni chat`: talk with a model about any file."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from omni import __version__
from omni.cli.approval import Approver, add_approve_flag, person
from omni.cli.opening import add_brain_flags, agent_file, new_session, open_agent, settings_of
from omni.cli.screen import Screen
from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.cli.conversation import Conversation

SUMMARY = "chat with any file, on the terminal or line by line through a pipe"
_SHOWN_LINES = 20
_DRAWN = 4


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    add_brain_flags(parser)
    add_approve_flag(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--session", metavar="NAME", help="the session to begin or to go on with")
    which.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="NAME",
        help="go on with a saved session, by default the last one",
    )
    parser.add_argument(
        "-a", "--attach", nargs="+", action="extend", default=[], metavar="FILE", help="attach"
    )


def run(arguments: argparse.Namespace) -> int:
    """Talk until the person leaves or the pipe ends."""
    from omni.cli.conversation import Conversation
    from omni.cli.sessions import find

    screen = Screen()
    settings = settings_of(arguments)
    resumed = arguments.resume is not None
    session = find(arguments.resume) if resumed else arguments.session or new_session("chat")
    typed = sys.stdin.isatty() and screen.interactive
    if typed:
        screen.notice(f"omni {__version__} · {settings.model} · session {session} · /help")
    opener = partial(open_agent, agent_file=agent_file(arguments))
    approver = Approver(screen, arguments.approve, person() if typed else None)
    chat = Conversation(settings, session, screen, opener, approver)
    try:
        if resumed:
            _greet_again(chat)
        elif typed and settings.model == "nano":
            screen.notice(
                "nano is a small embedded model: simple scenes, words, solids and curves; "
                "omni models  lists bigger ones"
            )
        for path in arguments.attach:
            _attach(chat, path)
        if typed or arguments.approve:
            chat.settle()
        lines = _typed_lines(chat) if typed else _piped_lines()
        for line in lines:
            chat.take(line)
            if chat.ended:
                break
        if typed and chat.begun:
            screen.notice(f"saved; go on with  omni chat --resume {shlex.quote(chat.session)}")
    finally:
        chat.close()
    return 0 if typed else chat.exit_code


def _attach(chat: Conversation, given: str) -> None:
    from omni.cli.paths import to_path

    path = to_path(given)
    if path is None:
        raise UsageError(f"not a file name: {given!r}")
    chat.attach(path)


def _greet_again(chat: Conversation) -> None:
    """Show a resumed session: its last turns and every attachment."""
    from omni.cli.commands import history_lines

    shelf = len(chat.agent.shelf)
    lines = history_lines(chat)
    turns, media = lines[: len(lines) - shelf], lines[len(lines) - shelf :]
    if len(turns) > _SHOWN_LINES:
        turns = [f"… {len(turns) - _SHOWN_LINES} lines before (/history)", *turns[-_SHOWN_LINES:]]
    drawn = list(chat.agent.shelf)[-_DRAWN:] if chat.screen.interactive else []
    chat.screen.notice(f"resumed {chat.session}")
    for line in (*turns, *media[: len(media) - len(drawn)]):
        chat.screen.notice(line)
    for ref in drawn:
        _draw_again(chat, ref.handle)


def _draw_again(chat: Conversation, handle: str) -> None:
    """Show media of a resumed session; what cannot be shown is a line."""
    from omni.cli import preview
    from omni.errors import OmniError

    try:
        media = chat.agent.shelf.media(handle)
    except OmniError as error:
        chat.screen.error(str(error))
    else:
        preview.try_to_show(media, chat.screen, handle=handle, way=chat.settings.graphics)


def _piped_lines() -> Iterator[str]:
    reconfigure = getattr(sys.stdin, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    yield from sys.stdin


def _typed_lines(chat: Conversation) -> Iterator[str]:
    """Lines with editing and history; Ctrl-C clears the line, Ctrl-D ends."""
    from omni.cli.prompt import prompt_session

    session = prompt_session(chat)
    while True:
        try:
            yield session.prompt("> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
