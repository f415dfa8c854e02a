"""The frame of every adapter: normalise encoder tokens, project them to the language width."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from omni.compression.budget import Grid


class Adapter(nn.Module):
    """Encoder tokens to language width, each token by itself.

    The tokens of several items come end to end, `[tokens, encoder width]`, with the number of
    tokens of each item beside them; nothing is padded.
    """

    def __init__(self, *, project: nn.Module, norm: nn.Module):
        super().__init__()
        self.norm = norm
        self.project = project

    def forward(self, tokens: Tensor, lengths: Sequence[int]) -> tuple[Tensor, list[int]]:
        """Adapted tokens `[tokens, language width]` and how many each item has now."""
        return self.project(self.norm(tokens)), list(lengths)

    def grid(self, grid: Grid) -> Grid:
        """How the adapted tokens lie of an item whose encoder tokens lie like `grid`."""
        return grid
