"""One conversation at the terminal: what happens to a line that somebody typed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni.chat.events import Event, Finished, MediaMade, TextDelta, ToolEnded, ToolStarted
from omni.cli import commands, paths, preview
from omni.cli.approval import Approver
from omni.cli.chat_memory import ChatMemory
from omni.cli.experience import Learning
from omni.cli.limiting import settings_with
from omni.cli.main import unexpected
from omni.cli.opening import open_agent
from omni.cli.screen import Screen, fit, one_line
from omni.compression.budget import Budget
from omni.errors import OmniError

if TYPE_CHECKING:
    from omni.chat.agent import Agent
    from omni.chat.limits import Limits
    from omni.config import Settings
    from omni.content import Answer, Asked, MediaPart
    from omni.media import MediaRef


class Conversation:
    """An agent, the screen it answers on, and what is attached for the next message.

    A line that fails is one line on the screen; the conversation goes on with nothing lost.

    Attributes:
        exit_code: 0, or the code of the first line that failed.
        ended: whether the person has said goodbye.
    """

    def __init__(
        self,
        settings: Settings,
        session: str,
        screen: Screen,
        opener: Callable[..., Agent] = open_agent,
        approver: Approver | None = None,
    ):
        self.settings = settings
        self.screen = screen
        self.exit_code = 0
        self.ended = False
        self.memory = ChatMemory(settings, screen)
        self.approver = approver or Approver(screen)
        self.learning = Learning(settings, screen)
        self._opener = opener
        self.agent = self._open(settings, session, self.learning)
        self._line_is_open = False

    def take(self, line: str) -> None:
        """Do what a line asks for: a command, or a message for the model."""
        try:
            text = line.strip()
            if not text:
                return
            if text.startswith("/") and not paths.dropped_files(text[: _first_word_end(text)]):
                commands.run(self, text)
            else:
                self.say(text)
        except BrokenPipeError:
            raise
        except (OmniError, OSError) as error:
            self.fail(str(error), getattr(error, "exit_code", 1))
        except Exception as error:
            self.fail(unexpected(error), 1)

    def fail(self, message: str, code: int) -> None:
        self.screen.error(message)
        self.exit_code = self.exit_code or code

    def say(self, text: str) -> None:
        """Attach the files that a message names, then let the model answer."""
        found = paths.dropped_files(text)
        refs = [self.attach(one.path) for one in found]
        rest = paths.without_files(text, found, [ref.handle for ref in refs])
        if rest.strip(" \t\r\n.,;:!?"):
            self.answer(rest)
        elif refs:
            self.screen.notice("attached; now ask about it")

    def attach(self, path: Path) -> MediaRef:
        """Attach a file to the next message, and show it."""
        ref = self.agent.attach(path)
        media = self.agent.shelf.media(ref.handle)
        if self.screen.interactive:
            preview.try_to_show(media, self.screen, handle=ref.handle, way=self.settings.graphics)
        else:
            self.screen.notice(preview.caption(media, ref.handle))
        return ref

    def answer(self, text: str) -> None:
        """Stream one answer; Ctrl-C stops it and keeps what came."""
        self.memory.ready()
        finished = self._followed(self.agent.stream(text))
        if finished is not None:
            finished = self._settled(finished, finished.asked)
        if finished is None:
            self.screen.notice("stopped; what came is kept")
        else:
            self._report(finished)
            self.memory.sources(finished)
        self.learning.tell()

    def settle(self) -> bool:
        """Go on with a turn that waits for a decision, also one of an earlier program."""
        waiting = self.agent.asked
        if waiting and (finished := self._settled(None, waiting)):
            self._report(finished)
        return bool(waiting)

    def _settled(self, answer: Answer | None, asked: Sequence[Asked]) -> Answer | None:
        """The answer once every call of a tool is decided on, or as far as the person decides."""
        while asked:
            decisions = self.approver.decide(asked)
            if decisions is None:
                self.screen.notice("waits for your decision: /approve")
                return answer
            answer = self._followed(self.agent.stream_resumed(decisions))
            asked = answer.asked if answer else ()
        return answer

    def _followed(self, events: Iterator[Event]) -> Answer | None:
        """Show what happens; `None` if the answer was stopped where it stood."""
        finished: Answer | None = None
        self._line_is_open = False
        try:
            with interruptible(self.agent.cancel):
                for event in events:
                    self._happened(event)
                    if isinstance(event, Finished):
                        finished = event.answer
        finally:
            self._end_line()
        return finished

    def _happened(self, event: Event) -> None:
        if isinstance(event, TextDelta):
            self.screen.write(event.text)
            self._line_is_open = (
                not event.text.endswith("\n") if event.text else (self._line_is_open)
            )
        elif isinstance(event, MediaMade):
            self._end_line()
            self._made(event.part)
        elif isinstance(event, ToolStarted):
            self._end_line()
            self.screen.notice(f"· {one_line(event.name)} …")
        elif isinstance(event, ToolEnded) and not event.ok:
            self._end_line()
            why = fit(one_line(event.text), max(20, self.screen.columns - len(event.name) - 12))
            self.screen.notice(f"· {one_line(event.name)} failed: {why}")

    def _end_line(self) -> None:
        if self._line_is_open:
            self.screen.line()
            self._line_is_open = False

    def _made(self, part: MediaPart) -> None:
        if part.ref is None or part.status != "delivered":
            return
        handle = part.ref.handle
        media = self.agent.shelf.media(handle)
        if self.screen.interactive:
            preview.try_to_show(media, self.screen, handle=handle, way=self.settings.graphics)
            self.screen.notice(f"/save {handle} [PATH] keeps it where you like")
        else:
            self.screen.line(f"{handle}  {media.path}")

    def _report(self, answer: Answer) -> None:
        """What was not delivered, what the budget dropped, and what the answer took."""
        for part in answer.failures:
            self.fail(f"{part.type} {part.status}: {part.reason or 'no reason was given'}", 1)
        if answer.interrupted:
            self.screen.notice("stopped; what came is kept")
        items = answer.selection.items if answer.selection else ()
        if dropped := [item for item in items if item.kept < item.of]:
            told = ", ".join(f"{item.handle} {item.kept} of {item.of}" for item in dropped)
            self.screen.notice(f"· tokens kept by the budget: {told}")
        if self.screen.interactive and "total" in answer.timings:
            usage = answer.usage
            tokens = f"{usage.input_tokens} tokens in, {usage.output_tokens} out, "
            counted = tokens if usage.input_tokens or usage.output_tokens else ""
            self.screen.notice(f"· {counted}{answer.timings['total']:.1f} s")

    @property
    def session(self) -> str:
        return self.agent.session

    @property
    def begun(self) -> bool:
        """Whether there is anything to come back to."""
        return len(self.agent.shelf) > 0 or bool(self.agent.history())

    def limit(self, tokens: int | None) -> None:
        """At most this many media tokens a turn from now on."""
        self.settings = self.settings.model_copy(update={"budget": tokens})
        self.agent.budget = Budget(tokens=tokens) if tokens else None

    def bound(self, limits: Limits) -> None:
        """What a turn may take from now on."""
        self.agent.limits = limits
        self.settings = settings_with(self.settings, limits)

    def reopen(self, *, session: str | None = None, **changes: Any) -> None:
        """Go on with another session or other settings; if that fails, all stays as it was."""
        settings = self.settings.model_copy(update=changes)
        same = settings.experience == self.settings.experience
        learning = self.learning if same else Learning(settings, self.screen)
        agent = self._open(settings, session or self.session, learning)
        self.agent.close()
        if not same:
            self.learning.close()
        self.agent, self.settings, self.learning = agent, settings, learning

    def fork(self, name: str) -> None:
        """Go on in a copy of the session."""
        agent = self.agent.fork(name)
        self.agent.close()
        self.agent = agent

    def close(self) -> None:
        self.agent.close()
        self.memory.close()
        self.learning.close()

    def _open(self, settings: Settings, session: str, learning: Learning) -> Agent:
        middleware = (self.memory.recall, *learning.middleware)
        return self._opener(settings, session, middleware=middleware)


def _first_word_end(text: str) -> int:
    """Where the first word ends, as a shell reads it: a dropped path may hold escaped spaces."""
    escaped = False
    for position, letter in enumerate(text):
        if letter in " \t" and not escaped:
            return position
        escaped = letter == "\\" and not escaped
    return len(text)


@contextmanager
def interruptible(cancel: Callable[[], object]) -> Iterator[None]:
    """The first Ctrl-C asks the work to stop, a second one stops it where it stands."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = 0

    def stop(signum: int, frame: object) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            raise KeyboardInterrupt
        cancel()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except KeyboardInterrupt:
        if not pressed:
            raise
    finally:
        signal.signal(signal.SIGINT, before)
