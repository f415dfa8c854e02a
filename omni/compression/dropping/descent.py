"""One prompt on its way down the layers, which loses tokens at some of them.

Shapes: B rows, L tokens of the prompt, K of them still there, J of them after a cut, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from omni.compression.compose import compose
from omni.compression.dropping.dropper import Dropper
from omni.compression.dropping.hearing import Hearing
from omni.compression.dropping.levels import Kernel, Level
from omni.compression.dropping.look import Layout, Look
from omni.compression.runs import Run
from omni.compression.selector import Selection, Tokens, to_device


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is known of a batch of prompts before it is read.

    Attributes:
        runs: its media.
        words: places of the question in each row.
        present: 1 where there is a token.
        counts: how many tokens of each medium are left after each cut.
    """

    runs: list[Run]
    words: list[list[int]]
    present: list[list[int]]
    counts: list[list[int]]


class Descent:
    """What is left of a prompt, and what became of it so far.

    Attributes:
        prompt: that is read.
        cache: what it is read into.
        levels: what is left, from one cut to the next.
        selections: what each cut kept, of what the one before had kept.
        whole: what all cuts together kept, of all tokens.
    """

    def __init__(self, prompt: Prompt, embeds: Tensor, cache: Any):
        self.prompt, self.embeds, self.cache = prompt, embeds, cache
        self.first = self.layout = Layout.of(prompt.runs, prompt.words, prompt.present)
        self.levels: list[Level] = []
        self.selections: list[Selection] = []
        self.whole: Selection | None = None
        self.deep: tuple[Tensor, Sequence[Tensor]] | None = None
        self._formed: dict[tuple[int, ...], Any] = {}

    @property
    def level(self) -> Level | None:
        """What is left now; `None` while all is."""
        return self.levels[-1] if self.levels else None

    def cut(
        self, number: int, layer: int, hidden: Tensor, dropper: Dropper, hearing: Hearing | None
    ) -> Tensor:
        """Take out what a dropper does not keep; the states that are left, `[B, J, D]`.

        Args:
            number: of the cut.
            layer: the first that sees what is left.
            hidden: `[B, K, D]`.
            dropper: that decides.
            hearing: what it wanted to hear.
        """
        keep = self.prompt.counts[number]
        if tuple(keep) == self.layout.lengths:
            return hidden
        present = self._present(hidden.device)
        look = Look(hidden, present, self.layout, self.embeds, self.first, hearing)
        selection = _nothing(look.tokens) if not sum(keep) else self._select(look, keep, dropper)
        after = self.layout.after(keep, self.prompt.present if self.level is None else None)
        index, mask = self._columns(selection, after, hidden.device)
        left = hidden.gather(1, index[..., None].expand(-1, -1, hidden.shape[-1]))
        left = left.masked_fill(~mask[..., None], 0)
        if selection.merging is not None:
            left = _merged(left, selection, look.of_items(hidden), after)
        origin = index if self.level is None else self.level.index.gather(1, index)
        full = all(count == after.width for count in after.real)
        self.levels.append(Level(layer, origin, mask, full, self.embeds.shape[1]))
        self.layout = after
        self.selections.append(selection)
        self.whole = selection if self.whole is None else compose(self.whole, selection)
        return left

    def _select(self, look: Look, keep: Sequence[int], dropper: Dropper) -> Selection:
        with torch.no_grad():
            return dropper(look.tokens, keep, look)

    def _present(self, device: torch.device) -> Tensor:
        if self.level is not None:
            return self.level.mask
        return torch.tensor(self.prompt.present, dtype=torch.bool, device=device)

    def _columns(
        self, selection: Selection, after: Layout, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Which columns are left, int64 `[B, J]`, and bool: true where there is a token."""
        before = self.layout
        rows = len(before.real)
        flat = self._present(device).flatten()
        media = [
            item.row * before.width + place
            for item in before.items
            for place in range(item.start, item.stop)
        ]
        columns = to_device(media, device)
        flat = flat.index_fill(0, columns, False)
        flags = flat.index_fill(0, columns[selection.rows], True).view(rows, before.width)
        index = flags.int().argsort(dim=1, stable=True)[:, before.width - after.width :]
        return index, flags.gather(1, index)

    # What a layer is given

    def arguments(
        self, kwargs: dict[str, Any], window: int | None, kernel: Kernel
    ) -> dict[str, Any]:
        """A layer's arguments, of the tokens that are left alone."""
        level = self.level
        if level is None:
            return kwargs
        found = {name: self._form(value) for name, value in kwargs.items()}
        found["attention_mask"] = self._mask(kwargs.get("attention_mask"), window, kernel)
        if kwargs.get("position_ids") is not None:
            # Only a kernel for packed texts reads them; gaps would look to it like several texts.
            found["position_ids"] = torch.arange(level.mask.shape[1], device=level.mask.device)[
                None
            ]
        return found

    def _mask(self, given: Any, window: int | None, kernel: Kernel) -> Any:
        level = self.levels[-1]
        key = (len(self.levels), id(given), window or 0)
        if key not in self._formed:
            self._formed[key] = level.prompt_mask(given, window, kernel)
        return self._formed[key]

    def _form(self, value: Any) -> Any:
        """Whatever has a column for each token of the prompt; anything else as it is."""
        level = self.levels[-1]
        if isinstance(value, tuple | list):
            formed = [self._form(one) for one in value]
            return tuple(formed) if isinstance(value, tuple) else formed
        if not isinstance(value, Tensor) or value.dim() < 2 or value.shape[1] != level.length:
            return value
        if value.shape[0] not in (1, len(level.index)):
            return value
        key = (len(self.levels), id(value))
        if key not in self._formed:
            self._formed[key] = level.take(value)
        return self._formed[key]

    def deepened(self, layer: int, hidden: Tensor) -> Tensor:
        """States with what goes into them after a layer, as Qwen3-VL does it."""
        if self.deep is None or layer >= len(self.deep[1]):
            return hidden
        visual, levels = self.deep
        more = levels[layer].to(hidden)
        level = self.level
        if level is not None:
            kept = torch.zeros_like(visual).scatter(1, level.index, level.mask)
            more = more[kept[visual]]
            visual = level.take(visual) & level.mask
        hidden = hidden.clone()
        hidden[visual] = hidden[visual] + more
        return hidden

    def lengthened(self, hidden: Tensor) -> Tensor:
        """States `[B, L, D]`, nought where a token was dropped on the way."""
        level = self.level
        if level is None:
            return hidden
        whole = hidden.new_zeros(len(hidden), level.length, hidden.shape[-1])
        rows = hidden.masked_fill(~level.mask[..., None], 0)
        return whole.scatter(1, level.index[..., None].expand_as(rows), rows)


def _nothing(tokens: Tokens) -> Selection:
    """The selection that keeps none at all."""
    count = len(tokens.lengths)
    none = torch.zeros(0, dtype=torch.int64, device=tokens.x.device)
    scores = torch.zeros(len(tokens.x), device=tokens.x.device)
    gone = torch.ones(count, device=tokens.x.device)
    return Selection(none, (0,) * count, tuple(tokens.lengths), scores, gone)


def _merged(left: Tensor, selection: Selection, x: Tensor, after: Layout) -> Tensor:
    """States in which kept tokens are what was put together from several."""
    places = [
        item.row * after.width + place
        for item in after.items
        for place in range(item.start, item.stop)
    ]
    rows = selection.take(x).to(left)
    return left.flatten(0, 1).index_copy(0, to_device(places, left.device), rows).view_as(left)
