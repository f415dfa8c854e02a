"""Where a PDF page shows pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pypdfium2

Box = tuple[float, float, float, float]
Place = Callable[[Any, float, float], tuple[float, float]]

LEAST_SIDE = 20.0
"""In points; smaller pictures are signs and rules."""

MOST = 50
"""Figures of a page at most."""

_DEPTH = 4
_TOUCHING = 1.0


def figure_boxes(page: pypdfium2.PdfPage, place: Place) -> list[Box]:
    """Left, top, right and bottom of each picture in points from the page's top left.

    A picture that was cut into strips, as some programs do, is one again. The order is that of
    reading: from the top, and from the left.

    Args:
        page: of PDFium.
        place: maps a point of the page's own coordinates to points from the top left.
    """
    import pypdfium2.raw as raw

    wide, high = page.get_size()
    boxes: list[Box] = []
    for shape in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=_DEPTH):
        corners = [place(page, x, y) for x, y in _corners(shape)]
        across, down = zip(*corners, strict=True)
        left, right = max(0.0, min(across)), min(wide, max(across))
        top, bottom = max(0.0, min(down)), min(high, max(down))
        if left < right and top < bottom:
            boxes.append((left, top, right, bottom))
        if len(boxes) > 4 * MOST:
            break
    whole = [box for box in _joined(boxes) if _sides(box) >= LEAST_SIDE]
    return sorted(whole, key=lambda box: (box[1], box[0]))[:MOST]


def _corners(shape: Any) -> list[tuple[float, float]]:
    """Corners of an image on the page: of the unit square under its own matrix and its forms'."""
    corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
    inner = shape
    while inner is not None:
        matrix = inner.get_matrix()
        corners = [matrix.on_point(x, y) for x, y in corners]
        inner = inner.container
    return corners


def _joined(boxes: list[Box]) -> list[Box]:
    """Boxes that touch or overlap are one."""
    found: list[Box] = []
    for box in boxes:
        mine = box
        while touching := [other for other in found if _touch(mine, other)]:
            found = [other for other in found if other not in touching]
            mine = _around([mine, *touching])
        found.append(mine)
    return found


def _touch(one: Box, other: Box) -> bool:
    return (
        one[0] <= other[2] + _TOUCHING
        and other[0] <= one[2] + _TOUCHING
        and one[1] <= other[3] + _TOUCHING
        and other[1] <= one[3] + _TOUCHING
    )


def _around(boxes: list[Box]) -> Box:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _sides(box: Box) -> float:
    return min(box[2] - box[0], box[3] - box[1])
