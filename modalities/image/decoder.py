"""Decoder of pictures: 64 codes ⇄ a picture, by a convolutional autoencoder.

The code is FSQ (Mentzer et al., 2023): each of a few channels is squashed and rounded to a handful
of levels, so the vocabulary is their product and no codebook can collapse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from omni.errors import UsageError
from omni.pixels import letterbox

if TYPE_CHECKING:
    from PIL import Image

INPUT = 64
SIDE = 8
OUTPUT = 128
PICTURE = 256


class FiniteScalars(nn.Module):
    """Rounds each channel to one of its levels; gradients pass as if it did not."""

    levels: Tensor
    basis: Tensor

    def __init__(self, levels: Sequence[int] = (8, 5, 5, 5)):
        super().__init__()
        sizes = torch.tensor(levels)
        basis = torch.cumprod(torch.tensor([1, *levels[:-1]]), 0)
        self.register_buffer("levels", sizes, persistent=False)
        self.register_buffer("basis", basis, persistent=False)
        self.codes = int(sizes.prod())

    def forward(self, x: Tensor) -> Tensor:
        """Values `[…, channels]` rounded, in −1…1."""
        levels = self.levels.to(x.dtype)
        half = (levels - 1) * 1.001 / 2
        even = (self.levels % 2 == 0).to(x.dtype) * 0.5
        bounded = torch.tanh(x + torch.atanh(even / half)) * half - even
        rounded = bounded + (bounded.round() - bounded).detach()
        return rounded / (self.levels // 2)

    def indices(self, values: Tensor) -> Tensor:
        """Codes, int64 `[…]`, of rounded values."""
        half = self.levels // 2
        return ((values * half).round().long() + half).mul(self.basis).sum(-1)

    def values(self, indices: Tensor) -> Tensor:
        """Rounded values `[…, channels]` of codes."""
        half = self.levels // 2
        return (indices[..., None] // self.basis % self.levels - half) / half


class Residual(nn.Sequential):
    """Two 3×3 convolutions beside an identity, which they begin as.

    Nothing is normalised over the picture, so that a code depends on what is near it alone.
    """

    def __init__(self, width: int):
        super().__init__(
            nn.BatchNorm2d(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        nn.init.zeros_(self[4].weight)
        nn.init.zeros_(self[4].bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


def _grow(narrow: int, wide: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(narrow, wide * 4, 3, padding=1), nn.PixelShuffle(2))


class ImageDecoder(nn.Module):
    """Pictures of 64×64 pixels ⇄ 8×8 codes of a vocabulary of 1000.

    It learns batch statistics only while `learning` is true; see `ImageEncoder`.

    Args:
        levels: how many values each channel of a code can take; their product is the vocabulary.
        channels: of the levels at a half, a quarter and an eighth of the resolution.
    """

    learning = False

    def __init__(
        self,
        levels: Sequence[int] = (8, 5, 5, 5),
        channels: tuple[int, int, int] = (24, 48, 96),
    ):
        super().__init__()
        fine, middle, coarse = channels
        self.quantiser = FiniteScalars(levels)
        self.codes = self.quantiser.codes
        self.length = self.max_length = SIDE * SIDE
        self.analyse = nn.Sequential(
            nn.Conv2d(3, fine, 4, stride=2, padding=1),
            nn.BatchNorm2d(fine),
            nn.SiLU(),
            nn.Conv2d(fine, middle, 4, stride=2, padding=1),
            Residual(middle),
            nn.Conv2d(middle, coarse, 4, stride=2, padding=1),
            Residual(coarse),
            nn.Conv2d(coarse, len(levels), 1),
            nn.BatchNorm2d(len(levels)),
        )
        self.synthesise = nn.Sequential(
            nn.Conv2d(len(levels), coarse, 3, padding=1),
            Residual(coarse),
            _grow(coarse, middle),
            Residual(middle),
            _grow(middle, fine),
            nn.BatchNorm2d(fine),
            nn.SiLU(),
            nn.Conv2d(fine, 3 * (2 * OUTPUT // INPUT) ** 2, 3, padding=1),
            nn.PixelShuffle(2 * OUTPUT // INPUT),
        )

    def train(self, mode: bool = True) -> ImageDecoder:
        return super().train(mode and self.learning)

    def quantise(self, pixels: Tensor) -> Tensor:
        """Rounded values `[batch, 8, 8, channels]` of pixels `[batch, 3, 64, 64]` in 0…1."""
        scaled = (pixels * 2 - 1).contiguous(memory_format=torch.channels_last)
        return self.quantiser(self.analyse(scaled).permute(0, 2, 3, 1))

    def paint(self, values: Tensor) -> Tensor:
        """Pixels `[batch, 3, 128, 128]`, about 0…1, of rounded values."""
        return self.synthesise(values.permute(0, 3, 1, 2)) / 2 + 0.5

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels through the code and back, for training."""
        return self.paint(self.quantise(pixels))

    @torch.inference_mode()
    def encode(self, value: Image.Image) -> Tensor:
        """Codes, int64 `[64]`, row by row, of a picture, which is letterboxed to 64×64."""
        like = self._like()
        pixels = torch.from_numpy(letterbox(value, INPUT)).to(like.device, like.dtype)
        return self.quantiser.indices(self.quantise(pixels[None])).flatten().cpu()

    @torch.inference_mode()
    def decode(self, codes: Tensor) -> Image.Image:
        """The picture, 256×256, of 64 codes.

        Raises:
            UsageError: if the codes are not 64 numbers of the vocabulary.
        """
        if (
            codes.shape != (self.length,)
            or not 0 <= int(codes.min()) <= int(codes.max()) < self.codes
        ):
            raise UsageError(
                f"a picture is made of {self.length} codes in 0…{self.codes - 1}, "
                f"not of {codes.numel()} codes in {_range(codes)}"
            )
        from PIL import Image

        like = self._like()
        values = self.quantiser.values(codes.to(like.device).long()).to(like.dtype)
        pixels = self.paint(values.view(1, SIDE, SIDE, -1))[0].float().clamp(0, 1)
        array = pixels.mul(255).round().byte().permute(1, 2, 0).cpu().numpy()
        return Image.fromarray(array).resize((PICTURE, PICTURE), Image.Resampling.BICUBIC)

    def _like(self) -> Tensor:
        return next(self.parameters())


def _range(codes: Tensor) -> str:
    return f"{int(codes.min())}…{int(codes.max())}" if codes.numel() else "nothing"
