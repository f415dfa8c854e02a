"""The image modality: its files, its limits and its pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from omni import gif
from omni.errors import MediaError
from omni.media import Media
from omni.modality import Features, Modality
from omni.pixels import flatten

from .features import TOKENS, image_features

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from omni.compression.budget import Grid

FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
}
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
)
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "image/jpeg": {"quality": 95, "subsampling": 0},
    "image/webp": {"lossless": True},
    "image/tiff": {"compression": "tiff_deflate"},
}
_TALLEST = 4
"""A picture is at most this many times as high as it is wide."""


class ImageModality(Modality):
    """Still images, decoded to a `PIL.Image.Image` in mode RGB or RGBA, upright.

    Attributes:
        max_pixels: an image of more is refused before it is decoded.
    """

    name = "image"
    prefix = "img"
    words = ("picture", "photo", "photograph", "drawing", "painting", "screenshot", "diagram")
    mime_types = tuple(FORMATS)
    suffixes = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
    block = "image"

    def __init__(self, *, max_pixels: int = 64_000_000):
        self.max_pixels = max_pixels

    def sniff(self, head: bytes, name: str) -> str | None:
        for signature, mime in _SIGNATURES:
            if head.startswith(signature):
                return mime
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return "image/webp"
        if head.startswith(gif.SIGNATURES):
            return None if gif.moves(head) else "image/gif"
        if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
            return "image/bmp"
        return None

    def load(self, media: Media) -> Image.Image:
        from .reading import read

        return read(media, formats=tuple(FORMATS.values()), max_pixels=self.max_pixels)

    def save(self, value: Image.Image, *, name: str, mime: str | None = None) -> Media:
        mime = mime or self.mime_types[0]
        if mime not in FORMATS:
            raise MediaError(
                f"cannot write {name} as {mime!r}: images are written as {', '.join(FORMATS)}"
            )
        if value.mode not in ("RGB", "RGBA") or mime in ("image/jpeg", "image/bmp"):
            value = flatten(value)
        stream = io.BytesIO()
        value.save(stream, FORMATS[mime], **_SAVE_OPTIONS.get(mime, {}))
        return Media.from_bytes(stream.getvalue(), modality=self.name, mime=mime, name=name)

    def facts(self, value: Image.Image) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "width": value.width,
            "height": value.height,
            "transparency": value.mode == "RGBA" and any(value.getchannel("A").histogram()[:255]),
        }
        if value.info.get("frames", 1) > 1:
            facts["frames"] = value.info["frames"]
        if stored := value.info.get("stored"):
            facts["stored"] = stored
        return facts

    def picture(self, value: Image.Image, *, width: int = 640) -> Image.Image:
        from PIL import Image

        scale = min(width / value.width, width * _TALLEST / value.height)
        size = (max(1, round(value.width * scale)), max(1, round(value.height * scale)))
        scaled = flatten(value).resize(size, Image.Resampling.LANCZOS)
        if scaled.width == width:
            return scaled
        canvas = Image.new("RGB", (width, scaled.height), "white")
        canvas.paste(scaled, ((width - scaled.width) // 2, 0))
        return canvas

    def overlay(
        self, value: Image.Image, grid: Grid, places: Sequence[int], *, width: int = 640
    ) -> Image.Image:
        """The square that the encoder sees; what it has beside the picture is grey."""
        from omni.compression.overlay import overlay
        from omni.pixels import boxed

        return overlay(boxed(value, width), grid, places)

    def example(self, seed: int = 0) -> Image.Image:
        import numpy as np
        from PIL import Image, ImageDraw

        chance = np.random.default_rng(seed)
        ground, colour = (tuple(int(c) for c in chance.integers(0, 256, 3)) for _ in range(2))
        left, top = (int(edge) for edge in chance.integers(2, 12, 2))
        image = Image.new("RGB", (48, 32), ground)
        ImageDraw.Draw(image).ellipse((left, top, left + 18, top + 18), fill=colour)
        return image

    def estimate_tokens(self, value: Image.Image) -> int:
        return TOKENS

    def features(self, value: Image.Image) -> Features:
        return image_features(value)

    def encoder(self, **config: Any) -> torch.nn.Module:
        from .encoder import ImageEncoder

        return ImageEncoder(**config)

    def decoder(self, **config: Any) -> torch.nn.Module:
        from .decoder import ImageDecoder

        return ImageDecoder(**config)
