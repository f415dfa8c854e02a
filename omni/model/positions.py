"""Where a token lies in its item, told to the language model whatever is left of the item.

The place in the text says nothing of it once tokens were selected. Shapes: N tokens, D width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from omni.compression.budget import Grid


def spots(grid: Grid) -> Tensor:
    """Time, row and column of each token of a grid, float32 `[N, 3]`: middles of cells, in 0…1."""
    sizes = (grid.time, grid.height, grid.width)
    axes = [(torch.arange(size, dtype=torch.float32) + 0.5) / size for size in sizes]
    return torch.cartesian_prod(*axes)


class Positions(nn.Module):
    """Adds to tokens what the waves at their spots say; nothing, until it has learned to.

    Waves of a spot are as in Tancik et al., "Fourier Features Let Networks Learn High Frequency
    Functions in Low Dimensional Domains" (NeurIPS 2020), with frequencies that double.

    Args:
        width: of the tokens.
        modalities: each reads the waves in its own way.
        frequencies: how many waves to an axis; the shortest is `2 / 2**(frequencies - 1)` long.
    """

    def __init__(self, width: int, modalities: Iterable[str], frequencies: int = 5):
        super().__init__()
        self.frequencies = frequencies
        self.read = nn.ModuleDict(
            {name: nn.Linear(6 * frequencies, width, bias=False) for name in modalities}
        )
        for layer in self.read.values():
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]

    def forward(self, name: str, tokens: Tensor, where: Tensor) -> Tensor:
        """Tokens `[N, D]` of a modality that lie at `[N, 3]`."""
        angles = where[..., None] * (math.pi * 2.0 ** torch.arange(self.frequencies))
        waves = torch.cat([angles.sin(), angles.cos()], -1).flatten(1)
        return tokens + self.read[name](waves.to(tokens.device, tokens.dtype))
