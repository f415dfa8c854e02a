"""The tokens nearest to the question, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from omni.compression.relevance import relevance
from omni.compression.selector import Question, Selection, Tokens, best, selection
from omni.plugins import Component


class TopK:
    """Keeps the tokens of the highest relevance; the first ones where nothing was asked."""

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        x, mask = tokens.padded()
        scores = relevance(x, mask, question)
        return selection(tokens, keep, best(scores, mask, keep), scores)


plugin = TopK

COMPONENTS = (
    Component(
        kind="selector",
        name="topk",
        summary="The tokens whose best cosine with the question is highest.",
    ),
)
