"""Attention written out for training on a CPU, where going back through the fused one is slow.

Shapes: B rows, H heads of which `heads of keys` are shared by G queries each, L tokens, D width of
a head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

NAME = "written_out"


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **ignored: Any,
) -> tuple[Tensor, Tensor]:
    """Softmax attention `[B, L, H, D]` and its weights `[B, H, L, L]`, as transformers wants it.

    Everything of the size L × L is written as seldom as can be, and in the number format of the
    queries: these tensors are most of what a step moves through memory.

    Args:
        module: the attention layer.
        query: `[B, H, L, D]`.
        key: `[B, heads of keys, L, D]`.
        value: as the keys.
        attention_mask: added to the scores, `[B, 1, L, L]`.
        scaling: of the scores.
        dropout: share of the weights that are left out.
        ignored: what other kinds of attention need.
    """
    rows, heads, length, width = query.shape
    shared = key.shape[1]
    keys = key.flatten(0, 1)
    asked = (query * scaling).reshape(rows * shared, heads // shared * length, width)
    scores = torch.bmm(asked, keys.transpose(1, 2)).view(rows, heads, length, -1)
    if attention_mask is not None:
        scores += attention_mask
    weights = scores.softmax(-1)
    if dropout:
        weights = torch.dropout(weights, dropout, module.training)
    seen = torch.bmm(weights.view(*asked.shape[:2], -1), value.flatten(0, 1))
    return seen.view(rows, heads, length, width).transpose(1, 2).contiguous(), weights


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, eager_mask)
