"""From coarse to fine: only those tiles of a huge picture that the question is about are looked at.

An item is a stack of equal grids, `Grid(time=1 + tiles, …)`: first the whole picture, small, then
its tiles, row after row. Shapes: C tiles, H and W of one grid, A = H times W.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor

from omni.compression.clips import Clip, in_tiers
from omni.compression.globalcom2 import tile_layout
from omni.compression.relevance import precise
from omni.compression.selector import Question, Selection, Tokens
from omni.compression.tiles import told_apart
from omni.errors import UsageError
from omni.plugins import Component


class Pyramid:
    """Keeps the tokens nearest to the question, of the whole and of the tiles it is about.

    The relevance of the coarse tokens over the place of a tile says whether it is looked at.
    Tokens of other tiles are kept only where there are too few. Where nothing was asked, that is
    the first tiles and the tokens most unlike the others; an item without tiles is a whole. The
    published method is trained to score regions; this is its rule with plain similarity.

    Attributes:
        columns: how many tiles lie in a row; by default as many rows as columns, or fewer.
        share: how many of the tiles are looked at, rounded up.
    """

    def __init__(self, columns: int | None = None, share: float = 0.25):
        if not 0 < share <= 1:
            raise UsageError(f"share is a share above 0 and up to 1, not {share}")
        self.columns = columns
        self.share = share

    def stacks(self, rows: int, columns: int) -> bool:
        """Whether tiles that lie so are told apart; (0, 0) if nobody knows how they lie."""
        try:
            return not rows or tile_layout(rows * columns, self.columns) == (rows, columns)
        except UsageError:
            return False

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        def judge(item: int, clip: Clip, count: int) -> tuple[Tensor, Tensor]:
            score = told_apart(clip)
            tiers = torch.zeros_like(score, dtype=torch.int64)
            tiers[0] = 1
            if clip.time > 1:
                grid = tokens.grids[item]
                rows, columns = tile_layout(clip.time - 1, self.columns)
                coarse = clip.relevance[0].view(grid.height, grid.width)
                chosen = finer(coarse, rows, columns, ceil((clip.time - 1) * self.share))
                tiers = tiers.index_fill(0, chosen + 1, 1)
            return tiers, score

        return in_tiers(tokens, keep, question, judge)


def finer(coarse: Tensor, rows: int, columns: int, count: int) -> Tensor:
    """The tiles to look at one level further down a pyramid: int64 `[count]`, ascending.

    They are those over which the coarser level is worth most on average. If they are chosen before
    they are read, the rest of a huge picture is never decoded, let alone encoded. A cell belongs to
    every tile that it touches.

    Args:
        coarse: relevance, or any other worth, of the coarser level's cells, `[H, W]`; what is not
            finite is worth nothing.
        rows: of tiles.
        columns: of tiles; they are numbered row after row.
        count: how many to choose.

    Raises:
        UsageError: if there are not so many.
    """
    if not 1 <= count <= rows * columns:
        raise UsageError(f"of {rows} × {columns} tiles 1 to {rows * columns} go, not {count}")
    clean = precise(coarse).nan_to_num(0.0, 0.0, 0.0)
    worth = torch.nn.functional.adaptive_avg_pool2d(clean[None], (rows, columns)).flatten().float()
    return worth.sort(descending=True, stable=True).indices[:count].sort().values


plugin = Pyramid

COMPONENTS = (
    Component(
        kind="selector",
        name="pyramid",
        summary="The tokens nearest to the question, of a small whole and of the tiles that it is "
        "about.",
        system="LRS-VQA (RFM + Dynamic Image Pyramid)",
        paper="When Large Vision-Language Model Meets Large Remote Sensing Imagery: Coarse-to-Fine "
        "Text-Guided Token Pruning (arXiv 2503.07588)",
    ),
)
