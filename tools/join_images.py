"""Put pictures next to one another, or below."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool, Blocks, made

COMPONENTS = (Component("tool", "join_images", "Several pictures in one, in a row or a column."),)

_GAP = 8
_LARGEST = 8192


class _Join(Arguments):
    images: list[str] = Field(
        min_length=2, max_length=16, description="handles in order, such as [img-1, img-2]"
    )
    direction: Literal["row", "column"] = Field(
        "row", description="row: next to one another; column: below one another"
    )


class JoinImages(BenchTool):
    """All are brought to the height (in a row) or the width (in a column) of the first."""

    name: str = "join_images"
    description: str = "Put two or more pictures into one, next to or below one another."
    args_schema: Any = _Join
    makes = "image"

    def work(self, images: list[str], direction: Literal["row", "column"] = "row") -> Blocks:
        from PIL import Image

        pictures = [self.bench.value(name, "image").convert("RGB") for name in images]
        across = direction == "row"
        side = pictures[0].height if across else pictures[0].width
        scaled = []
        for picture in pictures:
            factor = side / (picture.height if across else picture.width)
            size = (
                (round(picture.width * factor), side)
                if across
                else (side, round(picture.height * factor))
            )
            size = max(1, size[0]), max(1, size[1])
            scaled.append(
                picture.resize(size, Image.Resampling.LANCZOS) if size != picture.size else picture
            )
        length = sum(one.width if across else one.height for one in scaled) + _GAP * (
            len(scaled) - 1
        )
        if max(length, side) > _LARGEST:
            raise Retry(
                f"together they have {length} pixels, more than {_LARGEST}: resize them first"
            )
        canvas = Image.new("RGB", (length, side) if across else (side, length), "white")
        place = 0
        for one in scaled:
            canvas.paste(one, (place, 0) if across else (0, place))
            place += (one.width if across else one.height) + _GAP
        words = f"{', '.join(images)} in a {direction}, {canvas.width}×{canvas.height}."
        return made("image", canvas, name="joined.png", words=words)


plugin = JoinImages
