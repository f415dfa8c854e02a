"""One turn while it runs: in a thread of its own, or as a task of the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import Any

from omni.chat.asking import ASKED, Question
from omni.chat.cancelling import STOP, Cancelled, StopHandler
from omni.chat.checkpoints import RUN, Checkpoints
from omni.chat.clock import CLOCK, Clock
from omni.chat.events import Event
from omni.chat.limits import LimitReached, Limits
from omni.chat.listening import EAR, Ear
from omni.chat.telling import MODES, Teller

GRACE_SECONDS = 5.0
"""How long a stopped turn may take to stop; after that, what it still does is not kept."""

_POLL_SECONDS = 0.05
_NODES_A_STEP = 8
_END = object()


class TurnRun:
    """Runs the graph on from where its thread stands, and can be stopped at any moment.

    Attributes:
        stop: set once the turn is to end; every model and tool under it can see it.
        teller: what has come so far.
        question: what the turn begins with, if it does not go on from where its thread stands.
    """

    def __init__(
        self,
        graph: Any,
        *,
        thread: str,
        context: Any,
        teller: Teller,
        checkpoints: Checkpoints,
        limits: Limits,
        given: Any = None,
        worked: float = 0.0,
    ):
        self.stop = threading.Event()
        self.teller = teller
        self.question = given if isinstance(given, Question) else None
        self._graph = graph
        self._given = {"messages": given.messages} if isinstance(given, Question) else given
        self._context = context
        self._checkpoints = checkpoints
        self._run_id = uuid.uuid4().hex
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._ear = Ear(self._queue.put)
        self._clock = Clock(worked, limits.seconds)
        self._config = {
            "configurable": {
                "thread_id": thread,
                RUN: self._run_id,
                ASKED: self.question,
                CLOCK: self._clock,
            },
            "callbacks": [StopHandler(self.stop), self._ear],
            # Steps are counted by a middleware; this is for graphs of others that turn in circles.
            "recursion_limit": _NODES_A_STEP * limits.steps + _NODES_A_STEP,
        }
        self._above = STOP.get()
        self._limits = limits
        self._worker: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def cancel(self) -> None:
        """Stop, from any thread."""
        self.stop.set()
        if self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def events(self) -> Iterator[Event]:
        """What happens, as it happens.

        Raises:
            Cancelled: if the turn was stopped before it ended.
            LimitReached: if its time was over.
            Exception: what a model or the graph raised.
        """
        self._check_time()
        run = self._inside().run
        self._worker = threading.Thread(target=run, args=(self._work,), daemon=True)
        self._worker.start()
        stopped_at: float | None = None
        while True:
            try:
                mode, payload = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if not self._to_stop():
                    continue
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > GRACE_SECONDS:
                    self._checkpoints.abandon(self._run_id)
                    raise self._why("stopped, though the model did not react") from None
                continue
            if mode is _END:
                if isinstance(payload, Cancelled):
                    raise self._why("stopped") from None
                if payload is not None:
                    raise payload
                return
            yield from self.teller.tell(mode, payload)

    def halt(self) -> None:
        """Stop, and wait until nothing more is written."""
        self.stop.set()
        if self._worker is not None:
            self._worker.join(GRACE_SECONDS)
            if self._worker.is_alive():
                self._checkpoints.abandon(self._run_id)
        while not self._queue.empty():
            mode, payload = self._queue.get()
            if mode is not _END:
                list(self.teller.tell(mode, payload))

    async def aevents(self) -> AsyncGenerator[Event, None]:
        """What happens, as it happens, in the event loop that asks; raises what `events` does."""
        self._check_time()
        self._loop = asyncio.get_running_loop()
        came: asyncio.Queue[Any] = asyncio.Queue()
        self._ear.put = partial(self._loop.call_soon_threadsafe, came.put_nowait)
        self._task = self._loop.create_task(self._awork(came), context=self._inside())
        self._task.add_done_callback(lambda _: came.put_nowait((_END, None)))
        while True:
            try:
                async with asyncio.timeout(None if self._late else self._clock.left()):
                    mode, payload = await came.get()
            except TimeoutError:
                self._late = True
                self.cancel()
                continue
            if mode is _END:
                break
            for event in await _where_it_fits(payload, self.teller, mode):
                yield event
        if self._task.cancelled() or isinstance(self._task.exception(), Cancelled):
            raise self._why("stopped")
        self._task.result()

    async def ahalt(self) -> None:
        """Stop, and shut out what does not stop at once."""
        self.stop.set()
        self._checkpoints.abandon(self._run_id)
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await to_the_end(asyncio.wait({self._task}, timeout=GRACE_SECONDS))

    _late = False

    def _to_stop(self) -> bool:
        """Whether the turn is to end: by a flag, by that of the turn above it, or by the clock."""
        self._late = self._late or self._clock.left() == 0
        if self._late or (self._above is not None and self._above.is_set()):
            self.stop.set()
        return self.stop.is_set()

    def _check_time(self) -> None:
        """Begin nothing in a turn whose time was over when it stopped."""
        if self._clock.left() == 0:
            self._late = True
            raise self._why("stopped")

    def _why(self, text: str) -> Exception:
        if self._late:
            return LimitReached(self._limits.told_late())
        return Cancelled(text)

    def _inside(self) -> contextvars.Context:
        """Where the flag and the ear of this turn are found."""
        context = contextvars.copy_context()
        context.run(STOP.set, self.stop)
        context.run(EAR.set, self._ear)
        return context

    def _work(self) -> None:
        try:
            for item in self._graph.stream(
                self._given,
                self._config,
                context=self._context,
                stream_mode=list(MODES),
                durability="sync",
            ):
                self._queue.put(item)
        except BaseException as error:
            self._queue.put((_END, error))
        else:
            self._queue.put((_END, None))

    async def _awork(self, came: asyncio.Queue[Any]) -> None:
        async for item in self._graph.astream(
            self._given,
            self._config,
            context=self._context,
            stream_mode=list(MODES),
            durability="sync",
        ):
            came.put_nowait(item)


async def to_the_end(work: Any) -> Any:
    """Wait for work that must not be left half done, even if who waits is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:
            break
    if cancelled is not None:
        raise cancelled
    return task.result()


async def _where_it_fits(payload: Any, teller: Teller, mode: Any) -> list[Event]:
    """Words are told at once; media are stored in a thread, so that the loop goes on."""
    if mode == "messages" and isinstance(payload.content, list):
        return await to_the_end(asyncio.to_thread(lambda: list(teller.tell(mode, payload))))
    return list(teller.tell(mode, payload))
