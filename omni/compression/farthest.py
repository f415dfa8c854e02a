"""The default selector: far apart from each other, unlike the rest, and near the question.

Shapes: G items, N tokens, K kept of the item that keeps most, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.at_once import at_once
from omni.compression.foresight import Farthest
from omni.compression.in_turn import in_turn
from omni.compression.relevance import (
    distinctiveness,
    nearest_word,
    precise,
    relevance,
    stretch,
)
from omni.compression.selector import Question, Selection, Tokens, ascending, selection
from omni.compression.units import Unsuited, against, survey, units
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
        found = at_once("farthest", tokens, keep, question, self.question_weight)
        if found is not None:
            return found
        picked, quality = in_turn(tokens, keep, question, self._ahead, self._plainly)
        return selection(tokens, keep, ascending(picked, keep), quality)

    def _plainly(
        self, tokens: Tokens, keep: Sequence[int], question: Question | None
    ) -> tuple[Tensor, Tensor]:
        x, mask = tokens.padded()
        quality = distinctiveness(x, mask)
        if question is not None:
            quality = quality * self._wanted(relevance(x, mask, question))
        barred = quality.masked_fill(~mask, -torch.inf)
        return farthest(_residuals(x, mask), barred, max(keep)), quality

    def _ahead(
        self, tokens: Tokens, keep: Sequence[int], question: Question | None
    ) -> tuple[Tensor, Tensor]:
        x = tokens.x
        asked = question is not None and question.x.shape[1] > 0
        words = normalize(question.x[0].double(), dim=-1) if question and asked else None
        found = survey(x, words)
        if not found.lengths.isfinite().all():
            raise Unsuited
        mask = torch.ones(1, len(x), dtype=torch.bool)
        quality = stretch(-against(x, found.direction, found.lengths)[None], mask)
        if question and asked:
            near = nearest_word(found.asked.float()[None], mask, question.mask)
            quality = quality * self._wanted(near)
        residuals = units(x, found.lengths, found.mean)
        worth = quality[0]
        standing = torch.zeros_like(worth)
        contest = Farthest(residuals, (worth, 0.0), worth, standing, keep[0])
        return contest.run()[None], quality

    def _wanted(self, relevant: Tensor) -> Tensor:
        """What quality is multiplied by."""
        return 1 - self.question_weight + self.question_weight * relevant


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
