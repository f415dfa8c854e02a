"""From LangChain messages to the inputs of the assembled model, within its window and budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
)

from omni.chat.choosing import name_of
from omni.chat.presenting import Presenter
from omni.chat.returning import MEDIA_KEY
from omni.chat.seen import Seen
from omni.chat.shortlist import SHARE, Shortlist
from omni.compression.budget import Budget
from omni.errors import UsageError
from omni.media import HANDLE, Media
from omni.model.questions import TEXT, is_item
from omni.model.sharing import nearness, weights
from omni.wire import OUR_KEY, block_media, block_ref, is_media

if TYPE_CHECKING:
    from omni.model.item import MediaItem
    from omni.model.loading import Loaded


CLIP = 4
"""What one tool says may take one part in so many of a model's window."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Model inputs and what is known of them.

    Attributes:
        inputs: for `generate`; media are encoded and selected already.
        items: all items, the texts among them.
        tokens: length of the prompt.
        media: media tokens by modality.
        room: how many tokens the answer may take.
        selection: what the budget kept, as an answer tells it.
        tools: names of the tools that it lists.
    """

    inputs: Mapping[str, Any]
    items: tuple[MediaItem, ...]
    tokens: int
    media: Mapping[str, int]
    room: int
    selection: Mapping[str, Any]
    tools: tuple[str, ...] = ()


class Prompter:
    """Writes prompts for one model; what it has seen of media is kept for the next turn.

    Args:
        loaded: the model.
        stash_bytes: how much of encoded media may be kept.
    """

    def __init__(self, loaded: Loaded, stash_bytes: int = 256 << 20):
        self.loaded = loaded
        self.seen = Seen(loaded, stash_bytes)
        # Documents are read as words, also by a model that has a text encoder for its questions.
        self._reads = frozenset(loaded.processor.modalities) - {TEXT}
        self._presenter = Presenter(self._reads, convert=False)
        self._shortlist = Shortlist(loaded, self._tool_tokens)
        template = loaded.processor.chat_template or ""
        self._has_system = "system" in str(template)

    @property
    def window(self) -> int | None:
        """How many tokens the language model can look at."""
        text = self.loaded.model.config.get_text_config()
        found = getattr(text, "max_position_embeddings", None)
        return int(found) if found else None

    def prompt(
        self,
        messages: Sequence[BaseMessage],
        *,
        budget: Budget | None = None,
        selector: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        max_tokens: int,
    ) -> Prompt:
        """The prompt of a conversation; the oldest turns are left out where it is too long.

        Every turn selects anew, by its own question, from all tokens that media have.

        Args:
            messages: the conversation.
            budget: how many tokens all media together may take.
            selector: name of another selector than the model's own.
            tools: what the model may call; of many it is told of those nearest to the question.
            max_tokens: how long the answer may get.

        Raises:
            UsageError: if even the last turn is too long, or the budget is too small for it.
        """
        dialogue = [self._message(message) for message in messages if self._is_used(message)]
        if not any(message["role"] != "system" for message in dialogue):
            raise UsageError("there is nothing to answer: the conversation holds no message")
        if tools and self.window:
            tools = self._shortlist(
                tools,
                _question(dialogue),
                self.window // SHARE,
                _called(dialogue),
                _handles(dialogue),
            )
        turns = _turns(dialogue)
        reserve = min(max_tokens, (self.window or max_tokens * 4) // 4)
        while True:
            shown = [message for turn in turns for message in turn]
            oldest = 1 if turns[0] and turns[0][0]["role"] == "system" else 0
            last = len(turns) <= oldest + 1
            if last or self._suffices(budget, shown):
                inputs = self._inputs(shown, budget, tools)
                tokens = inputs["input_ids"].shape[1]
                if self.window is None or tokens + reserve <= self.window:
                    break
                if last:
                    budget = self._squeezed(inputs, budget, reserve)
                    break
            del turns[oldest]
        return self._finish(shown, budget, selector, tools, max_tokens)

    def _inputs(
        self,
        dialogue: list[dict[str, Any]],
        budget: Budget | None,
        tools: Sequence[Mapping[str, Any]] | None,
        weights: Sequence[float] | None = None,
    ) -> Any:
        more: dict[str, Any] = {"tools": list(tools)} if tools else {}
        more |= {"budget": budget, "weights": weights}
        return self.loaded.processor.apply_chat_template(
            dialogue, tokenize=True, add_generation_prompt=True, **more
        )

    def _tool_tokens(self, tools: Sequence[Mapping[str, Any]]) -> int:
        """How many tokens a list of tools takes."""
        processor = self.loaded.processor
        empty = [{"role": "user", "content": ""}]
        given: dict[str, Any] = {"tools": list(tools)}
        prompts = (
            processor.apply_chat_template(empty, **given),
            processor.apply_chat_template(empty),
        )
        whole, rest = (len(processor.encode(prompt)) for prompt in prompts)
        return whole - rest

    def _suffices(self, budget: Budget | None, dialogue: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a budget leaves every item its floor."""
        if budget is None or budget.tokens is None:
            return True
        sizes = [self.loaded.processor.item(part).grid.tokens for part in _media_parts(dialogue)]
        return sum(min(size, budget.floor) for size in sizes) <= budget.tokens

    def _squeezed(self, inputs: Any, budget: Budget | None, reserve: int) -> Budget:
        """A budget for the last turn with as few media tokens as it takes to fit."""
        assert self.window is not None
        kept = sum(item.keep for item in _real(inputs))
        words = inputs["input_ids"].shape[1] - kept
        left = self.window - reserve - words
        if kept and left > 0:
            return replace(budget or Budget(), tokens=left)
        raise UsageError(
            f"this question takes {words:,} tokens without its media; the model reads "
            f"{self.window:,}, {reserve} of them for the answer: ask in fewer words"
        )

    def _finish(
        self,
        dialogue: list[dict[str, Any]],
        budget: Budget | None,
        selector: str | None,
        tools: Sequence[Mapping[str, Any]] | None,
        max_tokens: int,
    ) -> Prompt:
        """Encode, lay out by what each item is worth, and select."""
        seen = self.seen.encoded(dialogue)
        drafts = [self.loaded.processor.item(part) for part in _media_parts(seen)]
        near = self._nearness(_question(seen), drafts, budget)
        worth = None if near is None else weights(near, drafts)
        inputs = dict(self._inputs(seen, budget, tools, worth))
        tokens = inputs["input_ids"].shape[1]
        counts: dict[str, int] = {}
        for item in _real(inputs):
            counts[item.modality] = counts.get(item.modality, 0) + item.keep
        room = max_tokens if self.window is None else min(max_tokens, self.window - tokens)
        media = tuple(inputs.pop("media", ()))
        moved = {key: value.to(self.loaded.model.device) for key, value in inputs.items()}
        report = self.loaded.processor.report({}, budget)
        if media:
            with torch.no_grad():
                selected = self.loaded.model.select_media(
                    moved["input_ids"], media, selector=selector
                )
            moved["media_embeds"] = selected.embeds
            report = selected.report(report.budget, near)
        listed = tuple(map(name_of, tools or ()))
        return Prompt(moved, media, tokens, counts, max(1, room), report.to_json(), listed)

    def _nearness(
        self, question: str, items: Sequence[MediaItem], budget: Budget | None
    ) -> list[float] | None:
        """How near each item is to the question, where a budget has to be shared."""
        if budget is None or budget.tokens is None or len(items) < 2:
            return None
        wanted = replace(budget, tokens=None).plan([item.grid.tokens for item in items])
        if sum(wanted) <= budget.tokens or not self.loaded.processor.hears:
            return None
        return nearness(self.loaded.model, question, items)

    def _is_used(self, message: BaseMessage) -> bool:
        return self._has_system or not isinstance(message, SystemMessage)

    def _message(self, message: BaseMessage) -> dict[str, Any]:
        role = _role(message)
        blocks = message.content if isinstance(message.content, list) else [message.content]
        content = [part for block in blocks for part in self._parts(block, role)]
        written: dict[str, Any] = {"role": role, "content": content}
        if isinstance(message, AIMessage) and message.tool_calls:
            written["tool_calls"] = [
                {"name": call["name"], "arguments": call["args"]} for call in message.tool_calls
            ]
        return written

    def _parts(self, block: Any, role: str) -> Iterable[dict[str, Any]]:
        if isinstance(block, str):
            return [{"type": "text", "text": self._clipped(block, role)}] if block else []
        if block.get("type") in ("text", "text-plain"):
            return [{"type": "text", "text": self._clipped(block.get("text") or "", role)}]
        value = block.get("value")
        if block.get("type") == "non_standard" and isinstance(value, Mapping) and OUR_KEY in value:
            return []  # something was not made: there is nothing to read of it
        if not is_media(block):
            return []
        media, handle = _media(block)
        if role == "assistant" and media.modality in self.loaded.processor.codes:
            codes = self.seen.codes(media)
            return [{"type": media.modality, "codes": codes, "handle": handle}]
        return self._shown(media, handle)

    def _clipped(self, text: str, role: str) -> str:
        """What a tool says, of which a model with a small window reads the beginning."""
        if role != "tool" or self.window is None:
            return text
        most = self.window // CLIP
        ids = self.loaded.processor.encode(self.loaded.processor.seal(text))
        if len(ids) <= most:
            return text
        return self.loaded.processor.tokenizer.decode(ids[:most]).rstrip("\ufffd") + " …"

    def _shown(self, media: Media, handle: str) -> Iterable[dict[str, Any]]:
        if media.modality in self._reads:
            yield self.seen.part(media, handle)
            return
        for block in self._presenter.blocks(media):
            if is_media(block):
                yield self.seen.part(block_media(block), handle)
            else:
                yield {"type": "text", "text": block["text"]}


