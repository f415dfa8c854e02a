"""`picking.pick_cover` in two launches: all gains once, then one program an item to the last pick.

A gain never grows, so an old one is a bound: only the token whose bound is the highest is worked
out anew, until the highest is up to date. Gains are added up in double precision, in one order.
"""

# pyright: reportInvalidTypeForm=false
# `tl.constexpr` is for the compiler of kernels; Triton may not be there to be looked at.

from __future__ import annotations

import torch
from torch import Tensor

from omni.kernels.language import block, tl, triton, warps


@triton.jit
def _gain(cover, best, rows, there):
    row = tl.load(cover + rows, mask=there, other=0.0)
    return tl.sum(tl.maximum(row - best, 0.0).to(tl.float64), 0).to(tl.float32)


@triton.jit
def _alone(cover, gains, height, BLOCK: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    rows = tl.arange(0, BLOCK)
    best = tl.zeros((BLOCK,), tl.float32)
    tl.store(gains + token, _gain(cover + token * height, best, rows, rows < height))


@triton.jit
def _cover(
    cover, gains, standing, out, count, height, steps,
    BLOCK: tl.constexpr, HIGH: tl.constexpr,
):  # fmt: skip
    item = tl.program_id(0).to(tl.int64)
    places = tl.arange(0, BLOCK)
    there = places < count
    rows = tl.arange(0, HIGH)
    valid = rows < height
    stand = tl.load(standing + item * count + places, mask=there, other=float("-inf"))
    gain = tl.load(gains + item * count + places, mask=there, other=0.0)
    seen = tl.zeros((BLOCK,), tl.int32)  # at which step a gain was worked out
    best = tl.zeros((HIGH,), tl.float32)
    for step in range(0, steps):
        pick = tl.argmax(gain + stand, axis=0, tie_break_left=True)
        stale = tl.sum(tl.where(places == pick, seen, 0), 0) != step
        while stale:
            fresh = _gain(cover + (item * count + pick) * height, best, rows, valid)
            gain = tl.where(places == pick, fresh, gain)
            seen = tl.where(places == pick, step, seen)
            pick = tl.argmax(gain + stand, axis=0, tie_break_left=True)
            stale = tl.sum(tl.where(places == pick, seen, 0), 0) != step
        tl.store(out + item * steps + step, pick.to(tl.int64))
        stand = tl.where(places == pick, float("-inf"), stand)
        row = tl.load(cover + (item * count + pick) * height + rows, mask=valid, other=0.0)
        best = tl.maximum(best, row)


def launch_cover(cover: Tensor, standing: Tensor, steps: int) -> Tensor:
    """As `picking.pick_cover`."""
    cover = cover.contiguous()
    items, count, height = cover.shape
    gains = torch.empty(items, count, device=cover.device)
    out = torch.empty(items, steps, dtype=torch.int64, device=cover.device)
    size, high = block(count), block(height)
    _alone[(items * count,)](cover, gains, height, BLOCK=high, num_warps=min(warps(high), 4))
    _cover[(items,)](
        cover, gains, standing.contiguous(), out, count, height, steps,
        BLOCK=size, HIGH=high, num_warps=warps(max(size, high)),
    )  # fmt: skip
    return out
