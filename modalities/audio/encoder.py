"""Sound to tokens: a convolutional stem and a few blocks of attention and local mixing.

Shapes: `B` batch, `T` mel frames (100 a second), `N` tokens (25 a second), `D` width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omni.compression.budget import Grid
from omni.modality import Features
from omni.plugins import Component

STRIDE = 4
"""Mel frames to a token."""


class AudioEncoder(nn.Module):
    """Log-mel spectrogram `[T, 64]` → tokens `[ceil(T / 4), width]`, 25 a second.

    Attention is rotary, so it knows distances; a sinusoid added before the blocks tells later
    readers, who may see only some of the tokens, where in the clip each one lies.
    """

    def __init__(self, width: int = 192, depth: int = 3, heads: int = 4, mels: int = 64):
        super().__init__()
        self.width = width
        self.head_size = width // heads
        self.stem = nn.ModuleList(
            [
                nn.Conv1d(mels, width, 5, stride=2, padding=2),
                nn.Conv1d(width, width, 5, stride=2, padding=2),
            ]
        )
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)

    def grid(self, features: Features) -> Grid:
        """One token to four mel frames, in the order of time."""
        return Grid(time=math.ceil(len(features["mel"]) / STRIDE))

    def lay(self, count: int) -> Grid:
        """How so many tokens lie."""
        return Grid(time=count)

    def forward(self, batch: list[Features]) -> list[Tensor]:
        """Tokens of each clip; clips are padded to the longest and masked, so none sees another."""
        if not batch:
            return []
        weight = self.norm.weight
        clips = [item["mel"].to(weight.device, weight.dtype) for item in batch]
        lengths = torch.tensor([len(clip) for clip in clips], device=weight.device)
        tokens, counts = self.encode(nn.utils.rnn.pad_sequence(clips, batch_first=True), lengths)
        return [row[:count] for row, count in zip(tokens, counts.tolist(), strict=True)]

    def encode(
        self, mel: Tensor, lengths: Tensor, start: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Padded clips `[B, T, 64]` and their lengths → padded tokens `[B, N, D]` and counts.

        `start` shifts the place of a clip's first token; training draws it at random, so that long
        clips meet no place that was never seen.
        """
        hidden = mel.transpose(1, 2)
        for convolution in self.stem:
            hidden = F.gelu(convolution(hidden * inside(lengths, hidden.shape[2])[:, None]))
            lengths = (lengths + 1) // 2
        mask = inside(lengths, hidden.shape[2])
        places = torch.arange(hidden.shape[2], device=hidden.device, dtype=torch.float32)
        turns = _turns(places, self.head_size)
        absolute = places[None] if start is None else places[None] + start[:, None]
        hidden = hidden.transpose(1, 2) + _sinusoid(absolute, self.width).to(hidden.dtype)
        for block in self.blocks:
            hidden = block(hidden, mask, turns)
        return self.norm(hidden), lengths


class Block(nn.Module):
    """Attention, a depthwise convolution over neighbours, and a feed-forward layer."""

    def __init__(self, width: int, heads: int, kernel: int = 9):
        super().__init__()
        self.attention = Attention(width, heads)
        self.local_norm = nn.LayerNorm(width)
        self.local = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.local_out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width)
        )

    def forward(self, hidden: Tensor, mask: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        hidden = hidden + self.attention(hidden, mask, turns)
        near = self.local_norm(hidden) * mask[..., None]
        near = self.local(near.transpose(1, 2)).transpose(1, 2)
        hidden = hidden + self.local_out(F.gelu(near))
        return hidden + self.feed(self.feed_norm(hidden))


class Attention(nn.Module):
    """Rotary self-attention among the tokens of one clip."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.size = width // heads
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, hidden: Tensor, mask: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        rows, count, width = hidden.shape
        mixed = self.mix(self.norm(hidden)).view(rows, count, 3, self.heads, self.size)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        # On CPUs the fused attention takes three times as long as these products to train.
        scores = _turn(query, turns) @ _turn(key, turns).transpose(-1, -2) / math.sqrt(self.size)
        scores = scores.float().masked_fill(~mask[:, None, None, :], -math.inf)
        found = scores.softmax(-1).to(value.dtype) @ value
        return self.out(found.transpose(1, 2).reshape(rows, count, width))


def inside(lengths: Tensor, size: int) -> Tensor:
    """Mask `[B, size]`, true where a place lies within the clip."""
    return torch.arange(size, device=lengths.device)[None] < lengths[:, None]


def _sinusoid(places: Tensor, width: int) -> Tensor:
    rates = torch.exp(torch.arange(0, width, 2, device=places.device) * (-math.log(1000.0) / width))
    angles = places[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)


def _turns(places: Tensor, size: int) -> tuple[Tensor, Tensor]:
    rates = torch.exp(torch.arange(0, size, 2, device=places.device) * (-math.log(1000.0) / size))
    angles = places[:, None] * rates
    return angles.cos(), angles.sin()


def _turn(heads: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = (part.to(heads.dtype) for part in turns)
    first, second = heads.chunk(2, -1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


COMPONENTS = (
    Component(
        kind="encoder",
        name="audio",
        summary="Log-mel frames to 25 tokens a second by convolutions and attention.",
    ),
)
