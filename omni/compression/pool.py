"""Averages over even boxes of the grid: a baseline that selection has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from omni.compression.assign import members, merging
from omni.compression.candidates import candidates
from omni.compression.cells import cells, grids
from omni.compression.pins import around_pins
from omni.compression.selector import Question, Selection, Tokens, to_device
from omni.plugins import Component


class Pool:
    """Divides each item into exactly as many boxes as it may keep, and averages each.

    Boxes follow the grid where it is known, and the sequence where it is not. Each lies where the
    token in its midst lay. Nothing is looked at but where tokens lie; all scores are 1.
    """

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return around_pins(_pool, tokens, keep, question)


def _pool(tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
    ready = candidates(tokens, keep)
    device = tokens.x.device
    boxes = [cells(grid, kept) for grid, kept in zip(grids(tokens), keep, strict=True)]
    slots = []
    for own, length in zip(boxes, tokens.lengths, strict=True):
        slot = [0] * length
        for number, box in enumerate(own):
            for frame in range(box.time.start, box.time.stop):
                for row in range(box.row.start, box.row.stop):
                    start = (frame * box.row.length + row) * box.column.length
                    stretch = range(start + box.column.start, start + box.column.stop)
                    slot[stretch.start : stretch.stop] = [number] * len(stretch)
        slots += slot
    slot = tokens.spread(to_device(slots, device))
    mean = ready.sound / members(slot, ready.sound).clamp(min=1)
    # A box in which nothing is sound keeps the token in its midst.
    middle = torch.zeros(sum(tokens.lengths), device=device)
    places = to_device([box.place for own in boxes for box in own], device)
    record = ready.bind(places, torch.ones(ready.mask.shape, device=device))
    middle = tokens.spread(middle.index_fill(0, record.rows, 1))
    weights = torch.where(members(slot, ready.sound) > 0, mean, middle)
    return replace(record, merging=merging(ready, slot, weights * ready.mask))


plugin = Pool

COMPONENTS = (
    Component(
        kind="selector",
        name="pool",
        summary="Average pooling over the grid or the sequence to exactly the planned count: a "
        "baseline.",
        system="LLaVolta",
        paper="LLaVolta: Efficient Multi-modal Models via Stage-wise Visual Context Compression",
    ),
)
