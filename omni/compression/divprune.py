"""Max-min diversity: no kept token has a near twin among the kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from omni.compression.at_once import at_once
from omni.compression.candidates import candidates
from omni.compression.foresight import spread_out_ahead
from omni.compression.greedy import spread_out
from omni.compression.in_turn import in_turn, zeros_for_broken
from omni.compression.selector import Question, Selection, Tokens, ascending
from omni.compression.units import survey, units
from omni.kernels.gram import cosines
from omni.kernels.picking import in_kernels, pick_farthest
from omni.plugins import Component


class DivPrune:
    """Keeps the tokens whose least cosine distance to each other is large; blind to the question.

    Tokens are compared as they are, not less their mean. The first kept one is that whose nearest
    other token is farthest; each next one is farthest from all kept. A token's score is the
    distance to its nearest other one.
    """

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        found = at_once("divprune", tokens, keep, None)
        if found is not None:
            return found
        ready = candidates(tokens, keep)
        picked, alone = in_turn(tokens, keep, None, _ahead, _plainly)
        return ready.bind(ascending(picked, keep), alone)


def _plainly(
    tokens: Tokens, keep: Sequence[int], question: Question | None
) -> tuple[Tensor, Tensor]:
    ready = candidates(tokens, keep)
    if in_kernels(ready.mask):
        near = cosines(ready.spread(tokens.x).float())
        own = torch.eye(near.shape[1], dtype=torch.bool, device=near.device)
        alone = 1 - near.masked_fill(own | ~ready.sound[:, None], -1).amax(-1)
        alone = torch.where(ready.sound, alone, 0.0)
        evenly = torch.ones_like(alone)
        return pick_farthest(near, alone, evenly, ready.standing, max(keep)), alone
    return spread_out(ready.directions(tokens.x), ready.sound, ready.standing, max(keep))


def _ahead(tokens: Tokens, keep: Sequence[int], question: Question | None) -> tuple[Tensor, Tensor]:
    ready = candidates(tokens, keep)
    x = zeros_for_broken(tokens.x, ready.sound[0])
    directions = units(x, survey(x).lengths)
    standing = ready.standing[0]
    picked, alone = spread_out_ahead(directions, ready.sound[0], standing, keep[0])
    return picked[None], alone[None]


plugin = DivPrune

COMPONENTS = (
    Component(
        kind="selector",
        name="divprune",
        summary="Max-min cosine distance: each kept token is the farthest from those kept before.",
        system="DivPrune",
        paper="DivPrune: Diversity-based Visual Token Pruning for Large Multimodal Models "
        "(arXiv 2503.02175)",
    ),
)
