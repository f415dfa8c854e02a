"""What changed since the frame before: the rule whose count is known before anything is encoded."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.compression.clips import Clip, in_tiers
from omni.compression.selector import Question, Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component


class EVS:
    """Keeps the first frame, then the tokens that differ most from the same spot one frame before.

    Where the first frame alone is too much, and for an item without time, the tokens most unlike
    the rest of the first frame are kept. The question is not heard.
    """

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return in_tiers(tokens, keep, None, self._judge)

    def _judge(self, item: int, clip: Clip, count: int) -> tuple[Tensor, Tensor]:
        changed = clip.changes()
        first = 1 + clip.unlike()[:1]
        score = torch.cat([first, changed[1:].clamp(min=0)])
        tiers = torch.zeros_like(score, dtype=torch.int64)
        tiers[0] = 1
        return tiers, score


def planned(grid: Grid, pruned: float) -> int:
    """How many tokens are kept if a share of a film is pruned, as the published rule counts.

    The first frame is always whole, so that never fewer are kept. Servers that were set up by that
    rule reserve exactly this many.
    """
    if not 0 <= pruned < 1:
        raise UsageError(f"pruned is a share from 0 and below 1, not {pruned}")
    return max(grid.height * grid.width, int(grid.tokens * (1 - pruned)))


plugin = EVS

COMPONENTS = (
    Component(
        kind="selector",
        name="evs",
        summary="The first frame, then the tokens that differ most from the same spot one frame "
        "before, over the whole film.",
        system="EVS",
        paper="Efficient Video Sampling: Pruning Temporally Redundant Tokens for Faster VLM "
        "Inference (arXiv 2510.14624)",
    ),
)
