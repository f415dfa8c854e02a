"""A picture cut into tiles: those that the question is about keep their tokens.

An item is a stack of equal grids, `Grid(time=tiles, …)`. Shapes: C tiles, A tokens of a tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor

from omni.compression.clips import Clip, in_tiers, ranks
from omni.compression.relevance import precise
from omni.compression.selector import Question, Selection, Tokens
from omni.compression.shares import shares
from omni.errors import UsageError
from omni.plugins import Component


class Tiles:
    """Shares tokens among the tiles by the question, and keeps those of each most like it.

    A tile is as near as its nearest tokens are on average. Where nothing was asked, tiles share
    alike and the tokens most unlike the others are kept. An item without time is one tile. The
    published method condenses tiles by queries that are trained; this is its choice among tokens.

    Attributes:
        temperature: a difference in relevance as great as this gets a tile 2.7 times the tokens.
        top_share: the share of a tile's tokens that decides how near it is, rounded up.
    """

    def __init__(self, temperature: float = 0.25, top_share: float = 0.1):
        if temperature <= 0 or not 0 < top_share <= 1:
            raise UsageError(
                f"temperature is above 0, not {temperature}; top_share is above 0 and up to 1, "
                f"not {top_share}"
            )
        self.temperature = temperature
        self.top_share = top_share

    def stacks(self, rows: int, columns: int) -> bool:
        """Whether tiles that lie so are told apart: all are, and the whole picture is one."""
        return True

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return in_tiers(tokens, keep, question, self._judge)

    def _judge(self, item: int, clip: Clip, count: int) -> tuple[Tensor, Tensor]:
        nearest = clip.relevance.sort(dim=1, descending=True).values
        near = precise(nearest[:, : ceil(clip.area * self.top_share)]).mean(1).float()
        weights = (precise(near) / self.temperature).softmax(0)
        room = torch.full_like(weights, clip.area, dtype=torch.int64)
        score = told_apart(clip)
        tiers = (ranks(clip, score) < shares(weights, room, count)[:, None]).long()
        return tiers, score


def told_apart(clip: Clip) -> Tensor:
    """Relevance, or where it is 1 for all, how unlike the others of its tile each token is."""
    return torch.where((clip.relevance < 1).any(), clip.relevance, clip.unlike())


plugin = Tiles

COMPONENTS = (
    Component(
        kind="selector",
        name="tiles",
        summary="Tiles share tokens by how near they are to the question; the nearest tokens stay.",
        system="SliME",
        paper="Beyond LLaVA-HD: Diving into High-Resolution Large Multimodal Models "
        "(arXiv 2406.08487)",
    ),
)
