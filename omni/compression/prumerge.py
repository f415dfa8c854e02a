"""Tokens that stand out in attention, each with the ones nearest to it merged in.

Shapes: G items, N tokens, K kept, M neighbours of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import ClassVar

import torch
from torch import Tensor

from omni.compression.assign import gathered
from omni.compression.candidates import Candidates, candidates, share_of
from omni.compression.relevance import precise
from omni.compression.selector import Merging, Question, Selection, Tokens, to_device
from omni.errors import UsageError
from omni.plugins import Component


class PruMerge:
    """Keeps outliers of attention and adds to each its nearest dropped tokens, by attention.

    An outlier is above the third quartile by `spread` times the distance of the quartiles. Their
    number is not known beforehand, so it is brought to the planned one: the outliers of least
    attention go if there are too many. If there are too few, the next by attention fill up or, with
    `uniform` (PruMerge+), evenly spaced ones of the rest. Without `uniform` the outcome is the same
    as that of the highest attention, wherever the threshold lies.

    What is kept is the token plus, for each of its nearest dropped tokens, that token times its
    share of the item's attention; nearness is the cosine of `Signals.keys`, else of the tokens. The
    one token that the released code makes of all others is not made, for it would have no place.

    Attributes:
        uniform: whether evenly spaced tokens fill up.
        neighbours: how many of the nearest are merged into each kept one.
        spread: how far out an outlier is.
    """

    needs: ClassVar = frozenset({"attention"})
    uses: ClassVar = frozenset({"keys"})

    def __init__(self, uniform: bool = False, neighbours: int = 32, spread: float = 1.5):
        if neighbours < 0:
            raise UsageError(f"neighbours is at least 0, not {neighbours}")
        self.uniform = uniform
        self.neighbours = neighbours
        self.spread = spread

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        attention = tokens.signal("attention", "prumerge")
        keys = tokens.x if tokens.signals.keys is None else tokens.signals.keys
        ready = candidates(tokens, keep, attention, keys)
        scores = ready.spread(attention).float()
        if self.uniform:
            kept = self._outliers_and_spaced(ready, scores)
        else:
            kept = ready.leading(scores, keep)
        shares = share_of(ready.spread(attention))
        merging = neighbourhoods(ready, kept, ready.directions(keys), shares, self.neighbours)
        return replace(ready.bind_mask(kept, scores), merging=merging)

    def _outliers_and_spaced(self, ready: Candidates, scores: Tensor) -> Tensor:
        low, high = (quantile(scores, ready, share) for share in (0.25, 0.75))
        out = (scores > (high + self.spread * (high - low)).float()) & ready.sound
        wanted = to_device(ready.keep, scores.device)[:, None]
        count = torch.minimum((out | ready.pinned).sum(1, keepdim=True), wanted)
        order = (scores + ready.standing).sort(dim=1, descending=True, stable=True).indices
        early = torch.arange(order.shape[1], device=order.device) < count
        kept = torch.zeros_like(early).scatter(1, order, early)
        return kept | evenly(ready, ready.mask & ~kept, wanted - count)


def quantile(values: Tensor, ready: Candidates, share: float) -> Tensor:
    """The value `[G, 1]` below which a share of each item lies, in between two where need be."""
    ordered = precise(values).masked_fill(~ready.mask, torch.inf).sort(dim=1).values
    spots = [share * (n - 1) for n in ready.lengths]
    over = [min(int(spot) + 1, n - 1) for spot, n in zip(spots, ready.lengths, strict=True)]
    device = values.device
    low = ordered.gather(1, to_device([int(spot) for spot in spots], device)[:, None])
    high = ordered.gather(1, to_device(over, device)[:, None])
    # Quarters of whole numbers, so that they are whole when taken four times.
    part = to_device([round(4 * (spot - int(spot))) for spot in spots], device)[:, None] / 4
    return low + part * (high - low)


def evenly(ready: Candidates, rest: Tensor, count: Tensor) -> Tensor:
    """Bool `[G, N]`: `count [G, 1]` of the tokens `rest`, evenly spread over those in order.

    Tokens that are not sound stand behind all others, and are taken only if there are no others.
    """
    sound = rest & ready.sound
    broken = rest & ~ready.sound
    number = sound.sum(1, keepdim=True)
    place = torch.where(broken, number + broken.long().cumsum(1), sound.long().cumsum(1)) - 1
    number = torch.maximum(number, count).clamp(min=1)
    # A token is taken where the count of steps passed goes up by one: exactly `count` times.
    passed = (place + 1) * count // number > place * count // number
    return rest & passed & (place < number)


def neighbourhoods(
    ready: Candidates, kept: Tensor, directions: Tensor, shares: Tensor, neighbours: int
) -> Merging:
    """Every kept token plus its nearest dropped ones by their shares; pins stay as they are."""
    device = kept.device
    most = max(ready.keep)
    places = kept.float().sort(dim=1, descending=True, stable=True).indices[:, :most]
    dropped = max(n - k for n, k in zip(ready.lengths, ready.keep, strict=True))
    chosen = directions.take_along_dim(places[..., None], 1)
    cosines = (chosen @ directions.transpose(1, 2)).float()  # [G, K, N]
    cosines = cosines.masked_fill((kept | ~ready.sound)[:, None], -torch.inf)
    near = cosines.sort(dim=2, descending=True, stable=True)
    near_to = near.indices[..., : min(neighbours, dropped)]
    takes = (ready.sound & ~ready.pinned).gather(1, places)[..., None]
    real = (near.values[..., : min(neighbours, dropped)] > -torch.inf) & takes
    weights = shares[:, None].expand_as(cosines).gather(2, near_to) * real
    itself = torch.ones(*places.shape, 1, dtype=weights.dtype, device=device)
    weights = torch.cat([itself, weights], 2)
    there = torch.arange(most, device=device) < to_device(ready.keep, device)[:, None]
    weights = weights * there[..., None]
    starts = to_device([0, *accumulate(ready.lengths)][:-1], device)[:, None, None]
    rows = torch.cat([places[..., None], near_to], 2) + starts
    offsets = to_device([0, *accumulate(ready.keep)][:-1], device)[:, None]
    slot = (offsets + torch.arange(most, device=device))[..., None].expand_as(rows)
    return gathered(rows.flatten(), slot.flatten(), weights.flatten(), sum(ready.keep))


plugin = PruMerge

COMPONENTS = (
    Component(
        kind="selector",
        name="prumerge",
        summary="Outliers of attention, brought to the planned count, with their nearest tokens "
        "merged in.",
        system="LLaVA-PruMerge",
        paper="LLaVA-PruMerge: Adaptive Token Reduction for Efficient Large Multimodal Models "
        "(arXiv 2403.15388)",
    ),
)
