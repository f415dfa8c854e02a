"""Tokens made ready to be compared: in the widest format, pins first, broken ones last.

Values that are compared are float32, worked out in float64: then neither the order of adding up,
which depends on the batch, nor the format of the input shows. Shapes: G items, N tokens of the
longest item, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.relevance import precise
from omni.compression.selector import Question, Selection, Tokens, best, selection, to_device
from omni.errors import UsageError
from omni.kernels.compaction import highest
from omni.kernels.picking import in_kernels

_LAST = -1e38  # added to a value, leaves nothing of it in float32, and is above minus infinity


@dataclass(frozen=True, slots=True)
class Candidates:
    """The tokens of a batch, padded, with what decides before any value does.

    Attributes:
        tokens: what is selected from.
        keep: how many of each item.
        mask: bool `[G, N]`, true where there is a token.
        sound: bool `[G, N]`, true where there is a token and everything known of it is finite.
        pinned: bool `[G, N]`, tokens that must be kept.
        pins: how many tokens of each item are pinned.
    """

    tokens: Tokens
    keep: tuple[int, ...]
    mask: Tensor
    sound: Tensor
    pinned: Tensor
    pins: tuple[int, ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        return tuple(self.tokens.lengths)

    @property
    def standing(self) -> Tensor:
        """What to add to values so that pins come first, broken tokens last and padding never."""
        zero = torch.zeros(self.mask.shape, device=self.mask.device)
        ranked = zero.masked_fill(~self.sound, _LAST).masked_fill(self.pinned, torch.inf)
        return ranked.masked_fill(~self.mask, -torch.inf)

    def spread(self, values: Tensor) -> Tensor:
        """Values of tokens, `[sum of lengths, …]`, as precise `[G, N, …]`; 0 where not sound."""
        padded = precise(self.tokens.spread(values))
        keep = self.sound.view(*self.sound.shape, *[1] * (padded.dim() - 2))
        return torch.where(keep, padded, 0.0)

    def directions(self, values: Tensor) -> Tensor:
        """Unit vectors of `values`, precise `[G, N, D]`; nought where a vector is."""
        return normalize(self.spread(values), dim=-1)

    def top(self, values: Tensor, keep: Sequence[int] | None = None) -> Tensor:
        """Places of the `keep` highest of float32 values `[G, N]`, ascending, end to end."""
        wanted = self.keep if keep is None else keep
        if in_kernels(values):
            return highest(values + self.standing, self.lengths, wanted)
        return best(values + self.standing, self.mask, wanted)

    def leading(
        self, values: Tensor, count: Sequence[int], without: Tensor | None = None
    ) -> Tensor:
        """Bool `[G, N]`: the `count` highest of each item, which may be none.

        Args:
            values: float32 `[G, N]`.
            count: how many of each item.
            without: bool `[G, N]`, tokens that are out of the question.
        """
        ranked = values + self.standing
        if without is not None:
            ranked = ranked.masked_fill(without, -torch.inf)
        return first(ranked.sort(dim=1, descending=True, stable=True).indices, count)

    def bind(self, places: Tensor, scores: Tensor) -> Selection:
        """The record; scores of any sign are lifted so that none is below 0."""
        scores = torch.where(self.sound, scores.float(), 0.0)
        lowest = scores.amin(1, keepdim=True).clamp(max=0)
        return selection(self.tokens, self.keep, places, (scores - lowest) * self.mask)

    def bind_mask(self, kept: Tensor, scores: Tensor) -> Selection:
        """The record of what a mask `[G, N]` keeps, which is true `keep` times in each item."""
        return self.bind(best(kept.float(), self.mask, self.keep), scores)


def first(order: Tensor, count: Sequence[int], width: int | None = None) -> Tensor:
    """Bool `[G, width]`, true at the first `count` of each row of distinct places `order`."""
    columns = torch.arange(order.shape[1], device=order.device)
    early = columns < to_device(count, order.device)[:, None]
    size = order.shape[1] if width is None else width
    none = torch.zeros(len(order), size, dtype=torch.bool, device=order.device)
    return none.scatter(1, order, early)


def candidates(tokens: Tokens, keep: Sequence[int], *signals: Tensor) -> Candidates:
    """Make tokens ready.

    Pins are read on the host. They cost no wait if they lie there, whatever the device of `x`.

    Args:
        tokens: what is selected from.
        keep: how many of each item.
        signals: what else the method reads of each token, `[sum of lengths, …]`.

    Raises:
        UsageError: if `keep` cannot be met, or lengths do not add up to the tokens.
    """
    pins = count_pins(tokens, keep)
    device = tokens.x.device
    sizes = to_device(tokens.lengths, device)
    mask = torch.arange(max(tokens.lengths), device=device) < sizes[:, None]
    sound = finite(tokens.x)
    for signal in signals:
        if len(signal) != len(tokens.x):
            raise UsageError(
                f"a signal has {len(signal)} rows for {len(tokens.x)} tokens: give one a token"
            )
        sound = sound & finite(signal)
    pinned = torch.zeros_like(mask)
    if tokens.pinned is not None:
        flags = to_device([int(flag) for flag in tokens.pinned.tolist()], device).bool()
        pinned = tokens.spread(flags)
    return Candidates(tokens, tuple(keep), mask, tokens.spread(sound) & mask, pinned, pins)


def finite(values: Tensor) -> Tensor:
    """Bool `[N]`, true for rows of which all is finite."""
    rows = values.reshape(len(values), -1)
    if rows.device.type == "cpu" and bool(torch.linalg.vector_norm(rows, dim=1).isfinite().all()):
        return torch.ones(len(rows), dtype=torch.bool)  # a norm is quick; only this may ask for it
    return torch.isfinite(rows).all(1)


def count_pins(tokens: Tokens, keep: Sequence[int]) -> tuple[int, ...]:
    """How many tokens of each item are pinned, once it is certain that `keep` can be met.

    Raises:
        UsageError: if it cannot.
    """
    lengths = list(tokens.lengths)
    if not lengths or len(lengths) != len(keep):
        raise UsageError(f"{len(lengths)} items and {len(keep)} counts to keep: give one an item")
    if sum(lengths) != len(tokens.x):
        raise UsageError(f"lengths add up to {sum(lengths)}, but there are {len(tokens.x)} tokens")
    flags = [False] * sum(lengths) if tokens.pinned is None else tokens.pinned.tolist()
    if len(flags) != sum(lengths):
        raise UsageError(f"pinned has {len(flags)} flags for {sum(lengths)} tokens")
    counts, start = [], 0
    for item, (length, wanted) in enumerate(zip(lengths, keep, strict=True)):
        if not 1 <= wanted <= length:
            raise UsageError(f"item {item} has {length} tokens: keep 1 to {length}, not {wanted}")
        counts.append(sum(flags[start : start + length]))
        if counts[-1] > wanted:
            raise UsageError(
                f"item {item} has {counts[-1]} pinned tokens, but may keep only {wanted}: raise "
                "the budget or pin fewer"
            )
        start += length
    return tuple(counts)


def heard(question: Question) -> tuple[Tensor, Tensor]:
    """Words as precise unit vectors `[G, Q, D]`, and bool `[G, Q]`: those that are finite words."""
    mask = question.mask & torch.isfinite(question.x).all(-1)
    return normalize(precise(question.x.masked_fill(~mask[..., None], 0)), dim=-1), mask


def share_of(values: Tensor) -> Tensor:
    """Non-negative values as shares of their item's sum, `[G, N]`; nought where all are nought."""
    values = values.clamp(min=0)
    total = values.sum(1, keepdim=True)
    return values / torch.where(total > 0, total, 1.0)
