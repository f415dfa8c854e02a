"""Series to tokens: each column is cut into 16 patches that look at each other.

Shapes: `B` columns of a batch, `C` columns of an item, `P` points, `N` tokens, `D` width.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omni.compression.budget import Grid
from omni.modality import Features
from omni.plugins import Component

POINTS = 256
PATCHES = 16
"""Tokens of a column, in the order of time."""
COLUMNS = 8
WAVES = 16
"""Whole waves over a column whose strength is measured."""


class SeriesEncoder(nn.Module):
    """Columns `[C, 256]` and their statistics `[C, 4]` → tokens `[C · 16, width]`.

    Each token knows its patch, and how strong waves of each length are in the whole column: a
    season is counted by no patch alone. A column is read by itself; its number is added to its
    tokens, so that later readers can tell the columns of a table apart.
    """

    def __init__(self, width: int = 192, depth: int = 3, heads: int = 4):
        super().__init__()
        self.width = width
        sizes = (2, width // 6, width // 3, 2 * width // 3, width)
        stem: list[nn.Module] = []
        for number, (inside, outside) in enumerate(pairwise(sizes)):
            kernel = 9 if number == 0 else 7 if number == 1 else 5
            stem += [nn.Conv1d(inside, outside, kernel, stride=2, padding=kernel // 2), nn.GELU()]
        self.stem = nn.Sequential(*stem[:-1])
        self.size = nn.Sequential(nn.Linear(4, width // 2), nn.GELU(), nn.Linear(width // 2, width))
        self.waves = nn.Sequential(
            nn.Linear(WAVES, width // 2), nn.GELU(), nn.Linear(width // 2, width)
        )
        self.place = nn.Parameter(torch.randn(PATCHES, width) * 0.02)
        self.column = nn.Parameter(torch.randn(COLUMNS, width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)

    def grid(self, features: Features) -> Grid:
        """Columns by patches: 16 tokens to a column."""
        return Grid(time=len(features["values"]), width=PATCHES)

    def lay(self, count: int) -> Grid:
        """How so many tokens lie."""
        return Grid(time=count // PATCHES, width=PATCHES)

    def forward(self, batch: list[Features]) -> list[Tensor]:
        """Tokens of each series, column after column."""
        if not batch:
            return []
        sizes = [len(item["values"]) for item in batch]
        place = self.place
        values, rough, stats = (
            torch.cat([item[name] for item in batch]).to(place.device, place.dtype)
            for name in ("values", "rough", "stats")
        )
        numbers = torch.cat([torch.arange(size) for size in sizes]).to(place.device)
        tokens = self.encode(values, rough, stats, numbers)
        return [part.flatten(0, 1) for part in tokens.split(sizes)]

    def encode(self, values: Tensor, rough: Tensor, stats: Tensor, numbers: Tensor) -> Tensor:
        """Tokens `[B, 16, D]` of columns.

        Args:
            values: shape `[B, 256]`.
            rough: unrest `[B, 256]`.
            stats: size, level and the like, `[B, 4]`.
            numbers: of the columns in their tables, `[B]`.
        """
        hidden = self.stem(torch.stack([values, rough], 1)).transpose(1, 2)
        whole = self.size(stats) + self.waves(strengths(values).to(values.dtype))
        hidden = hidden + self.place + whole[:, None]
        for block in self.blocks:
            hidden = block(hidden)
        return self.norm(hidden) + self.column[numbers.clamp(max=COLUMNS - 1)][:, None]


@torch.no_grad()
def strengths(values: Tensor) -> Tensor:
    """log(1 + strength) of 1, 2, … 16 waves in columns `[B, 256]`, less their trends, float32."""
    with torch.autocast(values.device.type, enabled=False):
        time = torch.linspace(-1, 1, values.shape[1], device=values.device)
        slope = (values.float() @ time) / time.square().sum()
        level = values.float() - slope[:, None] * time
        angle = torch.arange(1, WAVES + 1, device=values.device)[:, None] * torch.pi * time
        strong = torch.hypot(level @ angle.sin().T, level @ angle.cos().T) / len(time)
        return torch.log1p(20 * strong)


class Block(nn.Module):
    """Attention among the patches of one column, and a feed-forward layer."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, hidden: Tensor) -> Tensor:
        rows, count, width = hidden.shape
        mixed = self.mix(self.attention_norm(hidden))
        mixed = mixed.view(rows, count, 3, self.heads, width // self.heads)
        found = F.scaled_dot_product_attention(*mixed.permute(2, 0, 3, 1, 4))
        hidden = hidden + self.out(found.transpose(1, 2).reshape(rows, count, width))
        return hidden + self.feed(self.feed_norm(hidden))


COMPONENTS = (
    Component(
        kind="encoder",
        name="series",
        summary="Patches of each column to 16 tokens, with its scale beside its shape.",
        paper="A Time Series is Worth 64 Words (PatchTST, arXiv 2211.14730)",
    ),
)
