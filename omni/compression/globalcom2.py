"""A picture cut into tiles, among which the attention of its thumbnail shares the tokens.

An item is a stack of equal grids, `Grid(time=1 + tiles, …)`: first the thumbnail of the whole
picture, then the tiles, row after row. Shapes: C tiles, H and W of one grid, A = H times W.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from omni.compression.clips import Clip, in_tiers, ranks
from omni.compression.relevance import precise, stretch
from omni.compression.selector import Question, Selection, Tokens
from omni.compression.shares import shares
from omni.errors import UsageError
from omni.plugins import Component


class GlobalCom2:
    """Shares tokens among the tiles by what the thumbnail attends to, and keeps the best of each.

    The attention of the thumbnail over the place of a tile sets the tile's share; a token is worth
    its own attention within the tile plus that of the thumbnail at its place. The thumbnail has the
    base share. An item without tiles keeps the tokens most attended to. The question is not heard.

    Attributes:
        columns: how many tiles lie in a row; by default as many rows as columns, or fewer.
        base: the share of all tokens that is kept before the thumbnail is looked at. Counts are
            planned beforehand here, so that it does not set them, but how far shares lie apart.
        temperature: how much attention it takes to make a difference.
    """

    needs: ClassVar = frozenset({"attention"})

    def __init__(self, columns: int | None = None, base: float = 0.25, temperature: float = 10.0):
        if not 0 < base <= 1 or temperature <= 0:
            raise UsageError(
                f"base is a share above 0 and up to 1, not {base}; temperature is above 0, "
                f"not {temperature}"
            )
        self.columns = columns
        self.base = base
        self.temperature = temperature

    def stacks(self, rows: int, columns: int) -> bool:
        """Whether tiles that lie so are told apart; (0, 0) if nobody knows how they lie."""
        try:
            return not rows or tile_layout(rows * columns, self.columns) == (rows, columns)
        except UsageError:
            return False

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        attention = tokens.signal("attention", "globalcom2").split(list(tokens.lengths))

        def judge(item: int, clip: Clip, count: int) -> tuple[Tensor, Tensor]:
            own = clip.attention
            assert own is not None
            score = own
            tiers = torch.zeros_like(own, dtype=torch.int64)
            if clip.time > 1:
                grid = tokens.grids[item]
                stack = precise(attention[item]).nan_to_num(0.0, 0.0, 0.0)
                stack = stack.view(clip.time, grid.height, grid.width)
                rows, columns = tile_layout(clip.time - 1, self.columns)
                ratios = tile_ratios(stack[0], rows, columns, self.base, self.temperature)
                score = torch.cat([own[:1], tile_scores(stack, rows, columns)])
                tiers = self._tiers(clip, score, ratios, count)
            return tiers, score

        return in_tiers(tokens, keep, None, judge)

    def _tiers(self, clip: Clip, score: Tensor, ratios: Tensor, count: int) -> Tensor:
        weights = torch.cat([torch.full_like(ratios[:1], self.base), ratios])
        room = torch.full_like(weights, clip.area, dtype=torch.int64)
        # A ratio of nought, which is what a base of 1 can come to, would leave tokens to nobody.
        return (ranks(clip, score) < shares(weights.clamp(min=1e-6), room, count)[:, None]).long()


def tile_layout(tiles: int, columns: int | None = None) -> tuple[int, int]:
    """Rows and columns of so many tiles; as near to a square as they come, and never upright.

    Raises:
        UsageError: if they do not fill whole rows of `columns`.
    """
    if columns is None:
        rows = next(rows for rows in range(isqrt(tiles), 0, -1) if tiles % rows == 0)
        return rows, tiles // rows
    if columns < 1 or tiles % columns:
        raise UsageError(f"{tiles} tiles do not fill whole rows of {columns}: pass their columns")
    return tiles // columns, columns


def tile_ratios(
    thumbnail: Tensor, rows: int, columns: int, base: float = 0.25, temperature: float = 10.0
) -> Tensor:
    """The share of its tokens that each tile keeps: float64 `[C]`, row after row.

    `base` times one plus how far the softmax of the tile's sum, over `temperature`, lies above the
    mean of all tiles; at most 1. Sums are taken over the thumbnail's own cells, in parts where a
    tile's edge cuts through one.

    Args:
        thumbnail: attention `[H, W]`: before the softmax, as published, but any will do.
        rows: of tiles.
        columns: of tiles.
        base: see above.
        temperature: see above.
    """
    height, width = thumbnail.shape
    fine = _enlarged(thumbnail, rows, columns).view(rows, height, columns, width)
    totals = precise((fine.sum((1, 3)) / (rows * columns)).float().flatten())
    share = (totals / temperature).softmax(0)
    return (base * (1 + share - share.mean())).clamp(max=1)


def tile_scores(stack: Tensor, rows: int, columns: int) -> Tensor:
    """What each token of each tile is worth, 0…2: float32 `[C, A]`.

    Args:
        stack: attention `[1 + C, H, W]`, of which the first is the thumbnail's.
        rows: of tiles.
        columns: of tiles.
    """
    height, width = stack.shape[1:]
    tiles = stack[1:].flatten(1)
    own = stretch(tiles, torch.ones_like(tiles, dtype=torch.bool))
    whole = _enlarged(stack[0], rows, columns).flatten()[None]
    whole = stretch(whole.float(), torch.ones_like(whole, dtype=torch.bool))
    parts = whole.view(rows, height, columns, width).transpose(1, 2)
    return own + parts.reshape(len(tiles), -1)


def _enlarged(thumbnail: Tensor, rows: int, columns: int) -> Tensor:
    """As fine as the tiles are, `[rows * H, columns * W]`; straight lines between cell centres."""
    height, width = thumbnail.shape
    size = (rows * height, columns * width)
    source = precise(thumbnail)[None, None]
    return interpolate(source, size=size, mode="bilinear", align_corners=False)[0, 0]


plugin = GlobalCom2

COMPONENTS = (
    Component(
        kind="selector",
        name="globalcom2",
        summary="Tiles share tokens by the attention of the thumbnail, which also helps to rank "
        "them.",
        system="GlobalCom2",
        paper="Compression with Global Guidance: Towards Training-free High-Resolution MLLMs "
        "Acceleration (arXiv 2501.05179)",
    ),
)
