"""From a decoded image to the tensor that its encoder takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omni.modality import Features
from omni.pixels import letterbox

if TYPE_CHECKING:
    from PIL import Image

SIZE = 96
PATCH = 8
TOKENS = (SIZE // PATCH) ** 2


def image_features(image: Image.Image, *, size: int = SIZE) -> Features:
    """`pixels [3, size, size]` in 0…1: the whole image, letterboxed on mid-grey."""
    import torch

    return {"pixels": torch.from_numpy(letterbox(image, size))}
