"""Encoder of pictures: convolutions to a 12×12 grid of tokens, then a light transformer over them.

Beside the colours, the convolutions are given the picture's structure tensor, which shows an edge
alike whatever colours meet at it. With it, shapes are learned in half the time.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from omni.compression.budget import Grid
from omni.mixer import Mixer
from omni.modality import Features
from omni.plugins import Component

SIDE = 96
STRIDE = 8


def places(side: int, width: int) -> Tensor:
    """Sines and cosines `[side, side, width]` of each row and column, to begin from."""
    angles = torch.arange(side)[:, None] / side * torch.logspace(0.5, 1.5, width // 4)
    waves = torch.cat([angles.sin(), angles.cos()], 1) / 2
    rows = waves[:, None].expand(-1, side, -1)
    return torch.cat([rows, rows.transpose(0, 1)], -1)


class Residual(nn.Module):
    """Two 3×3 convolutions beside an identity."""

    def __init__(self, width: int):
        super().__init__()
        self.first = _convolution(width, width)
        self.second = _convolution(width, width)
        nn.init.zeros_(self.second[-1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x))


def _convolution(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    """A 3×3 convolution of what is first normalised; without that, shapes are learned last."""
    return nn.Sequential(
        nn.BatchNorm2d(before), nn.SiLU(), nn.Conv2d(before, after, 3, stride=stride, padding=1)
    )


def edges(pixels: Tensor) -> Tensor:
    """Strength and doubled direction of the edges of pixels `[batch, 3, …]`: `[batch, 3, …]`."""
    padded = functional.pad(pixels, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    horizontal, vertical = across.square().sum(1), down.square().sum(1)
    strength = (horizontal + vertical + 0.02).sqrt()
    mixed = 2 * (across * down).sum(1) / strength
    return torch.stack([strength, (horizontal - vertical) / strength, mixed], 1)


class ImageEncoder(nn.Module):
    """Pixels `[3, 96, 96]` in 0…1 → 144 tokens, row by row, that know where they are.

    Its normalisation learns batch statistics only while `learning` is true, not whenever a model
    around it is trained: else batch mates would change a frozen encoder's results.

    Args:
        width: of a token.
        channels: of the three convolutional levels, at a half, a quarter and an eighth of the
            resolution; a small star in a wide picture is told from a heart at half of it.
        blocks: residual blocks on the last two of these levels.
        layers: transformer layers over the tokens.
    """

    learning = False

    def __init__(
        self,
        width: int = 192,
        channels: tuple[int, int, int] = (24, 64, 128),
        blocks: tuple[int, int] = (1, 2),
        layers: int = 2,
    ):
        super().__init__()
        self.width = width
        finest, fine, coarse = channels
        self.stem = nn.Sequential(
            nn.Conv2d(6, finest, 4, stride=2, padding=1), _convolution(finest, fine, stride=2)
        )
        self.fine = nn.Sequential(*(Residual(fine) for _ in range(blocks[0])))
        self.down = _convolution(fine, coarse, stride=2)
        self.coarse = nn.Sequential(*(Residual(coarse) for _ in range(blocks[1])))
        self.project = nn.Sequential(nn.BatchNorm2d(coarse), nn.SiLU(), nn.Conv2d(coarse, width, 1))
        self.place = nn.Parameter(places(SIDE // STRIDE, width))
        self.layers = nn.Sequential(*(Mixer(width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def train(self, mode: bool = True) -> ImageEncoder:
        return super().train(mode and self.learning)

    def grid(self, features: Features) -> Grid:
        return Grid(1, SIDE // STRIDE, SIDE // STRIDE)

    def lay(self, count: int) -> Grid:
        """How so many tokens lie."""
        side = math.isqrt(count)
        return Grid(1, side, side)

    def encode(self, pixels: Tensor, corner: tuple[int, int] = (0, 0)) -> Tensor:
        """Tokens `[batch, 144, width]` of pixels `[batch, 3, 96, 96]`.

        A smaller picture gives fewer; it is taken to lie with its top left at the row and column
        `corner` of the whole grid.
        """
        x = torch.cat([pixels * 2 - 1, edges(pixels)], 1).to(self.place.dtype)
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        x = self.coarse(self.down(self.fine(x)))
        x = self.project(x).permute(0, 2, 3, 1)
        top, left = corner
        x = x + self.place[top : top + x.shape[1], left : left + x.shape[2]]
        return self.norm(self.layers(x.flatten(1, 2)))

    def forward(self, batch: list[Features]) -> list[Tensor]:
        if not batch:
            return []
        pixels = torch.stack([features["pixels"] for features in batch])
        return list(self.encode(pixels.to(self.place.device)))


COMPONENTS = (
    Component(
        kind="encoder",
        name="image",
        summary="Convolutions to a 12×12 grid of tokens, then a light transformer.",
    ),
)
