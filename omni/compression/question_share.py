"""Budgets by the question: more tokens for the items that it is about.

Shapes: G items, N tokens, Q question tokens, D width.
"""

from __future__ import annotations

from math import ceil

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.relevance import precise
from omni.compression.selector import Question, Tokens, to_device
from omni.errors import UsageError


@torch.no_grad()
def nearness(tokens: Tokens, question: Question | None, top_share: float = 0.1) -> Tensor:
    """How near each item is to what was asked: float32 `[G]`, in -1…1.

    That is the mean over the item's nearest tokens of their best cosine with any question token. A
    few tokens decide, because what was asked about is mostly a small part of a picture. Unlike
    `relevance` it is not stretched, so that items can be compared. 0 where nothing was asked;
    tokens that are not finite are as good as nought.

    Args:
        tokens: of all items.
        question: what was asked about each.
        top_share: the share of an item's tokens that counts, rounded up.
    """
    if not 0 < top_share <= 1:
        raise UsageError(f"top_share is a share above 0 and up to 1, not {top_share}")
    x, mask = tokens.padded()
    if question is None or not question.x.shape[1]:
        return torch.zeros(len(x), device=x.device)
    words = normalize(_finite(precise(question.x)), dim=-1)
    cosines = (normalize(_finite(precise(x)), dim=-1) @ words.transpose(1, 2)).float()  # [G, N, Q]
    best = cosines.masked_fill(~question.mask[:, None], -torch.inf).amax(-1)
    ranked = best.masked_fill(~mask, -torch.inf).sort(dim=1, descending=True).values
    counts = to_device([ceil(length * top_share) for length in tokens.lengths], x.device)
    used = torch.arange(x.shape[1], device=x.device) < counts[:, None]
    mean = precise(ranked).masked_fill(~used, 0).sum(1) / counts
    return torch.where(question.mask.any(1), mean.float(), 0.0)


def question_share(near: Tensor, temperature: float = 0.1) -> Tensor:
    """Weights, float64 `[G]`, that sum to 1: softmax of nearness over temperature.

    `allocation.allocate` wants them on the host: `.tolist()` waits for the device, once.

    Args:
        near: what `nearness` answers.
        temperature: a difference in nearness as great as this makes a weight 2.7 times another.
    """
    if temperature <= 0:
        raise UsageError(f"temperature is above 0, not {temperature}")
    return (precise(near) / temperature).softmax(0)


def _finite(x: Tensor) -> Tensor:
    return torch.where(x.isfinite().all(-1, keepdim=True), x, 0.0)
