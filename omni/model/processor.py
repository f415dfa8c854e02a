"""Dialogue and media to model inputs, with exact counts; and generated tokens back to parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from transformers import BatchFeature, ProcessorMixin

from omni.compression.budget import Budget, Grid
from omni.compression.selector import SelectionReport
from omni.errors import Unsupported, UsageError
from omni.modality import modality
from omni.model.item import MediaItem
from omni.model.parts import build_adapter
from omni.model.pieces import Piece, Scanner, merge
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


class OmniProcessor(ProcessorMixin):
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
                `{"type": modality, "value" | "features" | "tokens": …, "handle": …}`.
            budget: of each prompt; what items of type `MediaItem` keep stands if it is `None`.
                Items of text are no part of it and are kept whole.
            labels: whether to add labels that teach the assistant's turns.
            ignored: arguments of transformers that do not apply here, such as `return_tensors`.

        Returns:
            `input_ids` and `attention_mask`, padded on the left; `media`, a list of `MediaItem`, if
            there are any; `labels` if they are asked for.

        Raises:
            UsageError: if marks and items do not match up, or the budget is too small.
        """
        texts, lists = _rows(text, media)
        rows, items = [], []
        for row, own in zip(texts, lists, strict=True):
            planned = self.plan(own, budget)
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
        inputs = self(text, media, budget=budget, labels=labels)
        return inputs if return_dict else inputs["input_ids"]

    def heard(self, dialogue: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """The messages, with an item for the text encoder before each short text of a user.

        They come back as they are if the model has no text encoder, or its weights are missing.
        """
        settings = self.modalities.get(TEXT) or {}
        if not self.tower or settings.get("encoder") is None:
            return dialogue
        if not self._planner(TEXT)[0].available():
            return dialogue
        return with_items(dialogue, modality(TEXT).features)

    def seal(self, text: str) -> str:
        """The same words, in which nothing is a mark: for those who write prompts themselves."""
        return seal(text)

    def encode(self, text: str) -> list[int]:
        """Token ids of a prompt; sealed text is split where it is sealed."""
        ids: list[int] = []
        for piece in text.split(SEAL):
            ids += self.tokenizer.encode(piece, add_special_tokens=False)
        return ids

    def plan(self, media: Sequence[Any], budget: Budget | None = None) -> list[MediaItem]:
        """Items of one prompt with what each may keep, before anything is encoded."""
        drafts = [self.item(entry) for entry in media]
        if budget is None:
            return drafts
        real = [draft.grid.tokens for draft in drafts if draft.modality != TEXT]
        keeps = iter(budget.plan(real))
        return [
            draft if draft.modality == TEXT else replace(draft, keep=next(keeps))
            for draft in drafts
        ]

    def item(self, entry: Any) -> MediaItem:
        """One item, from any of the forms that `__call__` takes; it keeps all of its tokens."""
        if isinstance(entry, MediaItem):
            return entry
        if isinstance(entry, Mapping):
            name, handle = entry.get("type"), entry.get("handle", "")
            if entry.get("tokens") is not None:
                return self._encoded(str(name), entry["tokens"], handle)
            value = entry.get("features")
            if value is None:
                value = entry.get("value", entry.get(str(name)))
        else:
            (name, value), handle = entry, ""
        if value is None or not isinstance(name, str):
            raise UsageError(
                f"a media part has a type and a value, features or tokens; this one has type "
                f"{name!r} and nothing of these"
            )
        features = value if _is_features(value) else modality(name).features(value)
        grid = self.grid(name, features)
        return MediaItem(name, features, grid, grid.tokens, handle=handle)

    def _encoded(self, name: str, tokens: Tensor, handle: str) -> MediaItem:
        grid = self._planner(name)[1].grid(self.lay(name, len(tokens)))
        return MediaItem(name, None, grid, grid.tokens, tokens, handle)

    def lay(self, name: str, count: int) -> Grid:
        """How so many encoder tokens of one item lie; in a row if they are no whole grid."""
        encoder = self._planner(name)[0]
        grid = encoder.lay(count) if hasattr(encoder, "lay") else Grid(width=count)
        return grid if grid.tokens == count else Grid(width=count)

    def grid(self, name: str, features: Mapping[str, Tensor]) -> Grid:
        """How the adapted tokens of an item will lie, from the shapes of its features alone."""
        encoder, adapter = self._planner(name)
        if encoder is None:
            raise Unsupported(f"this model has no encoder for {name!r}: give encoder tokens")
        return adapter.grid(encoder.grid(features))

    @cached_property
    def _planners(self) -> dict[str, tuple[Any, Any]]:
        return {}

    def _planner(self, name: str) -> tuple[Any, Any]:
        """Encoder and adapter of a modality as shells that know shapes; they hold no weights."""
        if name not in self.modalities:
            known = ", ".join(self.modalities) or "none"
            raise Unsupported(f"this model does not read {name!r}; it reads: {known}")
        if name not in self._planners:
            settings = self.modalities[name]
            adapter = dict(settings.get("adapter") or {"name": "mlp"})
            encoder = None
            with torch.random.fork_rng(devices=[]):
                if settings.get("encoder") is not None:
                    encoder = _shell(modality(name).encoder(**settings["encoder"]))
                # This width is divided by any usual number of heads.
                shell = _shell(build_adapter(adapter, 1, 840))
            self._planners[name] = (encoder, shell)
        return self._planners[name]

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
            return {"type": "text item" if kind == TEXT else kind}
        if kind == TEXT:
            return {"type": TEXT, "text": seal(str(part.get("text", "")))}
        if kind not in self.codes:
            raise Unsupported(f"this model has no codes for {kind!r}")
        return {"type": kind, "codes": [int(code) for code in part["codes"]]}

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
        if value is None or _is_features(value):
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


def _is_features(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(v, Tensor) for v in value.values())


def _shell(module: Any) -> Any:
    """The module with its weights given up: grids need only its settings."""
    return module.to("meta") if isinstance(module, torch.nn.Module) else module
