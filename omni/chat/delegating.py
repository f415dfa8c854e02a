"""An agent as a tool of another: media go in by handle and come back with their lineage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, ConfigDict, Field

from omni.chat.events import Event, Finished, ToolEnded, ToolStarted
from omni.chat.listening import tell
from omni.chat.transcript import USAGE
from omni.content import Answer, MediaPart, Part, TextPart
from omni.errors import OmniError
from omni.media import HANDLE, Lineage, Media, MediaRef, Shelf
from omni.wire import failed_block, media_block

if TYPE_CHECKING:
    from omni.chat.agent import Agent

_NOBODY = "this agent works for another one and has nobody to ask: go on without it"


class Request(BaseModel):
    """What one agent asks of another."""

    model_config = ConfigDict(extra="forbid")

    request: str = Field(description="what is to be done, with all that has to be known for it")
    media: list[str] = Field(
        default_factory=list, description="handles of the media that it needs, such as img-1"
    )


class AgentTool(BaseTool):
    """Asks an agent anew each time, in a session that is thrown away.

    Attributes:
        open: opens the agent in such a session.

    What the agent would have to ask a person for is refused. Its tool calls are told as those of
    `name/tool`, and its tokens count to the turn that called it.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    open: Callable[[], Any]
    args_schema: Any = Request
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"

    def _run(self, request: str, media: list[str] | None = None) -> tuple[list[Any], Any]:
        with self.open() as worker:
            errand = _Errand(self.name, worker, request, media or [])
            answer = _last(map(errand.tell, worker.stream(errand.text)))
            while answer.asked:
                answer = _last(map(errand.tell, worker.stream_resumed(errand.refusal)))
            return errand.result(answer)

    async def _arun(self, request: str, media: list[str] | None = None) -> tuple[list[Any], Any]:
        with self.open() as worker:
            errand = await asyncio.to_thread(_Errand, self.name, worker, request, media or [])
            answer = await _alast(errand, worker.astream(errand.text))
            while answer.asked:
                answer = await _alast(errand, worker.astream_resumed(errand.refusal))
            return await asyncio.to_thread(errand.result, answer)


class _Errand:
    """One request: the names of media in it are those of the worker, and back again after it."""

    def __init__(self, name: str, worker: Agent, request: str, handles: list[str]):
        from omni.chat.approving import Refuse

        self.refusal = Refuse(_NOBODY)
        self._name = name
        self._worker = worker
        shelf = _shelf()
        named = [match[0] for match in HANDLE.finditer(request) if match[0] in (shelf or ())]
        wanted = list(dict.fromkeys([*handles, *named]))
        given = {handle: worker.attach(_media(shelf, handle)).handle for handle in wanted}
        self.text = _renamed(request, given)
        self._theirs = {ours: handle for handle, ours in given.items()}

    def tell(self, event: Event) -> Event:
        """Tell of the worker's tools as of its own."""
        if isinstance(event, ToolStarted | ToolEnded):
            tell(replace(event, name=f"{self._name}/{event.name}"))
        return event

    def result(self, answer: Answer) -> tuple[list[Any], Any]:
        """What the calling model gets, and what it took.

        Raises:
            ToolException: if nothing was delivered.
        """
        made = {ref.handle: ref.name for ref in answer.media if ref.lineage}
        names = {**made, **self._theirs}
        blocks: list[Any] = []
        for part in answer.parts:
            if part.status != "delivered":
                blocks.append(_failure(part))
            elif isinstance(part, TextPart):
                blocks.append(_text(_renamed(part.text, names)))
            elif part.ref is not None:
                blocks.append(self._block(part.ref))
        if not any(part.status == "delivered" for part in answer.parts):
            reasons = "; ".join(str(part.reason) for part in answer.parts) or "it gave no answer"
            raise ToolException(f"{self._name} failed: {reasons}")
        return blocks, {USAGE: answer.usage.model_dump(mode="json")}

    def _block(self, ref: MediaRef) -> dict[str, Any]:
        lineage = ref.lineage or Lineage()
        parents = dict.fromkeys(self._roots(lineage.parents))
        told = {
            "parents": tuple(parents),
            "prompt": _renamed(lineage.prompt, self._theirs),
            "model": lineage.model,
            "seed": lineage.seed,
            "parameters": {**lineage.parameters, "agent": self._name},
        }
        return media_block(self._worker.shelf.media(ref.handle), lineage=told)

    def _roots(self, handles: Iterable[str]) -> Iterator[str]:
        """The media of the calling agent that these were made from, over any steps between."""
        for handle in handles:
            if handle in self._theirs:
                yield self._theirs[handle]
            elif handle in self._worker.shelf:
                lineage = self._worker.shelf[handle].lineage
                yield from self._roots(lineage.parents if lineage else ())


def _shelf() -> Shelf | None:
    """The media of the agent that calls; nothing outside of one."""
    from langgraph.runtime import get_runtime

    try:
        runtime: Any = get_runtime()
    except RuntimeError:
        runtime = None
    return getattr(getattr(runtime, "context", None), "shelf", None)


def _media(shelf: Shelf | None, handle: str) -> Media:
    try:
        if shelf is None:
            raise ToolException(f"there is no {handle!r} here: only an agent of ours has handles")
        return shelf.media(handle)
    except OmniError as error:
        raise ToolException(str(error)) from None


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return HANDLE.sub(lambda match: names.get(match[0], match[0]), text)


def _failure(part: Part) -> dict[str, Any]:
    reason = str(part.reason)
    if isinstance(part, MediaPart):
        return failed_block(part.type, reason, part.status)
    return _text(f"({part.status}: {reason})")


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _last(events: Iterable[Event]) -> Answer:
    return [event.answer for event in events if isinstance(event, Finished)][-1]


async def _alast(errand: _Errand, events: AsyncIterator[Event]) -> Answer:
    answer = Answer()
    async for event in events:
        errand.tell(event)
        if isinstance(event, Finished):
            answer = event.answer
    return answer
