"""What the encoder itself attends to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from omni.compression.candidates import candidates
from omni.compression.selector import Question, Selection, Tokens
from omni.plugins import Component


class Attention:
    """Keeps the tokens of the highest `Signals.attention`, in their order; merges nothing.

    FasterVLM takes the class token's attention of one layer. VTC-CLS takes the sum of several, from
    a layer that suits the data to the last but one: add them up before.
    """

    needs: ClassVar = frozenset({"attention"})

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        attention = tokens.signal("attention", "attention")
        ready = candidates(tokens, keep, attention)
        scores = ready.spread(attention).float()
        return ready.bind(ready.top(scores), scores)


plugin = Attention

COMPONENTS = (
    Component(
        kind="selector",
        name="attention",
        summary="The tokens that the encoder's class token attends to most.",
        system="VTC-CLS",
        paper="[CLS] Token Tells Everything Needed for Training-free Efficient MLLMs",
    ),
)
