"""Any tokens: the baseline that says whether a method knows something."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from omni.compression.candidates import candidates
from omni.compression.selector import Question, Selection, Tokens, to_device
from omni.plugins import Component


class Random:
    """Keeps the first tokens of a fixed shuffle, which depends on the seed and the item's length.

    So it is not random from call to call: equal lengths keep equal places, whatever else is in the
    batch, and a smaller budget keeps a part of what a larger one keeps. All scores are 1.

    Attributes:
        seed: another one makes another shuffle.
    """

    def __init__(self, seed: int = 0):
        self.seed = seed

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        ready = candidates(tokens, keep)
        ranks = [rank for length in tokens.lengths for rank in shuffled(length, self.seed)]
        late = tokens.spread(to_device(ranks, tokens.x.device)).float()
        kept = ready.leading(-late, keep)
        return ready.bind_mask(kept, torch.ones_like(late))


@lru_cache(maxsize=256)
def shuffled(length: int, seed: int) -> tuple[int, ...]:
    """Which rank each place has in the shuffle."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randperm(length, generator=generator).argsort().tolist())


plugin = Random

COMPONENTS = (
    Component(
        kind="selector",
        name="random",
        summary="A fixed shuffle that knows only an item's length: a baseline.",
    ),
)
