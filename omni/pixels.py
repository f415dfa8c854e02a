"""Pictures as arrays: what all who show pixels to an encoder, or draw them, do alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image
    from torch import Tensor

GREY = 0.5


def flatten(image: Image.Image) -> Image.Image:
    """The picture in RGB; what is transparent shows white."""
    from PIL import Image

    if image.mode == "RGB":
        return image
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        opaque = image.convert("RGBA")
        white = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(white, opaque).convert("RGB")
    return image.convert("RGB")


def fitted(width: int, height: int, size: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of a picture scaled to fit into a square, its aspect kept."""
    scale = size / max(width, height)
    wide, high = (max(1, min(size, round(side * scale))) for side in (width, height))
    return (size - wide) // 2, (size - high) // 2, wide, high


def letterbox(image: Image.Image, size: int) -> np.ndarray:
    """The whole picture, centred on a mid-grey square: float32 `[3, size, size]` in 0…1."""
    import numpy as np
    from PIL import Image

    left, top, wide, high = fitted(*image.size, size)
    small = flatten(image)
    if small.size != (wide, high):
        small = small.resize((wide, high), Image.Resampling.LANCZOS)
    square = np.full((3, size, size), GREY, dtype=np.float32)
    pixels = np.asarray(small, dtype=np.float32) / 255
    square[:, top : top + high, left : left + wide] = pixels.transpose(2, 0, 1)
    return square


def boxed(image: Image.Image, size: int) -> Image.Image:
    """What `letterbox` answers, as a picture."""
    import numpy as np
    from PIL import Image

    pixels = (letterbox(image, size) * 255).round().astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def enlarged(pixels: np.ndarray, size: int) -> Image.Image:
    """The picture, of that width and height, of pixels `[h, w, 3]` in 0…1."""
    import numpy as np
    from PIL import Image

    array = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(array).resize((size, size), Image.Resampling.BICUBIC)


def cut(pixels: Tensor, side: int) -> Tensor:
    """Pictures `[batch, channels, h, w]` as patches `[n, channels * side * side]`, row by row."""
    from torch.nn import functional

    return functional.pixel_unshuffle(pixels, side).permute(0, 2, 3, 1).flatten(0, 2)


def join(patches: Tensor, side: int, across: int) -> Tensor:
    """What `cut` has cut, as square pictures of `across` patches in each row."""
    from torch.nn import functional

    grid = patches.view(-1, across, across, patches.shape[1]).permute(0, 3, 1, 2)
    return functional.pixel_shuffle(grid, side)
