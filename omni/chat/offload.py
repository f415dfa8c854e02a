"""Middleware: bytes go to the blob store, the state holds handles, the model sees media again.

A checkpointer writes every message at every step. With this middleware a message holds a handle
where it held base64, whoever wrote it: the user, a tool or the model. Just for a model call the
bytes are put back, in the forms that the model takes.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ExtendedModelResponse, ModelRequest
from langchain.agents.middleware.types import ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from omni.chat.cancelling import Cancelled
from omni.chat.checkpoints import Abandoned
from omni.chat.returning import Returning
from omni.content import MediaPart
from omni.errors import MediaError
from omni.media import HANDLE, Lineage, Media, MediaRef, Shelf
from omni.modality import readable
from omni.wire import (
    OUR_KEY,
    block_media,
    block_ref,
    failed_block,
    has_bytes,
    is_media,
    take,
    to_langchain,
)

_LARGE_BYTES = 1 << 16
_SHORT = 500


@dataclass(frozen=True, slots=True)
class _Call:
    """A model call, as it is made, and what is to be known when it is back."""

    request: ModelRequest[Any]
    changed: list[Any]
    lineage: Lineage
    began: float
    prepared: float


class Offload(AgentMiddleware):
    """Keeps media out of the state of an agent.

    Args:
        shelf: the media of the session.
        returning: how media are put back for a model call.

    Attributes:
        lineage: where what the model makes just now comes from.
    """

    def __init__(self, shelf: Shelf, returning: Returning | None = None):
        super().__init__()
        self.shelf = shelf
        self.returning = returning or Returning(shelf)
        self.lineage: Lineage | None = None
        self._taken: dict[tuple[str, str], MediaRef] = {}
        self._taking = threading.Lock()

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Call the model with bytes; keep handles of what came in and of what it made."""
        call = self._shown(request)
        return self._answered(call, handler(call.request))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """The same, with the reading and writing of media in threads."""
        call = await asyncio.to_thread(self._shown, request)
        response = await handler(call.request)
        return await asyncio.to_thread(self._answered, call, response)

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Run the tool; what it raises becomes data, what it made is kept with its lineage."""
        began = time.perf_counter()
        try:
            result = handler(request)
        except (GraphBubbleUp, Cancelled, Abandoned):
            raise
        except Exception as error:
            result = tool_failure(request.tool_call, f"{type(error).__name__}: {error}")
        return self._returned(request, result, began)

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """The same, with the writing of media in a thread."""
        began = time.perf_counter()
        try:
            result = await handler(request)
        except (GraphBubbleUp, Cancelled, Abandoned):
            raise
        except Exception as error:
            result = tool_failure(request.tool_call, f"{type(error).__name__}: {error}")
        return await asyncio.to_thread(self._returned, request, result, began)

    def _shown(self, request: ModelRequest[Any]) -> _Call:
        kept = [self.message(message) for message in request.messages]
        changed = [new for new, old in zip(kept, request.messages, strict=True) if new is not old]
        began = time.perf_counter()
        shown = self.returning.messages(kept, request.model)
        prepared = time.perf_counter()
        lineage = self.lineage = _model_lineage(kept, request.model)
        return _Call(request.override(messages=shown), changed, lineage, began, prepared)

    def _answered(
        self, call: _Call, response: ModelResponse[Any]
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        ended = time.perf_counter()
        result = [self.message(message, call.lineage) for message in response.result]
        for message in result:
            stages = {"prepare": call.prepared - call.began, "model": ended - call.prepared}
            note(message, seconds=stages | own_stages(message))
        response = ModelResponse(result=result, structured_response=response.structured_response)
        if not call.changed:
            return response
        return ExtendedModelResponse(response, Command(update={"messages": call.changed}))

    def _returned(self, request: Any, result: Any, began: float) -> Any:
        seconds = time.perf_counter() - began
        lineage = _tool_lineage(request.tool_call)
        messages = _messages_in(result)
        kept = [self.message(message, lineage) for message in messages]
        makes = _makes(request.tool)
        for message in kept:
            note(message, seconds={"tools": seconds})
            if makes and isinstance(message, ToolMessage) and message.status == "error":
                note(message, makes=makes)
        return _with_messages(result, kept)

    def message(self, message: Any, lineage: Lineage | None = None) -> Any:
        """The message with handles in place of bytes; the same object if it holds none.

        Args:
            message: of any kind.
            lineage: where new media in it come from; without it, they are attachments.
        """
        update: dict[str, Any] = {}
        if isinstance(message.content, list):
            blocks = [self._block(block, lineage) for block in message.content]
            if any(new is not old for new, old in zip(blocks, message.content, strict=True)):
                update["content"] = blocks
        if isinstance(message, AIMessage) and (audio := _spoken(message)):
            block = {"type": "audio", "base64": audio["data"], "mime_type": "audio/wav"}
            block["extras"] = {"filename": "answer.wav"}
            content = message.content if isinstance(message.content, list) else []
            words = message.content if isinstance(message.content, str) else ""
            words = words or str(audio.get("transcript") or "")
            text = [{"type": "text", "text": words}] if words else []
            update["content"] = [*text, *content, self._block(block, lineage)]
            others = {key: v for key, v in message.additional_kwargs.items() if key != "audio"}
            update["additional_kwargs"] = others
        if isinstance(message, ToolMessage) and message.artifact is not None:
            artifact = self._artifact(message.artifact, lineage)
            if artifact is not message.artifact:
                update["artifact"] = artifact
        return message.model_copy(update=update) if update else message

    def ref(self, block: Mapping[str, Any], lineage: Lineage | None = None) -> MediaRef:
        """The handle of a block that carries bytes; the same bytes in a turn keep their handle."""
        stem = re.sub(r"\W+", "-", lineage.model).strip("-") if lineage else ""
        media = block_media(block, strict=False, stem=stem or "unnamed")
        if (
            lineage
            and media.modality != "file"
            and (media.digest, media.modality) not in self._taken
        ):
            readable(media)  # what is said to be made has to be more than a header
        return self._take(media, _merged(lineage, block))

    def begin_turn(self) -> None:
        """From now on, bytes that are made again are made anew."""
        self._taken.clear()

    def _take(self, media: Media, lineage: Lineage | None) -> MediaRef:
        known = next((ref for ref in self.shelf if ref.digest == media.digest), None)
        if known is not None and known.lineage is None and known.modality == media.modality:
            return known  # a tool showed an attachment again
        if lineage is None:
            return take(media, self.shelf)
        key = (media.digest, media.modality)
        with self._taking:
            if key not in self._taken:
                self._taken[key] = take(media, self.shelf, lineage)
            return self._taken[key]

    def _block(self, block: Any, lineage: Lineage | None) -> Any:
        if isinstance(block, Mapping) and block.get("type") == "image_generation_call":
            if not isinstance(block.get("result"), str):
                return block
            block = {"type": "image", "base64": block["result"], "mime_type": "image/png"}
        if not is_media(block) or _at_home(block, self.shelf):
            return block
        try:
            if not has_bytes(block):
                return block
            return to_langchain([MediaPart.of(self.ref(block, lineage))])[0]
        except MediaError as error:
            return failed_block(str(block.get("type")), str(error))

    def _artifact(self, artifact: Any, lineage: Lineage | None) -> Any:
        if isinstance(artifact, Media):
            return self._take(artifact, lineage).model_dump(mode="json", exclude_none=True)
        if isinstance(artifact, MediaRef):
            return artifact.model_dump(mode="json", exclude_none=True)
        if isinstance(artifact, bytes | bytearray) and len(artifact) > _LARGE_BYTES:
            mime = "application/octet-stream"
            media = Media.from_bytes(bytes(artifact), modality="file", mime=mime, name="artifact")
            return self._take(media, lineage).model_dump(mode="json", exclude_none=True)
        if isinstance(artifact, list | tuple):
            items = [self._artifact(item, lineage) for item in artifact]
            same = all(new is old for new, old in zip(items, artifact, strict=True))
            return artifact if same else items
        return artifact


def note(message: BaseMessage, **facts: Any) -> None:
    """Write facts about a message where they are kept with it and no provider sees them."""
    ours = dict(message.response_metadata.get(OUR_KEY) or {})
    message.response_metadata = {**message.response_metadata, OUR_KEY: ours | facts}


def noted(message: BaseMessage) -> Mapping[str, Any]:
    """What `note` wrote."""
    found = message.response_metadata.get(OUR_KEY)
    return found if isinstance(found, Mapping) else {}


def own_stages(message: BaseMessage) -> dict[str, float]:
    """Stages inside the model call, which our own models report."""
    found = message.response_metadata.get("timings")
    return dict(found) if isinstance(found, Mapping) else {}


def tool_failure(call: Mapping[str, Any], reason: str) -> ToolMessage:
    """What the model is told of a tool call that did not work."""
    return ToolMessage(content=reason, name=call["name"], tool_call_id=call["id"], status="error")


def _at_home(block: Mapping[str, Any], shelf: Shelf) -> bool:
    ref = block_ref(block)
    return ref is not None and ref.handle in shelf and not has_bytes(block)


def _spoken(message: AIMessage) -> Mapping[str, Any] | None:
    """Speech as OpenAI's audio models answer it."""
    audio = message.additional_kwargs.get("audio")
    return audio if isinstance(audio, Mapping) and isinstance(audio.get("data"), str) else None


