"""The tokens attended to, and evenly spaced ones into which the rest is merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from omni.compression.assign import averaged, merging
from omni.compression.candidates import Candidates, candidates
from omni.compression.selector import Question, Selection, Tokens, to_device
from omni.errors import UsageError
from omni.plugins import Component


class VisionZip:
    """Keeps dominant tokens as they are, and makes contextual ones of all others.

    Dominant are those of the highest `Signals.attention`. Of the rest, in order, every so-manieth
    is a target; every other one is averaged into the target whose key it is most like
    (`Signals.keys`, else the tokens themselves). The question is not heard.

    Attributes:
        contextual: the share of kept tokens that are targets; the paper makes 10 of 64.
        added: whether a target is added to the mean of the others, as the released code has it,
            which doubles its length, rather than averaged with them.
    """

    needs: ClassVar = frozenset({"attention"})
    uses: ClassVar = frozenset({"keys"})

    def __init__(self, contextual: float = 10 / 64, added: bool = False):
        if not 0 <= contextual < 1:
            raise UsageError(f"contextual is a share from 0 and below 1, not {contextual}")
        self.contextual = contextual
        self.added = added

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return compress(tokens, keep, "visionzip", self.contextual, self.added)


def compress(
    tokens: Tokens, keep: Sequence[int], method: str, contextual: float, added: bool = False
) -> Selection:
    """Dominant tokens and contextual ones, as `VisionZip` says."""
    attention = tokens.signal("attention", method)
    keys = tokens.x if tokens.signals.keys is None else tokens.signals.keys
    ready = candidates(tokens, keep, attention, keys)
    scores = ready.spread(attention).float()
    targets = [
        min(round(kept * contextual), kept - max(pins, 1))
        for kept, pins in zip(keep, ready.pins, strict=True)
    ]
    dominant = ready.leading(scores, [k - t for k, t in zip(keep, targets, strict=True)])
    target = spaced(ready, ready.mask & ~dominant, targets)
    kept = dominant | target
    slot, weights = averaged(ready, kept, ready.directions(keys), target, max(targets))
    if added:
        # One of `c` that are averaged becomes one of `c - 1`, without the target, which counts one.
        weights = torch.where(kept, 1.0, weights / (1 - weights))
    chosen = ready.bind_mask(kept, scores)
    return replace(chosen, merging=merging(ready, slot, weights))


def spaced(ready: Candidates, rest: Tensor, count: Sequence[int]) -> Tensor:
    """Bool `[G, N]`: `count` of the tokens `rest` of each item, a fixed step apart.

    Tokens that are not sound stand behind all others.
    """
    sound = rest & ready.sound
    broken = rest & ~ready.sound
    place = torch.where(sound, sound.long().cumsum(1), 0)
    behind = sound.sum(1, keepdim=True) + broken.long().cumsum(1)
    place = torch.where(broken, behind, place) - 1
    wanted = to_device(count, rest.device)[:, None]
    # Counted on the device: what is not sound is not known beforehand.
    step = (sound.sum(1, keepdim=True) // wanted.clamp(min=1)).clamp(min=1)
    return rest & (place % step == 0) & (place // step < wanted)


plugin = VisionZip

COMPONENTS = (
    Component(
        kind="selector",
        name="visionzip",
        summary="Dominant tokens by attention, and contextual ones that the rest is averaged into.",
        system="VisionZip",
        paper="VisionZip: Longer is Better but Not Necessary in Vision Language Models "
        "(arXiv 2412.04467)",
    ),
)
