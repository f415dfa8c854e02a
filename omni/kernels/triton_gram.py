"""`gram.cosines` in one launch: norms are gathered while the products are.

A program makes one tile of the matrix and its mirror image, so half of the tiles suffice.
"""

# pyright: reportInvalidTypeForm=false
# `tl.constexpr` is for the compiler of kernels; Triton may not be there to be looked at.

from __future__ import annotations

import torch
from torch import Tensor

from omni.kernels.language import INTERPRETED, block, tl, triton


@triton.jit
def _cosines(
    x, mean, out, count, width,
    CENTRED: tl.constexpr, WIDEN: tl.constexpr, TILE: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    low = tl.program_id(0)
    high = tl.program_id(1)
    item = tl.program_id(2).to(tl.int64)
    if low <= high:
        rows = low * TILE + tl.arange(0, TILE)
        columns = high * TILE + tl.arange(0, TILE)
        inside = tl.arange(0, DEPTH)
        start = x + item * count * width
        product = tl.zeros((TILE, TILE), tl.float32)
        left = tl.zeros((TILE,), tl.float32)
        right = tl.zeros((TILE,), tl.float32)
        whole_left = tl.zeros((TILE,), tl.float32)
        whole_right = tl.zeros((TILE,), tl.float32)
        for deep in range(0, width, DEPTH):
            here = deep + inside
            there = here[None, :] < width
            a = tl.load(
                start + rows[:, None] * width + here[None, :],
                mask=(rows[:, None] < count) & there, other=0.0,
            )  # fmt: skip
            b = tl.load(
                start + columns[:, None] * width + here[None, :],
                mask=(columns[:, None] < count) & there, other=0.0,
            )  # fmt: skip
            if WIDEN:
                a = a.to(tl.float32)
                b = b.to(tl.float32)
            if CENTRED:
                whole_left += tl.sum(a * a, 1)
                whole_right += tl.sum(b * b, 1)
                middle = tl.load(mean + item * width + here, mask=here < width, other=0.0)
                a = a - middle[None, :]
                b = b - middle[None, :]
            # IEEE, for tf32 keeps ten bits, and picks would be rounding noise.
            product += tl.dot(a, tl.trans(b), input_precision="ieee")
            left += tl.sum(a.to(tl.float32) * a.to(tl.float32), 1)
            right += tl.sum(b.to(tl.float32) * b.to(tl.float32), 1)
        if CENTRED:
            left = tl.where(tl.sqrt(left) > 1e-6 * tl.sqrt(whole_left), left, 0.0)
            right = tl.where(tl.sqrt(right) > 1e-6 * tl.sqrt(whole_right), right, 0.0)
        scale = tl.sqrt(left)[:, None] * tl.sqrt(right)[None, :]
        found = tl.where(scale > 0, product / tl.where(scale > 0, scale, 1.0), 0.0)
        valid = (rows[:, None] < count) & (columns[None, :] < count)
        place = out + item * count * count
        tl.store(place + rows[:, None] * count + columns[None, :], found, mask=valid)
        tl.store(place + columns[None, :] * count + rows[:, None], found, mask=valid)


def launch(x: Tensor, mean: Tensor | None) -> Tensor:
    """As `gram.cosines`."""
    x = x.contiguous()
    items, count, width = x.shape
    out = torch.empty(items, count, count, device=x.device)
    tile = 64 if count > 64 else block(count)
    side = triton.cdiv(count, tile)
    middle = x if mean is None else mean.float().contiguous()
    _cosines[(side, side, items)](
        x, middle, out, count, width,
        CENTRED=mean is not None,
        # Half precision is multiplied by tensor cores as it is, which loses nothing: products are
        # exact in single precision. The interpreter cannot do that.
        WIDEN=mean is not None or INTERPRETED,
        TILE=tile,
        DEPTH=32 if x.dtype == torch.float32 else 64,
    )  # fmt: skip
    return out
