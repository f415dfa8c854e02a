"""Recall: what memory holds on a question stands beside it while the model answers.

The conversation keeps the question as it was asked. What was found is shown to the model for that
call alone, fenced as data, with its media under their handles, and the answer carries its sources.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain.agents.middleware.types import ModelResponse
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from omni.chat.offload import model_name
from omni.content import Citation, MediaPart
from omni.errors import OmniError
from omni.media import Media
from omni.wire import block_ref, media_block, take, to_langchain

HITS = 6
MEDIA = 4

NEAR = 0.25
"""Likeness from which a hit may be about a question; most that are not stay below."""

SURE = 0.35
"""Likeness from which the embedded model looks at media that share no word with the question."""

_NUMBER = re.compile(r"\[(\d{1,2})\]")
_NAMED = re.compile(r"\b[a-z]{3}-\d+\b")
_ASKS = re.compile(
    r"(what|which|who|whom|whose|where|when|why|how|is|are|was|were|do|does|did|can|could|has|have|"
    r"tell|find|according)\b",
    re.IGNORECASE,
)
_THAT = re.compile(r"\b(it|this|that|these|those|they|them)\b", re.IGNORECASE)
_SPOT = ("source", "page", "box", "seconds", "rows")
_OWN_WORDS = ("text", "image", "audio", "video")


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a memory holds on a question.

    Attributes:
        hits: what was found, the nearest first; the model knows them by their number, from 1.
        citations: of the hits.
        quotes: sentences that answer, each with its source and that in a few words.
        seconds: that the search took.
        notes: what could not be done.
    """

    hits: Sequence[Any]
    citations: Sequence[Citation]
    quotes: Sequence[tuple[str, Citation, str]]
    seconds: float
    notes: Sequence[str] = field(default=())

    @property
    def shown(self) -> list[tuple[int, Media]]:
        """Place and media of the hits that a model looks at; documents are read as words."""
        found = ((place, looked_at(hit)) for place, hit in enumerate(self.hits))
        return [(place, media) for place, media in found if media is not None][:MEDIA]

    @property
    def quoted(self) -> str:
        """The quotes, for a brain that does not read open text."""
        told = [f"“{text}” ({where})" for text, _, where in self.quotes]
        return "\n".join(["Quoted from memory, since omni-nano does not read open text:", *told])

    def used(self, text: str) -> list[Citation]:
        """The sources that an answer names by number; all of them if it names none."""
        named = {int(number) for number in _NUMBER.findall(text)}
        used = [one for place, one in enumerate(self.citations, 1) if place in named]
        return used or list(self.citations)

    def place(self, citation: Citation) -> int | None:
        """Place of the hit that a citation is of."""
        keys = [_spot_of(one) for one in self.citations]
        return keys.index(_spot_of(citation)) if _spot_of(citation) in keys else None


def look(
    library: Any, prompt: str, attached: Sequence[Media], *, quote: bool, near: float = -1.0
) -> Recalled:
    """What a memory holds on a question.

    Args:
        library: a memory that is open.
        prompt: the question.
        attached: media that are asked with.
        quote: whether the answer is to be found in the words of the sources.
        near: likeness below which a hit is left out.
    """
    began = time.perf_counter()
    found = library.search(library.query(prompt, attached), HITS)
    hits = [hit for hit in found.hits if nearness(hit.stages) >= near]
    quotes = library.quotes(prompt, hits) if quote and hits and has_words(hits[0]) else []
    return Recalled(
        hits=hits,
        citations=[library.cite(hit) for hit in hits],
        quotes=[
            (" ".join(one.text.split()), one.citation, library.told(one.citation)) for one in quotes
        ],
        seconds=time.perf_counter() - began,
        notes=[*library.notes, *found.explain.notes],
    )


def nearness(stages: Mapping[str, float]) -> float:
    """Likeness of a hit by vectors; words alone count as near where nothing was compared."""
    likeness = [score for name, score in stages.items() if name not in ("words", "fuse", "rerank")]
    return max(likeness, default=1.0)


def looked_at(hit: Any) -> Media | None:
    """The media of a hit that a model looks at; documents are read as words."""
    media = hit.record.media
    return media if media is not None and media.modality != "text" else None


def has_words(hit: Any) -> bool:
    """Whether a hit holds words of its source's own: written, shown or said."""
    record = hit.record
    own = record.text.strip() and record.text != record.meta.get("caption")
    return bool(own) and record.modality in _OWN_WORDS


def asks(text: str) -> bool:
    """Whether a line asks for something that may be in memory, rather than to make something."""
    words = text.strip()
    return words.endswith("?") or _ASKS.match(words) is not None


