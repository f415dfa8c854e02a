"""Select media tokens inside vision-language models of transformers, without a fork.

Hooks on one instance, for as long as a context lasts: just before its language model reads the
prompt, tokens of pictures, films and sounds that were not selected are taken out, together with
their positions, their masks and whatever else belongs to them; the cache then holds only what was
kept. Towards the outside nothing changes: states of the prompt have the length they had, zero where
a token was dropped.

Shapes: B rows, L tokens of the prompt, K of them kept in the row that keeps most, D width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from omni import plugins
from omni.compression.anatomy import decoder, flashes, placeholders, slides, uncompiled, unwrapped
from omni.compression.budget import Budget
from omni.compression.bypass import Bypass, now
from omni.compression.choosing import Choice, Chooser, told, written
from omni.compression.encoders import Encoders
from omni.compression.placement import POLICIES
from omni.compression.record import SelectionRecord
from omni.compression.repositioning import reposition
from omni.compression.runs import media_runs, question_spans
from omni.compression.selector import Selection, SelectionReport, Selector, to_device
from omni.compression.shortening import (
    Compacted,
    Prompt,
    biased,
    compact,
    deep,
    flat_mask,
    masks,
    presence,
    repeated,
)
from omni.compression.text_rich import WEAKEST
from omni.compression.watching import used
from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.compression.dropping.dropper import Dropper
    from omni.compression.dropping.schedule import Schedule


@dataclass(slots=True)
class Attachment:
    """What `compress` gives: what was selected so far.

    Attributes:
        budget: what was allowed.
        method: the selector's name.
        parameters: what the selector was made with.
        selections: what the selector answered, prompt by prompt.
        choices: the same, with what is known of the media, and where nothing was selected.
    """

    budget: Budget = field(default_factory=Budget)
    method: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    selections: list[Selection] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    _told: list[SelectionReport] = field(default_factory=list)

    def add(self, choice: Choice) -> None:
        """Note what was chosen of a prompt."""
        self.choices.append(choice)
        if choice.chosen is not None:
            self.selections.append(choice.chosen)

    @property
    def reports(self) -> list[SelectionReport]:
        """What is told of each prompt with media; this waits for the device."""
        for choice in self.choices[len(self._told) :]:
            self._told.append(told(choice, self.budget, self.method))
        return self._told

    @property
    def records(self) -> list[SelectionRecord]:
        """Selections as they are logged and replayed; this waits for the device."""
        found = (written(choice, self.method, self.parameters) for choice in self.choices)
        return [one for one in found if one is not None]


@contextmanager
def compress(
    model: nn.Module,
    method: str | Selector | Dropper = "farthest",
    *,
    keep: float = 1.0,
    tokens: int | None = None,
    floor: int = 4,
    place: str = "keep",
    share: str = "even",
    pages: float = WEAKEST,
    bypass: str | bool | Bypass = False,
    schedule: Schedule | None = None,
    **settings: Any,
) -> Iterator[Attachment]:
    """Let a model read only selected media tokens, for as long as the context lasts.

    Args:
        model: of transformers, which puts media into the place of tokens of its own, or ours; also
            one that peft or `torch.compile` has wrapped.
        method: a selector or a dropper, or the name of one.
        keep: the share of each item's tokens that is kept.
        tokens: at most so many over all media of a prompt.
        floor: never fewer than this of an item.
        place: where kept tokens say they were, see `omni.compression.placement.place`.
        share: `even` gives each item its share; of as many tokens in all, `question` gives more to
            items that are near to what is asked, and `kind` to kinds of media (pictures, films,
            sound) of which many tokens matter to it.
        pages: of pictures full of writing at least this share is kept; 0 treats them like others.
        bypass: `auto` reads a prompt whole where choosing would take longer than it saves, as far
            as can be told from prompts before; the report says so. A `Bypass` knows beforehand.
        schedule: before which layers of the language model tokens are dropped, and how many are
            left; `share`, `pages` and `bypass` are then without effect. Methods of
            `omni.compression.dropping` bring one of their own.
        settings: of the method, if it is named.

    Raises:
        UsageError: if the model is of no such kind, or an argument is out of range.
    """
    from omni.compression.dropping.build import drop, drops_inside

    if place not in POLICIES:
        raise UsageError(f"place is one of {', '.join(POLICIES)}, not {place!r}")
    budget = Budget(tokens=tokens, keep=keep, floor=floor)
    if schedule is not None or drops_inside(method):
        with drop(model, method, budget, place, schedule, settings) as dropped:
            yield dropped
        return
    named = isinstance(method, str)
    selector: Any = plugins.load("compression", method)(**settings) if named else method
    name = method if named else type(method).__name__
    whole = unwrapped(model)
    kinds = placeholders(whole)
    encoders = Encoders(whole, bool(used(selector)), bool(pages) and keep < 1)
    chooser = Chooser(
        selector, budget, kinds=kinds, encoders=encoders, share=share, pages=pages, name=name
    )
    attachment = Attachment(budget, name, settings)
    hooks = Hooks(decoder(whole), chooser, place, attachment, bypass)
    with encoders.open():
        handles = hooks.attach(whole)
        try:
            yield attachment
        finally:
            for handle in handles:
                handle.remove()


class Hooks:
    """What is done before and after a model, and before and after its language model."""

    def __init__(
        self,
        decoder: nn.Module,
        chooser: Chooser,
        place: str,
        attachment: Attachment,
        bypass: str | bool | Bypass = False,
    ):
        if isinstance(bypass, str) and bypass != "auto":
            raise UsageError(f"bypass is 'auto', False or a Bypass, not {bypass!r}")
        if place == "calibrated" and (slides(decoder) or flashes(decoder)):
            raise UsageError(
                "place='calibrated' adds to the logits of attention, which layers with a sliding "
                "window and flash attention do not allow: choose 'median', or load the model with "
                "attn_implementation='sdpa'"
            )
        self.decoder, self.chooser, self.place = decoder, chooser, place
        self.window: int | None = getattr(decoder.config, "sliding_window", None)
        self.rotary = getattr(decoder, "rotary_emb", None)
        self.attachment = attachment
        self.bypass = bypass if isinstance(bypass, Bypass) else Bypass(decoder) if bypass else None
        self.began: tuple[float, list[int]] | None = None
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
        if self.rotary is not None:
            handles.append(self.rotary.register_forward_pre_hook(self.rotate, with_kwargs=True))
        return handles

    @uncompiled
    def plan(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        """Find what is there, before any of it is encoded."""
        ids = kwargs.get("input_ids", args[0] if args else None)
        self.prompt = None
        if not isinstance(ids, Tensor) or ids.dim() != 2:
            return
        listed = ids.tolist()
        runs = media_runs(listed, self.chooser.kinds)
        if not runs:
            return
        self.chooser.encoders.forget(kwargs)
        present = presence(kwargs.get("attention_mask"), ids)
        words = question_spans(listed, present, runs)
        self.prompt = Prompt(ids, runs, [], words, present)

    @uncompiled
    def shorten(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        """Take out what was not selected, before the language model reads."""
        prompt, self.prompt = self.prompt, None
        self.reading = self.positions = None
        embeds = kwargs.get("inputs_embeds")
        cache = kwargs.get("past_key_values")
        seen = int(cache.get_seq_length()) if cache is not None else 0
        if embeds is None:
            return None
        if prompt is None:
            self._clock(embeds, [embeds.shape[1]] * len(embeds))
            return args, self._later(kwargs, cache, embeds, seen)
        began = 0.0 if self.bypass is None else now(embeds)
        choice = self.chooser.plan(prompt, self.chooser.items(prompt), embeds)
        choice = self._weighed(choice, prompt)
        if all(item.keep == item.length for item in choice.items):
            self.compacted = None
            if choice.notes:
                self.attachment.add(choice)
            self._clock(embeds, [sum(row) for row in prompt.present])
            return None
        if seen:
            raise UsageError(
                f"media were given while the cache holds {seen} tokens: read the conversation into "
                "a new cache, since its tokens are selected by the new question"
            )
        choice = self.chooser.select(prompt, choice, embeds)
        self.attachment.add(choice)
        found = self._shortened(kwargs, choice, prompt)
        if self.bypass is not None and self.reading is not None:
            self.bypass.chose(sum(item.length for item in choice.items), now(embeds) - began)
            self._clock(embeds, self.reading.counts)
        return args, found

    def _weighed(self, choice: Choice, prompt: Prompt) -> Choice:
        """The choice, or one that keeps everything where selecting would not pay."""
        if self.bypass is None or all(item.keep == item.length for item in choice.items):
            return choice
        before = [sum(row) for row in prompt.present]
        after = list(before)
        for item in choice.items:
            after[item.row] -= item.length - item.keep
        why = self.bypass.why(before, after, sum(item.length for item in choice.items))
        if not why:
            return choice
        for item in choice.items:
            item.keep = item.length
        return replace(choice, notes=(why,))

    def _clock(self, embeds: Tensor, lengths: list[int]) -> None:
        """From here on the language model reads rows of these lengths."""
        self.began = None if self.bypass is None else (now(embeds), lengths)

    @uncompiled
    def lengthen(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        """Give the states of the prompt the length that they had."""
        if self.bypass is not None and self.began is not None:
            began, lengths = self.began
            self.bypass.read(lengths, now(output[0]) - began)
            self.began = None
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
            compacted.follow()
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

    def _shortened(self, kwargs: dict[str, Any], choice: Choice, prompt: Prompt) -> dict[str, Any]:
        """The language model's arguments, of the kept tokens alone."""
        embeds, shown, chosen = kwargs["inputs_embeds"], choice.shown, choice.chosen
        assert shown is not None and chosen is not None
        flat = to_device(shown.flat, embeds.device)
        kept = flat[chosen.rows]

        def put(x: Tensor) -> Tensor:
            return x if chosen.merging is None else x.index_copy(0, kept, chosen.take(x[flat]))

        width = embeds.shape[1]
        media = [item.row * width + place for item in choice.items for place in item.places]
        gone = [0] * len(prompt.present)
        for item in choice.items:
            gone[item.row] += item.length - item.keep
        compacted = compact(prompt.present, media, kept, gone, kwargs.get("past_key_values"))
        self.compacted = self.reading = compacted
        compacted.follow()
        found = dict(kwargs)
        wide = compacted.index[..., None].expand(-1, -1, embeds.shape[-1])
        rows = put(embeds.flatten(0, 1)).view_as(embeds).gather(1, wide)
        found["inputs_embeds"] = rows * compacted.mask[..., None]
        positions = kwargs.get("position_ids")
        if positions is None:
            present = torch.tensor(prompt.present, device=embeds.device)
            positions = (present.cumsum(1) - 1).clamp(min=0)
        if positions.dim() == 2:
            positions = positions.expand(len(embeds), -1)
        compacted.moved = reposition(
            positions, compacted.index, compacted.counts, self.place, shown, chosen
        )
        found["position_ids"] = self._positions(compacted)
        found["attention_mask"] = masks(kwargs.get("attention_mask"), compacted, self.window)
        if kwargs.get("visual_pos_masks") is not None:
            found |= deep(kwargs, compacted, kept, put)
        return found

    def _positions(self, compacted: Compacted) -> Tensor:
        moved = compacted.moved
        assert moved is not None
        if moved.positions.dim() == 3 or self.rotary is None:
            return moved.positions
        if self.place != "dense":
            self.positions = moved.positions
        return (compacted.mask.long().cumsum(1) - 1).clamp(min=0)

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
        whole = torch.cat([repeated(before.mask, len(embeds)), new], 1)
        if before.bias is None:
            found["attention_mask"] = flat_mask(whole, cache)
        else:
            bias = repeated(before.bias, len(embeds)).to(embeds.dtype)
            found["attention_mask"] = biased(whole, bias, embeds.shape[1], cache)
        found["position_ids"] = self._later_positions(kwargs, before, embeds, seen)
        return found

    def _later_positions(
        self, kwargs: dict[str, Any], before: Compacted, embeds: Tensor, seen: int
    ) -> Tensor:
        assert before.moved is not None
        positions = kwargs.get("position_ids")
        count = len(embeds)
        dropped, ahead = repeated(before.dropped, count), repeated(before.moved.ahead, count)
        if positions is not None and positions.dim() == 3:
            if len(positions) < 4:
                return positions - ahead
            return torch.cat([positions[:1] - dropped, positions[1:] - ahead])
        if positions is None:
            steps = torch.arange(embeds.shape[1], device=embeds.device)
            padding = (~repeated(before.mask, count)).sum(1, keepdim=True)
            positions = seen - padding + steps + dropped
        positions = positions.expand(count, -1)
        if self.place == "dense":
            return positions - dropped
        if self.rotary is None:
            return positions
        self.positions = positions
        return positions - dropped
