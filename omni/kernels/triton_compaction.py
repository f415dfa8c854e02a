"""`compaction.compact` in two launches: who is kept, and all that belongs to them.

The lowest kept score is found bit by bit: scores become whole numbers of the same order, and the
threshold is the greatest number that enough of them reach. Nothing is sorted.
"""

# pyright: reportInvalidTypeForm=false
# `tl.constexpr` is for the compiler of kernels; Triton may not be there to be looked at.

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from omni.kernels.compaction import Compacted, device_table
from omni.kernels.language import block, tl, triton, warps

_WIDE = 1024  # numbers of a row that a program copies at once


@triton.jit
def _choose(scores, table, places, rows, items, BLOCK: tl.constexpr):
    item = tl.program_id(0)
    start = tl.load(table + item)
    length = tl.load(table + items + item)
    keep = tl.load(table + 2 * items + item)
    goal = tl.load(table + 3 * items + item)
    here = tl.arange(0, BLOCK)
    there = here < length
    value = tl.load(scores + start + here, mask=there, other=0.0)
    value = tl.where(value == 0, 0.0, value)  # minus nought is nought
    bits = value.to(tl.int32, bitcast=True)
    # Negative numbers grow downwards; shifted to 0 and above, in 64 bits for room.
    key = tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(tl.int64) + 2147483648
    key = tl.where(there, key, -1)
    least = keep * 0
    for bit in range(0, 32):
        tried = least + (tl.full((), 1, tl.int64) << (31 - bit))
        enough = tl.sum((key >= tried).to(tl.int32), 0) >= keep
        least = tl.where(enough, tried, least)
    above = key > least
    equal = key == least
    room = keep - tl.sum(above.to(tl.int32), 0)
    early = tl.cumsum(equal.to(tl.int32), 0) <= room
    kept = above | (equal & early)
    slot = tl.cumsum(kept.to(tl.int32), 0) - 1
    tl.store(places + goal + slot, here.to(tl.int64), mask=kept)
    tl.store(rows + goal + slot, start + here.to(tl.int64), mask=kept)


@triton.jit
def _gather(
    rows, levels, positions, levels_out, positions_out, total, kept, width, depth, kinds,
    BLOCK: tl.constexpr, KINDS: tl.constexpr,
):  # fmt: skip
    slot = tl.program_id(0).to(tl.int64)
    row = tl.load(rows + slot)
    inside = tl.arange(0, BLOCK)
    for level in range(0, depth):
        source = levels + (level * total + row) * width
        goal = levels_out + (level * kept + slot) * width
        for begin in range(0, width, BLOCK):
            here = begin + inside
            there = here < width
            tl.store(goal + here, tl.load(source + here, mask=there), mask=there)
    kind = tl.arange(0, KINDS)
    valid = kind < kinds
    found = tl.load(positions + kind * total + row, mask=valid)
    tl.store(positions_out + kind * kept + slot, found, mask=valid)


def launch_highest(scores: Tensor, lengths: Sequence[int], keep: Sequence[int]) -> Tensor:
    """As `compaction.highest`."""
    starts = [row * scores.shape[1] for row in range(len(lengths))]
    return _chosen(scores, starts, lengths, keep)[0]


def _chosen(
    scores: Tensor, starts: Sequence[int], lengths: Sequence[int], keep: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Places within each item, and among all scores, of what is kept."""
    goals = [0, *accumulate(keep)][:-1]
    columns = (tuple(starts), tuple(lengths), tuple(keep), tuple(goals))
    places = torch.empty(sum(keep), dtype=torch.int64, device=scores.device)
    rows = torch.empty_like(places)
    size = block(max(lengths))
    _choose[(len(lengths),)](
        scores.float().contiguous(), device_table(columns, scores.device), places, rows,
        len(lengths), BLOCK=size, num_warps=warps(size),
    )  # fmt: skip
    return places, rows


def launch(
    scores: Tensor, lengths: Sequence[int], keep: Sequence[int], levels: Tensor, positions: Tensor
) -> Compacted:
    """As `compaction.compact`."""
    total, kept = sum(lengths), sum(keep)
    places, rows = _chosen(scores, [0, *accumulate(lengths)][:-1], lengths, keep)
    depth, _, width = levels.shape
    levels_out = levels.new_empty(depth, kept, width)
    positions_out = positions.new_empty(len(positions), kept)
    _gather[(kept,)](
        rows, levels.contiguous(), positions.contiguous(), levels_out, positions_out,
        total, kept, width, depth, len(positions),
        BLOCK=min(block(width), _WIDE), KINDS=block(len(positions), 1),
    )  # fmt: skip
    return Compacted(places, rows, levels_out, positions_out)
