"""Tokens handed to the targets they resemble, and weighted sums of what goes together.

Sums are added up in order of their sources, so that they are the same to the bit in every run.
Shapes: G items, N tokens, T targets, D width, M sources, K segments.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, normalize, pad

from omni.kernels import backend


def assign(x: Tensor, targets: Tensor, open_to: Tensor) -> tuple[Tensor, Tensor]:
    """The most similar target of each token, int64 `[G, N]`, and their cosine, float32 `[G, N]`.

    The first of equals is taken; minus infinity, and target 0, where no target is open.

    Args:
        x: `[G, N, D]`, any float format.
        targets: `[G, T, D]`.
        open_to: bool `[G, T]`, the targets that count.
    """
    if backend.chosen(x.device) == "torch":
        return assign_in_torch(x, targets, open_to)
    from omni.kernels.triton_segments import launch_assign

    return launch_assign(x, targets, open_to)


def assign_in_torch(x: Tensor, targets: Tensor, open_to: Tensor) -> tuple[Tensor, Tensor]:
    """The twin of `assign`."""
    tiny = torch.finfo(torch.float32).tiny
    directions = normalize(x.float(), dim=-1, eps=tiny)
    goals = normalize(targets.float(), dim=-1, eps=tiny)
    cosines = (directions @ goals.transpose(1, 2)).masked_fill(~open_to[:, None], -torch.inf)
    slot = cosines.argmax(-1)
    return slot, cosines.take_along_dim(slot[..., None], -1).squeeze(-1)


def segment_sums(x: Tensor, sources: Tensor, counts: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of rows, `[K, D]` in the format of `x`, added up in float32 and in order.

    With weights that are one by the count they are means. It is differentiable in `x`.

    Args:
        x: `[rows, D]`.
        sources: int64 `[M]`, rows of `x`, segment after segment; more may follow the last.
        counts: int64 `[K]`, how many sources each segment has.
        weights: float32 `[M]`.
    """
    if backend.chosen(x.device) == "torch":
        return sums_in_torch(x, sources, counts, weights)
    return _Sums.apply(x, sources, counts, weights)


def sums_in_torch(x: Tensor, sources: Tensor, counts: Tensor, weights: Tensor) -> Tensor:
    """The twin of `segment_sums`."""
    return added(x.float(), sources, counts, weights.float()).to(x)


def added(x: Tensor, sources: Tensor, counts: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums in plain torch, in the format that rows and weights have: `[K, D]`."""
    if x.device.type != "cpu":
        rows = x[sources] * weights[:, None]
        return torch.segment_reduce(rows, "sum", lengths=counts, axis=0, unsafe=True)
    # It adds rows up in order as well, but never lays them side by side. What follows the last
    # segment falls into one more.
    starts = pad(counts.cumsum(0), (1, 0))
    return embedding_bag(sources, x, starts, mode="sum", per_sample_weights=weights)[:-1]


class _Sums(torch.autograd.Function):
    """Forward by a kernel; backward hands every source its weight of the segment's gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, sources: Tensor, counts: Tensor, weights: Tensor) -> Tensor:
        from omni.kernels.triton_segments import launch_sums

        ctx.save_for_backward(sources, counts, weights)
        ctx.like = x.new_empty(0).expand(0), x.shape
        return launch_sums(x, sources, counts, weights)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        sources, counts, weights = ctx.saved_tensors
        like, shape = ctx.like
        ends = counts.cumsum(0)
        slot = torch.searchsorted(ends, torch.arange(len(sources), device=ends.device), right=True)
        weights = torch.where(slot < len(counts), weights, 0.0)
        parts = gradients[0].float()[slot.clamp(max=len(counts) - 1)] * weights[:, None]
        found = torch.zeros(shape, device=parts.device).index_add(0, sources, parts)
        return found.to(like.dtype), None, None, None
