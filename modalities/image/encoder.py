"""Encoder of pictures: convolutions to a 12×12 grid of tokens, then a light transformer over them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from omni.compression.budget import Grid
from omni.modality import Features

SIDE = 96
STRIDE = 8


class Residual(nn.Module):
    """Two 3×3 convolutions beside an identity."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.silu(self.first(functional.silu(self.norm(x)))))


class Mixer(nn.Module):
    """A pre-norm transformer layer over all tokens of an item."""

    def __init__(self, width: int, heads: int = 4, expansion: int = 2):
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            nn.GELU(),
            nn.Linear(expansion * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        mixed = self.qkv(self.before(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(x)


class ImageEncoder(nn.Module):
    """Pixels `[3, 96, 96]` in 0…1 → 144 tokens, row by row, that know where they are.

    Args:
        width: of a token.
        channels: of the two convolutional levels, at an eighth and at a quarter of the resolution
            in reverse order.
        blocks: residual blocks on each of these levels.
        layers: transformer layers over the tokens.
    """

    def __init__(
        self,
        width: int = 192,
        channels: tuple[int, int] = (48, 96),
        blocks: tuple[int, int] = (1, 2),
        layers: int = 1,
    ):
        super().__init__()
        self.width = width
        fine, coarse = channels
        self.stem = nn.Conv2d(3, fine, 6, stride=4, padding=1)
        self.fine = nn.Sequential(*(Residual(fine) for _ in range(blocks[0])))
        self.down = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.coarse = nn.Sequential(*(Residual(coarse) for _ in range(blocks[1])))
        self.project = nn.Conv2d(coarse, width, 1)
        self.place = nn.Parameter(torch.randn(SIDE // STRIDE, SIDE // STRIDE, width) * 0.02)
        self.layers = nn.Sequential(*(Mixer(width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def grid(self, features: Features) -> Grid:
        return Grid(1, SIDE // STRIDE, SIDE // STRIDE)

    def encode(self, pixels: Tensor) -> Tensor:
        """Tokens `[batch, 144, width]` of pixels `[batch, 3, 96, 96]`."""
        x = pixels.to(self.place.dtype).mul(2).sub(1)
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        x = self.coarse(self.down(self.fine(x)))
        x = self.project(functional.silu(x)).permute(0, 2, 3, 1) + self.place
        return self.norm(self.layers(x.flatten(1, 2)))

    def forward(self, batch: list[Features]) -> list[Tensor]:
        if not batch:
            return []
        pixels = torch.stack([features["pixels"] for features in batch])
        return list(self.encode(pixels.to(self.place.device)))
