"""Tokens that are not kept, handed to kept ones that resemble them, and averaged.

A result is a `Merging` whose sources lie in order of the kept tokens, and of their places within
one. Tokens that go nowhere lie after the last, where no count reaches. Nothing is added up in an
order that could vary. Shapes: G items, N tokens, T targets, D width.
"""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import Tensor

from omni.compression.candidates import Candidates
from omni.compression.selector import Merging, to_device
from omni.kernels.picking import in_kernels
from omni.kernels.segment_mean import assign


def slots(kept: Tensor) -> Tensor:
    """Which of the kept tokens each place would be: int64 `[G, N]`."""
    return kept.long().cumsum(1) - 1


def nearest(directions: Tensor, kept: Tensor, targets: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The slot of the most similar target, `[G, N]`, and that cosine in float32.

    Minus infinity where there is no target. The first of equals is taken.

    Args:
        directions: unit vectors `[G, N, D]`.
        kept: bool `[G, N]`, the kept tokens.
        targets: bool `[G, N]`, those of them that take others in.
        most: how many targets an item has at most.
    """
    targets = targets & kept
    order = targets.float().sort(dim=1, descending=True, stable=True).indices
    places = order[:, : max(most, 1)]
    open_to = targets.take_along_dim(places, 1)
    own = slots(kept).clamp(min=0).take_along_dim(places, 1)  # [G, T]
    columns = directions.take_along_dim(places[..., None], 1)
    if in_kernels(directions):
        goal, cosine = assign(directions.float(), columns.float(), open_to)
    else:
        cosines = (directions @ columns.transpose(1, 2)).float()  # [G, N, T]
        cosines = cosines.masked_fill(~open_to[:, None], -torch.inf)
        goal = cosines.argmax(-1)
        cosine = cosines.take_along_dim(goal[..., None], -1).squeeze(-1)
    return own.gather(1, goal), cosine


def averaged(
    ready: Candidates,
    kept: Tensor,
    directions: Tensor,
    targets: Tensor,
    most: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Slots `[G, N]` and weights in which every target is the mean of itself and its kin.

    A token that is not kept goes to its most similar target; targets that are not sound take none
    in, and tokens that are not sound go nowhere. No item has more
    targets than `most`, if that is said.
    """
    most = max(ready.keep) if most is None else most
    slot, cosine = nearest(directions, kept, targets & ready.sound, most)
    joins = ~kept & ready.sound & (cosine > -torch.inf)
    slot = torch.where(kept, slots(kept), slot)
    part = (kept & ready.mask) | joins
    return slot, part / members(slot, part).clamp(min=1)


def members(slot: Tensor, part: Tensor) -> Tensor:
    """How many tokens of `part` share the slot of each token: `[G, N]`."""
    counts = torch.zeros_like(slot).scatter_add(1, slot, part.long())
    return counts.gather(1, slot)


def merging(ready: Candidates, slot: Tensor, weights: Tensor) -> Merging:
    """Each token in one slot of its item.

    Args:
        ready: the tokens.
        slot: int64 `[G, N]`, below `keep` of the item.
        weights: `[G, N]`, of each token in its slot; one of weight 0 goes nowhere.
    """
    width = slot.shape[1]
    inside = [row * width + place for row, n in enumerate(ready.lengths) for place in range(n)]
    offsets = to_device([0, *accumulate(ready.keep)][:-1], slot.device)
    flat = (slot + offsets[:, None]).flatten()[to_device(inside, slot.device)]
    rows = torch.arange(len(flat), device=slot.device)
    return gathered(rows, flat, weights.flatten()[to_device(inside, slot.device)], sum(ready.keep))


def gathered(rows: Tensor, slot: Tensor, weights: Tensor, total: int) -> Merging:
    """Sources put in order of their slots, those of weight 0 last.

    Args:
        rows: int64 `[M]`, rows of all tokens; of any value where the weight is 0.
        slot: int64 `[M]`, which of all kept tokens each goes into.
        weights: `[M]`.
        total: how many are kept.
    """
    void = weights == 0
    slot, rows = slot.masked_fill(void, total), rows.masked_fill(void, 0)
    order = slot.sort(stable=True).indices
    counts = torch.zeros(total + 1, dtype=torch.int64, device=slot.device)
    counts = counts.scatter_add(0, slot, torch.ones_like(slot))[:total]
    return Merging(rows[order], counts, weights[order].float())
