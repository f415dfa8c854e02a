"""Dialogue and media to model inputs, with exact counts; and generated tokens back to parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import BatchFeature, ProcessorMixin

from omni.compression.budget import Budget, Grid
from omni.compression.selector import SelectionReport
from omni.errors import Unsupported, UsageError
from omni.modality import modality
from omni.model.item import MediaItem
from omni.model.pieces import Piece, Scanner, merge
from omni.model.planning import Planner, is_features
from omni.model.questions import TEXT, is_item, with_items
from omni.model.template import CHAT_TEMPLATE, SEAL, seal
from omni.model.tokens import ASSISTANT, CALL, CALL_END, CLOSE, END, MARKS, MEDIA, OPEN
from omni.model.turns import answer_labels


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens of a prompt before it is made.

    Attributes:
        text: tokens of text and marks, and those that the text encoder makes of questions.
        media: tokens of media by modality, after the budget.
    """

    text: int
    media: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.text + sum(self.media.values())


class OmniProcessor(Planner, ProcessorMixin):
    """Tokenizer, chat template and media features of an `OmniModel`.

    Args:
        tokenizer: with the marks of `omni.model.tokens`.
        modalities: as in `OmniConfig`.
        codes: as in `OmniConfig`.
        chat_template: another template than ours.
        tower: whether short texts of users are read by the model's text encoder too, where it has
            one and its weights are on this machine.
    """

    def __init__(
        self,
        tokenizer: Any,
        modalities: dict[str, Any] | None = None,
        codes: dict[str, Any] | None = None,
        chat_template: str | None = None,
        tower: bool = True,
    ):
        self.modalities = modalities or {}
        self.codes = codes or {}
        self.tower = tower
        super().__init__(tokenizer, chat_template=chat_template or CHAT_TEMPLATE)

    # Text and media to tensors

    def __call__(  # type: ignore[override]
        self,
        text: str | Sequence[str],
        media: Sequence[Any] | None = None,
        *,
        budget: Budget | None = None,
        weights: Sequence[Any] | None = None,
        labels: bool = False,
        **ignored: Any,
    ) -> BatchFeature:
        """Tokenise, make features, and open exactly as many places as each item may keep.

        Args:
            text: one prompt or several, each with one `<|media|>` an item, between `<|open|>` and
                `<|close|>`, as `apply_chat_template` writes it. Marks in it are obeyed: pass what
                people wrote through `seal` first, or through `apply_chat_template`, which does.
            media: of one prompt, its items in order; of several, a list for each. An item is a
                `MediaItem`, a pair `(modality, decoded value or features)`, or a part of a message
                `{"type": modality, "value" | "features" | "tokens": …, "handle": …}`, with the
                `grid` of encoder tokens and bool `pinned` `[N]`, tokens to be kept, where known.
            budget: of each prompt; what items of type `MediaItem` keep stands if it is `None`.
                Items of text are no part of it and are kept whole.
            weights: how much of the budget each item is worth, as in `plan`; of several prompts, a
                list for each. The larger an item, the more it gets if it is `None`.
            labels: whether to add labels that teach the assistant's turns.
            ignored: arguments of transformers that do not apply here, such as `return_tensors`.

        Returns:
            `input_ids` and `attention_mask`, padded on the left; `media`, a list of `MediaItem`, if
            there are any; `labels` if they are asked for.

        Raises:
            UsageError: if marks and items do not match up, or the budget is too small.
        """
        texts, lists = _rows(text, media)
        worth = [weights] if isinstance(text, str) else weights or [None] * len(texts)
        if len(worth) != len(texts):
            raise UsageError(
                f"{len(worth)} lists of weights for {len(texts)} prompts: one for each"
            )
        rows, items = [], []
        for row, own, each in zip(texts, lists, worth, strict=True):
            planned = self.plan(own, budget, each)
            rows.append(self._expand(self.encode(row), planned))
            items += planned
        ids, mask = self._pad(rows)
        data: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        if items:
            data["media"] = items
        if labels:
            marks = self.tokenizer.convert_tokens_to_ids([ASSISTANT, END])
            data["labels"] = answer_labels(ids, *marks).masked_fill(mask == 0, -100)
        return BatchFeature(data)

    def apply_chat_template(  # type: ignore[override]
        self,
        conversation: Any,
        chat_template: str | None = None,
        *,
        tokenize: bool = False,
        budget: Budget | None = None,
        weights: Sequence[Any] | None = None,
        labels: bool = False,
        return_dict: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Messages to a prompt, or with `tokenize=True` to model inputs, media included.

        What people, tools and media wrote cannot act as a mark: it is sealed. The sealed characters
        are seen in a prompt only where such text is in it, and are no longer there once tokenised.

        Args:
            conversation: messages, or a list of such lists. A message has `role`, `content` (text,
                or a list of parts as in `__call__`; a part with `codes` is written as these codes)
                and, if the assistant called tools, `tool_calls`.
            chat_template: another template.
            tokenize: whether to go on to tensors.
            budget: see `__call__`.
            weights: see `__call__`.
            labels: see `__call__`.
            return_dict: whether to return all inputs and not `input_ids` alone.
            kwargs: `tools`, `add_generation_prompt` and others, as in transformers.
        """
        batched = bool(conversation) and isinstance(conversation[0], list | tuple)
        dialogues = [self.heard(one) for one in (conversation if batched else [conversation])]
        plain = [[self._plain(message) for message in dialogue] for dialogue in dialogues]
        for name in ("return_tensors", "processor_kwargs", "sanitize_control_tokens"):
            kwargs.pop(name, None)
        if kwargs.get("tools"):
            kwargs["tools"] = seal(kwargs["tools"])
        text = super().apply_chat_template(plain, chat_template, tokenize=False, **kwargs)
        if not tokenize:
            return text if batched else text[0]
        media = [self._media(dialogue) for dialogue in dialogues]
        # transformers answers with a list of prompts even for one.
        worth = weights if batched or weights is None else [weights]
        inputs = self(text, media, budget=budget, weights=worth, labels=labels)
        return inputs if return_dict else inputs["input_ids"]

    def heard(self, dialogue: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """The messages, with an item for the text encoder before each short text of a user.

        They come back as they are if the model has no text encoder, or its weights are missing.
        """
        return with_items(dialogue, modality(TEXT).features) if self.hears else dialogue

    @property
    def hears(self) -> bool:
        """Whether there is a text encoder to be used, with its weights on this machine."""
        settings = self.modalities.get(TEXT) or {}
        if not self.tower or settings.get("encoder") is None:
            return False
        return bool(self._planner(TEXT)[0].available())

    def seal(self, text: str) -> str:
        """The same words, in which nothing is a mark: for those who write prompts themselves."""
        return seal(text)

    def encode(self, text: str) -> list[int]:
        """Token ids of a prompt; sealed text is split where it is sealed."""
        ids: list[int] = []
        for piece in text.split(SEAL):
            ids += self.tokenizer.encode(piece, add_special_tokens=False)
        return ids

    def _expand(self, ids: list[int], items: Sequence[MediaItem]) -> list[int]:
        """Write each media mark as often as its item keeps tokens."""
        mark = self.tokenizer.convert_tokens_to_ids(MEDIA)
        if (found := ids.count(mark)) != len(items):
            raise UsageError(
                f"the text has {found} media marks, but {len(items)} media items were given: "
                f"write {OPEN}{MEDIA}{CLOSE} once for each"
            )
        left = iter(items)
        expanded: list[int] = []
        for token in ids:
            expanded += [token] * (next(left).keep if token == mark else 1)
        return expanded

    def _pad(self, rows: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        length = max((len(row) for row in rows), default=0)
        pad = self.tokenizer.pad_token_id
        ids = torch.full((len(rows), length), pad, dtype=torch.int64)
        mask = torch.zeros(len(rows), length, dtype=torch.int64)
        for place, row in enumerate(rows):
            if row:
                ids[place, -len(row) :] = torch.tensor(row)
                mask[place, -len(row) :] = 1
        return ids, mask

    def _plain(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """A message as the template may see it: words sealed, media reduced to their kind."""
        content = message.get("content")
        plain: dict[str, Any] = {"role": message["role"]}
        if isinstance(content, str) or content is None:
            plain["content"] = seal(content or "")
        else:
            plain["content"] = [self._plain_part(part) for part in content]
        if message.get("tool_calls"):
            plain["tool_calls"] = seal(message["tool_calls"])
        return plain

    def _plain_part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        kind = part.get("type")
        if is_item(part):
            self._planner(str(kind))
            return {"type": "text item" if kind == TEXT else kind} | _named(part)
        if kind == TEXT:
            return {"type": TEXT, "text": seal(str(part.get("text", "")))}
        if kind not in self.codes:
            raise Unsupported(f"this model has no codes for {kind!r}")
        return {"type": kind, "codes": [int(code) for code in part["codes"]]} | _named(part)

    def _media(self, dialogue: Sequence[Mapping[str, Any]]) -> list[Any]:
        return [
            part
            for message in dialogue
            if not isinstance(message.get("content"), str | None)
            for part in message["content"]
            if is_item(part)
        ]

    # Accounts

    def estimate(self, conversation: Sequence[Any], budget: Budget | None = None) -> Estimate:
        """Tokens that messages will take, without making features.

        Values that are not features yet are asked of their modality, which may estimate.
        """
        heard = self.heard(conversation)
        prompt = self.apply_chat_template(heard, add_generation_prompt=True)
        mark = self.tokenizer.convert_tokens_to_ids(MEDIA)
        text = sum(token != mark for token in self.encode(prompt))
        names, sizes = [], []
        for part in self._media(heard):
            size = self._size(part)
            if part["type"] == TEXT:
                text += size
                continue
            names.append(part["type"])
            sizes.append(size)
        keeps = budget.plan(sizes) if budget else sizes
        media: dict[str, int] = {}
        for name, keep in zip(names, keeps, strict=True):
            media[name] = media.get(name, 0) + keep
        return Estimate(text, media)

    def _size(self, part: Mapping[str, Any]) -> int:
        value = part.get("value", part.get(part["type"]))
        if value is None or is_features(value):
            return self.item(part).grid.tokens
        tokens = modality(part["type"]).estimate_tokens(value)
        return self._planner(part["type"])[1].grid(Grid(width=tokens)).tokens

    def report(self, inputs: Mapping[str, Any], budget: Budget | None = None) -> SelectionReport:
        """What each item of `inputs` keeps, and of how many."""
        items = [item for item in inputs.get("media") or [] if item.modality != TEXT]
        rows = tuple((item.handle, item.keep, item.grid.tokens) for item in items)
        return SelectionReport(budget.tokens if budget else None, rows)

    # Tokens to parts

    def scanner(self) -> Scanner:
        """A reader of generated tokens, one at a time."""
        get = self.tokenizer.convert_tokens_to_ids
        call = (get(CALL), get(CALL_END))
        hidden = set(get(list(MARKS))) - set(call)
        hidden |= {code["end"] for code in self.codes.values()}
        for code in self.codes.values():
            hidden |= set(range(code["first"], code["first"] + code["count"]))
        return Scanner(self._words, self.codes, call, hidden)

    def _words(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, clean_up_tokenization_spaces=False)

    def decode_parts(self, ids: Tensor | Sequence[int]) -> list[Piece]:
        """What one row of generated tokens says, in order; give it without the prompt."""
        scanner = self.scanner()
        pieces: list[Piece] = []
        for token in ids.tolist() if isinstance(ids, Tensor) else ids:
            pieces += scanner.feed(int(token))
        return merge([*pieces, *scanner.finish()])

    def post_process_multimodal_output(  # type: ignore[override]
        self, generated_outputs: Tensor | Sequence[Any], **ignored: Any
    ) -> list[list[Piece]]:
        """`decode_parts` of every row."""
        return [self.decode_parts(row) for row in generated_outputs]

    @property
    def model_input_names(self) -> list[str]:
        return ["input_ids", "attention_mask", "media"]


def _named(part: Mapping[str, Any]) -> dict[str, str]:
    handle = part.get("handle")
    return {"handle": seal(str(handle))} if handle else {}


def _rows(
    text: str | Sequence[str], media: Sequence[Any] | None
) -> tuple[list[str], list[Sequence[Any]]]:
    if isinstance(text, str):
        return [text], [media or []]
    lists: list[Sequence[Any]] = list(media) if media else [[] for _ in text]
    if len(lists) != len(text) or not all(isinstance(own, list | tuple) for own in lists):
        raise UsageError(
            f"{len(text)} prompts need {len(text)} lists of media, one for each (empty where there "
            f"are none), not {len(lists)} entries"
        )
    return list(text), lists
