"""What matters to the eye, then what matters to the question, and the rest in heaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch

from omni.compression.assign import averaged, merging
from omni.compression.candidates import candidates, heard
from omni.compression.density import peaks
from omni.compression.relevance import relevance
from omni.compression.selector import Question, Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component


class Recoverable:
    """Prunes by a visual score, recovers by likeness to the text, and merges what remains.

    Of the tokens to keep, the share `visual` is of the highest `Signals.attention`. Of the others,
    the share `recovered` has the best cosine with any word of the question; where nothing was
    asked, attention goes on deciding. What remains is clustered by density peaks, and each of the
    rest of the kept tokens is the mean of its cluster. The published method finds how many of each
    there are by a dynamic threshold; here the counts are planned, so the shares are fixed. They
    are ours, and so is the cosine for all distances.

    Attributes:
        visual: the share of kept tokens that attention decides; one token at least.
        recovered: the share of kept tokens that the question decides.
        neighbours: how many of the nearest count for the density of a token.
    """

    needs: ClassVar = frozenset({"attention"})

    def __init__(self, visual: float = 0.5, recovered: float = 0.25, neighbours: int = 5):
        if visual < 0 or recovered < 0 or visual + recovered > 1:
            raise UsageError(f"visual ({visual}) and recovered ({recovered}) are shares of one")
        if neighbours < 1:
            raise UsageError(f"neighbours is at least 1, not {neighbours}")
        self.visual = visual
        self.recovered = recovered
        self.neighbours = neighbours

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        attention = tokens.signal("attention", "recoverable")
        ready = candidates(tokens, keep, attention)
        scores = ready.spread(attention).float()
        seen = [
            max(round(kept * self.visual), pins, 1)
            for kept, pins in zip(keep, ready.pins, strict=True)
        ]
        back = [
            min(round(kept * self.recovered), kept - early)
            for kept, early in zip(keep, seen, strict=True)
        ]
        visual = ready.leading(scores, seen)
        worth = scores
        if question is not None:
            words, mask = heard(question)
            near = relevance(ready.spread(tokens.x), ready.sound, Question(words, mask))
            worth = torch.where(mask.any(1, keepdim=True), near, scores)
        recovered = ready.leading(worth, back, without=visual)
        chosen = visual | recovered
        directions = ready.directions(tokens.x)
        height = peaks(directions, ready.sound & ~chosen, self.neighbours)
        left = [k - s - b for k, s, b in zip(keep, seen, back, strict=True)]
        centres = ready.leading(height, left, without=chosen)
        kept = chosen | centres
        slot, weights = averaged(ready, kept, directions, centres)
        return replace(ready.bind_mask(kept, scores), merging=merging(ready, slot, weights))


plugin = Recoverable

COMPONENTS = (
    Component(
        kind="selector",
        name="recoverable",
        summary="Prunes by attention, recovers what is like the question, and merges the rest in "
        "clusters.",
        system="Recoverable-Compression",
        paper="Recoverable Compression: A Multimodal Vision Token Recovery Mechanism Guided by "
        "Text Information",
    ),
)
