"""A content switch: pages and other pictures full of writing are compressed only weakly.

Selection that costs a photograph nothing ruins a page: at a quarter of the tokens, published
methods lose between a fifth and nearly all of what a reader of documents can do. So the budget has
to know what it is looking at, before anything is encoded.
"""

from __future__ import annotations

import torch
from torch import Tensor

from omni.errors import UsageError

THRESHOLD = 0.08
"""Edge density from which on a picture counts as rich in text.

Measured on the pictures that scikit-image brings, 448 pixels long: a scanned page 0.12, grass 0.11,
and ten other photographs at most 0.035; pages drawn in black on white 0.19 to 0.38. At 224 pixels a
portrait comes to 0.077. One photograph of a few large words, 0.016, is missed.
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


def text_rich(density: float, threshold: float = THRESHOLD) -> bool:
    """Whether a picture of this edge density is taken for one that is full of writing."""
    return density >= threshold


def gentle(keep: float, density: float | None, weakest: float = WEAKEST) -> float:
    """The share of tokens to keep of a picture when `keep` is what all media keep by default.

    Args:
        keep: that share. One that a person asked for is not passed through here.
        density: the picture's edge density on the host, or `None` for media that are no pictures.
        weakest: the smallest share of a picture rich in text.
    """
    if density is None or not text_rich(density):
        return keep
    return max(keep, weakest)
