"""The second stage of AIM: fewer tokens layer by layer, by what they receive from all others."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from omni.compression.dropping.dropper import highest
from omni.compression.dropping.look import Look
from omni.compression.dropping.schedule import Schedule, Stage
from omni.compression.selector import Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component


class AIMDrop:
    """From the middle on, the share that is left falls in equal steps to nothing, or to `keep`.

    Tokens are ranked by five steps of PageRank: each token hands its worth on to those it attends
    to, by the softmax of the heads' mean product over 0.1, in the layer before the cut. Words take
    part and are never dropped. Published are layers 14 to 21 of 28, and nothing left after the
    last; pass `final=0` for that. The matrix of attention is worked out block by block, once a
    step, and never stored.

    In a causal model the first tokens receive the most, whatever they show.

    Attributes:
        final: the share that is left in the end; `None` for what `keep` says.
        begin: where the fall begins, as a share of depth.
        end: where it ends.
        steps: of PageRank.
        temperature: of the softmax.
    """

    hears = "before"

    def __init__(
        self,
        final: float | None = None,
        begin: float = 0.5,
        end: float = 0.75,
        steps: int = 5,
        temperature: float = 0.1,
    ):
        if not 0 <= begin < end <= 1:
            raise UsageError(f"the fall lies between 0 and 1 of depth, not {begin} and {end}")
        if final is not None and not 0 <= final <= 1:
            raise UsageError(f"final is a share from 0 to 1, not {final}")
        if steps < 1 or temperature <= 0:
            raise UsageError(f"steps ({steps}) and temperature ({temperature}) are above 0")
        self.final, self.begin, self.end = final, begin, end
        self.steps, self.temperature = steps, temperature

    def schedule(self, keep: float, depth: int) -> Schedule:
        """A cut before each layer of the fall."""
        final = keep if self.final is None else self.final
        first = max(1, min(depth - 1, round(self.begin * depth)))
        last = max(first, min(depth - 1, round(self.end * depth)))
        steps = last - first + 1
        stages = tuple(
            Stage(first + step, 1 - (1 - final) * (step + 1) / steps) for step in range(steps - 1)
        )
        settings = {
            "final": self.final,
            "begin": self.begin,
            "end": self.end,
            "steps": self.steps,
            "temperature": self.temperature,
        }
        return Schedule((*stages, Stage(last, final)), "aim_drop", settings)

    def __call__(self, tokens: Tokens, keep: Sequence[int], look: Look) -> Selection:
        return highest(tokens, keep, look.of_items(self._ranked(look)))

    def _ranked(self, look: Look) -> Tensor:
        worth = look.present / look.present.sum(1, keepdim=True).clamp(min=1)
        for _ in range(self.steps):
            worth = look.attention.spread(worth, self.temperature)
        return worth


plugin = AIMDrop

COMPONENTS = (
    Component(
        kind="selector",
        name="aim_drop",
        summary="Inside the language model: from the middle on, layer by layer, by PageRank over "
        "attention.",
        system="AIM",
        paper="AIM: Adaptive Inference of Multi-Modal LLMs via Token Merging and Pruning "
        "(arXiv 2412.03248)",
    ),
)
