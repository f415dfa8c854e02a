"""Sharing a whole number among frames in proportion to weights, without waiting for the device."""

from __future__ import annotations

import torch
from torch import Tensor

from omni.compression.relevance import precise


def shares(weights: Tensor, room: Tensor, total: int) -> Tensor:
    """Whole numbers, in proportion to weights, that sum to `total`.

    Nobody gets more than there is room for: the rest shares in proportion what is left. Fractions
    are settled by largest remainder, and the first of equals wins. Remainders are compared in
    float32, so that the order of adding up does not show.

    Args:
        weights: `[T]`, at least 0; 0 gets nothing.
        room: int64 `[T]`, the most that each can have; what all have no room for is not given.
        total: how much there is.
    """
    weights = precise(weights)
    tiny = torch.finfo(weights.dtype).tiny
    space = torch.where(weights > 0, precise(room), 0.0)
    fill = space / weights.clamp(min=tiny)
    order = fill.sort(stable=True).indices  # those that are full at the lowest level first
    weight, space_sorted = weights[order], space[order]
    weight_after = weight.flip(0).cumsum(0).flip(0)
    spent_before = space_sorted.cumsum(0) - space_sorted
    level = (total - spent_before).clamp(min=0) / weight_after.clamp(min=tiny)
    full = (fill[order] <= level).long().cumprod(0).bool()
    rest = (total - (space_sorted * full).sum()).clamp(min=0)
    level = rest / (weight * ~full).sum().clamp(min=tiny)
    exact = torch.where(full, space_sorted, weight * level)
    exact = torch.empty_like(exact).scatter(0, order, exact).float()
    base = torch.minimum(exact.floor().long(), room)
    remainder = torch.where((base < room) & (weights > 0), exact - base, -1.0)
    rank = remainder.sort(descending=True, stable=True).indices.argsort()
    missing = total - base.sum()
    return base + ((rank < missing) & (remainder >= 0)).long()
