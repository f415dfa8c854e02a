"""Decoder of pictures: 64 codes ⇄ a picture, by a codebook of patches.

Vector quantisation on the pixels themselves (Gray, 1984): a picture of 64×64 pixels is 8×8 patches,
and each is written as the number of the nearest patch of the codebook, which is fitted to data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from omni.errors import UsageError
from omni.pixels import letterbox
from omni.plugins import Component

if TYPE_CHECKING:
    from PIL import Image

SIDE = 8
PATCH = 8
INPUT = SIDE * PATCH
PICTURE = 256


class ImageDecoder(nn.Module):
    """Pictures of 64×64 pixels ⇄ 8×8 codes of a vocabulary of patches.

    Args:
        codes: size of the vocabulary.
    """

    def __init__(self, codes: int = 1024):
        super().__init__()
        self.codes = codes
        self.length = self.max_length = SIDE * SIDE
        self.codebook = nn.Parameter(torch.rand(codes, 3 * PATCH * PATCH), requires_grad=False)

    @torch.no_grad()
    def quantise(self, patches: Tensor) -> Tensor:
        """The nearest code, int64 `[n]`, of patches `[n, 192]`; of equals the first."""
        book = self.codebook.float()
        distance = book.square().sum(1) - 2 * patches.to(book.device).float() @ book.T
        return distance.argmin(1)

    @torch.no_grad()
    def encode(self, value: Image.Image) -> Tensor:
        """Codes, int64 `[64]`, row by row, of a picture, which is letterboxed to 64×64."""
        pixels = torch.from_numpy(letterbox(value, INPUT))
        return self.quantise(cut(pixels[None])).cpu()

    @torch.no_grad()
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

        patches = self.codebook[codes.to(self.codebook.device).long()]
        pixels = join(patches.float())[0].clamp(0, 1)
        array = pixels.mul(255).round().byte().permute(1, 2, 0).cpu().numpy()
        return Image.fromarray(array).resize((PICTURE, PICTURE), Image.Resampling.BICUBIC)


def cut(pixels: Tensor) -> Tensor:
    """Pictures `[batch, 3, 64, 64]` as patches `[batch * 64, 192]`, row by row."""
    return functional.pixel_unshuffle(pixels, PATCH).permute(0, 2, 3, 1).flatten(0, 2)


def join(patches: Tensor) -> Tensor:
    """Patches `[batch * 64, 192]` as pictures `[batch, 3, 64, 64]`."""
    grid = patches.view(-1, SIDE, SIDE, patches.shape[1]).permute(0, 3, 1, 2)
    return functional.pixel_shuffle(grid, PATCH)


def _range(codes: Tensor) -> str:
    return f"{int(codes.min())}…{int(codes.max())}" if codes.numel() else "nothing"


COMPONENTS = (
    Component(
        kind="decoder",
        name="image",
        summary="64 codes to a picture, by a codebook of patches fitted by k-means.",
        paper="Gray, Vector Quantization, IEEE ASSP Magazine, 1984",
    ),
)
