"""Where kept tokens say they were: as independent of what was kept as the survey says it must be.

Shapes: N tokens of an item, K kept, R rows of positions (time, height and width, say), M sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from omni.compression.selector import Merging
from omni.errors import UsageError

POLICIES = ("keep", "dense", "median", "calibrated")


@dataclass(frozen=True, slots=True)
class Placement:
    """Positions of kept tokens.

    Attributes:
        positions: int64 `[K]` or `[R, K]`.
        bias: float32 `[K]`, what to add to the attention logits of each token; `None` for nothing.
    """

    positions: Tensor
    bias: Tensor | None = None


def place(
    positions: Tensor, kept: Tensor, policy: str = "keep", merging: Merging | None = None
) -> Placement:
    """Positions of what is kept of one item, or of one whole prompt.

    - `keep`: each has the position that it had, so that gaps tell of what is gone.
    - `dense`: counted anew from 0, in every row: what a model without gaps has learned from.
    - `median`: the middle of the positions that went into it, the lower one of two; as `keep`
      where nothing was merged. Tokens that were merged across each other may change places.
    - `calibrated`: as `median`, and attention is raised to what the tokens that are gone would
      have drawn. The bias is the logarithm of how many a token stands for: those that went into it
      or, where nothing was merged, those to which it is the nearest, the earlier of two.

    `calibrated` is made after what RESTORE says of itself, which raises attention by relative
    distances; its own formula was not at hand.

    Args:
        positions: of all tokens, int64 `[N]` or `[R, N]`.
        kept: int64 `[K]`, places of the kept ones, ascending.
        policy: see above.
        merging: what kept tokens are put together from, where `sources` are places, too.

    Raises:
        UsageError: if the policy is unknown or positions are neither `[N]` nor `[R, N]`.
    """
    if policy not in POLICIES:
        raise UsageError(f"unknown placement {policy!r}; known: {', '.join(POLICIES)}")
    if positions.dim() not in (1, 2):
        raise UsageError(
            f"positions are [tokens] or [rows, tokens], not of shape {list(positions.shape)}"
        )
    if policy == "dense":
        count = torch.arange(len(kept), device=positions.device)
        return Placement(count.expand(*positions.shape[:-1], -1))
    if policy == "keep":
        return Placement(positions[..., kept])
    found = positions[..., kept] if merging is None else _medians(positions, merging)
    if policy == "median":
        return Placement(found)
    stands_for = spans(kept, positions.shape[-1]) if merging is None else merging.counts
    return Placement(found, stands_for.float().log())


def prompt_rows(positions: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of positions that a multimodal rotary embedding reads, and what they run ahead by.

    The first row counts the text and has no gaps, or the attention would take the prompt for
    several; the others keep what they said. A token that is generated next has the position of its
    place plus the second answer, which the model calls its rope delta.

    Args:
        positions: int64 `[R, N]` of the prompt: first the row of the text.
        kept: int64 `[K]`, places of the kept tokens, ascending.

    Returns:
        int64 `[R, K]`, and 0-d int64.
    """
    rows = positions[:, kept]
    dense = torch.arange(rows.shape[1], device=rows.device)
    rows = torch.cat([dense[None], rows[1:]])
    return rows, rows[1:].amax() + 1 - rows.shape[1]


def spans(kept: Tensor, count: int) -> Tensor:
    """How many of `count` tokens lie nearest to each kept one: int64 `[K]`, which sum to `count`.

    Args:
        kept: places of the kept ones, int64 `[K]`, ascending, at least one.
        count: how many tokens there were.
    """
    # The last place that belongs to each but the last: a tie goes to the earlier.
    last = torch.full_like(kept[:1], count - 1)
    ends = torch.cat([(kept[:-1] + kept[1:]) // 2, last])
    return ends - torch.cat([torch.full_like(kept[:1], -1), ends[:-1]])


def _medians(positions: Tensor, merging: Merging) -> Tensor:
    rows = positions if positions.dim() == 2 else positions[None]
    counts = merging.counts
    ends = counts.cumsum(0)
    order = torch.arange(len(merging.sources), device=rows.device)
    slots = torch.searchsorted(ends, order, right=True)  # what is void comes last and stays there
    values = rows[:, merging.sources]
    by_value = values.sort(dim=1, stable=True)
    by_slot = slots[by_value.indices].sort(dim=1, stable=True).indices
    ordered = by_value.values.gather(1, by_slot)
    middles = ends - counts + (counts - 1).clamp(min=0) // 2
    found = ordered[:, middles]
    return found if positions.dim() == 2 else found[0]
