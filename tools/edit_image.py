"""Change a whole picture: light, colour, size, direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool, Blocks, made

if TYPE_CHECKING:
    from PIL import Image

COMPONENTS = (
    Component("tool", "edit_image", "Brighter, darker, grey, blurred, turned, mirrored, resized."),
)

_LARGEST = 4096
_USUAL = {"brighten": 1.5, "darken": 0.6, "contrast": 1.5, "saturate": 1.6, "blur": 4, "resize": 2}

Change = Literal[
    "brighten", "darken", "contrast", "saturate", "grey", "invert", "blur", "sharpen",
    "rotate_left", "rotate_right", "turn_around", "mirror", "flip", "resize",
]  # fmt: skip


class _Edit(Arguments):
    image: str = Field(description="handle of the picture, such as img-1")
    change: Change = Field(description="what to do")
    amount: float | None = Field(
        None,
        gt=0,
        le=16,
        description=(
            "how much, if it matters: factor of brightness, contrast, saturation or size, "
            "such as 1.5 or 0.5; radius of a blur in pixels"
        ),
    )


class EditImage(BenchTool):
    """One change a call, so that each has its own handle and lineage."""

    name: str = "edit_image"
    description: str = (
        "Change a picture as a whole: brighten, darken, contrast, saturate, grey, invert, blur, "
        "sharpen, rotate, mirror (left and right), flip (top and bottom) or resize."
    )
    args_schema: Any = _Edit
    makes = "image"

    def work(self, image: str, change: Change, amount: float | None = None) -> Blocks:
        picture = self.bench.value(image, "image")
        found = CHANGES[change](picture, amount or _USUAL.get(change, 1.0))
        words = f"{image} changed: {change.replace('_', ' ')}."
        return made("image", found, name=f"{change}.png", words=words)


def _enhanced(kind: str) -> Callable[[Image.Image, float], Image.Image]:
    def change(picture: Image.Image, amount: float) -> Image.Image:
        from PIL import ImageEnhance

        return getattr(ImageEnhance, kind)(picture).enhance(amount)

    return change


def _filtered(kind: str) -> Callable[[Image.Image, float], Image.Image]:
    def change(picture: Image.Image, amount: float) -> Image.Image:
        from PIL import ImageFilter

        radius = (amount,) if kind == "GaussianBlur" else (2.0, int(100 * amount))
        return picture.filter(getattr(ImageFilter, kind)(*radius))

    return change


def _turned(kind: str) -> Callable[[Image.Image, float], Image.Image]:
    def change(picture: Image.Image, _: float) -> Image.Image:
        from PIL import Image

        return picture.transpose(getattr(Image.Transpose, kind))

    return change


def _darken(picture: Image.Image, amount: float) -> Image.Image:
    return _enhanced("Brightness")(picture, amount if amount < 1 else 1 / amount)


def _on_colours(work: Callable[[Image.Image], Image.Image]) -> Any:
    """Do it to the colours and leave what is see-through as it is."""

    def change(picture: Image.Image, _: float) -> Image.Image:
        found = work(picture.convert("RGB")).convert("RGB")
        if picture.mode == "RGBA":
            found.putalpha(picture.getchannel("A"))
        return found

    return change


def _grey(picture: Image.Image) -> Image.Image:
    return picture.convert("L")


def _inverted(picture: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.invert(picture)


def _resized(picture: Image.Image, amount: float) -> Image.Image:
    from PIL import Image

    size = max(1, round(picture.width * amount)), max(1, round(picture.height * amount))
    if max(size) > _LARGEST:
        raise Retry(
            f"{size[0]}×{size[1]} pixels is too large: at most {_LARGEST} a side, so an amount of "
            f"up to {_LARGEST / max(picture.size):.2g}"
        )
    return picture.resize(size, Image.Resampling.LANCZOS)


CHANGES: Mapping[str, Callable[[Any, float], Any]] = {
    "brighten": _enhanced("Brightness"),
    "darken": _darken,
    "contrast": _enhanced("Contrast"),
    "saturate": _enhanced("Color"),
    "grey": _on_colours(_grey),
    "invert": _on_colours(_inverted),
    "blur": _filtered("GaussianBlur"),
    "sharpen": _filtered("UnsharpMask"),
    "rotate_left": _turned("ROTATE_90"),
    "rotate_right": _turned("ROTATE_270"),
    "turn_around": _turned("ROTATE_180"),
    "mirror": _turned("FLIP_LEFT_RIGHT"),
    "flip": _turned("FLIP_TOP_BOTTOM"),
    "resize": _resized,
}

plugin = EditImage
