"""Experience at the terminal: whether runs are learnt from, and what was learnt."""

from __future__ import annotations

import argparse
import dataclasses
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni.cli.screen import Screen, fit, one_line
from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.chat.experience import Experience
    from omni.chat.insights import Insight, InsightBook
    from omni.config import Settings

OFF = "off"
_AUTO = "auto"


class Learning(AbstractContextManager["Learning"]):
    """What a verb learns from its runs, as the settings say; nothing if they say `off`.

    Attributes:
        middleware: for the agent of the verb.
    """

    def __init__(self, settings: Settings, screen: Screen):
        self._screen = screen
        self._chosen = settings.experience
        self.middleware: tuple[Experience, ...] = ()
        if self._chosen != OFF:
            from omni.chat.experience import Experience

            self.middleware = (Experience(self.book()),)

    def book(self) -> InsightBook:
        """The book in force; if nothing is learnt just now, the one in the home."""
        from omni.chat.insights import InsightBook

        if self.middleware:
            return self.middleware[0].book
        return InsightBook(_folder(_AUTO if self._chosen == OFF else self._chosen))

    @property
    def told(self) -> str:
        """Where lessons go, in words."""
        if not self.middleware:
            return "off; /insights on learns from runs that succeed"
        return f"lessons are kept in {self.middleware[0].book.root}"

    def tell(self) -> None:
        """Say what the last answer had from earlier runs, and what could not be kept."""
        for one in self.middleware:
            for note in one.notes:
                self._screen.notice(note)
            one.notes.clear()
            if one.last and self._screen.interactive:
                count = len(one.last)
                self._screen.notice(f"· with {count} insight{'s' * (count > 1)} of earlier runs")

    def close(self) -> None:
        """Let go of the files."""
        for one in self.middleware:
            one.book.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def act(learning: Learning, word: str, rest: str, screen: Screen) -> None:
    """Do what follows `/insights`: list, forget, revise or clear.

    Raises:
        UsageError: if it is none of these, or names no insight.
    """
    book = learning.book()
    try:
        if not word:
            screen.notice(f"experience: {learning.told}")
            _print(book.all(), screen)
        elif word == "forget" and rest:
            for id in rest.split():
                book.forget(id)
                screen.notice(f"forgot {id}")
        elif word == "revise" and " " in rest:
            id, _, lesson = rest.partition(" ")
            screen.notice(f"revised {book.revise(id, lesson.strip()).id}")
        elif word == "clear":
            screen.notice(_cleared(book.clear()))
        else:
            raise UsageError("wanted /insights, on, off, forget ID, revise ID WORDS or clear")
    finally:
        if not learning.middleware:
            book.close()


def flags(parser: argparse.ArgumentParser) -> None:
    """Of `omni memory insights`."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--forget", nargs="+", metavar="ID", help="take these out for good")
    what.add_argument(
        "--revise", nargs=2, metavar=("ID", "WORDS"), help="put your words in the place of a lesson"
    )
    what.add_argument("--clear", action="store_true", help="take all out for good")


def task(arguments: argparse.Namespace, screen: Screen) -> int:
    """List what was learnt, or change it."""
    from omni.chat.insights import InsightBook
    from omni.config import settings

    chosen = settings().experience
    folder = arguments.memory or (_AUTO if chosen == OFF else chosen)
    with InsightBook(_folder(folder)) as book:
        if arguments.forget:
            for id in arguments.forget:
                book.forget(id)
            return _done(arguments, screen, {"forgotten": len(arguments.forget)})
        if arguments.clear:
            return _done(arguments, screen, {"forgotten": book.clear()})
        if arguments.revise:
            book.revise(*arguments.revise)
        found = book.all()
    if arguments.json:
        rows = [{"id": one.id, **dataclasses.asdict(one)} for one in found]
        screen.raw(json.dumps({"insights": rows}, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        _print(found, screen)
    return 0


def _print(insights: list[Insight], screen: Screen) -> None:
    for one in insights:
        runs = f"{one.worked} run{'s' * (one.worked != 1)}"
        wrong = f", wrong in {one.misled}" if one.misled else ""
        more = ", yours" if one.revised else ", shown no more" if one.doubted else ""
        screen.line(f"{one.id}  {one.kind}, {runs}{wrong}{more}")
        for line in (f"task: {one_line(one.task)}", *map(one_line, one.lesson.splitlines())):
            screen.line(fit(f"  {line}", screen.columns))
    if not insights:
        screen.notice("nothing was learnt yet")


def _done(arguments: argparse.Namespace, screen: Screen, found: dict[str, Any]) -> int:
    if arguments.json:
        screen.raw(json.dumps(found) + "\n")
    else:
        screen.line(_cleared(found["forgotten"]))
    return 0


def _cleared(count: int) -> str:
    return f"forgot {count} insight{'' if count == 1 else 's'}; nothing of them is left on disk"


def _folder(chosen: str) -> Path:
    from omni.config import home

    return home() / "experience" if chosen == _AUTO else Path(chosen).expanduser()


TASKS = {"insights": ("what was learnt from runs: list, forget, revise", flags, task)}
