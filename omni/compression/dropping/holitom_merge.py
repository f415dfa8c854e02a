"""The last stage of HoliTom: what the last token does not attend to goes into what is like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from omni.compression.assign import averaged, merging
from omni.compression.candidates import candidates
from omni.compression.dropping.look import Look
from omni.compression.dropping.schedule import Schedule, Stage
from omni.compression.selector import Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component


class HoliTomMerge:
    """One cut, by the last token's attention in the layer before; the rest is merged, not lost.

    Each token that goes joins the kept one whose state has the highest cosine with its own, and
    those become the mean of all that joined. The released code averages one pair after another, so
    that its result depends on their order; here they are averaged at once.

    Attributes:
        depth: where the cut is, as a share of the layers; 18 of 28 published.
    """

    hears = "before"

    def __init__(self, depth: float = 18 / 28):
        if not 0 < depth < 1:
            raise UsageError(f"depth is a share between 0 and 1, not {depth}")
        self.depth = depth

    def schedule(self, keep: float, depth: int) -> Schedule:
        """The one cut."""
        layer = max(1, min(depth - 1, round(self.depth * depth)))
        return Schedule((Stage(layer, keep),), "holitom_merge", {"depth": self.depth})

    def __call__(self, tokens: Tokens, keep: Sequence[int], look: Look) -> Selection:
        scores = look.last_rows()
        ready = candidates(tokens, keep, scores)
        padded = ready.spread(scores).float()
        kept = ready.leading(padded, ready.keep)
        slot, weights = averaged(ready, kept, ready.directions(tokens.x), kept)
        return replace(ready.bind_mask(kept, padded), merging=merging(ready, slot, weights))


plugin = HoliTomMerge

COMPONENTS = (
    Component(
        kind="selector",
        name="holitom_merge",
        summary="Inside the language model: the tokens that the last word attends to, each the "
        "mean of those like it.",
        system="HoliTom",
        paper="HoliTom: Holistic Token Merging for Fast Video Large Language Models",
    ),
)
