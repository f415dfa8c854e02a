"""Low frequencies of the grid: a baseline that keeps what is smooth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from omni.compression.candidates import candidates
from omni.compression.cells import Cell, cells, grids
from omni.compression.pins import around_pins
from omni.compression.selector import Merging, Question, Selection, Tokens, to_device
from omni.plugins import Component


class Fourier:
    """Keeps the low frequencies of each item's cosine transform, on a smaller grid.

    Where the kept tokens make a full smaller grid, this is the transform, its corner of low
    frequencies, and the transform of that corner back. Where they do not, some rows of the smaller
    grid have a column more than others, and keep one frequency more. Items without a grid are
    sequences. Each kept token lies where the token in the midst of its box lay. Nothing is looked
    at but where tokens lie; all scores are 1.
    """

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return around_pins(_transform, tokens, keep, question)


@dataclass(frozen=True, slots=True)
class Transform(Merging):
    """A merging in which every kept token has a part of every token of its item.

    It is applied as one product of matrices an item, rather than by gathering each source.

    Attributes:
        maps: `[kept, length]` of each item; `None` where all is kept as it is.
        lengths: of the items.
    """

    maps: tuple[Tensor | None, ...]
    lengths: tuple[int, ...]

    def apply(self, x: Tensor) -> Tensor:
        parts = []
        for weights, part in zip(self.maps, x.split(list(self.lengths)), strict=True):
            if weights is not None:
                # What is not finite has no weight, but nought times it would not be nought.
                finite = part.float().masked_fill(~torch.isfinite(part), 0)
                part = (weights @ finite).to(part)
            parts.append(part)
        return torch.cat(parts)


def _transform(tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
    ready = candidates(tokens, keep)
    device = tokens.x.device
    boxes = [cells(grid, kept) for grid, kept in zip(grids(tokens), keep, strict=True)]
    places = to_device([box.place for own in boxes for box in own], device)
    record = ready.bind(places, torch.ones(ready.mask.shape, device=device))
    maps: list[Tensor | None] = []
    sources, counts, weights = [], [], []
    start = 0
    for own, length, sound in zip(boxes, tokens.lengths, ready.sound, strict=True):
        here = torch.arange(start, start + length, device=device)
        if len(own) == length:
            maps.append(None)
            sources.append(here)
            counts += [1] * length
            weights.append(torch.ones(length, device=device))
        else:
            rows = _rows(own, sound[:length])
            maps.append(rows)
            sources.append(here.repeat(len(own)))
            counts += [length] * len(own)
            weights.append(rows.flatten())
        start += length
    merging = Transform(
        torch.cat(sources),
        to_device(counts, device),
        torch.cat(weights),
        tuple(maps),
        tuple(tokens.lengths),
    )
    return replace(record, merging=merging)


def _rows(boxes: Sequence[Cell], sound: Tensor) -> Tensor:
    """What each kept token has of each token of its item: float32 `[kept, length]`."""
    time, row, column = (
        torch.stack([getattr(box, side).low_frequencies() for box in boxes])
        for side in ("time", "row", "column")
    )
    rows = time[:, :, None, None] * row[:, None, :, None] * column[:, None, None]
    rows = rows.flatten(1).float().to(sound.device, non_blocking=True)
    # A token that is not sound counts as the mean of those that are.
    lost = rows.masked_fill(sound, 0).sum(1, keepdim=True)
    return (rows + lost / sound.sum().clamp(min=1)) * sound


plugin = Fourier

COMPONENTS = (
    Component(
        kind="selector",
        name="fourier",
        summary="Low frequencies of the grid's cosine transform, turned back on a smaller grid.",
        system="Fourier-VLM",
        paper="Fourier-VLM: Compressing Vision Tokens in the Frequency Domain for Large "
        "Vision-Language Models",
    ),
)
