"""Cut a part out of a picture, enlarged so that small things can be seen."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool, Blocks, made

COMPONENTS = (
    Component("tool", "crop_image", "A part of a picture, enlarged, with where it lies."),
)

_LARGEST = 4096


class _Part(Arguments):
    image: str = Field(description="handle of the picture, such as img-1")
    left: float = Field(description="left edge: pixels, or a share if all four are 0…1")
    top: float = Field(description="top edge")
    right: float = Field(description="right edge")
    bottom: float = Field(description="bottom edge")
    zoom: float = Field(1.0, gt=0, le=16, description="how many times larger to show it")


class CropImage(BenchTool):
    """Crops, and says where the part lies in the whole."""

    name: str = "crop_image"
    description: str = (
        "Cut a rectangle out of a picture and zoom into it, to look closer. Coordinates count "
        "from the top left, in pixels, or in shares of the size if all four are within 0…1."
    )
    args_schema: Any = _Part
    makes = "image"

    def work(
        self, image: str, left: float, top: float, right: float, bottom: float, zoom: float = 1.0
    ) -> Blocks:
        from PIL import Image

        picture = self.bench.value(image, "image")
        box = pixels((left, top, right, bottom), picture.size)
        part = picture.crop(box)
        size = round(part.width * zoom), round(part.height * zoom)
        if max(size) > _LARGEST:
            raise Retry(f"{size[0]}×{size[1]} is too large: zoom at most {_LARGEST}/side")
        if size != part.size:
            part = part.resize((max(1, size[0]), max(1, size[1])), Image.Resampling.LANCZOS)
        words = (
            f"Pixels {box[0]}…{box[2]} across and {box[1]}…{box[3]} down of {image}, which has "
            f"{picture.width}×{picture.height}, shown as {part.width}×{part.height}."
        )
        return made("image", part, name="part.png", words=words)


def pixels(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[int, ...]:
    """Whole pixels of a box in pixels or shares, cut off at the edges.

    Raises:
        Retry: if nothing of the picture is in it.
    """
    if all(0 <= edge <= 1 for edge in box) and max(box[2:]) <= 1:
        box = (box[0] * size[0], box[1] * size[1], box[2] * size[0], box[3] * size[1])
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right, bottom = min(size[0], -int(-box[2] // 1)), min(size[1], -int(-box[3] // 1))
    if left >= right or top >= bottom:
        raise Retry(
            f"left {box[0]:g}, top {box[1]:g}, right {box[2]:g}, bottom {box[3]:g} holds nothing "
            f"of a picture of {size[0]}×{size[1]} pixels: left before right, top before bottom"
        )
    return left, top, right, bottom


plugin = CropImage
