"""One turn while it runs: the graph works in a thread of its own, its events come out here."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from omni.chat.cancelling import STOP, Cancelled, StopHandler
from omni.chat.checkpoints import RUN, Checkpoints
from omni.chat.events import Event, MediaMade, TextDelta, ToolEnded, ToolStarted
from omni.chat.offload import Offload, note
from omni.content import MediaPart
from omni.errors import MediaError
from omni.wire import block_ref, from_langchain, has_bytes, is_media, to_langchain

GRACE_SECONDS = 5.0
"""How long a stopped turn may take to stop; after that, what it still does is not kept."""

_POLL_SECONDS = 0.05
_END = object()


class TurnRun:
    """Runs the graph from where its thread stands, and can be stopped at any moment."""

    def __init__(
        self,
        graph: Any,
        *,
        thread: str,
        context: Any,
        offload: Offload,
        checkpoints: Checkpoints,
        max_steps: int,
    ):
        self.stop = threading.Event()
        self._graph = graph
        self._context = context
        self._offload = offload
        self._checkpoints = checkpoints
        self._run_id = uuid.uuid4().hex
        self._config = {
            "configurable": {"thread_id": thread, RUN: self._run_id},
            "callbacks": [StopHandler(self.stop)],
            "recursion_limit": 2 * max_steps + 1,
        }
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self._announced: set[str] = set()
        self._text_of: str | None = None
        self._any_text = False
        self._partial_id: str | None = None
        self._partial: list[dict[str, Any]] = []

    def events(self) -> Iterator[Event]:
        """What happens, as it happens.

        Raises:
            Cancelled: if the turn was stopped before it ended.
            Exception: what a model or the graph raised.
        """
        context = contextvars.copy_context()
        context.run(STOP.set, self.stop)
        self._worker = threading.Thread(target=context.run, args=(self._work,), daemon=True)
        self._worker.start()
        stopped_at: float | None = None
        while True:
            try:
                mode, payload = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if not self.stop.is_set():
                    continue
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > GRACE_SECONDS:
                    self._checkpoints.abandon(self._run_id)
                    raise Cancelled("stopped, though the model did not react") from None
                continue
            if mode is _END:
                if payload is not None:
                    raise payload
                return
            yield from self._event(mode, payload)

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
                list(self._event(mode, payload))

    def partial(self) -> list[dict[str, Any]]:
        """Content of the message that was under way when the turn stopped."""
        return self._partial

    def _work(self) -> None:
        try:
            for mode, payload in self._graph.stream(
                None,
                self._config,
                context=self._context,
                stream_mode=["messages", "updates", "custom"],
                durability="sync",
            ):
                self._queue.put((mode, payload))
        except BaseException as error:
            self._queue.put((_END, error))
        else:
            self._queue.put((_END, None))

    def _event(self, mode: Any, payload: Any) -> Iterator[Event]:
        if mode == "custom" and isinstance(payload, ToolStarted | ToolEnded):
            yield payload
        elif mode == "messages":
            message, metadata = payload
            if metadata.get("langgraph_node") == "model" and isinstance(message, AIMessage):
                yield from self._delta(message)
        elif mode == "updates":
            for update in payload.values():
                for message in _messages(update):
                    yield from self._whole(message)

    def _delta(self, message: AIMessage) -> Iterator[Event]:
        if message.id != self._partial_id:
            self._partial_id, self._partial = message.id, []
        content = message.content
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            if isinstance(block, str):
                block = {"type": "text", "text": block}
            if block.get("type") == "text" and block.get("text"):
                yield from self._words(str(message.id), block["text"])
            elif is_media(block) and has_bytes(block):
                try:
                    part = MediaPart.of(self._offload.ref(block, self._offload.lineage))
                except MediaError:
                    continue  # the whole message says what is wrong with it
                self._partial += to_langchain([part])
                yield from self._made(part)
            elif block.get("type") == "non_standard":
                self._partial.append(block)

    def _words(self, message_id: str, text: str) -> Iterator[Event]:
        if self._any_text and self._text_of != message_id:
            yield TextDelta("\n\n")
        self._text_of, self._any_text = message_id, True
        if self._partial and self._partial[-1].get("type") == "text":
            self._partial[-1]["text"] += text
        else:
            self._partial.append({"type": "text", "text": text})
        yield TextDelta(text)

    def _whole(self, message: BaseMessage) -> Iterator[Event]:
        """A message that is in the state now; what of it was not announced yet."""
        if isinstance(message, AIMessage):
            self._partial_id, self._partial = None, []
        elif not isinstance(message, ToolMessage):
            return
        content = message.content if isinstance(message.content, list) else []
        known = [
            block
            for block in content
            if isinstance(block, Mapping) and (not is_media(block) or block_ref(block))
        ]
        for part in from_langchain(known):
            if not isinstance(part, MediaPart):
                continue
            if isinstance(message, AIMessage) or part.ref is None or part.ref.lineage:
                yield from self._made(part)

    def _made(self, part: MediaPart) -> Iterator[Event]:
        handle = part.ref.handle if part.ref else None
        if handle is None or handle not in self._announced:
            yield MediaMade(part)
        if handle:
            self._announced.add(handle)


def stopped_message(content: list[dict[str, Any]], status: str, reason: str = "") -> AIMessage:
    """What is kept of an answer that was stopped or failed."""
    message = AIMessage(content=content or "")  # type: ignore[arg-type]
    note(message, status=status, **({"reason": reason} if reason else {}))
    return message


def _messages(update: Any) -> list[BaseMessage]:
    if isinstance(update, BaseMessage):
        return [update]
    if isinstance(update, Mapping):
        return _messages(update.get("messages"))
    if isinstance(update, list | tuple):
        return [message for item in update for message in _messages(item)]
    return []
