"""`attention_sums` in two launches: what each query's exponents add up to, then shares of keys.

A program of the second owns its keys and goes over all heads and queries in order, so that no sum
is ever shared: results are the same to the bit in every run.
"""

# pyright: reportInvalidTypeForm=false
# `tl.constexpr` is for the compiler of kernels; Triton may not be there to be looked at.

from __future__ import annotations

import torch
from torch import Tensor

from omni.kernels.language import block, tl, triton

_TILE = 64


@triton.jit
def _products(
    queries, keys, query, key, rows, count, width, scale,
    CAUSAL: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Scaled products `[queries, keys]` of one head; minus infinity where there is none."""
    inside = tl.arange(0, WIDTH)
    q = tl.load(
        queries + query[:, None] * width + inside[None, :],
        mask=(query[:, None] < rows) & (inside[None, :] < width), other=0.0,
    ).to(tl.float32)  # fmt: skip
    k = tl.load(
        keys + key[:, None] * width + inside[None, :],
        mask=(key[:, None] < count) & (inside[None, :] < width), other=0.0,
    ).to(tl.float32)  # fmt: skip
    logits = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
    seen = (query[:, None] < rows) & (key[None, :] < count)
    if CAUSAL:
        seen = seen & (key[None, :] <= query[:, None] + count - rows)
    return tl.where(seen, logits, float("-inf"))


@triton.jit
def _levels(
    queries, keys, levels, heads, shared, rows, count, width, scale,
    CAUSAL: tl.constexpr, TILE: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    query = tl.program_id(0) * TILE + tl.arange(0, TILE)
    plane = tl.program_id(1).to(tl.int64)  # item and head
    owner = (plane // heads) * (heads // shared) + (plane % heads) // shared
    highest = tl.full((TILE,), float("-inf"), tl.float32)
    total = tl.zeros((TILE,), tl.float32)
    for begin in range(0, count, TILE):
        logits = _products(
            queries + plane * rows * width, keys + owner * count * width,
            query, begin + tl.arange(0, TILE), rows, count, width, scale, CAUSAL, WIDTH,
        )  # fmt: skip
        higher = tl.maximum(highest, tl.max(logits, 1))
        level = tl.where(higher == float("-inf"), 0.0, higher)
        total = total * tl.exp(highest - level) + tl.sum(tl.exp(logits - level[:, None]), 1)
        highest = higher
    total = tl.where(query < rows, total, 1.0)
    tl.store(levels + plane * rows + query, highest + tl.log(total), mask=query < rows)


@triton.jit
def _shares(
    queries, keys, levels, out, heads, shared, rows, count, width, scale,
    CAUSAL: tl.constexpr, TILE: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    key = tl.program_id(0) * TILE + tl.arange(0, TILE)
    item = tl.program_id(1).to(tl.int64)
    total = tl.zeros((TILE,), tl.float32)
    for head in range(0, heads):
        plane = item * heads + head
        owner = item * (heads // shared) + head // shared
        for begin in range(0, rows, TILE):
            query = begin + tl.arange(0, TILE)
            logits = _products(
                queries + plane * rows * width, keys + owner * count * width,
                query, key, rows, count, width, scale, CAUSAL, WIDTH,
            )  # fmt: skip
            level = tl.load(levels + plane * rows + query, mask=query < rows, other=0.0)
            total += tl.sum(tl.exp(logits - level[:, None]), 0)
    tl.store(out + item * count + key, total / (heads * rows), mask=key < count)


def launch(queries: Tensor, keys: Tensor, scale: float, causal: bool) -> Tensor:
    """As `attention_sums.attention_sums`, without gradients."""
    queries, keys = queries.contiguous(), keys.contiguous()
    items, heads, rows, width = queries.shape
    count = keys.shape[2]
    levels = torch.empty(items, heads, rows, device=keys.device)
    out = torch.empty(items, count, device=keys.device)
    given = heads, heads // keys.shape[1], rows, count, width, scale
    sizes = {"CAUSAL": causal, "TILE": _TILE, "WIDTH": block(width)}
    _levels[(triton.cdiv(rows, _TILE), items * heads)](queries, keys, levels, *given, **sizes)
    _shares[(triton.cdiv(count, _TILE), items)](queries, keys, levels, out, *given, **sizes)
    return out
