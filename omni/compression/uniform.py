"""Evenly spaced tokens: blind to content, and the baseline that a selector has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from omni.compression.selector import Question, Selection, Tokens, selection, to_device
from omni.plugins import Component


class Uniform:
    """Keeps the middle of each of `keep` equal stretches of an item."""

    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        places = [
            (2 * step + 1) * count // (2 * kept)
            for count, kept in zip(tokens.lengths, keep, strict=True)
            for step in range(kept)
        ]
        device = tokens.x.device
        scores = torch.ones(len(keep), max(tokens.lengths), device=device)
        return selection(tokens, keep, to_device(places, device), scores)


plugin = Uniform

COMPONENTS = (
    Component(kind="selector", name="uniform", summary="Evenly spaced tokens: a baseline."),
)
