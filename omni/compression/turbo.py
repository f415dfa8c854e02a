"""Tokens merged in pairs, redundant and unimportant ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from omni.compression.bipartite import merge_pairs
from omni.compression.candidates import candidates, share_of
from omni.compression.pins import around_pins
from omni.compression.selector import Question, Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component


class Turbo:
    """Bipartite soft matching whose proposals lose by what a token means.

    An even token's proposal is worth its best cosine (of `Signals.keys` where known, else of the
    tokens) less `semantic` times its share of the item's `Signals.attention`; a merged token has
    the mean share of what is in it. The best go first, until exactly the planned number is left.
    Averages weigh tokens by how many are in them. The published abstract gives no number for the
    weight; with 10, a token of average attention in 200 loses 0.05. Undoing the merge, which the
    method does for generators, is not part of a selection. The question is not heard.

    Attributes:
        semantic: how much attention counts against likeness.
        share: at most this share of tokens goes in a round.
    """

    needs: ClassVar = frozenset({"attention"})
    uses: ClassVar = frozenset({"keys"})

    def __init__(self, semantic: float = 10.0, share: float = 0.5):
        if not 0 < share <= 0.5:
            raise UsageError(f"share is above 0 and at most a half, not {share}")
        self.semantic = semantic
        self.share = share

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        tokens.signal("attention", "turbo")
        return around_pins(self._merge, tokens, keep, question)

    def _merge(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        attention = tokens.signal("attention", "turbo")
        metric = tokens.x if tokens.signals.keys is None else tokens.signals.keys
        ready = candidates(tokens, keep, metric, attention)
        shares = share_of(ready.spread(attention))
        value = torch.cat([own[:n] for own, n in zip(shares, ready.lengths, strict=True)])
        return merge_pairs(ready, metric, self.share, True, self.semantic * value)


plugin = Turbo

COMPONENTS = (
    Component(
        kind="selector",
        name="turbo",
        summary="Bipartite merging by redundancy less what the class token attends to.",
        system="Turbo",
        paper="Turbo: Informativity-Driven Acceleration Plug-In for Vision-Language Large Models",
    ),
)
