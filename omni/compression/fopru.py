"""The most significant tokens, or the most significant rows of the grid.

Shapes: G items, N tokens, R rows of the item that has most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from omni.compression.candidates import Candidates, candidates, first
from omni.compression.selector import Question, Selection, Tokens, to_device
from omni.errors import UsageError
from omni.plugins import Component

Strategy = Literal["rank", "row"]


class FoPru:
    """Keeps tokens by `Signals.attention`, each for itself or row by row.

    Attributes:
        strategy: `rank` keeps the highest tokens. `row` keeps the rows of the grid whose sum is
            highest; of the last row, which may not fit whole, the highest tokens.
    """

    needs: ClassVar = frozenset({"attention"})

    def __init__(self, strategy: Strategy = "rank"):
        if strategy not in get_args(Strategy):
            raise UsageError(f"unknown strategy {strategy!r}: choose 'rank' or 'row'")
        self.strategy = strategy

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        attention = tokens.signal("attention", "fopru")
        ready = candidates(tokens, keep, attention)
        scores = ready.spread(attention).float()
        if self.strategy == "rank":
            return ready.bind(ready.top(scores), scores)
        order = scores.sort(dim=1, descending=True, stable=True).indices
        rank = _rank_of_row(ready, attention).gather(1, order)
        order = order.gather(1, rank.sort(dim=1, stable=True).indices)
        # Pins first, what is broken or absent last, and else as it stands.
        order = order.gather(1, _tier(ready).gather(1, order).sort(dim=1, stable=True).indices)
        return ready.bind_mask(first(order, keep), scores)


def _tier(ready: Candidates) -> Tensor:
    tier = torch.full_like(ready.mask, 3, dtype=torch.int64)
    tier = tier.masked_fill(ready.mask, 2).masked_fill(ready.sound, 1)
    return tier.masked_fill(ready.pinned, 0)


def _rank_of_row(ready: Candidates, attention: Tensor) -> Tensor:
    """How many rows stand before that of each token: int64 `[G, N]`."""
    rows = _rows(ready.tokens)
    device = attention.device
    flat = torch.cat(
        [own[:n] for own, n in zip(ready.spread(attention), ready.lengths, strict=True)]
    )
    every = to_device([count for own in rows for count in own], device)
    sums = torch.segment_reduce(flat, "sum", lengths=every, axis=0, unsafe=True).float()
    parts = list(sums.split([len(own) for own in rows]))
    total = torch.nn.utils.rnn.pad_sequence(parts, batch_first=True, padding_value=-torch.inf)
    order = total.sort(dim=1, descending=True, stable=True).indices
    of = [row for own in rows for row, count in enumerate(own) for _ in range(count)]
    return order.argsort(dim=1).gather(1, ready.tokens.spread(to_device(of, device)))


def _rows(tokens: Tokens) -> list[list[int]]:
    """How many tokens lie in each row of each item."""
    if len(tokens.grids) != len(tokens.lengths):
        raise UsageError(
            f"fopru by rows needs the grid of each of {len(tokens.lengths)} items, and has "
            f"{len(tokens.grids)}: pass Tokens(grids=…) or take strategy='rank'"
        )
    for item, (grid, length) in enumerate(zip(tokens.grids, tokens.lengths, strict=True)):
        if grid.tokens != length:
            raise UsageError(
                f"item {item} has {length} tokens, but its grid has {grid.tokens}: give the grid "
                "of these tokens"
            )
    return [[grid.width] * (grid.time * grid.height) for grid in tokens.grids]


plugin = FoPru

COMPONENTS = (
    Component(
        kind="selector",
        name="fopru",
        summary="The tokens, or whole rows of the grid, that the encoder attends to most.",
        system="FoPru",
        paper="FoPru: Focal Pruning for Efficient Large Vision-Language Models",
    ),
)