def _merged(lineage: Lineage | None, block: Mapping[str, Any]) -> Lineage | None:
    """Lineage, with what the maker itself says in the block."""
    extras = block.get("extras")
    ours = extras.get(OUR_KEY) if isinstance(extras, Mapping) else None
    said = ours.get("lineage") if isinstance(ours, Mapping) else None
    if lineage is None or not isinstance(said, Mapping):
        return lineage
    known = {key: value for key, value in said.items() if key in Lineage.model_fields}
    return Lineage.model_validate(lineage.model_dump() | known)


def _model_lineage(messages: Sequence[BaseMessage], model: Any) -> Lineage:
    """What a model makes now comes from the last question and the media in it."""
    last = next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)
    prompt = last.text if last else ""
    parents = _handles(last.content) if last and isinstance(last.content, list) else []
    return Lineage(
        parents=tuple(dict.fromkeys([*parents, *_named(prompt)])),
        prompt=prompt,
        model=model_name(model),
    )


def model_name(model: Any) -> str:
    """How a chat model is called."""
    for attribute in ("model", "model_name", "model_id"):
        name = getattr(model, attribute, None)
        if isinstance(name, str) and name:
            return name
    return str(getattr(model, "_llm_type", type(model).__name__))


def _tool_lineage(call: Mapping[str, Any]) -> Lineage:
    args = dict(call.get("args") or {})
    shown = {key: _short(value) for key, value in args.items() if key not in ("prompt", "seed")}
    prompt, seed = args.get("prompt", args.get("text", "")), args.get("seed")
    named = _named(*(value for value in args.values() if isinstance(value, str)))
    listed = _named(
        *(
            item
            for value in args.values()
            if isinstance(value, list)
            for item in value
            if isinstance(item, str)
        )
    )
    return Lineage(
        parents=tuple(dict.fromkeys([*named, *listed])),
        prompt=prompt if isinstance(prompt, str) else "",
        model=str(call["name"]),
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
        parameters=shown,
    )


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


def _named(*texts: str) -> list[str]:
    return [match[0] for text in texts for match in HANDLE.finditer(text)]


def _handles(blocks: Iterable[Any]) -> list[str]:
    refs = (block_ref(block) for block in blocks if isinstance(block, Mapping) and is_media(block))
    return [ref.handle for ref in refs if ref]


def _makes(tool: Any) -> str | None:
    """The modality that a tool says it makes, in its metadata."""
    found = (getattr(tool, "metadata", None) or {}).get("makes")
    return found if isinstance(found, str) else None


def _messages_in(result: Any) -> list[Any]:
    if isinstance(result, BaseMessage):
        return [result]
    if isinstance(result, Command) and isinstance(result.update, Mapping):
        found = result.update.get("messages", [])
        found = found if isinstance(found, list) else [found]
        return [message for message in found if isinstance(message, BaseMessage)]
    return []


def _with_messages(result: Any, messages: list[Any]) -> Any:
    if isinstance(result, BaseMessage):
        return messages[0]
    if messages and isinstance(result, Command) and isinstance(result.update, Mapping):
        return Command(
            graph=result.graph,
            update={**result.update, "messages": messages},
            resume=result.resume,
            goto=result.goto,
        )
    return result
