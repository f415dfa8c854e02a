"""Words in pictures as a file's pieces need them: the text in blocks, each with its box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omni.recognition import writing

from .layout import Block, Box, Line, blocks, share

if TYPE_CHECKING:
    from PIL import Image

LARGEST_SIDE = 2000
"""Larger pictures are made smaller before they are read."""

LEAST_SURE = 0.6


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


def read_words(picture: Image.Image) -> Words:
    """The words in a picture.

    Raises:
        MissingExtra: if nothing on this machine reads them.
    """
    found = writing.read(picture, least=LEAST_SURE, largest=LARGEST_SIDE)
    lines = ((line.text, share(line.box, 1, 1)) for line in found)
    kept = tuple(Line(text, box) for text, box in lines if box is not None)
    return Words(kept, writing.reader())
