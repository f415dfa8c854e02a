"""Words in pictures and where they stand, by rapidocr, whose models come with its package."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.extras import available, need
from omni.pixels import flatten

if TYPE_CHECKING:
    from PIL import Image

NAME = "rapidocr"
_LEAST_SIDE = 12  # pixels; no letter is smaller
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of writing.

    Attributes:
        text: what it says.
        box: left, top, right, bottom, as shares 0…1 of the picture from its top left.
        score: how sure the recogniser is, 0…1.
    """

    text: str
    box: tuple[float, float, float, float]
    score: float


def can_read() -> bool:
    """Whether writing can be read on this machine."""
    return available("rapidocr") and available("onnxruntime")


def reader() -> str:
    """The recogniser with its version; empty if there is none."""
    return f"{NAME} {version(NAME)}" if can_read() else ""


def read(picture: Image.Image, *, least: float = 0.5, largest: int = 4000) -> list[Line]:
    """Lines in a picture, from top to bottom and from left to right.

    Args:
        picture: of any mode and size; what is transparent is white.
        least: lines that the recogniser is less sure of are left out.
        largest: pixels of the longer side; larger pictures are read smaller.

    Raises:
        MissingExtra: if rapidocr is not installed.
    """
    picture = flatten(picture)
    if min(picture.size) < _LEAST_SIDE:
        return []
    if max(picture.size) > largest:
        picture = picture.copy()
        picture.thumbnail((largest, largest))
    pixels = np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])  # blue first, as it wants
    engine = _engine()
    with _lock:
        found = engine(pixels)
    if found.boxes is None or not found.txts:
        return []
    lines = [
        Line(text.strip(), _box(corners, picture.size), float(score))
        for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        # It sees a sign in a circle, too; without a letter or digit it is no writing.
        if score >= least and any(map(str.isalnum, text))
    ]
    return in_order(lines)


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Lines as one reads them: those that overlap in height by half stand in one row."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.box[1] + line.box[3]) / 2):
        middle = (line.box[1] + line.box[3]) / 2
        if rows and rows[-1][0].box[1] <= middle <= rows[-1][0].box[3]:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.box[0])]


def _box(corners: Any, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The upright box around four corners `[4, 2]` in pixels, as shares."""
    shares = (np.asarray(corners, dtype=np.float64) / size).clip(0, 1)
    (left, top), (right, bottom) = shares.min(0), shares.max(0)
    return float(left), float(top), float(right), float(bottom)


@lru_cache(maxsize=1)
def _engine() -> Any:
    package: Any = need("rapidocr", extra="offline")
    need("onnxruntime", extra="offline")
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    threads = max(1, min(4, (os.cpu_count() or 2) // 2))
    return package.RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
