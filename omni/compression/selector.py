"""What a selector is given and what it answers; what is told of it is in `report`.

A selector keeps `keep` of the `N` tokens of each item. How many is planned beforehand, in whole
numbers, by `omni.compression.budget`; a selector only decides which. Kept places ascend, scores
are float32, equals go to the first, nothing is random, nothing waits for the accelerator, and the
other items of a batch never change a result.

Shapes: G items, N tokens (of the longest item where padded), K kept, Q question tokens, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.compression.report import SelectionReport as SelectionReport
from omni.errors import UsageError
from omni.kernels.segment_mean import segment_sums


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of tokens besides the tokens themselves; `None` where it is not.

    Attributes:
        attention: `[sum of lengths]`, how much each token is attended to: by the class token, or by
            all others where there is none; already reduced over heads.
        keys: `[sum of lengths, d]`, the keys of an attention layer.
        paired: `[sum of lengths, Dc]`, the same tokens in another space, such as before a
            projector.
    """

    attention: Tensor | None = None
    keys: Tensor | None = None
    paired: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of several items, end to end.

    Attributes:
        x: `[sum of lengths, D]`.
        lengths: how many tokens each item has; whole numbers of the host.
        grids: how the tokens of each item lie; empty if nobody knows.
        pinned: bool `[sum of lengths]`, tokens that must be kept, such as a line's end.
        signals: what else is known of them.
    """

    x: Tensor
    lengths: Sequence[int]
    grids: Sequence[Grid] = ()
    pinned: Tensor | None = None
    signals: Signals = field(default_factory=Signals)

    def padded(self) -> tuple[Tensor, Tensor]:
        """Tokens `[G, N, D]`, zero where there is none, and bool `[G, N]`: true where there is."""
        x = self.spread(self.x)
        sizes = to_device(self.lengths, x.device)
        return x, torch.arange(x.shape[1], device=x.device) < sizes[:, None]

    def spread(self, values: Tensor) -> Tensor:
        """Values of tokens, `[sum of lengths, …]`, as `[G, N, …]`, padded with zeros."""
        parts = list(values.split(list(self.lengths)))
        return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)

    def signal(self, name: str, method: str) -> Tensor:
        """One of the signals, of which a method cannot do without.

        Raises:
            UsageError: if it is not known.
        """
        found = getattr(self.signals, name)
        if found is None:
            raise UsageError(
                f"{method} needs the {name} of the encoder, which were not given: pass "
                f"Signals({name}=…), or choose a method that needs none, such as 'farthest'"
            )
        return found


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, for each item: embeddings `[G, Q, D]`, and bool `[G, Q]` true for words."""

    x: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class Merging:
    """What becomes of kept tokens: each is a weighted sum of tokens.

    Attributes:
        sources: int64 `[M]`, rows of all tokens.
        counts: int64 `[sum of kept]`, how many of the sources, in order, go into each kept token.
        weights: float32 `[M]`.
    """

    sources: Tensor
    counts: Tensor
    weights: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """The sums, `[sum of kept, D]`; added up in one order, so that they never differ."""
        return segment_sums(x, self.sources, self.counts, self.weights)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tokens were kept.

    Attributes:
        places: int64 `[sum of kept]`, places within each item, ascending, item after item.
        kept: how many of each item.
        lengths: of how many.
        scores: float32 `[sum of lengths]`, what each token was worth.
        dropped: float32 `[G]`, share of each item's score that was not kept.
        merging: what the kept tokens are put together from; `None` if each stays as it is.
        of_all: `rows`, where they are known.
    """

    places: Tensor
    kept: tuple[int, ...]
    lengths: tuple[int, ...]
    scores: Tensor
    dropped: Tensor
    merging: Merging | None = None
    of_all: Tensor | None = None

    @property
    def rows(self) -> Tensor:
        """int64 `[sum of kept]`, the kept tokens as rows of all."""
        if self.of_all is not None:
            return self.of_all
        starts = (0, *accumulate(self.lengths))
        offsets = [
            start for start, kept in zip(starts, self.kept, strict=False) for _ in range(kept)
        ]
        return self.places + to_device(offsets, self.places.device)

    def take(self, x: Tensor) -> Tensor:
        """What is kept of `x`, whose rows are those the selection was made from."""
        return x[self.rows] if self.merging is None else self.merging.apply(x)


class Selector(Protocol):
    """Decides which tokens of each item are kept."""

    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        """Keep `keep[i]` tokens of item `i`, in 1…its length."""
        ...


def best(scores: Tensor, mask: Tensor, keep: Sequence[int]) -> Tensor:
    """Places of each item's `keep` highest scores, as `Selection.places` wants them.

    Args:
        scores: `[G, N]`; the first of equals wins.
        mask: bool `[G, N]`, true where there is a token.
        keep: how many of each item, on the host.
    """
    ranked = scores.masked_fill(~mask, -torch.inf).sort(dim=1, descending=True, stable=True)
    return ascending(ranked.indices[:, : max(keep)], keep)


def ascending(picked: Tensor, keep: Sequence[int]) -> Tensor:
    """Put picks `[G, most kept]` in order and lay them end to end; picks after `keep` are void."""
    columns = torch.arange(picked.shape[1], device=picked.device)
    void = columns >= to_device(keep, picked.device)[:, None]
    ordered = picked.masked_fill(void, torch.iinfo(picked.dtype).max).sort(dim=1).values
    width = picked.shape[1]
    flat = [row * width + column for row, kept in enumerate(keep) for column in range(kept)]
    return ordered.flatten()[to_device(flat, picked.device)]


def selection(tokens: Tokens, keep: Sequence[int], places: Tensor, scores: Tensor) -> Selection:
    """Bind places to a record, with the share of the (non-negative) scores that they leave out.

    Args:
        tokens: what was selected from.
        keep: how many of each item.
        places: as in `Selection`.
        scores: float32 `[G, N]`, padded.
    """
    width = scores.shape[1]
    inside = [row * width + place for row, n in enumerate(tokens.lengths) for place in range(n)]
    flat = scores.flatten()[to_device(inside, scores.device)]
    starts = [row * width for row, kept in enumerate(keep) for _ in range(kept)]
    picked = torch.zeros(scores.numel(), dtype=torch.bool, device=scores.device)
    picked = picked.index_fill(0, to_device(starts, scores.device) + places, True).view_as(scores)
    sizes = to_device(tokens.lengths, scores.device)
    present = torch.arange(width, device=scores.device) < sizes[:, None]
    total = scores.masked_fill(~present, 0).sum(1)
    left = scores.masked_fill(~present | picked, 0).sum(1)
    dropped = left / total.clamp(min=torch.finfo(scores.dtype).tiny)
    return Selection(places, tuple(keep), tuple(tokens.lengths), flat, dropped)


def to_device(values: Sequence[int], device: torch.device) -> Tensor:
    """Whole numbers of the host as int64 on a device, without waiting for it."""
    if device.type != "cuda":
        return torch.tensor(list(values), dtype=torch.int64, device=device)
    pinned = torch.tensor(list(values), dtype=torch.int64, pin_memory=True)
    return pinned.to(device, non_blocking=True)
