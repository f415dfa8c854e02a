"""Several cuts, each by what the prompt's last token attends to in the layer behind it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from omni.compression.dropping.dropper import highest
from omni.compression.dropping.look import Look
from omni.compression.dropping.schedule import Schedule, Stage
from omni.compression.selector import Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component


class PyramidDrop:
    """Stages of equal depth, each with the share `keep` of the tokens of the one before.

    Tokens are ranked by the attention of the last token, mean over heads, with queries and keys of
    the layer behind the cut; these are computed for the ranking and then once more for what is
    left, so that a cut costs about a quarter of a layer. Four stages are published, cut before
    layers 8, 16 and 24 of 32. Where cuts of a shallow model coincide, the deepest holds.

    Attributes:
        stages: how many.
    """

    hears = "here"

    def __init__(self, stages: int = 4):
        if stages < 2:
            raise UsageError(f"there are 2 stages at least, not {stages}: one has no cut")
        self.stages = stages

    def schedule(self, keep: float, depth: int) -> Schedule:
        """Cuts at equal distances."""
        shares: dict[int, float] = {}
        for number in range(1, self.stages):
            layer = max(1, round(Fraction(depth * number, self.stages)))
            shares[layer] = keep**number
        stages = tuple(Stage(layer, share) for layer, share in shares.items())
        return Schedule(stages, "pyramiddrop", {"stages": self.stages})

    def __call__(self, tokens: Tokens, keep: Sequence[int], look: Look) -> Selection:
        return highest(tokens, keep, look.last_rows())


plugin = PyramidDrop

COMPONENTS = (
    Component(
        kind="selector",
        name="pyramiddrop",
        summary="Inside the language model: at several depths, the tokens that the last word "
        "attends to there.",
        system="PyramidDrop",
        paper="PyramidDrop: Accelerating Your Large Vision-Language Models via Pyramid Visual "
        "Redundancy Reduction",
    ),
)
