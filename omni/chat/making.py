"""Middleware: media that the brain wishes for and cannot make are made by makers.

A brain says what is to be made in structured form: in a call of a tool such as `make_image`, or in
a content block of type `non_standard` with our own key,

    {"type": "non_standard", "value": {"omni": {"make": {"kind": "image", "prompt": "a cat"}}}}

And where the person asked for a kind of media with `want`, and the brain neither made it nor can,
it is made from the answer. What comes of it stands in the block's place: the thing with its
lineage, or a failed part with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain.agents.middleware.types import ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from omni.chat.bounding import bounded
from omni.chat.cancelling import Cancelled
from omni.errors import Unsupported
from omni.making import Makers, Wish
from omni.media import HANDLE, Media, MediaRef, Shelf
from omni.redacting import redact
from omni.wire import OUR_KEY, block_ref, failed_block, is_media

_PENDING = "it was wished for, and the turn ended before it was made"
SECONDS = 1800.0
"""A diffusion pipeline may take long on a CPU; longer than this is not waited for."""


class Asked(BaseModel):
    """What a block asks for.

    Attributes:
        kind: a modality.
        prompt: what it shall show or say.
        seed: fixes what is drawn at random.
        sources: handles of what it is made from.
    """

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(min_length=1, max_length=40)
    prompt: str = Field(min_length=1, max_length=20_000)
    seed: int | None = Field(None, ge=0, lt=2**31)
    sources: tuple[str, ...] = ()


def asking_block(kind: str, prompt: str, **more: Any) -> dict[str, Any]:
    """The block in which a chat model asks for media; unmade, it is a failed part."""
    make = {"kind": kind, "prompt": prompt, **more}
    ours = {"type": kind, "status": "failed", "reason": _PENDING, "make": make}
    return {"type": "non_standard", "value": {OUR_KEY: ours}}


class MakerRouter(AgentMiddleware):
    """Sends wishes to makers, and puts what they make into the answer.

    Args:
        makers: who makes what.
        shelf: the media of the session.
        seconds: that one thing may take.
    """

    def __init__(self, makers: Makers, shelf: Shelf, *, seconds: float = SECONDS):
        super().__init__()
        self.makers = makers
        self.shelf = shelf
        self.seconds = seconds

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Call the model, then make what its answer asks for."""
        return self._routed(request, handler(request))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """The same, with makers in a thread."""
        return await asyncio.to_thread(self._routed, request, await handler(request))

    def _routed(
        self, request: ModelRequest[Any], response: ModelResponse[Any]
    ) -> ModelResponse[Any]:
        result = [self._answered(request, message) for message in response.result]
        if all(new is old for new, old in zip(result, response.result, strict=True)):
            return response
        return ModelResponse(result=result, structured_response=response.structured_response)

    def _answered(self, request: ModelRequest[Any], message: BaseMessage) -> BaseMessage:
        if not isinstance(message, AIMessage):
            return message
        given = message.content
        blocks: list[Any] = [{"type": "text", "text": given}] if isinstance(given, str) else given
        made = [self._block(block) for block in blocks]
        if not message.tool_calls:
            made += [
                self._make(self._wish(kind, message, request))
                for kind in self._absent(request, made)
            ]
        if len(made) == len(blocks) and all(a is b for a, b in zip(made, blocks, strict=True)):
            return message
        kept = [block for block in made if not _is_empty(block)]
        return message.model_copy(update={"content": kept})

    def _block(self, block: Any) -> Any:
        asked = _asked(block)
        if asked is None:
            return block
        try:
            found = Asked.model_validate(asked)
            sources = tuple(self.shelf.media(handle) for handle in found.sources)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "make"
            kind = asked.get("kind") if isinstance(asked, Mapping) else None
            kind = kind if isinstance(kind, str) and 0 < len(kind) <= 40 else "file"
            return failed_block(kind, f"the wish has a wrong {field!r}: {first['msg']}")
        except Exception as error:  # a handle that is not there, or whose bytes are lost
            return failed_block(str(asked["kind"]), str(error))
        return self._make(Wish(found.kind, found.prompt, found.seed, sources))

    def _make(self, wish: Wish) -> dict[str, Any]:
        """The thing as a block, or why there is none."""
        kind = wish.modality
        try:
            made = bounded(lambda: self.makers.make(wish), self.seconds, f"making {kind}")
            if made.media.modality != kind:
                return failed_block(kind, f"{made.model} made {made.media.modality} instead")
            parents = [handle for one in wish.sources if (handle := self._handle(one))]
            return made.block(prompt=wish.prompt, **({"parents": parents} if parents else {}))
        except Cancelled:
            raise
        except Unsupported as error:
            return failed_block(kind, str(error), "unsupported")
        except Exception as error:  # whatever a maker raises, the answer goes on and says so
            reason = redact(" ".join(str(error).split())) or type(error).__name__
            return failed_block(kind, reason)

    def _handle(self, media: Media) -> str | None:
        return next((ref.handle for ref in self.shelf if ref.digest == media.digest), None)

    def _absent(self, request: ModelRequest[Any], blocks: Sequence[Any]) -> list[str]:
        """Wanted kinds that the turn has not made so far, and that the brain cannot make."""
        context = request.runtime.context if request.runtime else None
        wanted = [kind for kind in getattr(context, "want", ()) if kind != "text"]
        if not wanted:
            return []
        there = {kind for block in blocks if (kind := _kind(block))}
        turn = _turn(request)[1]
        there |= {ref.modality for message in turn for ref in _refs(message) if ref.lineage}
        profile = getattr(request.model, "profile", None) or {}
        return [
            kind
            for kind in dict.fromkeys(wanted)
            if kind not in there and not profile.get(f"{kind}_outputs")
        ]

    def _wish(self, kind: str, message: AIMessage, request: ModelRequest[Any]) -> Wish:
        """What is wanted, as far as it can be told: sound is the answer spoken, else the question.

        A brain that was to write a better prompt has had its chance to ask for it.
        """
        question, turn = _turn(request)
        refs = [ref for one in ([question] if question else []) for ref in _refs(one)]
        refs += [ref for one in turn for ref in _refs(one)]
        asked = question.text if question else ""
        refs += [self.shelf[name] for name in _named(asked) if name in self.shelf]
        answer = message.text.strip()
        if kind == "audio" and answer:
            return Wish("speech", answer)
        sources = tuple(self.shelf.media(name) for name in dict.fromkeys(r.handle for r in refs))
        return Wish(kind, asked or answer, None, sources)


