"""Tokens merged in pairs, the most similar first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from omni.compression.bipartite import merge_pairs
from omni.compression.candidates import candidates
from omni.compression.pins import around_pins
from omni.compression.selector import Question, Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component


class ToMe:
    """Bipartite soft matching, repeated until exactly the planned number of tokens is left.

    ToMe merges a few tokens in each layer of an encoder; here all rounds follow one another, on
    averaged keys. It compares `Signals.keys` where known, and weighs tokens by how many are in
    them; `omni.compression.aim` does neither. The question is not heard, and all scores are 1.

    Attributes:
        sized: whether a merged token weighs as much as all that is in it.
        by_keys: whether keys are compared, where they are known.
        share: at most this share of tokens goes in a round. A half, as AIM has it, needs the fewest
            rounds; a layer of ToMe takes about 0.08, so that similarity decides more.
    """

    uses: ClassVar = frozenset({"keys"})

    def __init__(self, sized: bool = True, by_keys: bool = True, share: float = 0.5):
        if not 0 < share <= 0.5:
            raise UsageError(f"share is above 0 and at most a half, not {share}")
        self.sized = sized
        self.by_keys = by_keys
        self.share = share

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return around_pins(self._merge, tokens, keep, question)

    def _merge(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        keys = tokens.signals.keys if self.by_keys else None
        metric = tokens.x if keys is None else keys
        return merge_pairs(candidates(tokens, keep, metric), metric, self.share, self.sized)


plugin = ToMe

COMPONENTS = (
    Component(
        kind="selector",
        name="tome",
        summary="Bipartite soft matching: the most similar tokens are averaged, round by round.",
        system="ToMe",
        paper="Token Merging: Your ViT But Faster (arXiv 2210.09461)",
    ),
)
