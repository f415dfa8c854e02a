"""A grid divided into exactly so many boxes, as even as whole numbers let them be.

A box is a part of the frames, of the rows and of the columns. Where there are enough boxes, every
frame has its own; else a box takes in several whole frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.compression.selector import Tokens
from omni.errors import UsageError


@dataclass(frozen=True, slots=True)
class Part:
    """The `index`-th of `parts` equal stretches of a side that is `length` long."""

    index: int
    parts: int
    length: int

    @property
    def start(self) -> int:
        return self.index * self.length // self.parts

    @property
    def stop(self) -> int:
        return (self.index + 1) * self.length // self.parts

    @property
    def middle(self) -> int:
        return (self.start + self.stop) // 2

    def average(self) -> Tensor:
        """The weights of places along the side whose sum is the mean: float64 `[length]`."""
        weights = torch.zeros(self.length, dtype=torch.float64)
        weights[self.start : self.stop] = 1 / (self.stop - self.start)
        return weights

    def low_frequencies(self) -> Tensor:
        """The weights whose sum is what is left in the middle of the stretch of low frequencies.

        A cosine transform of the side, of which as many frequencies are kept as there are
        stretches, is turned back at their middles: float64 `[length]`.
        """
        frequency = torch.arange(self.parts, dtype=torch.float64)
        places = torch.arange(self.length, dtype=torch.float64)
        there = torch.cos(torch.pi * frequency * (self.index + 0.5) / self.parts)
        there[1:] *= 2
        here = torch.cos(torch.pi * frequency[:, None] * (places + 0.5) / self.length)
        return there @ here / self.length


@dataclass(frozen=True, slots=True)
class Cell:
    """One box of a grid."""

    time: Part
    row: Part
    column: Part

    @property
    def place(self) -> int:
        """The token in its midst."""
        row = self.time.middle * self.row.length + self.row.middle
        return row * self.column.length + self.column.middle


@lru_cache(maxsize=256)
def cells(grid: Grid, keep: int) -> tuple[Cell, ...]:
    """`keep` boxes that share out the grid, in the order of their places."""
    time, height, width = grid.time, grid.height, grid.width
    if keep < time:
        whole = Part(0, 1, height), Part(0, 1, width)
        return tuple(Cell(Part(step, keep, time), *whole) for step in range(keep))
    found = []
    for frame in range(time):
        count = (frame + 1) * keep // time - frame * keep // time
        wanted = round(sqrt(count * height / width))
        bands = max(min(wanted, height, count), ceil(count / width), 1)
        for band in range(bands):
            across = (band + 1) * count // bands - band * count // bands
            found += [
                Cell(Part(frame, time, time), Part(band, bands, height), Part(step, across, width))
                for step in range(across)
            ]
    return tuple(found)


def grids(tokens: Tokens) -> Sequence[Grid]:
    """The grid of each item; a sequence where nobody knows it.

    Raises:
        UsageError: if a grid is not that of its item's tokens.
    """
    if not tokens.grids:
        return [Grid(time=length) for length in tokens.lengths]
    if len(tokens.grids) != len(tokens.lengths):
        raise UsageError(f"{len(tokens.grids)} grids for {len(tokens.lengths)} items: give all")
    for item, (grid, length) in enumerate(zip(tokens.grids, tokens.lengths, strict=True)):
        if grid.tokens != length:
            raise UsageError(
                f"item {item} has {length} tokens, but its grid has {grid.tokens}: give the grid "
                "of these tokens"
            )
    return tokens.grids
