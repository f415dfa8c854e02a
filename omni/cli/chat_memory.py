"""The memory of a conversation: `/remember`, `/recall`, `/memory`, and sources of answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni.cli import paths
from omni.cli.memory import print_hit, print_stats, tell_file
from omni.cli.recalling import show_sources
from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.chat.agent import Agent
    from omni.chat.recalling import Recall
    from omni.cli.screen import Screen
    from omni.config import Settings
    from omni.content import Answer

OFF = "off"
_AUTO = "auto"
_HITS = 5


class ChatMemory:
    """Opened when it is first needed; a folder that holds none yet is left alone until then.

    Attributes:
        recall: the middleware that asks it; one for all agents of the conversation.
    """

    def __init__(self, settings: Settings, screen: Screen):
        from omni.chat.recalling import Recall

        self._settings, self._screen = settings, screen
        self._chosen = settings.memory
        self._library: Any = None
        self.recall: Recall = Recall()

    @property
    def root(self) -> Path | None:
        """Its folder; `None` if it is switched off."""
        from omni.config import home

        if self._chosen == OFF:
            return None
        return home() / "memory" if self._chosen == _AUTO else Path(self._chosen).expanduser()

    def ready(self) -> None:
        """Open it for the next question, if there is one."""
        if self._library is None and self.root is not None and (self.root / "catalog.db").is_file():
            self._open()

    def remember(self, rest: str, agent: Agent) -> None:
        """Keep files and folders, something of this session, or a remark.

        Raises:
            UsageError: if nothing is named, or what looks like a path leads nowhere.
        """
        if not rest:
            raise UsageError(
                "name what to remember: /remember PATH…, a handle such as img-1, words"
            )
        named = [] if rest in agent.shelf else _paths(rest)
        library = self._open(create=True)
        if rest in agent.shelf:
            media = agent.shelf.media(rest)
            place = f"{agent.session}/{rest}/{agent.shelf[rest].name}"
            tell_file(self._screen, library.add_media(media, place), 1, 1)
        elif named:
            outcome = library.add(named, progress=lambda *told: tell_file(self._screen, *told))
            if failed := outcome.of("failed"):
                raise UsageError(failed[0].reason)
        else:
            record = library.note(rest)
            self._screen.notice(f"remembered as {record.id}; /recall finds it")
        self._tell_notes(library)

    def search(self, words: str) -> None:
        """Print what is found, with a picture of the first spots.

        Raises:
            UsageError: if there is no memory, or nothing to look for.
        """
        library = self._needed()
        found = library.search(library.query(words), _HITS)
        self._tell_notes(library)
        for place, hit in enumerate(found.hits, 1):
            print_hit(self._screen, library, place, hit, way=self._settings.graphics)
        if not found.hits:
            self._screen.notice("nothing found")

    def tell(self, rest: str) -> None:
        """Say what is there, or go over to another memory: a folder, `auto` or `off`."""
        if rest:
            self.close()
            self._chosen = rest
        if self.root is None:
            self._screen.notice("memory: off; /memory auto for the one beside the sessions")
        elif not (self.root / "catalog.db").is_file():
            self._screen.notice(f"memory: nothing in {self.root} yet; /remember PATH begins it")
        else:
            print_stats(self._screen, self._needed().stats())

    def sources(self, answer: Answer) -> None:
        """Where an answer comes from, if it comes from here."""
        if self._library is not None and answer.citations:
            told = self.recall.sources(answer.citations)
            show_sources(told, self._screen, self._settings.graphics)

    def close(self) -> None:
        """Let go of the files."""
        self.recall.library = None
        if self._library is not None:
            self._library.close()
            self._library = None

    def _needed(self) -> Any:
        if self.root is None:
            raise UsageError("memory is off: /memory auto switches it on")
        return self._open()

    def _open(self, *, create: bool = False) -> Any:
        from omni.cli.memory import open_library

        if self.root is None:
            raise UsageError("memory is off: /memory auto switches it on")
        if self._library is None:
            self._library = open_library(str(self.root), self._settings, create=create)
            self.recall.library = self._library
        return self._library

    def _tell_notes(self, library: Any) -> None:
        for note in dict.fromkeys(library.notes):
            self._screen.notice(note)
        library.notes.clear()


def _paths(rest: str) -> list[Path]:
    """The files and folders that a line names; none if it is a remark.

    Raises:
        UsageError: if a word looks like a path and leads nowhere.
    """
    whole = paths.to_path(rest)
    if whole is not None and os.path.lexists(whole):
        return [whole]
    if "'" in rest and rest.count("'") % 2 and '"' not in rest:
        return []  # an apostrophe: nobody quotes half a path
    given = paths.words(rest)
    found = [path for word in given if (path := paths.to_path(word)) and os.path.lexists(path)]
    if len(found) == len(given):
        return found
    if len(given) == 1 and ("/" in rest or Path(rest).suffix[1:].isalnum()):
        raise UsageError(f"no such file: {rest}")
    return []
