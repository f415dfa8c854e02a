"""From what a graph streams to the events of a turn, each told once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, ToolMessage

from omni.chat.approving import Approval, asked_in
from omni.chat.events import Event, MediaMade, TextDelta, ToolEnded, ToolStarted
from omni.chat.offload import Offload, noted
from omni.content import Asked, MediaPart
from omni.errors import MediaError
from omni.wire import block_ref, from_langchain, has_bytes, is_media, to_langchain

MODES = ("updates", "values")
"""What a graph is asked to stream; the rest is heard by an `Ear`."""


class Teller:
    """Follows one run of a graph.

    Attributes:
        partial: content of the message that is under way.
        asked: calls of tools that the run stopped for.
        messages: everything that was said, as of the last step.
    """

    def __init__(self, offload: Offload):
        self.partial: list[dict[str, Any]] = []
        self.asked: list[Asked] = []
        self.messages: list[AnyMessage] = []
        self._offload = offload
        self._announced: set[str] = set()
        self._heard: set[str | None] = set()
        self._text_of: str | None = None
        self._partial_id: str | None = None

    def tell(self, mode: Any, payload: Any) -> Iterator[Event]:
        """The events in one item of what came of the run."""
        if mode == "custom" and isinstance(payload, ToolStarted | ToolEnded):
            yield payload
        elif mode == "values":
            self.messages = payload.get("messages", self.messages)
        elif mode == "messages":
            if isinstance(payload, AIMessage):
                yield from self._delta(payload)
        elif mode == "updates":
            for node, update in payload.items():
                if node.startswith(Approval.__name__):
                    continue  # it writes again what was told when the model said it
                for message in _messages(update):
                    if node == "model" and isinstance(message, AIMessage) and self._is_new(message):
                        yield from self._delta(message)  # a middleware said it, not the model
                    yield from self._whole(message)
            for one in asked_in(payload):
                self.asked.append(one)
                yield one

    def _is_new(self, message: AIMessage) -> bool:
        return message.id not in self._heard and all(message.id != one.id for one in self.messages)

    def _delta(self, message: AIMessage) -> Iterator[Event]:
        self._heard.add(message.id)
        if message.id != self._partial_id:
            self._partial_id, self.partial = message.id, []
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
                self.partial += to_langchain([part])
                yield from self._made(part)
            elif block.get("type") == "non_standard":
                self.partial.append(block)

    def _words(self, message_id: str, text: str) -> Iterator[Event]:
        if self._text_of not in (None, message_id):
            yield TextDelta("\n\n")
        self._text_of = message_id
        if self.partial and self.partial[-1].get("type") == "text":
            self.partial[-1]["text"] += text
        else:
            self.partial.append({"type": "text", "text": text})
        yield TextDelta(text)

    def _whole(self, message: BaseMessage) -> Iterator[Event]:
        """A message that is in the state now; what of it was not announced yet."""
        if isinstance(message, AIMessage):
            if "value" in noted(message) and self._text_of != message.id:
                yield from self._words(str(message.id), message.text)
            self._partial_id, self.partial = None, []
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


def _messages(update: Any) -> list[BaseMessage]:
    if isinstance(update, BaseMessage):
        return [update]
    if isinstance(update, Mapping):
        return _messages(update.get("messages"))
    if isinstance(update, list | tuple):
        return [message for item in update for message in _messages(item)]
    return []
