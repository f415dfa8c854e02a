"""How much each key is attended to, without a matrix of attention.

The mean over heads and queries of the softmax over keys: for one query this is a row of attention,
as that of a class token or of the last word; for all it is the sum of columns. It has gradients.
Shapes: B batch, H heads, S heads of keys (H is a multiple of it), R queries, N keys, d width of a
head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from omni.errors import UsageError
from omni.kernels import backend


def attention_sums(queries: Tensor, keys: Tensor, scale: float, causal: bool = False) -> Tensor:
    """Shares of attention, float32 `[B, N]`; those of an item add up to one.

    Args:
        queries: `[B, H, R, d]`.
        keys: `[B, S, N, d]`.
        scale: what products are multiplied by.
        causal: whether queries are the last R of the N places, and see none after their own.

    Raises:
        UsageError: if heads, or the widths of heads, do not fit.
    """
    if queries.shape[1] % keys.shape[1] or queries.shape[-1] != keys.shape[-1]:
        raise UsageError(
            f"queries {tuple(queries.shape)} and keys {tuple(keys.shape)} do not fit: heads of "
            "queries are a multiple of those of keys, and equally wide"
        )
    if backend.chosen(keys.device) == "torch":
        return sums_in_torch(queries, keys, scale, causal)
    return _Sums.apply(queries, keys, scale, causal)


def sums_in_torch(queries: Tensor, keys: Tensor, scale: float, causal: bool) -> Tensor:
    """The twin: one head at a time, so that no more than one matrix is there at once."""
    heads, shared = queries.shape[1], queries.shape[1] // keys.shape[1]
    rows, count = queries.shape[2], keys.shape[2]
    total = torch.zeros(len(keys), count, device=keys.device)
    seen = torch.ones(rows, count, dtype=torch.bool, device=keys.device).tril(count - rows)
    for head in range(heads):
        own = keys[:, head // shared].float().transpose(1, 2)
        logits = (queries[:, head].float() @ own) * scale
        if causal:
            logits = logits.masked_fill(~seen, -torch.inf)
        total = total + logits.softmax(-1).sum(1)
    return total / (heads * rows)


class _Sums(torch.autograd.Function):
    """Forward by kernels; backward by way of the twin, head after head."""

    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor, scale: float, causal: bool) -> Tensor:
        from omni.kernels.triton_attention import launch

        ctx.save_for_backward(queries, keys)
        ctx.scale, ctx.causal = scale, causal
        return launch(queries, keys, scale, causal)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs = [tensor.detach().requires_grad_() for tensor in ctx.saved_tensors]
        with torch.enable_grad():
            sums = sums_in_torch(inputs[0], inputs[1], ctx.scale, ctx.causal)
            found = torch.autograd.grad(sums, inputs, gradients[0])
        return (*found, None, None)
