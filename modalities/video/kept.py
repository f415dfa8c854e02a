"""The frames of a clip with what a selector kept of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from omni.compression.budget import Grid
from omni.compression.overlay import cells
from omni.pixels import boxed
from omni.values import Clip

from .features import evenly

if TYPE_CHECKING:
    from PIL import Image

_COLUMNS, _GAP, _LINE = 4, 6, 14
_INK = (90, 90, 90)


def kept_frames(clip: Clip, grid: Grid, places: Sequence[int], width: int) -> Image.Image:
    """A strip of the frames that are encoded, in reading order, four in a row.

    Below each stands when it is shown, and how many of its tokens were kept.

    Args:
        clip: with at least as many frames as the grid.
        grid: of its tokens.
        places: of those that were kept.
        width: of the picture, which is at least a pixel a cell wide.
    """
    from PIL import Image, ImageDraw

    chosen = evenly(clip.times, grid.time)
    columns = min(_COLUMNS, len(chosen))
    side = max(grid.width, grid.height, (width - _GAP * (columns - 1)) // columns)
    across = columns * side + _GAP * (columns - 1)
    rows = -(-len(chosen) // columns)
    strip = Image.new("RGB", (across, rows * (side + _LINE + _GAP) - _GAP), "white")
    pen = ImageDraw.Draw(strip)
    area = grid.height * grid.width
    for frame, index in enumerate(chosen):
        row, column = divmod(frame, columns)
        corner = column * (side + _GAP), row * (side + _LINE + _GAP)
        seen = boxed(Image.fromarray(clip.frames[index]), side)
        strip.paste(cells(seen, grid, places, frame), corner)
        own = sum(frame * area <= place < (frame + 1) * area for place in places)
        told = f"{clip.times[index]:.2f} s: {own} of {area}"
        pen.text((corner[0] + 2, corner[1] + side + 1), told, fill=_INK)
    return strip
