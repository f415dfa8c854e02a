"""Max-sum diversity: the kept tokens are far from each other on the whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from omni.compression.candidates import candidates
from omni.compression.foresight import FarthestInSum
from omni.compression.greedy import farthest_in_sum
from omni.compression.in_turn import in_turn, zeros_for_broken
from omni.compression.selector import Question, Selection, Tokens, ascending
from omni.compression.units import against, survey, units
from omni.plugins import Component


class MaxSum:
    """Keeps the tokens whose cosine distances to each other have a large sum.

    The first kept one has the greatest mean distance to all of its item, which is its score; each
    next one has the greatest sum of distances to those kept. This is ToDRE's stage after the
    encoder; its exit from the late layers of the language model is a schedule, not a selector.
    """

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        ready = candidates(tokens, keep)
        picked, apart = in_turn(tokens, keep, None, _ahead, _plainly)
        return ready.bind(ascending(picked, keep), apart)


def _plainly(
    tokens: Tokens, keep: Sequence[int], question: Question | None
) -> tuple[Tensor, Tensor]:
    ready = candidates(tokens, keep)
    directions = ready.directions(tokens.x)
    count = ready.sound.sum(1)[:, None, None].clamp(min=1)
    mean = directions.sum(1, keepdim=True) / count
    apart = (1 - (directions * mean).sum(-1).float()).clamp(min=0)
    return farthest_in_sum(directions, apart, ready.standing, max(keep)), apart


def _ahead(tokens: Tokens, keep: Sequence[int], question: Question | None) -> tuple[Tensor, Tensor]:
    ready = candidates(tokens, keep)
    x = zeros_for_broken(tokens.x, ready.sound[0])
    found = survey(x)
    mean = found.direction * (len(x) / ready.sound.sum().clamp(min=1))
    apart = (1 - against(x, mean, found.lengths).float()).clamp(min=0)
    directions = units(x, found.lengths)
    contest = FarthestInSum(directions, apart, ready.standing[0], keep[0])
    return contest.run()[None], apart[None]


plugin = MaxSum

COMPONENTS = (
    Component(
        kind="selector",
        name="maxsum",
        summary="Max-sum diversity: each kept token has the greatest sum of distances to those "
        "kept before.",
        system="ToDRE",
        paper="ToDRE: Visual Token Pruning via Diversity and Task Awareness for Efficient Large "
        "Vision-Language Models",
    ),
)
