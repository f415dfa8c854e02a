"""`frames.adjacent_cosines` and `frames.windows`, one launch each.

The dynamic programme runs in one program: a few thousand cells are not worth a second.
"""

# pyright: reportInvalidTypeForm=false
# `tl.constexpr` is for the compiler of kernels; Triton may not be there to be looked at.

from __future__ import annotations

import torch
from torch import Tensor

from omni.kernels.language import block, tl, triton

_WIDE = 1024


@triton.jit
def _cosines(x, out, area, width, BLOCK: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)  # of all frames
    earlier = tl.where(token < area, token, token - area)
    inside = tl.arange(0, BLOCK)
    product = tl.zeros((BLOCK,), tl.float32)
    left = tl.zeros((BLOCK,), tl.float32)
    right = tl.zeros((BLOCK,), tl.float32)
    for begin in range(0, width, BLOCK):
        here = begin + inside
        a = tl.load(x + token * width + here, mask=here < width, other=0.0).to(tl.float32)
        b = tl.load(x + earlier * width + here, mask=here < width, other=0.0).to(tl.float32)
        product += a * b
        left += a * a
        right += b * b
    left = tl.sum(left, 0)
    right = tl.sum(right, 0)
    # What has not changed at all has a cosine of one, whatever rounding says of roots.
    scale = tl.where(left == right, left, tl.sqrt(left) * tl.sqrt(right))
    tl.store(out + token, tl.where(scale > 0, tl.sum(product, 0) / tl.maximum(scale, 1e-38), 0.0))


@triton.jit
def _windows(runs, best, came, out, time, area, TIME: tl.constexpr, AREA: tl.constexpr):
    frames = tl.arange(0, TIME)
    spots = tl.arange(0, AREA)
    for last in range(0, time):
        still = tl.load(runs + last * area + spots, mask=spots < area, other=-1)
        # How many tokens have stood still for so many frames.
        reach = tl.sum((still[None, :] >= frames[:, None]).to(tl.int64), 1)
        valid = frames <= last
        before = tl.load(best + last - frames, mask=valid, other=0)
        total = tl.where(valid, reach * frames + before, -1)
        back = tl.argmax(total, axis=0, tie_break_left=True)
        tl.store(best + last + 1, tl.max(total, 0))
        tl.store(came + last, (last - back).to(tl.int64))
        tl.debug_barrier()  # the next frame reads what this one stored
    last = time - 1
    while last >= 0:
        first = tl.load(came + last)
        tl.store(
            out + frames, first + frames * 0,
            mask=(frames >= first) & (frames <= last),
        )  # fmt: skip
        last = (first - 1).to(tl.int32)


def launch_cosines(x: Tensor) -> Tensor:
    """As `frames.adjacent_cosines`."""
    x = x.contiguous()
    time, area, width = x.shape
    out = torch.empty(time, area, device=x.device)
    _cosines[(time * area,)](x, out, area, width, BLOCK=min(block(width), _WIDE))
    return out


def launch_windows(runs: Tensor) -> Tensor:
    """As `frames.windows`."""
    time, area = runs.shape
    best = torch.zeros(time + 1, dtype=torch.int64, device=runs.device)
    came = torch.empty(time, dtype=torch.int64, device=runs.device)
    out = torch.empty_like(came)
    _windows[(1,)](
        runs.contiguous(), best, came, out, time, area, TIME=block(time), AREA=block(area)
    )
    return out