def _asked(block: Any) -> Any:
    """What a block of our own form asks for; `None` in every other block."""
    value = block.get("value") if isinstance(block, Mapping) else None
    if not isinstance(value, Mapping) or block.get("type") != "non_standard":
        return None
    ours = value.get(OUR_KEY)
    return ours.get("make") if isinstance(ours, Mapping) else None


def _kind(block: Any) -> str | None:
    """The modality that a block of an answer speaks of, whether it was made or failed."""
    if not isinstance(block, Mapping):
        return None
    if ref := (block_ref(block) if is_media(block) else None):
        return ref.modality
    value = block.get("value")
    ours = value.get(OUR_KEY) if isinstance(value, Mapping) else None
    if isinstance(ours, Mapping):
        return str(ours.get("type"))
    return str(block.get("type")) if is_media(block) else None


def _turn(request: ModelRequest[Any]) -> tuple[HumanMessage | None, list[Any]]:
    """The question as the state holds it, with handles, and what has come since."""
    state = request.state
    messages = list(state.get("messages", [])) if isinstance(state, Mapping) else []
    for place in range(len(messages) - 1, -1, -1):
        question = messages[place]
        if isinstance(question, HumanMessage):
            return question, messages[place + 1 :]
    return None, messages


def _refs(message: Any) -> Iterable[MediaRef]:
    content = message.content if isinstance(message.content, list) else []
    for block in content:
        if isinstance(block, Mapping) and is_media(block) and (ref := block_ref(block)):
            yield ref


def _named(text: str) -> list[str]:
    return [match[0] for match in HANDLE.finditer(text)]


def _is_empty(block: Any) -> bool:
    return isinstance(block, Mapping) and block.get("type") == "text" and not block.get("text")