def _real(inputs: Mapping[str, Any]) -> list[Any]:
    """Items of a prompt that are media to people: not their own questions."""
    return [item for item in inputs.get("media") or [] if item.modality != TEXT]


def _media_parts(dialogue: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Parts that are media to people, in order."""
    return [
        part
        for message in dialogue
        for part in message["content"]
        if part["type"] != TEXT and is_item(part)
    ]


def _question(dialogue: Sequence[Mapping[str, Any]]) -> str:
    """What the user said last."""
    said = next((one for one in reversed(dialogue) if one["role"] == "user"), {"content": ()})
    return " ".join(part["text"] for part in said["content"] if "text" in part)


def _called(dialogue: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Names of the tools that were called since the user spoke last."""
    names: set[str] = set()
    for message in reversed(dialogue):
        if message["role"] == "user":
            break
        names |= {call["name"] for call in message.get("tool_calls", ())}
    return frozenset(names)


def _handles(dialogue: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Beginnings of the handles in a conversation: those of its media, and those in its words."""
    said = [
        str(part.get("handle") or part.get("text") or "")
        for message in dialogue
        for part in message["content"]
        if message["role"] != "system"
    ]
    return frozenset(match[1] for each in said for match in HANDLE.finditer(each))


def _media(block: Mapping[str, Any]) -> tuple[Media, str]:
    """The media of a block and its handle."""
    extras = block.get("extras")
    extras = extras if isinstance(extras, Mapping) else {}
    ref = block_ref(block)
    handle = str(extras.get("handle") or (ref.handle if ref else ""))
    held = extras.get(MEDIA_KEY)
    return (held if isinstance(held, Media) else block_media(block)), handle


def _role(message: BaseMessage) -> str:
    if isinstance(message, ChatMessage):
        return message.role
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, ToolMessage):
        return "tool"
    return "system" if isinstance(message, SystemMessage) else "user"


def _turns(dialogue: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Messages by turn, each of which begins with a user; a system message stands alone."""
    turns: list[list[dict[str, Any]]] = []
    for message in dialogue:
        before = turns[-1][0]["role"] if turns else "system"
        if message["role"] in ("user", "system") or before == "system":
            turns.append([message])
        else:
            turns[-1].append(message)
    return turns
