"""The default selector: far apart from each other, unlike the rest, and near the question.

Shapes: G items, N tokens, K kept of the item that keeps most, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.relevance import distinctiveness, precise, relevance
from omni.compression.selector import Question, Selection, Tokens, ascending, selection
from omni.plugins import Component


class FarthestPoint:
    """Farthest-point selection on mean-centred tokens, weighted by quality.

    The first kept token has the highest quality; each next one has the greatest product of quality
    and distance to the nearest token kept so far. Work is K times N: no matrix of all pairs.

    Attributes:
        question_weight: how much relevance counts in quality: 0 not at all, 1 fully.
    """

    def __init__(self, question_weight: float = 0.5):
        self.question_weight = question_weight

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        x, mask = tokens.padded()
        quality = distinctiveness(x, mask)
        if question is not None:
            share = self.question_weight
            quality = quality * (1 - share + share * relevance(x, mask, question))
        picked = farthest(_residuals(x, mask), quality.masked_fill(~mask, -torch.inf), max(keep))
        return selection(tokens, keep, ascending(picked, keep), quality)


def _residuals(x: Tensor, mask: Tensor) -> Tensor:
    """Directions of tokens less their item's mean; nought where only rounding makes one."""
    x = precise(x)
    mean = x.sum(1, keepdim=True) / mask.sum(1)[:, None, None]
    difference = (x - mean) * mask[..., None]
    real = difference.norm(dim=-1) > 1e-6 * x.norm(dim=-1)
    return normalize(difference, dim=-1) * real[..., None]


def farthest(directions: Tensor, quality: Tensor, keep: int) -> Tensor:
    """Places `[G, keep]` in the order of picking.

    Args:
        directions: unit vectors `[G, N, D]`.
        quality: float32 `[G, N]`, minus infinity where there is no token.
        keep: how many steps to take; items that keep fewer use the first of them.
    """
    free = quality > -torch.inf
    quality = quality.masked_fill(~free, 0)
    nearest = torch.full_like(quality, 2)  # the farthest that a cosine distance can be
    value = quality
    picks = []
    for _ in range(keep):
        pick = value.masked_fill(~free, -torch.inf).argmax(1, keepdim=True)
        picks.append(pick)
        chosen = directions.take_along_dim(pick[..., None], 1)  # [G, 1, D]
        cosine = (directions @ chosen.transpose(1, 2)).squeeze(-1).float()
        nearest = torch.minimum(nearest, 1 - cosine)
        value = quality * nearest
        free = free.scatter(1, pick, False)
    return torch.cat(picks, 1)


plugin = FarthestPoint

COMPONENTS = (
    Component(
        kind="selector",
        name="farthest",
        summary="Quality-weighted farthest-point selection on mean-centred tokens, with an "
        "optional question weight.",
        system="DivPrune",
        paper="Cen-Prune, on DivPrune: Diversity-based Visual Token Pruning for Large Multimodal "
        "Models (arXiv 2503.02175)",
    ),
)
