"""Pinned tokens kept for a selector that knows nothing of pins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from omni.compression.assign import gathered
from omni.compression.budget import Grid
from omni.compression.candidates import count_pins
from omni.compression.selector import (
    Merging,
    Question,
    Selection,
    Selector,
    Signals,
    Tokens,
    best,
    selection,
    to_device,
)

Select = Callable[[Tokens, Sequence[int], Question | None], Selection]


class Pinned:
    """Any selector, which then keeps pinned tokens as they are and chooses among the others.

    Attributes:
        selector: what chooses; it never sees a pinned token.
    """

    def __init__(self, selector: Selector):
        self.selector = selector

    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return around_pins(self.selector, tokens, keep, question)


@torch.no_grad()
def around_pins(
    select: Select, tokens: Tokens, keep: Sequence[int], question: Question | None
) -> Selection:
    """What `select` answers for the tokens that are not pinned, with the pinned ones put back.

    An item's grid is passed on if it is that of the tokens not pinned, as where pins are the ends
    of lines; if it counts pinned ones, too, nobody knows how the others lie, and they are a
    sequence. A pinned token's score is the highest of its item.

    Raises:
        UsageError: if an item has more pinned tokens than it may keep.
    """
    pins = count_pins(tokens, keep)
    if tokens.pinned is None or not any(pins):
        return select(tokens, keep, question)
    device = tokens.x.device
    flags = tokens.pinned.tolist()
    starts = [0, *accumulate(tokens.lengths)]
    open_to = [
        item for item, (kept, pinned) in enumerate(zip(keep, pins, strict=True)) if kept > pinned
    ]
    rows = [
        [row for row in range(starts[item], starts[item + 1]) if not flags[row]] for item in open_to
    ]
    source = to_device([row for own in rows for row in own], device)
    answer = None
    if open_to:
        lengths = [len(own) for own in rows]
        grids = []
        if tokens.grids:
            known = [tokens.grids[item] for item in open_to]
            grids = [
                grid if grid.tokens == length else Grid(time=length)
                for grid, length in zip(known, lengths, strict=True)
            ]
        rest = Tokens(tokens.x[source], lengths, grids, signals=_signals(tokens.signals, source))
        asked = question
        if question is not None and len(open_to) < len(keep):
            some = to_device(open_to, device)
            asked = Question(question.x[some], question.mask[some])
        answer = select(rest, [keep[item] - pins[item] for item in open_to], asked)
    return _together(tokens, keep, flags, source, answer)


def _signals(signals: Signals, rows: Tensor) -> Signals:
    parts = (signals.attention, signals.keys, signals.paired)
    return Signals(*(None if part is None else part[rows] for part in parts))


def _together(
    tokens: Tokens, keep: Sequence[int], flags: list[bool], source: Tensor, rest: Selection | None
) -> Selection:
    device = source.device
    pinned = to_device([row for row, flag in enumerate(flags) if flag], device)
    kept = torch.zeros(len(flags), device=device).index_fill(0, pinned, 1)
    scores = torch.zeros(len(flags), device=device)
    chosen = source[:0] if rest is None else source[rest.rows]
    if rest is not None:
        kept = kept.index_fill(0, chosen, 1)
        scores = scores.index_copy(0, source, rest.scores)
    padded = tokens.spread(scores)
    highest = padded.amax(1, keepdim=True).expand_as(padded)
    padded = torch.where(tokens.spread(to_device([*map(int, flags)], device)) > 0, highest, padded)
    _, mask = tokens.padded()
    places = best(tokens.spread(kept), mask, keep)
    record = selection(tokens, keep, places, padded)
    if rest is None or rest.merging is None:
        return record
    slot = kept.long().cumsum(0) - 1
    return Selection(
        record.places,
        record.kept,
        record.lengths,
        record.scores,
        record.dropped,
        _merging(rest.merging, source, slot[chosen], pinned, slot[pinned], sum(keep)),
    )


def _merging(
    inner: Merging, source: Tensor, slots: Tensor, pinned: Tensor, own: Tensor, total: int
) -> Merging:
    """The inner merging in terms of all tokens, and each pinned token from itself alone."""
    ends = inner.counts.cumsum(0)
    number = torch.arange(len(inner.sources), device=source.device)
    group = torch.searchsorted(ends, number, right=True)
    beyond = group >= len(slots)  # sources that go nowhere
    slot = slots[group.clamp(max=len(slots) - 1)]
    weights = inner.weights.masked_fill(beyond, 0)
    return gathered(
        torch.cat([source[inner.sources], pinned]),
        torch.cat([slot, own]),
        torch.cat([weights, torch.ones(len(pinned), device=source.device)]),
        total,
    )
