"""How much a token passes on: what is attended to, what fits, and how strong it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from omni.compression.candidates import candidates, share_of
from omni.compression.selector import Question, Selection, Tokens
from omni.plugins import Component


class FlowCut:
    """Keeps the tokens of the highest `(attention + likeness) × strength`.

    This is the score of one layer. Attention is `Signals.attention` as shares of the item's sum;
    likeness is the softmax over the item of the dot product of values with the class token's value,
    divided by the square root of the width; strength is the sum of absolute values. Values are not
    known after an encoder, so the tokens themselves stand for them, and what the class token
    gathers of them, their attention-weighted mean, stands for its own. The running mean over
    layers and the schedule that cuts every second layer belong into an encoder.
    """

    needs: ClassVar = frozenset({"attention"})

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        attention = tokens.signal("attention", "flowcut")
        ready = candidates(tokens, keep, attention)
        scores = flow(ready.spread(tokens.x), ready.spread(attention), ready.sound)
        return ready.bind(ready.top(scores), scores)


def flow(values: Tensor, attention: Tensor, sound: Tensor) -> Tensor:
    """The score of one layer, float32 `[G, N]`, of precise `values [G, N, D]`."""
    shares = share_of(attention)
    gathered = (values * shares[..., None]).sum(1, keepdim=True)
    products = (values * gathered).sum(-1) / values.shape[-1] ** 0.5
    lowest = torch.finfo(products.dtype).min
    likeness = products.masked_fill(~sound, lowest).softmax(-1) * sound
    return ((shares + likeness) * values.abs().sum(-1)).float()


plugin = FlowCut

COMPONENTS = (
    Component(
        kind="selector",
        name="flowcut",
        summary="One layer's information flow: attention and likeness to the class token, times "
        "strength.",
        system="FlowCut",
        paper="FlowCut: Rethinking Redundancy via Information Flow for Efficient Vision-Language "
        "Models (arXiv 2505.19536)",
    ),
)