class Recall(AgentMiddleware):
    """Looks a question up in memory before the model answers it.

    The embedded model reads questions of its own world and no prose: it is handed the nearest media
    alone, or does not come to word where sentences of the sources answer. It is left alone with
    what is attached to the question, or was named or pointed at in it.

    Args:
        library: a memory that is open, or `None` for none just now.

    Attributes:
        last: what was found on the last question, if anything was.
    """

    def __init__(self, library: Any = None):
        super().__init__()
        self.library = library
        self.last: Recalled | None = None
        self._known: tuple[str, HumanMessage, Recalled | None] | None = None
        self._looking = threading.Lock()

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any] | AIMessage:
        """Call the model with what was found, and let its answer say where that is from."""
        changed, found = self._changed(request)
        if found is None:
            return handler(request)
        if (said := self._own_words(request, found)) is not None:
            return said
        return self._cited(request, handler(changed), found)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | AIMessage:
        """The same, with the search in a thread."""
        changed, found = await asyncio.to_thread(self._changed, request)
        if found is None:
            return await handler(request)
        if (said := self._own_words(request, found)) is not None:
            return said
        return self._cited(request, await handler(changed), found)

    def _changed(self, request: ModelRequest[Any]) -> tuple[ModelRequest[Any], Recalled | None]:
        messages: list[AnyMessage] = list(request.messages)
        place = max(
            (n for n, one in enumerate(messages) if isinstance(one, HumanMessage)), default=-1
        )
        if self.library is None or place < 0:
            self.last = None
            return request, None
        question = messages[place]
        assert isinstance(question, HumanMessage)
        with self._looking:  # once a question, however often the model is called
            if self._known is None or not question.id or self._known[0] != question.id:
                self._known = (question.id or "", *self._asked(request, question))
            _, messages[place], self.last = self._known
        return request.override(messages=messages), self.last

    def _asked(
        self, request: ModelRequest[Any], question: HumanMessage
    ) -> tuple[HumanMessage, Recalled | None]:
        """The question as the model is to see it, and what was found."""
        shelf = getattr(getattr(request.runtime, "context", None), "shelf", None)
        nano, text = _is_nano(request), question.text.strip()
        blocks = question.content if isinstance(question.content, list) else []
        refs = [ref for block in blocks if isinstance(block, dict) and (ref := block_ref(block))]
        pointed = refs or _NAMED.search(text) or (_THAT.search(text) and shelf and len(shelf))
        if not text or (nano and (pointed or not asks(text))):
            return question, None
        attached = [shelf.media(ref.handle) for ref in refs] if shelf is not None else []
        found = look(self.library, text, attached, quote=nano, near=NEAR)
        if not found.hits or (nano and not found.quotes and not _sure(found.hits[0])):
            return question, None
        shown = found.shown[:1] if nano else found.shown
        names = [""] * len(found.hits)
        added: list[Any] = []
        for place, media in shown:
            if shelf is None:
                added.append(media_block(media))
                names[place] = media.name
            else:
                ref = take(media, shelf)
                added += to_langchain([MediaPart.of(ref)])
                names[place] = ref.handle
        said = text if nano else f"{self.library.fenced(found.hits, names)}\n\n{text}"
        kept = [block for block in blocks if not _is_words(block)]
        content: Any = [*kept, *added, {"type": "text", "text": said}]
        return question.model_copy(update={"content": content}), found

    def _own_words(self, request: ModelRequest[Any], found: Recalled) -> AIMessage | None:
        if not (_is_nano(request) and found.quotes):
            return None
        return _citing(AIMessage(found.quoted), [one for _, one, _ in found.quotes])

    def _cited(
        self, request: ModelRequest[Any], response: ModelResponse[Any], found: Recalled
    ) -> ModelResponse[Any]:
        """The response, whose answer names its sources."""
        inner = getattr(response, "model_response", response)
        for place, message in enumerate(inner.result):
            if isinstance(message, AIMessage) and not message.tool_calls:
                nano = _is_nano(request)
                used = list(found.citations[:1]) if nano else found.used(message.text)
                inner.result[place] = _citing(message, used)
        return response

    def sources(
        self, citations: Iterable[Citation]
    ) -> list[tuple[int, str, Callable[[], Media | None]]]:
        """Of the last answer's citations: number, spot in a few words, and what is to be seen."""
        told = []
        for count, citation in enumerate(citations, 1):
            place = self.last.place(citation) if self.last is not None else None
            number = count if place is None else place + 1
            told.append((number, self.library.told(citation), partial(self._excerpt, place)))
        return told

    def _excerpt(self, place: int | None) -> Media | None:
        if place is None or self.last is None:
            return None
        try:
            return self.library.excerpt(self.last.hits[place])
        except OmniError:
            return None  # the source may be gone; the words still stand


def _sure(hit: Any) -> bool:
    """Whether the embedded model is to answer from a hit's media."""
    shares = hit.stages.get("words", 0.0) > 0
    return looked_at(hit) is not None and (shares or nearness(hit.stages) >= SURE)


def _citing(message: AIMessage, citations: Sequence[Citation]) -> AIMessage:
    told = [one.model_dump(mode="json", exclude_none=True) for one in citations]
    meta = {**message.response_metadata, "citations": told}
    return message.model_copy(update={"response_metadata": meta})


def _is_nano(request: ModelRequest[Any]) -> bool:
    return model_name(request.model) == "nano"


def _is_words(block: Any) -> bool:
    return isinstance(block, str) or (isinstance(block, dict) and block.get("type") == "text")


def _spot_of(citation: Citation) -> tuple[Any, ...]:
    return tuple(getattr(citation, name) for name in _SPOT)
