"""What decides at a cut inside of a language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from omni.compression.candidates import candidates
from omni.compression.dropping.look import Look
from omni.compression.dropping.schedule import Schedule
from omni.compression.selector import Selection, Selector, Tokens
from omni.errors import UsageError

HEARS = ("", "before", "here")


class Dropper(Protocol):
    """Decides which media tokens a language model goes on with.

    Attributes:
        hears: whose attention it looks at: `before` that of the layer before the cut, `here` that
            of the layer behind it, which is then asked beforehand; nothing for nobody's.
    """

    hears: str

    def schedule(self, keep: float, depth: int) -> Schedule:
        """Its cuts in a language model of `depth` layers; what `keep` means is the method's."""
        ...

    def __call__(self, tokens: Tokens, keep: Sequence[int], look: Look) -> Selection:
        """Keep `keep[i]` tokens of item `i`, in 1…its length."""
        ...


class Within:
    """A selector as a dropper: it selects from states instead of embeddings, by their question."""

    hears = ""

    def __init__(self, selector: Selector):
        self.selector = selector

    def schedule(self, keep: float, depth: int) -> Schedule:
        """Refused: a selector works before the first layer, unless somebody says where.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{type(self.selector).__name__} needs a schedule: pass schedule=…")

    def __call__(self, tokens: Tokens, keep: Sequence[int], look: Look) -> Selection:
        return self.selector(tokens, keep, look.question)


@torch.no_grad()
def highest(tokens: Tokens, keep: Sequence[int], scores: torch.Tensor) -> Selection:
    """The tokens of the highest scores `[sum of lengths]`; broken ones last, firsts of equals."""
    ready = candidates(tokens, keep, scores)
    padded = ready.spread(scores).float()
    return ready.bind(ready.top(padded), padded)
