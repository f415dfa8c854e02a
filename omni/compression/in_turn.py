"""Large items one after the other on a CPU, small ones and those of an accelerator all at once.

Both ways pick the same: this is about time only. Shapes: G items, N tokens, K kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from omni.compression.selector import Question, Signals, Tokens
from omni.compression.units import Unsuited

Way = Callable[[Tokens, Sequence[int], Question | None], tuple[Tensor, Tensor]]
"""Picks `[G, K]` in the order of picking, and scores `[G, N]`."""

_LARGE = 2**19  # numbers in an item, from where on reading it takes longer than a few calls


def in_turn(
    tokens: Tokens, keep: Sequence[int], question: Question | None, ahead: Way, plainly: Way
) -> tuple[Tensor, Tensor]:
    """Picks and scores of all items.

    Args:
        tokens: what is selected from.
        keep: how many of each item.
        question: what was asked.
        ahead: for one large item; may raise `Unsuited`.
        plainly: for any number of items.
    """
    largest = max(tokens.lengths, default=0) * tokens.x.shape[-1]
    if tokens.x.device.type != "cpu" or largest < _LARGE:
        return plainly(tokens, keep, question)
    picked, scores = [], []
    for item, kept in enumerate(keep):
        asked = None if question is None else of_item(question, item)
        own = alone(tokens, item)
        try:
            picks, score = ahead(own, [kept], asked)
        except Unsuited:
            picks, score = plainly(own, [kept], asked)
        picked.append(picks[0])
        scores.append(score[0])
    return pad_sequence(picked, batch_first=True), pad_sequence(scores, batch_first=True)


def alone(tokens: Tokens, item: int) -> Tokens:
    """One item, without its batch mates."""
    start = sum(tokens.lengths[:item])
    rows = slice(start, start + tokens.lengths[item])

    def part(values: Tensor | None) -> Tensor | None:
        return None if values is None else values[rows]

    known = tokens.signals
    return replace(
        tokens,
        x=tokens.x[rows],
        lengths=[tokens.lengths[item]],
        grids=tokens.grids[item : item + 1],
        pinned=part(tokens.pinned),
        signals=Signals(part(known.attention), part(known.keys), part(known.paired)),
    )


def of_item(question: Question, item: int) -> Question:
    """What was asked of one item."""
    return Question(question.x[item : item + 1], question.mask[item : item + 1])


def zeros_for_broken(x: Tensor, sound: Tensor) -> Tensor:
    """Tokens `[N, D]`, nought where bool `[N]` says that one is not sound."""
    return x if bool(sound.all()) else torch.where(sound[:, None], x, 0)
