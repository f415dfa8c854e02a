"""Where the kept tokens of a batch of prompts say they were, by one of the policies of `placement`.

Shapes: B rows, L tokens of the prompt, K of them kept in the row that keeps most, R axes of
positions (time, height and width; where there are four, the first counts the text), N shown tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from omni.compression.items import Shown
from omni.compression.placement import Placement, place, prompt_rows
from omni.compression.selector import Selection, to_device


@dataclass(frozen=True, slots=True)
class Moved:
    """Positions of what was kept.

    Attributes:
        positions: int64 `[B, K]` or `[R, B, K]`; 0 at padding.
        ahead: int64 `[B, 1]`, by how much what comes next is nearer than it was.
        bias: float32 `[B, K]`, what to add to the attention logits; `None` for nothing.
    """

    positions: Tensor
    ahead: Tensor
    bias: Tensor | None = None


def reposition(
    positions: Tensor,
    index: Tensor,
    counts: Sequence[int],
    policy: str,
    shown: Shown,
    chosen: Selection,
) -> Moved:
    """Positions of kept tokens, row by row.

    Args:
        positions: of all tokens, int64 `[B, L]` or `[R, B, L]`.
        index: int64 `[B, K]`, where kept tokens were; padding stands to the left.
        counts: how many are kept in each row.
        policy: see `placement.place`.
        shown: what the selection was made from.
        chosen: the selection.
    """
    flat = positions.dim() == 2
    every = positions[None] if flat else positions
    width, size = every.shape[-1], index.shape[1]
    found = every.new_zeros(len(every), len(index), size)
    ahead = every.new_zeros(len(index), 1)
    for row, count in enumerate(counts):
        kept = index[row, size - count :]
        own = every[:, row]
        if policy == "dense":
            moved = place(own, kept, "dense").positions
            ahead[row] = own[-3:].amax() - (count - 1)
        elif len(own) == 4:
            moved, _ = prompt_rows(own, kept)
        else:
            moved = own[:, kept]
        found[:, row, size - count :] = moved
    bias = None
    if policy in ("median", "calibrated"):
        bias = _of_media(found, every, index, policy, shown, chosen, width)
    return Moved(found[0] if flat else found, ahead, bias)


def _of_media(
    found: Tensor,
    every: Tensor,
    index: Tensor,
    policy: str,
    shown: Shown,
    chosen: Selection,
    width: int,
) -> Tensor | None:
    """Put media where the policy says, in place; the bias of all tokens, if it has any."""
    device = every.device
    text = len(every) == 4  # whose row stays
    shown_at = to_device(shown.flat, device)
    spots = every[text:].flatten(1)[:, shown_at]  # [R, N]
    placed = _placed(spots, policy, chosen)
    # Which slot of its row each kept medium token has.
    slots = torch.zeros(len(index) * width, dtype=torch.int64, device=device)
    order = torch.arange(index.shape[1], device=device).expand_as(index)
    starts = torch.arange(len(index), device=device)[:, None] * width
    slots = slots.index_copy(0, (index + starts).flatten(), order.flatten())
    kept = shown_at[chosen.rows]
    rows, slot = kept // width, slots[kept]
    for axis in range(len(placed.positions)):
        found[axis + text, rows, slot] = placed.positions[axis]
    if placed.bias is None:
        return None
    bias = torch.zeros(index.shape, device=device)
    bias[rows, slot] = placed.bias
    return bias


def _placed(spots: Tensor, policy: str, chosen: Selection) -> Placement:
    if chosen.merging is not None:
        return place(spots, chosen.rows, policy, chosen.merging)
    parts = [
        place(own, kept, policy)
        for own, kept in zip(
            spots.split(list(chosen.lengths), 1),
            chosen.places.split(list(chosen.kept)),
            strict=True,
        )
    ]
    biases = [part.bias for part in parts if part.bias is not None]
    positions = torch.cat([part.positions for part in parts], 1)
    return Placement(positions, torch.cat(biases) if biases else None)
