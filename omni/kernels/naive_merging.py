"""The truth of what is merged, pooled or shuffled, one token at a time.

Those that merge answer for each kept place what goes into it: the weight of each source. Shapes: N
tokens, K kept, D width; a grid has T frames of H rows of W columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, cos, pi, sqrt

import torch
from torch import Tensor

from omni.kernels.naive_attention import Parts
from omni.kernels.naive_greedy import cosines, single


@dataclass
class Heap:
    """A token and what was merged into it."""

    place: int
    feature: Tensor
    value: float
    size: int = 1
    parts: dict[int, float] = field(default_factory=dict)


def bipartite(
    metric: Tensor,
    keep: int,
    share: float = 0.5,
    sized: bool = True,
    values: list[float] | None = None,
) -> Parts:
    """Rounds in which even tokens are merged into the odd ones they are most like.

    `values` are taken off what the proposal of a token is worth.
    """
    worth = values or [0.0] * len(metric)
    heaps = [
        Heap(place, feature, worth[place], parts={place: 1.0})
        for place, feature in enumerate(metric.double())
    ]
    while len(heaps) > keep:
        even, odd = heaps[0::2], heaps[1::2]
        near = cosines(*(torch.stack([heap.feature for heap in half]) for half in (even, odd)))
        proposals = []
        for number, (heap, likeness) in enumerate(zip(even, near, strict=True)):
            goal = max(range(len(odd)), key=lambda other: (likeness[other], -other))
            proposals.append((-single(likeness[goal] - heap.value), number, goal))
        gone = min(len(heaps) - keep, max(1, int(len(heaps) * share)))
        joined: dict[int, list[Heap]] = {}
        for _, number, goal in sorted(proposals)[:gone]:
            joined.setdefault(goal, []).append(even[number])
        for goal, group in joined.items():
            odd[goal] = mixed([odd[goal], *group], sized)
        left = [heap for heap in even if not any(heap in group for group in joined.values())]
        heaps = sorted([*left, *odd], key=lambda heap: heap.place)
    return {heap.place: heap.parts for heap in heaps}


def mixed(group: list[Heap], sized: bool) -> Heap:
    """The mean of a group, at the place of its first."""
    total = sum(heap.size for heap in group)
    feature = sum((heap.feature * heap.size for heap in group), torch.zeros(())) / total
    value = sum(heap.value * heap.size for heap in group) / total
    parts = {
        source: weight * heap.size / total
        for heap in group
        for source, weight in heap.parts.items()
    }
    return Heap(group[0].place, feature, value, total if sized else 1, parts)


@dataclass
class Box:
    """A part of a grid: `(index, parts)` of its frames, rows and columns."""

    time: tuple[int, int]
    row: tuple[int, int]
    column: tuple[int, int]


def boxes(time: int, height: int, width: int, keep: int) -> list[Box]:
    """Exactly `keep` even boxes: whole frames together, or bands of each frame cut into columns."""
    if keep < time:
        return [Box((step, keep), (0, 1), (0, 1)) for step in range(keep)]
    found = []
    for frame in range(time):
        count = spread(frame, time, keep)
        bands = min(round(sqrt(count * height / width)), height, count)
        bands = max(bands, ceil(count / width), 1)
        for band in range(bands):
            across = spread(band, bands, count)
            for step in range(across):
                found.append(Box((frame, time), (band, bands), (step, across)))
    return found


def spread(index: int, parts: int, total: int) -> int:
    """How many of `total` the `index`-th of `parts` gets when they are dealt out evenly."""
    return (index + 1) * total // parts - index * total // parts


def stretch_of(part: tuple[int, int], length: int) -> range:
    """The places of a stretch of a side."""
    index, parts = part
    return range(index * length // parts, (index + 1) * length // parts)


def middle(box: Box, time: int, height: int, width: int) -> int:
    """The place in the midst of a box."""
    sides = zip((box.time, box.row, box.column), (time, height, width), strict=True)
    spots = []
    for part, length in sides:
        places = stretch_of(part, length)
        spots.append((places.start + places.stop) // 2)
    return (spots[0] * height + spots[1]) * width + spots[2]


def pool(time: int, height: int, width: int, keep: int) -> Parts:
    """Means over boxes."""
    parts: Parts = {}
    for box in boxes(time, height, width, keep):
        members = [
            (frame * height + row) * width + column
            for frame in stretch_of(box.time, time)
            for row in stretch_of(box.row, height)
            for column in stretch_of(box.column, width)
        ]
        place = middle(box, time, height, width)
        parts[place] = {member: 1 / len(members) for member in members}
    return parts


def low_pass(part: tuple[int, int], place: int, length: int) -> float:
    """What a place has in the middle of a stretch when only low frequencies are left."""
    index, parts = part
    total = 0.0
    for frequency in range(parts):
        scale = (1 if frequency == 0 else 2) / length
        there = cos(pi * frequency * (index + 0.5) / parts)
        here = cos(pi * frequency * (place + 0.5) / length)
        total += scale * there * here
    return total


def fourier(time: int, height: int, width: int, keep: int) -> Parts:
    """Low frequencies of the grid, at the middles of boxes."""
    parts: Parts = {}
    for box in boxes(time, height, width, keep):
        frames = [low_pass(box.time, frame, time) for frame in range(time)]
        rows = [low_pass(box.row, row, height) for row in range(height)]
        columns = [low_pass(box.column, column, width) for column in range(width)]
        weights = [frame * row * column for frame in frames for row in rows for column in columns]
        parts[middle(box, time, height, width)] = dict(enumerate(weights))
    return parts


def shuffle(count: int, keep: int, seed: int = 0) -> list[int]:
    """The first of a shuffle that only the count and the seed decide."""
    generator = torch.Generator().manual_seed(seed)
    return sorted(torch.randperm(count, generator=generator).tolist()[:keep])


def put_together(tokens: Tensor, parts: Parts) -> Tensor:
    """What is kept of tokens: each place's sources by their weights, in order of places."""
    tokens = tokens.double()
    rows = []
    for place in sorted(parts):
        total = torch.zeros_like(tokens[0])
        for source, weight in parts[place].items():
            total = total + weight * tokens[source]
        rows.append(total)
    return torch.stack(rows)
