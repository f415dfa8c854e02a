"""Decode an image file, whatever its colours and however hostile it is."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from omni import gif
from omni.errors import MediaError
from omni.media import Media

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 512 << 20
MAX_FRAMES_COUNTED = 1_000
_DEEP = 65_535


def read(media: Media, *, formats: tuple[str, ...], max_pixels: int) -> Image.Image:
    """The first frame of an image, upright, in RGB or RGBA.

    Its `info` keeps `frames`, how many the file has, and `stored`, how it holds its pixels.

    Raises:
        MediaError: if the file is no image of these formats, is damaged or too large.
    """
    from PIL import Image, UnidentifiedImageError

    if media.size > MAX_BYTES:
        raise MediaError(
            f"{media.name} has {media.size:,} bytes; an image may have at most {MAX_BYTES:,}"
        )
    with warnings.catch_warnings(), media.open() as stream:
        # Pillow warns of damaged metadata and of sizes; the latter are checked here.
        warnings.simplefilter("ignore")
        try:
            with Image.open(stream, formats=formats) as image:
                _check_size(media, image, max_pixels)
                return _upright(media, image)
        except MediaError:
            raise
        except Image.DecompressionBombError:
            raise MediaError(
                f"{media.name} declares more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels; "
                f"the limit is {max_pixels:,}: make it smaller first"
            ) from None
        except UnidentifiedImageError:
            raise MediaError(
                f"{media.name} is not a readable image: its header is damaged, cut short or of a "
                "rare kind; save it as PNG"
            ) from None
        # Pillow's decoders raise whatever a hostile file provokes: OSError, SyntaxError,
        # ValueError, struct.error, IndexError and more.
        except Exception as error:
            raise MediaError(
                f"{media.name} is a damaged or incomplete image ({_one_line(error)}): "
                "export or download it again"
            ) from None


def _check_size(media: Media, image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise MediaError(f"{media.name} declares a size of {width}×{height}: it has no pixels")
    if width * height > max_pixels:
        raise MediaError(
            f"{media.name} is {width:,}×{height:,} pixels; the limit is {max_pixels:,} pixels: "
            "make it smaller first"
        )


def _upright(media: Media, image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    stored = f"{image.format} {image.mode}"
    frames = _frames(media, image)
    image.load()
    upright = ImageOps.exif_transpose(_to_rgb(image))
    upright.info = {"stored": stored, "frames": frames}
    return upright


def _frames(media: Media, image: Image.Image) -> int:
    if not getattr(image, "is_animated", False):
        return 1
    if image.format == "GIF":
        with media.open() as stream:
            return max(1, gif.Outline(stream, limit=MAX_FRAMES_COUNTED).frames)
    if image.format == "TIFF":
        return _tiff_pages(image)
    return getattr(image, "n_frames", 1)


def _tiff_pages(image: Image.Image) -> int:
    pages = 1
    try:
        while pages < MAX_FRAMES_COUNTED:
            image.seek(pages)
            pages += 1
    except Exception:
        pass  # A damaged later page takes nothing from the first.
    image.seek(0)
    return pages


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return _from_numbers(image)
    transparent = "transparency" in image.info or image.mode in ("LA", "PA", "La", "RGBa")
    return image.convert("RGBA" if transparent else "RGB")


def _from_numbers(image: Image.Image) -> Image.Image:
    """Bring pixels of more than eight bits to eight.

    16-bit pixels have a known range. Wider ones and fractions have none: fractions within 0…1 are
    taken as they are, all else is stretched from the least to the greatest value.
    """
    import numpy as np
    from PIL import Image

    exif = image.getexif()
    values: Any = np.asarray(image)
    if image.mode.startswith("I;16") or image.format == "PNG":
        grey = _scaled(values, 0, _DEEP)
    else:
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        if image.mode == "F" and low >= 0 and high <= 1:
            low, high = 0.0, 1.0
        grey = _scaled(values, low, high)
    result = Image.fromarray(grey).convert("RGB")
    result.info["exif"] = exif.tobytes()
    return result


def _scaled(values: Any, low: float, high: float) -> Any:
    """Eight-bit greys of a band of rows at a time, which bounds the memory of the fractions."""
    import numpy as np

    grey = np.empty(values.shape, dtype=np.uint8)
    rows = max(1, (1 << 22) // values.shape[1])
    for top in range(0, len(values), rows):
        band = values[top : top + rows].astype(np.float64)
        share = (band - low) / ((high - low) or 1)
        grey[top : top + rows] = np.rint(np.nan_to_num(share, posinf=1).clip(0, 1) * 255)
    return grey


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
