"""Diversity conditioned on the question: a determinantal point process.

Shapes: G items, N tokens, Q question tokens, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from omni.compression.at_once import at_once
from omni.compression.candidates import Candidates, candidates, heard
from omni.compression.foresight import Volume
from omni.compression.greedy import NOTHING, largest_volume
from omni.compression.in_turn import in_turn, zeros_for_broken
from omni.compression.relevance import precise, stretch
from omni.compression.selector import Question, Selection, Tokens, ascending
from omni.compression.units import survey, units
from omni.kernels.gram import cosines
from omni.kernels.picking import in_kernels, pick_volume
from omni.plugins import Component


class ConditionalDPP:
    """Keeps tokens that span the most volume, each as long as it is relevant.

    Relevance is the mean cosine with the words of the question, stretched to 0…1 over the item
    (never over the batch), and the score of a token is its square. Without a question all tokens
    are equally relevant, and the first of them is kept first.

    Attributes:
        inverted: whether unlike tokens are the relevant ones. The patches of CLIP are less like the
            text that names them, and CDPruner turns their cosine round.
    """

    def __init__(self, inverted: bool = False):
        self.inverted = inverted

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        found = at_once("dpp", tokens, keep, question, self._sign)
        if found is not None:
            return found
        ready = candidates(tokens, keep)
        picked, scores = in_turn(tokens, keep, question, self._ahead, self._plainly)
        return ready.bind(ascending(picked, keep), scores)

    @property
    def _sign(self) -> int:
        return -1 if self.inverted else 1

    def _plainly(
        self, tokens: Tokens, keep: Sequence[int], question: Question | None
    ) -> tuple[Tensor, Tensor]:
        ready = candidates(tokens, keep)
        directions = ready.directions(tokens.x)
        relevant = mean_relevance(directions, ready, question, self._sign)
        steps = max(keep)
        if in_kernels(directions):
            near = cosines(ready.spread(tokens.x).float())
            picked = pick_volume(near, relevant, ready.standing, steps)
        else:
            picked = largest_volume(directions, precise(relevant), ready.standing, steps)
        return picked, relevant.square()

    def _ahead(
        self, tokens: Tokens, keep: Sequence[int], question: Question | None
    ) -> tuple[Tensor, Tensor]:
        ready = candidates(tokens, keep)
        x = zeros_for_broken(tokens.x, ready.sound[0])
        mean, count = (None, None) if question is None else mean_word(question)
        found = survey(x, None if mean is None else mean[0])
        relevant = torch.ones(1, len(x))
        if count is not None and count > 0:
            relevant = stretch(self._sign * found.asked.float().T, ready.sound)
        directions = units(x, found.lengths)
        contest = Volume(directions, relevant[0], ready.standing[0], keep[0], NOTHING)
        return contest.run()[None], relevant.square()


def mean_word(question: Question) -> tuple[Tensor, Tensor]:
    """Mean of the words as unit vectors, precise `[G, 1, D]`, and of how many: int64 `[G, 1]`."""
    words, mask = heard(question)
    count = mask.sum(1, keepdim=True)
    return words.sum(1, keepdim=True) / count[..., None].clamp(min=1), count


def mean_relevance(
    directions: Tensor, ready: Candidates, question: Question | None, sign: int = 1
) -> Tensor:
    """Mean cosine with the words asked, stretched to 0…1: float32 `[G, N]`; ones if none is."""
    ones = torch.ones(ready.mask.shape, device=ready.mask.device)
    if question is None:
        return ones
    mean, count = mean_word(question)
    cosines = (directions * mean).sum(-1).float()
    return torch.where(count > 0, stretch(sign * cosines, ready.sound), ones)


plugin = ConditionalDPP

COMPONENTS = (
    Component(
        kind="selector",
        name="dpp",
        summary="Greedy inference in a determinantal point process conditioned on relevance to "
        "the question.",
        system="CDPruner",
        paper="Beyond Attention or Similarity: Maximizing Conditional Diversity for Token Pruning "
        "in MLLMs (arXiv 2506.10967)",
    ),
)
