"""`omni tour`: a scripted session over bundled samples that shows each path."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omni.cli.opening import add_brain_flags, open_agent, settings_of
from omni.cli.screen import Screen, one_line
from omni.errors import OmniError

if TYPE_CHECKING:
    from omni.chat.agent import Agent
    from omni.config import Settings
    from omni.content import Answer

SUMMARY = "show each path on bundled samples, and write what was made"


@dataclass(frozen=True, slots=True)
class Step:
    """One turn: what is attached, what is asked, and the kind of thing that must come back."""

    title: str
    question: str
    sample: str = ""
    wanted: str = "text"


STEPS = (
    Step("image → text", "What is this?", "red-circle.png"),
    Step("audio → text", "What is said?", "blue-square.wav"),
    Step("video → text", "What happens?", "moving-right.mp4"),
    Step("points → text", "What is this?", "torus.ply"),
    Step("series → text", "What is the trend?", "rising.csv"),
    Step("text → image", "draw a blue square", wanted="image"),
    Step("text → speech", "say blue square", wanted="audio"),
)


class StepFailed(OmniError):
    """A step of the tour did not give what it is there to show."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument(
        "-o", "--out", default="omni-tour", metavar="DIR", help="where to write (omni-tour)"
    )
    add_brain_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Take every step; 1 if one of them failed."""
    from omni.cli import files

    screen = Screen()
    settings = settings_of(arguments)
    out = files.folder(Path(arguments.out).expanduser())
    tour = Tour(settings, screen, out)
    failed = tour.take()
    screen.notice(f"written to {out}: {', '.join(tour.written) or 'nothing'}")
    if failed:
        screen.error(f"{len(failed)} of {tour.taken} steps failed: {', '.join(failed)}")
    return 1 if failed else 0


class Tour:
    """The steps, each in turn, with a transcript."""

    def __init__(self, settings: Settings, screen: Screen, out: Path):
        self.settings = settings
        self.screen = screen
        self.out = out
        self.session = f"tour-{time.strftime('%Y%m%d-%H%M%S')}"
        self.transcript: list[str] = ["# A tour of Omni", ""]
        self.written: list[str] = []
        self.taken = 0

    def take(self) -> list[str]:
        """Take all steps and return the titles of those that failed."""
        failed: list[str] = []
        held: list[str] = []
        with open_agent(self.settings, self.session) as agent:
            for step in STEPS:
                self._attempt(failed, step.title, lambda step=step: self._turn(agent, step))
            held = [ref.handle for ref in agent.shelf]
        self._attempt(failed, "resume", lambda: self._resume(held))
        target = self.out / "tour.md"
        target.write_text("\n".join(self.transcript) + "\n", "utf-8")
        self.written.append(target.name)
        return failed

    def _attempt(self, failed: list[str], title: str, act: Callable[[], str]) -> None:
        self.taken += 1
        began = time.perf_counter()
        try:
            told = act()
        except OmniError as error:
            failed.append(title)
            told = f"failed: {error}"
        self.screen.line(f"{title:14} {one_line(told)}")
        seconds = time.perf_counter() - began
        self.transcript += [f"## {title}", "", told, "", f"({seconds:.1f} s)", ""]

    def _turn(self, agent: Agent, step: Step) -> str:
        if step.sample:
            with sample(step.sample) as path:
                agent.attach(path)
        answer = agent.run(step.question)
        told = f"{step.sample + ': ' if step.sample else ''}{step.question} → "
        return told + self._outcome(agent, answer, step.wanted)

    def _outcome(self, agent: Agent, answer: Answer, wanted: str) -> str:
        """What the step gave.

        Raises:
            StepFailed: if it is not what the step is there to show.
        """
        from omni.cli import files

        if answer.failures:
            part = answer.failures[0]
            raise StepFailed(f"{part.type} {part.status}: {part.reason or 'no reason given'}")
        made = [ref for ref in answer.media if ref.modality == wanted]
        if wanted == "text":
            if not answer.text.strip():
                raise StepFailed("the answer is empty")
            return answer.text
        if not made:
            raise StepFailed(f"no {wanted} was made; the answer was {answer.text!r}")
        path = files.export(agent.shelf, made[0].handle, self.out)
        self.written.append(path.name)
        return path.name

    def _resume(self, held: list[str]) -> str:
        """Open the session again: every handle must be there, and its bytes readable."""
        with open_agent(self.settings, self.session) as agent:
            found = [ref.handle for ref in agent.shelf]
            if found != held:
                raise StepFailed(f"the session held {held} and now holds {found}")
            for handle in found:
                agent.shelf.media(handle).read()
            turns = len(list(agent.history()))
        return f"{self.session}: {turns} turns and {len(found)} media are back"


@contextmanager
def sample(name: str) -> Iterator[Path]:
    """The path of a bundled sample."""
    from importlib.resources import as_file, files

    with as_file(files("omni.cli").joinpath("tour", name)) as path:
        yield path
