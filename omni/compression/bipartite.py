"""Bipartite soft matching: rounds in which half the tokens look for their like in the other half.

Shapes: G items, N tokens, n tokens that are left, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.assign import merging
from omni.compression.candidates import Candidates, first
from omni.compression.relevance import precise
from omni.compression.selector import Selection, to_device

_BROKEN = 1e9  # a proposal above all others: what rids an item of a broken token goes first
_UNWANTED = -2.0  # below every cosine: such a token is merged into only if there is no other


def merge_pairs(
    ready: Candidates, metric: Tensor, share: float, sized: bool, value: Tensor | None = None
) -> Selection:
    """Merge until each item has exactly as many tokens as it may keep.

    In each round the tokens that are left stand in order, even places against odd ones. Every even
    one proposes to the odd one it is most like; the best proposals are carried out, the first of
    equals before the others. What is merged lies where the odd token lay.

    Args:
        ready: the tokens, none of which is pinned.
        metric: `[sum of lengths, d]`, what likeness is the cosine of; averaged as tokens are.
        share: at most this share of tokens goes in a round, but one at least.
        sized: whether a token counts as often as it has tokens in it, or once.
        value: `[sum of lengths]`, taken off the proposals of a token; `None` for nothing.
    """
    features = ready.spread(metric)
    worth = None if value is None else ready.spread(value)[..., None]
    width = features.shape[1]
    place = torch.arange(width, device=features.device).expand(len(features), width)
    slot = place
    weights = precise(ready.mask)
    sizes = precise(ready.sound)
    counts = list(ready.lengths)
    while any(n > k for n, k in zip(counts, ready.keep, strict=True)):
        gone = [min(n - k, max(1, int(n * share))) for n, k in zip(counts, ready.keep, strict=True)]
        means = normalize(_sums(features, slot, weights, max(counts)), dim=-1)
        edge, goal = _proposals(means, sizes, counts)
        if worth is not None:
            edge = (edge - _sums(worth, slot, weights, max(counts))[:, 0::2, 0]).float()
        columns = torch.arange(max(counts), device=features.device)
        present = columns < to_device(counts, features.device)[:, None]
        edge = edge.masked_fill(_rescues(sizes, counts) | (sizes[:, 0::2] == 0), _BROKEN)
        edge = edge.masked_fill(~present[:, 0::2], -torch.inf)
        leaves = torch.zeros_like(present)
        leaves[:, 0::2] = first(edge.sort(dim=1, descending=True, stable=True).indices, gone)
        goal = torch.where(leaves, goal, columns)
        alive = present & ~leaves
        # Counts of tokens are whole, so that their sums are exact in any order.
        total = torch.zeros_like(sizes).scatter_add(1, goal, sizes)
        own = total.gather(1, goal)
        part = torch.where(own > 0, sizes / own.clamp(min=1), precise(alive))
        number = alive.long().cumsum(1) - 1
        weights = weights * part.gather(1, slot)
        slot = number.gather(1, goal).gather(1, slot)
        counts = [n - g for n, g in zip(counts, gone, strict=True)]
        order = (~alive).float().sort(dim=1, stable=True).indices[:, : max(counts)]
        place = place.gather(1, order)
        sizes = total.gather(1, order) if sized else total.gather(1, order).clamp(max=1)
    kept = first(place, ready.keep, width)
    chosen = ready.bind_mask(kept, torch.ones(kept.shape, device=kept.device))
    return replace(chosen, merging=merging(ready, slot, weights))


def _proposals(means: Tensor, sizes: Tensor, counts: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The best cosine of each even token, `[G, even]`, and the place it goes to, `[G, n]`."""
    even, odd = means[:, 0::2], means[:, 1::2]
    cosines = (even @ odd.transpose(1, 2)).float()
    columns = torch.arange(odd.shape[1], device=means.device)
    absent = columns >= to_device([n // 2 for n in counts], means.device)[:, None]
    cosines = cosines.masked_fill((sizes[:, 1::2] == 0)[:, None], _UNWANTED)
    cosines = cosines.masked_fill(absent[:, None], -torch.inf)
    best = cosines.argmax(-1)
    goal = torch.zeros(means.shape[:2], dtype=torch.int64, device=means.device)
    next_to = 2 * torch.arange(best.shape[1], device=means.device) + 1
    goal[:, 0::2] = torch.where(_rescues(sizes, counts), next_to, 2 * best + 1)
    edge = cosines.take_along_dim(best[..., None], -1).squeeze(-1)
    return edge, goal.clamp(max=means.shape[1] - 1)


def _rescues(sizes: Tensor, counts: Sequence[int]) -> Tensor:
    """Bool `[G, even]`: even tokens that take the place of a broken odd one next to them.

    A broken token has nothing in it, so this loses nothing; and in every round each broken token
    goes, either itself or its place.
    """
    broken = sizes[:, 1::2] == 0
    columns = torch.arange(broken.shape[1], device=sizes.device)
    broken = broken & (columns < to_device([n // 2 for n in counts], sizes.device)[:, None])
    return torch.nn.functional.pad(broken, (0, sizes.shape[1] % 2))


def _sums(values: Tensor, slot: Tensor, weights: Tensor, width: int) -> Tensor:
    """Weighted sums of `values [G, N, d]` by slot, `[G, width, d]`, added up in order of place."""
    items = len(values)
    offsets = torch.arange(items, device=slot.device)[:, None] * width
    goal = torch.where(weights > 0, slot + offsets, items * width).flatten()
    order = goal.sort(stable=True).indices
    counts = torch.zeros(items * width + 1, dtype=torch.int64, device=slot.device)
    counts = counts.scatter_add(0, goal, torch.ones_like(goal))[:-1]
    rows = values.flatten(0, 1)[order] * weights.flatten()[order, None]
    sums = torch.segment_reduce(rows, "sum", lengths=counts, axis=0, unsafe=True)
    return sums.view(items, width, -1)
