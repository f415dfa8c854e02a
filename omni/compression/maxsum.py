"""Max-sum diversity: the kept tokens are far from each other on the whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from omni.compression.candidates import candidates
from omni.compression.greedy import farthest_in_sum
from omni.compression.selector import Question, Selection, Tokens, ascending
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
        directions = ready.directions(tokens.x)
        count = ready.sound.sum(1)[:, None, None].clamp(min=1)
        mean = directions.sum(1, keepdim=True) / count
        apart = (1 - (directions * mean).sum(-1).float()).clamp(min=0)
        picked = farthest_in_sum(directions, apart, ready.standing, max(keep))
        return ready.bind(ascending(picked, keep), apart)


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
