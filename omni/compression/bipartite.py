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
from omni.compression.units import error_at
from omni.kernels.segment_mean import added

_LARGE = 2**19  # numbers in an item, from where on products in double precision take long
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
    means = ready.spread(metric)
    worth = None if value is None else ready.spread(value)[..., None]
    width = means.shape[1]
    place = torch.arange(width, device=means.device).expand(len(means), width)
    slot = place
    weights = precise(ready.mask)
    sizes = precise(ready.sound)
    counts = list(ready.lengths)
    while any(n > k for n, k in zip(counts, ready.keep, strict=True)):
        gone = [min(n - k, max(1, int(n * share))) for n, k in zip(counts, ready.keep, strict=True)]
        some = any(0 < g < n - n // 2 for n, g in zip(counts, gone, strict=True))
        edge, goal = _proposals(normalize(means, dim=-1), sizes, counts, some)
        if worth is not None:
            edge = (edge - worth[:, 0::2, 0]).float()
        columns = torch.arange(max(counts), device=means.device)
        present = columns < to_device(counts, means.device)[:, None]
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
        into = number.gather(1, goal)
        slot = into.gather(1, slot)
        counts = [n - g for n, g in zip(counts, gone, strict=True)]
        order = (~alive).float().sort(dim=1, stable=True).indices[:, : max(counts)]
        place = place.gather(1, order)
        sizes = total.gather(1, order) if sized else total.gather(1, order).clamp(max=1)
        part = part * present
        means = _sums(means, into, part, max(counts))
        worth = None if worth is None else _sums(worth, into, part, max(counts))
    kept = first(place, ready.keep, width)
    chosen = ready.bind_mask(kept, torch.ones(kept.shape, device=kept.device))
    return replace(chosen, merging=merging(ready, slot, weights))


def _proposals(
    means: Tensor, sizes: Tensor, counts: Sequence[int], compared: bool
) -> tuple[Tensor, Tensor]:
    """The best cosine of each even token, `[G, even]`, and the place it goes to, `[G, n]`.

    Args:
        means: unit vectors, precise `[G, n, d]`.
        sizes: `[G, n]`.
        counts: how many of each item there are.
        compared: whether it matters which cosine is greater.
    """
    even, odd = means[:, 0::2], means[:, 1::2]
    roughly = means.device.type == "cpu" and means[0].numel() >= _LARGE
    cosines = _in_single(even, odd) if roughly else (even @ odd.transpose(1, 2)).float()
    columns = torch.arange(odd.shape[1], device=means.device)
    absent = columns >= to_device([n // 2 for n in counts], means.device)[:, None]
    cosines = cosines.masked_fill((sizes[:, 1::2] == 0)[:, None], _UNWANTED)
    cosines = cosines.masked_fill(absent[:, None], -torch.inf)
    best = cosines.argmax(-1)
    if roughly:
        best = _looked_at(cosines, best, even, odd, sizes[:, 0::2] > 0)
    goal = torch.zeros(means.shape[:2], dtype=torch.int64, device=means.device)
    next_to = 2 * torch.arange(best.shape[1], device=means.device) + 1
    goal[:, 0::2] = torch.where(_rescues(sizes, counts), next_to, 2 * best + 1)
    edge = cosines.take_along_dim(best[..., None], -1).squeeze(-1)
    if roughly and compared:
        exact = torch.einsum("gnd,gnd->gn", even, odd.take_along_dim(best[..., None], 1)).float()
        edge = torch.where(edge > _UNWANTED, exact, edge)
    return edge, goal.clamp(max=means.shape[1] - 1)


def _in_single(even: Tensor, odd: Tensor) -> Tensor:
    """Cosines of all pairs, `[G, even, odd]`, each off by `error_at` at most."""
    return even.float() @ odd.float().transpose(1, 2)


def _looked_at(cosines: Tensor, best: Tensor, even: Tensor, odd: Tensor, sound: Tensor) -> Tensor:
    """Which is the best in double precision, where single precision cannot tell: `[G, even]`.

    Args:
        cosines: in single precision, `[G, even, odd]`; those looked at are written over.
        best: the greatest of each row.
        even: precise `[G, even, d]`.
        odd: precise `[G, odd, d]`.
        sound: bool `[G, even]`, tokens with something in them.
    """
    high = cosines.take_along_dim(best[..., None], -1)
    close = (cosines >= high - 2 * error_at(even.shape[-1])).sum(-1) > 1
    close = close & sound & (high.squeeze(-1) > _UNWANTED)
    for item in range(len(close)):
        rows = close[item].nonzero().squeeze(1)
        if len(rows):
            exact = (even[item, rows] @ odd[item].T).float()
            found = torch.where(cosines[item, rows] > _UNWANTED, exact, cosines[item, rows])
            cosines[item, rows] = found
            best[item, rows] = found.argmax(-1)
    return best


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
    sums = added(values.flatten(0, 1), order, counts, weights.flatten()[order])
    return sums.view(items, width, -1)
