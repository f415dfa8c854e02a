"""Run one turn from its question to its answer, with what stops it on the way written down."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Any

from omni.chat.asking import Question
from omni.chat.cancelling import Cancelled
from omni.chat.events import Event, Finished
from omni.chat.limits import LimitReached, Limits
from omni.chat.offload import Offload
from omni.chat.telling import Teller
from omni.chat.turn import TurnRun, to_the_end
from omni.chat.writing import TurnWriter
from omni.content import Answer
from omni.errors import OmniError, StoreError, UsageError


class Runner:
    """Runs the turns of one agent, one at a time.

    Args:
        writer: of the session.
        offload: the agent's own, which knows what the model makes just now.
        graph: the agent's graph.
        context: what tools find under `runtime.context`.
        limits: of each turn.
        response_format: what every answer has to fit, if anything.
    """

    def __init__(
        self,
        writer: TurnWriter,
        offload: Offload,
        *,
        graph: Callable[[], Any],
        context: Any,
        limits: Limits,
        response_format: Any = None,
    ):
        self._writer = writer
        self._offload = offload
        self._graph = graph
        self._context = context
        self.limits = limits
        self._response_format = response_format
        self._busy = threading.Lock()
        self._run: TurnRun | None = None

    def cancel(self) -> None:
        """Stop the turn that runs, if any, from any thread."""
        if run := self._run:
            run.cancel()

    def stream(self, begin: Callable[[], Any], want: Sequence[str]) -> Iterator[Event]:
        """The events of a turn, in a thread of its own; the last is `Finished`.

        Args:
            begin: what the graph is given: a question, or what to go on with.
            want: modalities that the answer is to hold.

        Raises:
            UsageError: if a turn is running.
            OmniError: what `begin`, a model or a tool raised for people; the turn is kept.
        """
        began = time.perf_counter()
        with self._alone():
            run = self._run = self._turn(begin(), want)
            try:
                yield from run.events()
            except BaseException as error:
                if not isinstance(error, Exception):  # Ctrl-C here, or the caller left
                    run.halt()
                if self._stopped(run, error):
                    raise
            else:
                self._ended(run)
            answer = self._answer(run, want, time.perf_counter() - began)
        yield Finished(answer)  # whoever reads this may ask the next question

    async def astream(
        self, begin: Callable[[], Any], want: Sequence[str]
    ) -> AsyncGenerator[Event, None]:
        """`stream` in the event loop that asks; what reads and writes works in threads."""
        began = time.perf_counter()
        with self._alone():
            run = self._run = self._turn(await to_the_end(asyncio.to_thread(begin)), want)
            try:
                async with contextlib.aclosing(run.aevents()) as events:
                    async for event in events:
                        yield event
            except BaseException as error:
                if not isinstance(error, Exception):  # the task was cancelled, or the caller left
                    await run.ahalt()
                if await to_the_end(asyncio.to_thread(self._stopped, run, error)):
                    raise
            else:
                await to_the_end(asyncio.to_thread(self._ended, run))
            seconds = time.perf_counter() - began
            answer = await to_the_end(asyncio.to_thread(self._answer, run, want, seconds))
        yield Finished(answer)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the session for one turn."""
        if not self._busy.acquire(blocking=False):
            raise UsageError("a turn is running in this agent: wait for it, or cancel it")
        try:
            with self._writer.sessions.lock(self._writer.name):
                yield
        finally:
            self._run = None
            self._busy.release()

    def _turn(self, given: Any, want: Sequence[str]) -> TurnRun:
        name, checkpoints = self._writer.name, self._writer.sessions.checkpoints
        goes_on = not isinstance(given, Question)
        return TurnRun(
            self._graph(),
            thread=name,
            context=dataclasses.replace(self._context, want=tuple(want)),
            teller=Teller(self._offload),
            checkpoints=checkpoints,
            limits=self.limits,
            given=given,
            worked=checkpoints.worked(name) if goes_on else 0.0,
        )

    def _ended(self, run: TurnRun) -> None:
        self._writer.end([])
        if run.teller.messages:
            self._writer.learn(run.teller.messages)

    def _stopped(self, run: TurnRun, error: BaseException) -> bool:
        """Write what a turn left that did not end by itself; whether the caller is told, too."""
        if run.question is not None and not run.question.is_written:
            if isinstance(error, StoreError):
                return True  # nothing was asked, as far as the disk knows
            self._writer.keep(run.question)
        status, reason = "failed", _reason(error)
        if isinstance(error, Cancelled) or not isinstance(error, Exception):
            status, reason = "interrupted", ""
        self._writer.end(run.teller.partial, status, reason)
        return isinstance(error, OmniError) or not isinstance(error, Exception)

    def _answer(self, run: TurnRun, want: Sequence[str], seconds: float) -> Answer:
        asked = tuple(run.teller.asked)
        answer = self._writer.answer(() if asked else want)
        value = answer.value
        if value is not None and self._response_format is not None:
            from omni.chat.structuring import schemas, typed

            value = typed(value, schemas(self._response_format))
        timings = {**answer.timings, "total": seconds}
        return answer.model_copy(update={"timings": timings, "asked": asked, "value": value})


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, LimitReached | OmniError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
