"""The tokens attended to, and of the rest those without a double.

Shapes: G items, N tokens, n tokens that are left, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from omni.compression.candidates import Candidates, candidates, first
from omni.compression.foresight import all_pairs
from omni.compression.selector import Question, Selection, Tokens, to_device
from omni.errors import UsageError
from omni.plugins import Component

_LONELY, _BROKEN = -2.0, 2.0  # below and above every cosine: removed last, and first


class VisPruner:
    """Keeps the tokens of the highest attention, and thins out the others until enough are left.

    The others stand in order, even places against odd ones. In each round the even tokens that
    are most like some odd one are removed, and those left stand in order anew. The question is not
    heard.

    Attributes:
        important: the share of kept tokens that attention decides.
        step: how many tokens a round removes at most.
    """

    needs: ClassVar = frozenset({"attention"})

    def __init__(self, important: float = 0.5, step: int = 8):
        if not 0 <= important <= 1:
            raise UsageError(f"important is a share in 0…1, not {important}")
        if step < 1:
            raise UsageError(f"step is at least 1, not {step}")
        self.important = important
        self.step = step

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        attention = tokens.signal("attention", "vispruner")
        ready = candidates(tokens, keep, attention)
        scores = ready.spread(attention).float()
        count = [
            max(int(kept * self.important), pins)
            for kept, pins in zip(keep, ready.pins, strict=True)
        ]
        important = ready.leading(scores, count)
        left = [n - c for n, c in zip(ready.lengths, count, strict=True)]
        wanted = [k - c for k, c in zip(keep, count, strict=True)]
        rest = ready.mask & ~important
        alive = thinned(ready, rest, left, wanted, self.step)
        return ready.bind_mask(important | first(alive, wanted, rest.shape[1]), scores)


def thinned(
    ready: Candidates, rest: Tensor, left: Sequence[int], wanted: Sequence[int], step: int
) -> Tensor:
    """Places `[G, …]` of which the first `wanted` of each item are left of `rest`.

    Args:
        ready: the tokens.
        rest: bool `[G, N]`, tokens that may be removed.
        left: how many of them each item has.
        wanted: how many are to remain.
        step: how many a round removes at most.
    """
    cosines = all_pairs(ready.directions(ready.tokens.x))
    device = rest.device
    alive = rest.float().sort(dim=1, descending=True, stable=True).indices
    counts = list(left)
    while any(n > w for n, w in zip(counts, wanted, strict=True)):
        alive = alive[:, : max(counts)]
        absent = torch.arange(alive.shape[1], device=device) >= to_device(counts, device)[:, None]
        worst = torch.full(alive.shape, -torch.inf, device=device)
        worst[:, 0::2] = _likeness(cosines, alive, counts)
        worst = worst.masked_fill(~ready.sound.gather(1, alive), _BROKEN)
        order = worst.masked_fill(absent, -torch.inf).sort(dim=1, descending=True, stable=True)
        gone = [min(step, n - w, n - n // 2) for n, w in zip(counts, wanted, strict=True)]
        removed = first(order.indices, gone)
        alive = alive.gather(1, (removed | absent).float().sort(dim=1, stable=True).indices)
        counts = [n - g for n, g in zip(counts, gone, strict=True)]
    return alive


def _likeness(cosines: Tensor, alive: Tensor, counts: Sequence[int]) -> Tensor:
    """Of every even token of those alive, the cosine to the most similar odd one: `[G, even]`."""
    even, odd = alive[:, 0::2], alive[:, 1::2]
    if odd.shape[1] == 0:
        return torch.full(even.shape, _LONELY, device=alive.device)
    block = _between(cosines, even, odd)
    columns = torch.arange(odd.shape[1], device=alive.device)
    absent = columns >= to_device([n // 2 for n in counts], alive.device)[:, None]
    return block.masked_fill(absent[:, None], _LONELY).amax(-1)


def _between(cosines: Tensor, even: Tensor, odd: Tensor) -> Tensor:
    """The part `[G, even, odd]` of `[G, N, N]`."""
    if cosines.device.type != "cpu":
        return cosines.take_along_dim(even[..., None], 1).take_along_dim(odd[:, None], 2)
    # A seventh of the time, as rows are copied whole.
    parts = zip(cosines, even, odd, strict=True)
    return torch.stack([whole.index_select(0, e).index_select(1, o) for whole, e, o in parts])


plugin = VisPruner

COMPONENTS = (
    Component(
        kind="selector",
        name="vispruner",
        summary="Half by attention, and of the rest what is left when doubles are removed round "
        "by round.",
        system="VisPruner",
        paper="Beyond Text-Visual Attention: Exploiting Visual Cues for Effective Token Pruning in "
        "VLMs (arXiv 2412.01818)",
    ),
)
