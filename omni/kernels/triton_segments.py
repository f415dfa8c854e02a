"""`segment_mean.assign` and `segment_sums`, one launch each."""

# pyright: reportInvalidTypeForm=false
# `tl.constexpr` is for the compiler of kernels; Triton may not be there to be looked at.

from __future__ import annotations

import torch
from torch import Tensor

from omni.kernels.language import block, tl, triton

_TILE, _DEEP, _WIDE = 32, 64, 256


@triton.jit
def _assign(
    x, targets, open_to, slots, cosines, count, goals, width,
    TILE: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0) * TILE + tl.arange(0, TILE)
    item = tl.program_id(1).to(tl.int64)
    inside = tl.arange(0, DEPTH)
    best = tl.full((TILE,), float("-inf"), tl.float32)
    slot = tl.zeros((TILE,), tl.int32)
    for begin in range(0, goals, TILE):
        goal = begin + tl.arange(0, TILE)
        product = tl.zeros((TILE, TILE), tl.float32)
        left = tl.zeros((TILE,), tl.float32)
        right = tl.zeros((TILE,), tl.float32)
        for deep in range(0, width, DEPTH):
            here = deep + inside
            there = here[None, :] < width
            a = tl.load(
                x + (item * count + rows[:, None]) * width + here[None, :],
                mask=(rows[:, None] < count) & there, other=0.0,
            ).to(tl.float32)  # fmt: skip
            b = tl.load(
                targets + (item * goals + goal[:, None]) * width + here[None, :],
                mask=(goal[:, None] < goals) & there, other=0.0,
            ).to(tl.float32)  # fmt: skip
            product += tl.dot(a, tl.trans(b), input_precision="ieee")
            left += tl.sum(a * a, 1)
            right += tl.sum(b * b, 1)
        scale = tl.sqrt(left)[:, None] * tl.sqrt(right)[None, :]
        cosine = tl.where(scale > 0, product / tl.where(scale > 0, scale, 1.0), 0.0)
        valid = tl.load(open_to + item * goals + goal, mask=goal < goals, other=0) != 0
        cosine = tl.where(valid[None, :], cosine, float("-inf"))
        highest = tl.max(cosine, 1)
        first = tl.argmax(cosine, axis=1, tie_break_left=True).to(tl.int32) + begin
        slot = tl.where(highest > best, first, slot)  # later targets win only if they are better
        best = tl.maximum(best, highest)
    tl.store(slots + item * count + rows, slot.to(tl.int64), mask=rows < count)
    tl.store(cosines + item * count + rows, best, mask=rows < count)


@triton.jit
def _sums(x, sources, ends, counts, weights, out, width, BLOCK: tl.constexpr):
    segment = tl.program_id(0).to(tl.int64)
    here = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    there = here < width
    end = tl.load(ends + segment)
    total = tl.zeros((BLOCK,), tl.float32)
    for source in range(end - tl.load(counts + segment), end):
        row = tl.load(sources + source)
        part = tl.load(x + row * width + here, mask=there, other=0.0).to(tl.float32)
        total += part * tl.load(weights + source)
    tl.store(out + segment * width + here, total.to(out.dtype.element_ty), mask=there)


def launch_assign(x: Tensor, targets: Tensor, open_to: Tensor) -> tuple[Tensor, Tensor]:
    """As `segment_mean.assign`."""
    x, targets = x.contiguous(), targets.contiguous()
    items, count, width = x.shape
    slots = torch.empty(items, count, dtype=torch.int64, device=x.device)
    cosines = torch.empty(items, count, device=x.device)
    _assign[(triton.cdiv(count, _TILE), items)](
        x, targets, open_to.to(torch.int8).contiguous(), slots, cosines,
        count, targets.shape[1], width, TILE=_TILE, DEPTH=_DEEP,
    )  # fmt: skip
    return slots, cosines


def launch_sums(x: Tensor, sources: Tensor, counts: Tensor, weights: Tensor) -> Tensor:
    """As `segment_mean.segment_sums`, without gradients."""
    x = x.contiguous()
    width = x.shape[1]
    out = x.new_empty(len(counts), width)
    size = min(block(width), _WIDE)
    _sums[(len(counts), triton.cdiv(width, size))](
        x, sources, counts.cumsum(0), counts, weights, out, width, BLOCK=size
    )
    return out
