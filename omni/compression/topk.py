"""The tokens nearest to the question, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.in_turn import in_turn
from omni.compression.relevance import nearest_word, relevance
from omni.compression.selector import Question, Selection, Tokens, ascending, selection
from omni.compression.units import Unsuited, survey
from omni.plugins import Component


class TopK:
    """Keeps the tokens of the highest relevance; the first ones where nothing was asked."""

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        picked, scores = in_turn(tokens, keep, question, _ahead, _plainly)
        return selection(tokens, keep, ascending(picked, keep), scores)


def _plainly(
    tokens: Tokens, keep: Sequence[int], question: Question | None
) -> tuple[Tensor, Tensor]:
    x, mask = tokens.padded()
    return _ranked(relevance(x, mask, question), mask, keep)


def _ahead(tokens: Tokens, keep: Sequence[int], question: Question | None) -> tuple[Tensor, Tensor]:
    mask = torch.ones(1, len(tokens.x), dtype=torch.bool)
    if question is None or not question.x.shape[1]:
        return _ranked(torch.ones(mask.shape), mask, keep)
    found = survey(tokens.x, normalize(question.x[0].double(), dim=-1))
    if not found.lengths.isfinite().all():
        raise Unsuited
    return _ranked(nearest_word(found.asked.float()[None], mask, question.mask), mask, keep)


def _ranked(scores: Tensor, mask: Tensor, keep: Sequence[int]) -> tuple[Tensor, Tensor]:
    ranked = scores.masked_fill(~mask, -torch.inf).sort(dim=1, descending=True, stable=True)
    return ranked.indices[:, : max(keep)], scores


plugin = TopK

COMPONENTS = (
    Component(
        kind="selector",
        name="topk",
        summary="The tokens whose best cosine with the question is highest.",
    ),
)
