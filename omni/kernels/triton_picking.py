"""`picking.pick_farthest` and `pick_volume`, each in one launch that stays until the last pick.

A program holds the values of one item in its registers, and reads one row a step. All items pick
the same number of times, so that nothing has to be asked of the device.
"""

# pyright: reportInvalidTypeForm=false
# `tl.constexpr` is for the compiler of kernels; Triton may not be there to be looked at.

from __future__ import annotations

import torch
from torch import Tensor

from omni.kernels.language import block, tl, triton, warps
from omni.kernels.picking import NOTHING

_HELD = 16384  # numbers of earlier parts that a program takes in at once


@triton.jit
def _farthest(cosines, first, weight, standing, out, count, steps, BLOCK: tl.constexpr):
    item = tl.program_id(0).to(tl.int64)
    places = tl.arange(0, BLOCK)
    there = places < count
    value = tl.load(first + item * count + places, mask=there, other=0.0)
    weights = tl.load(weight + item * count + places, mask=there, other=0.0)
    stand = tl.load(standing + item * count + places, mask=there, other=float("-inf"))
    nearest = tl.full((BLOCK,), 2.0, tl.float32)
    for step in range(0, steps):
        pick = tl.argmax(value + stand, axis=0, tie_break_left=True)
        tl.store(out + item * steps + step, pick.to(tl.int64))
        stand = tl.where(places == pick, float("-inf"), stand)
        row = tl.load(
            cosines + (item * count + pick) * count + places, mask=there, other=1.0
        )  # fmt: skip
        nearest = tl.minimum(nearest, 1 - row)
        value = weights * nearest


@triton.jit
def _volume(
    cosines, quality, standing, factor, out, count, steps,
    NOTHING: tl.constexpr, BLOCK: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    item = tl.program_id(0).to(tl.int64)
    places = tl.arange(0, BLOCK)
    there = places < count
    lengths = tl.load(quality + item * count + places, mask=there, other=0.0)
    stand = tl.load(standing + item * count + places, mask=there, other=float("-inf"))
    own = tl.load(cosines + (item * count + places) * count + places, mask=there, other=0.0)
    left = lengths * lengths * own
    left = tl.where(left > NOTHING, left, 0.0)
    parts = factor + item * steps * count
    earlier = tl.arange(0, TILE)
    for step in range(0, steps):
        pick = tl.argmax(left + stand, axis=0, tie_break_left=True)
        tl.store(out + item * steps + step, pick.to(tl.int64))
        chosen = places == pick
        stand = tl.where(chosen, float("-inf"), stand)
        volume = tl.sum(tl.where(chosen, left, 0.0), 0)
        length = tl.sum(tl.where(chosen, lengths, 0.0), 0)
        row = tl.load(
            cosines + (item * count + pick) * count + places, mask=there, other=0.0
        )  # fmt: skip
        row = row * lengths * length
        for begin in range(0, step, TILE):
            before = begin + earlier
            valid = before < step
            along = tl.load(parts + before * count + pick, mask=valid, other=0.0)
            block = tl.load(
                parts + before[:, None] * count + places[None, :],
                mask=valid[:, None] & there[None, :], other=0.0,
            )  # fmt: skip
            row -= tl.sum(along[:, None] * block, 0)
        part = tl.where(volume > 0, row / tl.sqrt(tl.maximum(volume, NOTHING)), 0.0)
        tl.store(parts + step * count + places, part, mask=there)
        tl.debug_barrier()  # all threads of the program read this part at the next step
        left = left - part * part
        left = tl.where(left > NOTHING, left, 0.0)


def launch_farthest(
    cosines: Tensor, first: Tensor, weight: Tensor, standing: Tensor, steps: int
) -> Tensor:
    """As `picking.pick_farthest`."""
    items, count = first.shape
    out = torch.empty(items, steps, dtype=torch.int64, device=first.device)
    size = block(count)
    parts = (tensor.contiguous() for tensor in (cosines, first, weight, standing))
    _farthest[(items,)](*parts, out, count, steps, BLOCK=size, num_warps=warps(size))
    return out


def launch_volume(cosines: Tensor, quality: Tensor, standing: Tensor, steps: int) -> Tensor:
    """As `picking.pick_volume`."""
    items, count = quality.shape
    out = torch.empty(items, steps, dtype=torch.int64, device=quality.device)
    factor = torch.empty(items, steps, count, device=quality.device)
    size = block(count)
    parts = (tensor.contiguous() for tensor in (cosines, quality, standing))
    _volume[(items,)](
        *parts, factor, out, count, steps,
        NOTHING=NOTHING, BLOCK=size, TILE=max(_HELD // size, 1), num_warps=max(warps(size), 4),
    )  # fmt: skip
    return out
