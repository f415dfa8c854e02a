"""A content switch: pages and other pictures full of writing are compressed only weakly.

Selection that costs a photograph nothing ruins a page: at a quarter of the tokens, published
methods lose between a fifth and nearly all of what a reader of documents can do. So the budget has
to know what it is looking at, before anything is encoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from omni.errors import UsageError

THRESHOLD = 0.08
"""Edge density from which on a picture counts as rich in text.

Measured on the pictures that scikit-image brings, 448 pixels long: a scanned page 0.12, grass 0.11,
and ten other photographs at most 0.035; pages drawn in black on white 0.19 to 0.38. At 224 pixels a
portrait comes to 0.077. One photograph of a few large words, 0.016, is missed.
"""

GROUND = 0.5
"""The share of a page that is flat ground. Of the pictures above, scanned pages have 0.68 and more,
grass and gravel, which have as many edges, 0.45 and less, and noise 0.1.
"""

WEAKEST = 0.75
"""The smallest share of tokens that is kept of a picture rich in text, unless it is asked for."""


def edge_density(picture: Tensor, contrast: float = 0.2) -> Tensor:
    """The share of pixels that differ sharply from the one to their right or below: 0-d float32.

    Writing consists of strokes a few pixels wide with hard edges on both sides. Photographs have
    hard edges along few lines only, and soft changes elsewhere. This is a rule of thumb: foliage,
    fabric and noise have dense edges too and are taken for writing, which costs tokens but no
    answer; writing that is pale, blurred, or large and sparse is not noticed.

    Args:
        picture: `[3, H, W]` in RGB or `[H, W]`, in 0…1, at the resolution that is encoded. What is
            not finite is black.
        contrast: how much the brightness of neighbours has to differ.
    """
    grey = picture.float().nan_to_num(0.0, 0.0, 0.0)
    if grey.dim() == 3 and len(grey) == 3:
        grey = 0.299 * grey[0] + 0.587 * grey[1] + 0.114 * grey[2]
    if grey.dim() != 2 or not grey.numel():
        raise UsageError(
            f"a picture is [3, height, width] or [height, width], not {list(picture.shape)}"
        )
    sharp = torch.zeros_like(grey, dtype=torch.bool)
    sharp[:, :-1] |= (grey[:, 1:] - grey[:, :-1]).abs() > contrast
    sharp[:-1] |= (grey[1:] - grey[:-1]).abs() > contrast
    return sharp.float().mean()


def writing(pictures: Tensor, contrast: float = 0.2, ground: float = 0.05) -> Tensor:
    """The edge density of each picture, or 0 where hard edges do not stand on flat ground: `[n]`.

    Args:
        pictures: `[n, 3, H, W]` as an encoder is given them, normalised in whatever way: each is
            stretched from its darkest value to its brightest.
        contrast: how much neighbours of an edge differ.
        ground: how little neighbours of flat ground differ.
    """
    x = pictures.float().nan_to_num(0.0, 0.0, 0.0)
    low = x.amin((1, 2, 3), keepdim=True)
    x = (x - low) / (x.amax((1, 2, 3), keepdim=True) - low).clamp(min=1e-6)
    grey = 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]
    right = (grey[:, :-1, 1:] - grey[:, :-1, :-1]).abs()
    below = (grey[:, 1:, :-1] - grey[:, :-1, :-1]).abs()
    change = torch.maximum(right, below)
    edges = (change > contrast).float().mean((1, 2))
    return torch.where((change < ground).float().mean((1, 2)) >= GROUND, edges, 0.0)


def densities(given: Mapping[str, Any], count: int) -> list[float]:
    """`writing` of each of `count` items, from the arguments of an image encoder.

    Of a picture in tiles it is that of the tile which is most like a page. None, if pictures are
    given in a way that is not known here.
    """
    pixels = given.get("pixel_values")
    if not isinstance(pixels, Tensor):
        return []
    if pixels.dim() == 2 and given.get("image_grid_thw") is not None:
        sizes = given["image_grid_thw"].prod(-1).tolist()
        return [_patched(part) for part in pixels.split(sizes)] if len(sizes) == count else []
    if pixels.dim() == 4 and len(pixels) == count:
        return writing(pixels).tolist()
    if pixels.dim() == 5 and len(pixels) == count:
        return writing(pixels.flatten(0, 1)).view(len(pixels), -1).amax(1).tolist()
    if pixels.dim() == 5:
        every = pixels.flatten(0, 1)
        real = every[(every != 0).flatten(1).any(1)]
        return writing(real).tolist() if len(real) == count else []
    return []


def _patched(patches: Tensor) -> float:
    """Of `[n, 3 frames P P]`, patches of one picture, edges between which are left out."""
    side = round((patches.shape[1] // 6) ** 0.5)
    if patches.shape[1] != 6 * side * side:
        return 0.0
    # Patch beside patch, so that all are stretched alike; neighbours of two patches are few.
    tall = patches.view(len(patches), 3, 2, side, side)[:, :, 0].transpose(0, 1)
    return float(writing(tall.reshape(1, 3, -1, side)))


def text_rich(density: float, threshold: float = THRESHOLD) -> bool:
    """Whether a picture of this edge density is taken for one that is full of writing."""
    return density >= threshold


def gentle(keep: float, density: float | None, weakest: float = WEAKEST) -> float:
    """The share of tokens to keep of a picture when `keep` is what all media keep by default.

    Args:
        keep: that share.
        density: the picture's edge density on the host, or `None` for media that are no pictures.
        weakest: the smallest share of a picture rich in text.
    """
    if density is None or not text_rich(density):
        return keep
    return max(keep, weakest)
