"""From LangChain messages to the inputs of the assembled model, within its window and budget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
)

from omni.chat.presenting import Presenter
from omni.chat.returning import MEDIA_KEY
from omni.compression.budget import Budget
from omni.errors import UsageError
from omni.media import Media
from omni.modality import modality
from omni.model.questions import TEXT
from omni.wire import OUR_KEY, block_media, block_ref, is_media

if TYPE_CHECKING:
    from omni.model.loading import Loaded

_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Prompt:
    """Model inputs and what is known of them.

    Attributes:
        inputs: for `generate`.
        tokens: length of the prompt.
        media: media tokens by modality.
        room: how many tokens the answer may take.
        selection: what the budget kept, as an answer tells it.
    """

    inputs: Mapping[str, Any]
    tokens: int
    media: Mapping[str, int]
    room: int
    selection: Mapping[str, Any]


class Prompter:
    """Writes prompts for one model; remembers the features of media it has seen."""

    def __init__(self, loaded: Loaded):
        self.loaded = loaded
        # Documents are read as words, also by a model that has a text encoder for its questions.
        self._reads = frozenset(loaded.processor.modalities) - {TEXT}
        self._presenter = Presenter(self._reads, convert=False)
        self._items: OrderedDict[tuple[str, str], Any] = OrderedDict()
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
        tools: Sequence[Mapping[str, Any]] | None = None,
        max_tokens: int,
    ) -> Prompt:
        """The prompt of a conversation; the oldest turns are left out where it is too long.

        Raises:
            UsageError: if even the last turn is too long, or the budget is too small for it.
        """
        dialogue = [self._message(message) for message in messages if self._is_used(message)]
        if not any(message["role"] != "system" for message in dialogue):
            raise UsageError("there is nothing to answer: the conversation holds no message")
        turns = _turns(dialogue)
        reserve = min(max_tokens, (self.window or max_tokens * 4) // 4)
        while True:
            shown = [message for turn in turns for message in turn]
            inputs = self._inputs(shown, budget, tools)
            tokens = inputs["input_ids"].shape[1]
            if self.window is None or tokens + reserve <= self.window:
                break
            oldest = 1 if turns[0] and turns[0][0]["role"] == "system" else 0
            if len(turns) <= oldest + 1:
                inputs, budget = self._squeeze(shown, inputs, budget, tools, reserve)
                break
            del turns[oldest]
        return self._finish(inputs, budget, max_tokens)

    def _inputs(
        self,
        dialogue: list[dict[str, Any]],
        budget: Budget | None,
        tools: Sequence[Mapping[str, Any]] | None,
    ) -> Any:
        more: dict[str, Any] = {"tools": list(tools)} if tools else {}
        return self.loaded.processor.apply_chat_template(
            dialogue, tokenize=True, add_generation_prompt=True, budget=budget, **more
        )

    def _squeeze(
        self,
        dialogue: list[dict[str, Any]],
        inputs: Any,
        budget: Budget | None,
        tools: Sequence[Mapping[str, Any]] | None,
        reserve: int,
    ) -> tuple[Any, Budget | None]:
        """The last turn with as few media tokens as it takes to fit."""
        assert self.window is not None
        kept = sum(item.keep for item in _real(inputs))
        words = inputs["input_ids"].shape[1] - kept
        left = self.window - reserve - words
        if kept and left > 0:
            smaller = replace(budget or Budget(), tokens=left)
            return self._inputs(dialogue, smaller, tools), smaller
        raise UsageError(
            f"this question takes {words:,} tokens without its media; the model reads "
            f"{self.window:,}, {reserve} of them for the answer: ask in fewer words"
        )

    def _finish(self, inputs: Any, budget: Budget | None, max_tokens: int) -> Prompt:
        tokens = inputs["input_ids"].shape[1]
        media: dict[str, int] = {}
        for item in _real(inputs):
            media[item.modality] = media.get(item.modality, 0) + item.keep
        room = max_tokens if self.window is None else min(max_tokens, self.window - tokens)
        device = self.loaded.model.device
        moved = {
            key: value.to(device) if hasattr(value, "to") else value
            for key, value in inputs.items()
        }
        report = self.loaded.processor.report(inputs, budget)
        return Prompt(moved, tokens, media, max(1, room), report.to_json())

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
            return [{"type": "text", "text": block}] if block else []
        if block.get("type") in ("text", "text-plain"):
            return [{"type": "text", "text": block.get("text") or ""}]
        value = block.get("value")
        if block.get("type") == "non_standard" and isinstance(value, Mapping) and OUR_KEY in value:
            return []  # something was not made: there is nothing to read of it
        if not is_media(block):
            return []
        media, handle = _media(block)
        if role == "assistant" and media.modality in self.loaded.processor.codes:
            return [{"type": media.modality, "codes": self._codes(media)}]
        return self._shown(media, handle)

    def _shown(self, media: Media, handle: str) -> Iterable[dict[str, Any]]:
        if media.modality in self._reads:
            yield self._item(media, handle)
            return
        for block in self._presenter.blocks(media):
            if is_media(block):
                yield self._item(block_media(block), handle)
            else:
                yield {"type": "text", "text": block["text"]}

    def _item(self, media: Media, handle: str) -> dict[str, Any]:
        """A part with the features of media, which are made once."""
        key = (media.digest, media.modality)
        if key not in self._items:
            plugin = modality(media.modality)
            self._items[key] = plugin.features(plugin.load(media))
        self._items.move_to_end(key)
        features = self._items[key]
        while len(self._items) > _REMEMBERED:
            self._items.popitem(last=False)
        return {"type": media.modality, "features": features, "handle": handle}

    def _codes(self, media: Media) -> list[int]:
        """What the model said when it made this: media of its own turns stay in its own words."""
        import torch

        key = (media.digest, f"codes of {media.modality}")
        if key not in self._items:
            decoder: Any = self.loaded.model.decoders[media.modality]
            with torch.no_grad():
                self._items[key] = decoder.encode(modality(media.modality).load(media)).tolist()
        self._items.move_to_end(key)
        return self._items[key]


def _real(inputs: Mapping[str, Any]) -> list[Any]:
    """Items of a prompt that are media to people: not their own questions."""
    return [item for item in inputs.get("media") or [] if item.modality != TEXT]


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
