"""Examples in a prompt: of each picture what its own text is about, and more of like examples.

Shapes: N tokens of an item, K kept, E examples, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.clips import Clip, bind, clips
from omni.compression.relevance import precise
from omni.compression.selector import Question, Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component


class CATP:
    """Greedily keeps tokens near to the text paired with their picture and unlike those kept.

    The question of each item is that text: an example's own words, and for the last picture
    what is asked of it. Each step takes the token of the greatest sum of both; the first, the
    greatest nearness. This is the stage before the language model. The one inside it is left
    out. The paper's own formula was not at hand: the sum, its weight and the start are ours.
    Without a text all tokens are as near, which leaves diversity alone, from the first token
    on.

    Attributes:
        diversity: how much being unlike the kept counts beside nearness: 0 not at all, 1 alone.
    """

    def __init__(self, diversity: float = 0.5):
        if not 0 <= diversity <= 1:
            raise UsageError(f"diversity is in 0…1, not {diversity}")
        self.diversity = diversity

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        places, scores = [], []
        found = clips(tokens, keep, question)
        for clip, count in zip(found, keep, strict=True):
            places.append(self._greedy(clip, count))
            scores.append(clip.relevance)
        return bind(tokens, keep, found, places, scores)

    def _greedy(self, clip: Clip, count: int) -> Tensor:
        directions = normalize(clip.x.flatten(0, 1), dim=-1)
        near = (1 - self.diversity) * clip.relevance.flatten()
        # What comes first by rule, whatever it is worth: pins, and last of all what is broken.
        rank = torch.zeros_like(near).masked_fill(~clip.sound.flatten(), -10)
        rank = rank.masked_fill(clip.pinned.flatten(), 10)
        free = torch.ones_like(near, dtype=torch.bool)
        nearest = torch.full_like(near, 2)
        picks = []
        for _ in range(count):
            value = near + self.diversity * (nearest / 2) + rank
            pick = value.masked_fill(~free, -torch.inf).argmax(keepdim=True)
            picks.append(pick)
            cosine = (directions @ directions[pick][0]).float()
            nearest = torch.minimum(nearest, (1 - cosine).clamp(min=0))
            free = free.index_fill(0, pick, False)
        return torch.cat(picks).sort().values


def example_share(texts: Tensor, asked: Tensor) -> Tensor:
    """How much each example's picture matters, 0…1: float32 `[E]`, weights for `allocate`.

    Half of one plus the cosine of its text with what is asked: an example of the same task keeps
    more of its picture. The picture that is asked about itself has weight 1.

    Args:
        texts: pooled texts `[E, D]`; what is not finite is nought.
        asked: the pooled question, `[D]`.
    """
    both = precise(torch.cat([texts, asked[None]]))
    both = normalize(torch.where(both.isfinite().all(-1, keepdim=True), both, 0.0), dim=-1)
    return ((1 + (both[:-1] * both[-1]).sum(-1)) / 2).float()


def two_stages(sizes: Sequence[int], kept: Sequence[int]) -> list[int]:
    """How many tokens go on to the language model if it is to drop more of them itself.

    Half of the way by ratio: the geometric mean of what there is and what is kept in the end,
    rounded up. Both counts are then known beforehand.

    Args:
        sizes: how many tokens each item has.
        kept: how many are left of each after both stages.
    """
    return [
        min(size, max(count, ceil(sqrt(size * count))))
        for size, count in zip(sizes, kept, strict=True)
    ]


plugin = CATP

COMPONENTS = (
    Component(
        kind="selector",
        name="catp",
        summary="Tokens of each example's picture that are near to its own text and unlike each "
        "other.",
        system="CATP",
        paper="CATP: Contextually Adaptive Token Pruning for Efficient and Enhanced Multimodal "
        "In-Context Learning (arXiv 2508.07871)",
    ),
)
