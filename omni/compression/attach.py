"""Select media tokens inside vision-language models of transformers, without a fork.

Hooks on one instance, for as long as a context lasts: just before its language model reads the
prompt, tokens of pictures, films and sounds that were not selected are taken out, together with
their positions, their masks and whatever else belongs to them; the cache then holds only what was
kept. Towards the outside nothing changes: states of the prompt have the length they had, zero where
a token was dropped.

Shapes: B rows, L tokens of the prompt, K of them kept in the row that keeps most, D width.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from omni import plugins
from omni.compression.budget import Budget
from omni.compression.runs import media_runs, question_spans
from omni.compression.selector import (
    Question,
    Selection,
    SelectionReport,
    Selector,
    Tokens,
    to_device,
)
from omni.compression.shortening import Compacted, Prompt, deep, masks, repeated
from omni.errors import UsageError

MODALITIES = ("image", "video", "audio")
PLACES = ("keep", "dense")


@dataclass(slots=True)
class Attachment:
    """What `compress` gives: what was selected so far.

    Attributes:
        selections: one for each prompt with media, in order.
        reports: the same, as it is told to people.
    """

    selections: list[Selection] = field(default_factory=list)
    reports: list[SelectionReport] = field(default_factory=list)


@contextmanager
def compress(
    model: nn.Module,
    method: str | Selector = "farthest",
    *,
    keep: float = 1.0,
    tokens: int | None = None,
    floor: int = 4,
    place: str = "keep",
    **settings: Any,
) -> Iterator[Attachment]:
    """Let a model read only selected media tokens, for as long as the context lasts.

    Args:
        model: of transformers, which puts media into the place of tokens of its own; also a model
            that peft or `torch.compile` has wrapped.
        method: a selector, or the name of one.
        keep: the share of each item's tokens that is kept.
        tokens: at most so many over all media of a prompt.
        floor: never fewer than this of an item.
        place: `keep` leaves every token at the position that it had; `dense` counts anew, where
            positions are plain numbers.
        settings: of the method, if it is named.

    Raises:
        UsageError: if the model is of no such kind, or an argument is out of range.
    """
    if place not in PLACES:
        raise UsageError(f"place is {' or '.join(PLACES)}, not {place!r}")
    budget = Budget(tokens=tokens, keep=keep, floor=floor)
    selector = (
        plugins.load("compression", method)(**settings) if isinstance(method, str) else method
    )
    whole = _unwrapped(model)
    hooks = Hooks(_decoder(whole), _placeholders(whole), budget, selector, place)
    handles = hooks.attach(whole)
    try:
        yield hooks.attachment
    finally:
        for handle in handles:
            handle.remove()


class Hooks:
    """What is done before and after a model, and before and after its language model."""

    def __init__(
        self,
        decoder: nn.Module,
        placeholders: frozenset[int],
        budget: Budget,
        selector: Selector,
        place: str,
    ):
        self.decoder, self.placeholders = decoder, placeholders
        self.budget, self.selector, self.place = budget, selector, place
        self.window: int | None = getattr(decoder.config, "sliding_window", None)
        self.attachment = Attachment()
        self.prompt: Prompt | None = None
        self.compacted: Compacted | None = None
        self.reading: Compacted | None = None
        self.positions: Tensor | None = None

    def attach(self, model: nn.Module) -> list[Any]:
        """Register all hooks; their handles."""
        outer = [model, *(part for part in (getattr(model, "base_model", None),) if part)]
        handles = [
            part.register_forward_pre_hook(self.plan, with_kwargs=True)
            for part in dict.fromkeys(outer)
            if part is not self.decoder
        ]
        handles.append(self.decoder.register_forward_pre_hook(self.shorten, with_kwargs=True))
        handles.append(self.decoder.register_forward_hook(self.lengthen, with_kwargs=True))
        rotary = getattr(self.decoder, "rotary_emb", None)
        if rotary is not None:
            handles.append(rotary.register_forward_pre_hook(self.rotate, with_kwargs=True))
        return handles

    def plan(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        """Count what is there and decide how many tokens of each item stay."""
        ids = kwargs.get("input_ids", args[0] if args else None)
        self.prompt = None
        if not isinstance(ids, Tensor) or ids.dim() != 2:
            return
        listed = ids.tolist()
        runs = media_runs(listed, self.placeholders)
        if not runs:
            return
        mask = kwargs.get("attention_mask")
        present = [[1] * len(row) for row in listed]
        if isinstance(mask, Tensor) and mask.dim() == 2:
            present = mask[:, -ids.shape[1] :].long().tolist()
        keep = [0] * len(runs)
        for row in range(len(listed)):
            own = [place for place, run in enumerate(runs) if run.row == row]
            planned = self.budget.plan([runs[place].length for place in own])
            for place, count in zip(own, planned, strict=True):
                keep[place] = count
        words = question_spans(listed, present, runs)
        self.prompt = Prompt(ids, runs, keep, words, present)

    def shorten(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        """Take out what was not selected, before the language model reads."""
        prompt, self.prompt = self.prompt, None
        self.reading = self.positions = None
        embeds = kwargs.get("inputs_embeds")
        cache = kwargs.get("past_key_values")
        seen = cache.get_seq_length() if cache is not None else 0
        if embeds is None:
            return None
        if prompt is None:
            return args, self._later(kwargs, cache, embeds, seen)
        if all(run.length == kept for run, kept in zip(prompt.runs, prompt.keep, strict=True)):
            self.compacted = None
            return None
        if seen:
            raise UsageError(
                f"media were given while the cache holds {seen} tokens: read the conversation into "
                "a new cache, since its tokens are selected by the new question"
            )
        compacted = self._compact(prompt, embeds, cache)
        self.compacted = self.reading = compacted
        return args, self._shortened(kwargs, compacted, prompt)

    def lengthen(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        """Give the states of the prompt the length that they had."""
        compacted, self.reading = self.reading, None
        if compacted is None:
            return None
        hidden = output[0] if isinstance(output, tuple) else output.last_hidden_state
        whole = hidden.new_zeros(len(hidden), compacted.length, hidden.shape[-1])
        rows = hidden * compacted.mask[..., None]
        whole = whole.scatter(1, compacted.index[..., None].expand_as(rows), rows)
        if isinstance(output, tuple):
            return (whole, *output[1:])
        output.last_hidden_state = whole
        if "past_key_values" in output and compacted.cache is None:
            compacted.cache = output.past_key_values
        return output

    def rotate(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        """Turn by the positions that tokens had, while all else counts them without gaps.

        Gaps in the numbers would be taken for several texts packed into one.
        """
        if self.positions is None:
            return None
        if "position_ids" in kwargs:
            return args, {**kwargs, "position_ids": self.positions}
        return (args[0], self.positions, *args[2:]), kwargs

    # The prompt

    def _compact(self, prompt: Prompt, embeds: Tensor, cache: Any) -> Compacted:
        selection = self._select(prompt, embeds)
        flags = torch.tensor(prompt.present, dtype=torch.bool, device=embeds.device)
        width = flags.shape[1]
        media = [
            run.row * width + place for run in prompt.runs for place in range(run.start, run.stop)
        ]
        media = to_device(media, embeds.device)
        flat = flags.flatten().index_fill(0, media, False)
        flat = flat.index_fill(0, media[selection.rows], True)
        flags = flat.view_as(flags)
        gone = [0] * len(prompt.present)
        for run, kept in zip(prompt.runs, prompt.keep, strict=True):
            gone[run.row] += run.length - kept
        counts = [sum(row) - gone[place] for place, row in enumerate(prompt.present)]
        index = flags.int().argsort(dim=1, stable=True)[:, -max(counts) :]
        mask = flags.gather(1, index)
        return Compacted(index, mask, width, to_device(gone, embeds.device)[:, None], cache)

    def _select(self, prompt: Prompt, embeds: Tensor) -> Selection:
        parts = [embeds[run.row, run.start : run.stop] for run in prompt.runs]
        lengths = [run.length for run in prompt.runs]
        longest = max(1, *(len(words) for words in prompt.words)) if prompt.words else 1
        asked = [prompt.words[run.row] for run in prompt.runs]
        rows = [
            run.row * embeds.shape[1] + (words[place] if place < len(words) else 0)
            for run, words in zip(prompt.runs, asked, strict=True)
            for place in range(longest)
        ]
        heard = [place < len(words) for words in asked for place in range(longest)]
        shape = (len(prompt.runs), longest)
        question = Question(
            embeds.flatten(0, 1)[to_device(rows, embeds.device)].unflatten(0, shape).detach(),
            to_device(heard, embeds.device).bool().view(shape),
        )
        found = self.selector(Tokens(torch.cat(parts).detach(), lengths), prompt.keep, question)
        if found.merging is not None:
            raise UsageError(
                f"{type(self.selector).__name__} merges tokens, which cannot be attached to a "
                "model that is not ours: choose a method that only selects"
            )
        self.attachment.selections.append(found)
        names = [f"{run.row}:{run.start}" for run in prompt.runs]
        items = tuple(zip(names, prompt.keep, lengths, strict=True))
        self.attachment.reports.append(SelectionReport(self.budget.tokens, items))
        return found

    def _shortened(
        self, kwargs: dict[str, Any], compacted: Compacted, prompt: Prompt
    ) -> dict[str, Any]:
        """The language model's arguments, of the kept tokens alone."""
        index, embeds = compacted.index, kwargs["inputs_embeds"]
        found = dict(kwargs)
        wide = index[..., None].expand(-1, -1, embeds.shape[-1])
        found["inputs_embeds"] = embeds.gather(1, wide) * compacted.mask[..., None]
        found["attention_mask"] = masks(kwargs.get("attention_mask"), compacted, self.window)
        positions = kwargs.get("position_ids")
        if positions is None or positions.dim() == 2:
            found["position_ids"] = self._plain_positions(positions, compacted, prompt)
        else:  # a row for each axis
            every = index.expand(len(positions), -1, -1)
            found["position_ids"] = positions.gather(-1, every)
        if kwargs.get("visual_pos_masks") is not None:
            found |= deep(kwargs, compacted)
        return found

    def _plain_positions(
        self, positions: Tensor | None, compacted: Compacted, prompt: Prompt
    ) -> Tensor:
        index, mask = compacted.index, compacted.mask
        dense = (mask.long().cumsum(1) - 1).clamp(min=0)
        if self.place == "keep":
            if positions is None:
                present = torch.tensor(prompt.present, device=index.device)
                positions = (present.cumsum(1) - 1).clamp(min=0)
            own = positions.expand(len(index), -1).gather(1, index)
            self.positions = own.masked_fill(~mask, 0)
        return dense

    # Later tokens

    def _later(
        self, kwargs: dict[str, Any], cache: Any, embeds: Tensor, seen: int
    ) -> dict[str, Any]:
        """The arguments for tokens that come after a prompt which was shortened."""
        before = self.compacted
        if before is None or not seen or cache is not before.cache:
            return kwargs
        found = dict(kwargs)
        mask = kwargs.get("attention_mask")
        since = seen - before.mask.shape[1] + embeds.shape[1]
        new = torch.ones(len(embeds), since, dtype=torch.bool, device=embeds.device)
        if isinstance(mask, Tensor) and mask.dim() == 2:
            new = mask[:, before.length :].bool()
        found["attention_mask"] = torch.cat([repeated(before.mask, len(embeds)), new], 1).long()
        found["position_ids"] = self._later_positions(kwargs, before, embeds, seen)
        return found

    def _later_positions(
        self, kwargs: dict[str, Any], before: Compacted, embeds: Tensor, seen: int
    ) -> Tensor:
        positions = kwargs.get("position_ids")
        dropped = repeated(before.dropped, len(embeds))
        if positions is not None and positions.dim() == 3:
            return positions
        if positions is None:
            steps = torch.arange(embeds.shape[1], device=embeds.device)
            padding = (~repeated(before.mask, len(embeds))).sum(1, keepdim=True)
            positions = seen - padding + steps + dropped
        if self.place == "keep":
            self.positions = positions.expand(len(embeds), -1)
        return positions - dropped


def _unwrapped(model: nn.Module) -> Any:
    """The model of transformers inside of what compiles or adapts it."""
    found: Any = getattr(model, "_orig_mod", model)
    return found.get_base_model() if hasattr(found, "get_base_model") else found


def _placeholders(model: Any) -> frozenset[int]:
    config = model.config
    found = set()
    for name in MODALITIES:
        for attribute in (f"{name}_token_id", f"{name}_token_index"):
            value = getattr(config, attribute, None)
            if isinstance(value, int) and not isinstance(value, bool):
                found.add(value)
    if not found:
        raise UsageError(
            f"{type(model).__name__} has no tokens that stand for pictures, films or sounds "
            "(no image_token_id, video_token_id or audio_token_id in its configuration)"
        )
    return frozenset(found)


def _decoder(model: Any) -> nn.Module:
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else model
    if decoder is model:
        decoder = getattr(model, "model", model)
    if decoder is model:
        raise UsageError(f"{type(model).__name__} holds no language model of its own")
    return decoder
