"""The line editor of `omni chat`: history, completion, a key for a new line."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth

from omni.cli.commands import COMMANDS

if TYPE_CHECKING:
    from omni.cli.conversation import Conversation

_WITH_PATH = ("attach",)
_WITH_HANDLE = ("show", "play", "open", "save")


def prompt_session(chat: Conversation) -> PromptSession[str]:
    """An editor whose history outlives the program."""
    return PromptSession(
        history=_history(),
        completer=ChatCompleter(chat),
        complete_while_typing=False,
        key_bindings=_keys(),
        enable_open_in_editor=True,
        color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
    )


class ChatCompleter(Completer):
    """Completes commands, then file names or handles."""

    def __init__(self, chat: Conversation):
        self._chat = chat
        self._paths = PathCompleter(expanduser=True)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        text = document.text_before_cursor
        if not text.startswith("/"):
            return
        word, space, rest = text[1:].partition(" ")
        if not space:
            for name, command in COMMANDS.items():
                if name.startswith(word):
                    yield Completion(name, start_position=-len(word), display_meta=command.summary)
        elif word in _WITH_PATH:
            yield from self._paths.get_completions(Document(rest, len(rest)), complete_event)
        elif word in _WITH_HANDLE and " " not in rest:
            for ref in self._chat.agent.shelf:
                if ref.handle.startswith(rest):
                    yield Completion(ref.handle, start_position=-len(rest), display_meta=ref.name)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _history() -> History:
    """A file that only its owner may read, or memory where the home cannot be written."""
    from omni.config import home

    path = home() / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)
