"""What was kept of a medium, drawn over its picture: kept tokens clear, dropped ones dim.

Modalities draw their own, with these parts; see `omni.modality.Modality.overlay`. Nothing here
needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from omni.compression.budget import Grid
from omni.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

BRIGHTEST, DARKEST = 0.45, 0.15
"""How much of its brightness a dropped cell keeps: of the highest score and of the lowest."""

DIM = (BRIGHTEST + DARKEST) / 2
FADED = 0.4
"""How much of itself a dropped span keeps."""

KEPT, DROPPED, LINE = (46, 160, 67), (200, 200, 204), (128, 128, 128)

_NARROWEST = 6
"""Pixels of a cell, below which lines would hide it."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, of which the last two are just outside."""


def overlay(picture: Image.Image, grid: Grid, places: Sequence[int]) -> Image.Image:
    """Draw what was kept over a picture of an item, by how its tokens lie.

    Tokens in rows and columns are cells of the picture, tokens in time are spans from left to
    right, and tokens in no order are counted below it.

    Raises:
        UsageError: if a place lies outside the grid.
    """
    _check(grid.tokens, places)
    flat = grid.time == 1 and grid.height > 1
    if flat and picture.width >= grid.width and picture.height >= grid.height:
        return cells(picture, grid, places)
    if grid.tokens == grid.time > 1:
        return spans(picture, (0, 0, *picture.size), grid.time, places)
    return tally(picture, grid.tokens, places)


def cells(picture: Image.Image, grid: Grid, places: Sequence[int], frame: int = 0) -> Image.Image:
    """`draw`, with lines between the cells, and a frame around each that was kept."""
    from PIL import ImageDraw

    drawn = draw(picture, grid, places, frame=frame)
    pen = ImageDraw.Draw(drawn, "RGBA")
    if min(drawn.width // grid.width, drawn.height // grid.height) < _NARROWEST:
        return drawn
    for column in range(1, grid.width):
        x = column * drawn.width // grid.width
        pen.line((x, 0, x, drawn.height), fill=(*LINE, 110))
    for row in range(1, grid.height):
        y = row * drawn.height // grid.height
        pen.line((0, y, drawn.width, y), fill=(*LINE, 110))
    area = grid.height * grid.width
    for place in places:
        if frame * area <= place < (frame + 1) * area:
            left, top, right, bottom = _cell(drawn, grid, place - frame * area)
            pen.rectangle((left, top, right - 1, bottom - 1), outline=(*KEPT, 255))
    return drawn


def spans(
    picture: Image.Image, box: Box, count: int, places: Sequence[int], share: float = 1.0
) -> Image.Image:
    """Dim what was dropped of `count` equal spans that lie from left to right in a box.

    Args:
        picture: any picture; the answer is in RGB.
        box: where the spans lie in it.
        count: how many there are.
        places: of those that were kept.
        share: how much of the box's width they cover; what lies beyond was not heard at all.
    """
    from PIL import Image, ImageDraw

    _check(count, places)
    drawn = picture.convert("RGB")
    left, top, right, bottom = box
    width = right - left
    edges = [left + round(width * share * number / count) for number in range(count + 1)]
    kept = set(places)
    lost = [(edges[n], edges[n + 1]) for n in range(count) if n not in kept]
    if edges[-1] < right:
        lost.append((edges[-1], right))
    for start, end in lost:
        part = drawn.crop((start, top, end, bottom))
        if part.width:
            # Grey, since black would swallow the dark curves of plots.
            drawn.paste(Image.blend(Image.new("RGB", part.size, LINE), part, FADED), (start, top))
    pen = ImageDraw.Draw(drawn)
    for start, end in _runs(sorted(kept)):
        pen.line((edges[start], bottom - 2, edges[end] - 1, bottom - 2), fill=KEPT, width=3)
    return drawn


def tally(picture: Image.Image, count: int, places: Sequence[int]) -> Image.Image:
    """Add a bar below with a box for each token: those kept are green."""
    from PIL import Image, ImageDraw

    _check(count, places)
    height = 12
    drawn = Image.new("RGB", (picture.width, picture.height + height), "white")
    drawn.paste(picture.convert("RGB"), (0, 0))
    pen = ImageDraw.Draw(drawn)
    kept = set(places)
    gap = int(drawn.width // count >= _NARROWEST)
    for number in range(count):
        start, end = (drawn.width * edge // count for edge in (number, number + 1))
        colour = KEPT if number in kept else DROPPED
        pen.rectangle((start, picture.height + 2, max(start, end - 1 - gap), drawn.height), colour)
    return drawn


def draw(
    image: Image.Image,
    grid: Grid,
    places: Sequence[int],
    scores: Sequence[float | None] | None = None,
    frame: int = 0,
) -> Image.Image:
    """The picture with its dropped cells dimmed; kept ones are as they were.

    Cells are as even as whole pixels allow, and cover the picture. A dropped cell is the darker the
    lower its score is among the dropped; all are equally dark if there are no scores.

    Args:
        image: any picture; the answer is in RGB.
        grid: how the tokens lie over it.
        places: kept tokens of the item.
        scores: of all tokens of the item; those that are not finite, or `None`,
            count as the lowest.
        frame: which frame of the item the picture is.

    Raises:
        UsageError: if a place lies outside the grid, there are not as many scores as tokens, or the
            picture has fewer pixels than cells.
    """
    from PIL import Image as pillow

    area = grid.height * grid.width
    if not 0 <= frame < grid.time:
        raise UsageError(f"the grid has frames 0 to {grid.time - 1}, not {frame}")
    if scores is not None and len(scores) != grid.tokens:
        raise UsageError(f"{len(scores)} scores for {grid.tokens} tokens: give one a token")
    _check(grid.tokens, places)
    if image.width < grid.width or image.height < grid.height:
        raise UsageError(
            f"a picture of {image.width} × {image.height} pixels cannot show {grid.width} × "
            f"{grid.height} cells: give a larger one"
        )
    kept = {place - frame * area for place in places}
    lost = [place for place in range(area) if place not in kept]
    levels = _levels(lost, None if scores is None else scores[frame * area :])
    drawn = image.convert("RGB")
    black = pillow.new("RGB", drawn.size)
    for place, level in zip(lost, levels, strict=True):
        box = _cell(drawn, grid, place)
        drawn.paste(pillow.blend(black.crop(box), drawn.crop(box), level), box)
    return drawn


def _cell(picture: Image.Image, grid: Grid, place: int) -> Box:
    row, column = divmod(place, grid.width)
    return (
        column * picture.width // grid.width,
        row * picture.height // grid.height,
        (column + 1) * picture.width // grid.width,
        (row + 1) * picture.height // grid.height,
    )


def _levels(lost: Sequence[int], scores: Sequence[float | None] | None) -> list[float]:
    """How bright each dropped cell stays."""
    if scores is None:
        return [DIM] * len(lost)
    own = [math.nan if scores[place] is None else float(scores[place] or 0) for place in lost]
    finite = [score for score in own if math.isfinite(score)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    shares = [(score - low) / (high - low) if high > low else 0.5 for score in own]
    return [
        DARKEST + (BRIGHTEST - DARKEST) * share if math.isfinite(score) else DARKEST
        for score, share in zip(own, shares, strict=True)
    ]


def _check(count: int, places: Sequence[int]) -> None:
    wrong = [place for place in places if not 0 <= place < count]
    if wrong:
        raise UsageError(f"token {wrong[0]} lies outside a grid of {count} tokens")


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Stretches without a gap, as first and one past the last."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs
