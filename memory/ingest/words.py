"""Words in pictures, by rapidocr where it is installed."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.extras import available, need
from omni.pixels import flatten

from .layout import Block, Box, Line, blocks, share

if TYPE_CHECKING:
    from PIL import Image

LARGEST_SIDE = 2000
"""Larger pictures are made smaller before they are read."""

LEAST_SURE = 0.6
_LEAST_SIDE = 12
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Words:
    """What was read in a picture: lines, their boxes as shares 0…1, in reading order."""

    lines: tuple[Line, ...]
    by: str

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def blocks(self, size: int) -> list[tuple[str, Box, Block]]:
        """Text and box of each block."""
        found = []
        for block in blocks(self.lines, size):
            box = share(block.box, 1, 1)
            text = "\n".join(line.text for line in self.lines[block.first : block.last])
            if box is not None:
                found.append((text, box, block))
        return found


def can_read() -> bool:
    """Whether words in pictures can be read on this machine."""
    return available("rapidocr") and available("onnxruntime")


def reader_name() -> str:
    """The recogniser and its version."""
    return f"rapidocr {version('rapidocr')}" if can_read() else ""


def read_words(picture: Image.Image) -> Words:
    """The words in a picture.

    Raises:
        MissingExtra: if rapidocr is not installed.
    """
    engine = _engine()
    small = flatten(picture)
    if min(small.size) < _LEAST_SIDE:
        return Words((), reader_name())
    if max(small.size) > LARGEST_SIDE:
        small = small.copy()
        small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    pixels = np.ascontiguousarray(np.asarray(small)[..., ::-1])  # blue first, as it wants
    with _lock:
        found = engine(pixels)
    width, height = small.size
    lines = []
    for corners, text, sure in zip(
        found.boxes if found.boxes is not None else (),
        found.txts or (),
        found.scores or (),
        strict=True,
    ):
        box = share(_bounds(corners), width, height)
        # A recogniser of signs sees one in a circle, too; without a letter or digit it is no word.
        if box is not None and sure >= LEAST_SURE and any(map(str.isalnum, text)):
            lines.append(Line(text.strip(), box))
    return Words(tuple(lines), reader_name())


def _bounds(corners: Any) -> Box:
    across, down = np.asarray(corners, float).T
    return float(across.min()), float(down.min()), float(across.max()), float(down.max())


@cache
def _engine() -> Any:
    package: Any = need("rapidocr", extra="offline")
    threads = max(1, min(4, (os.cpu_count() or 2) // 2))
    return package.RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
