"""The highest scores of every item, and what belongs to them, laid end to end in one pass.

Places ascend within an item, the first of equals is kept, and how many are kept of each item is
known on the host, so that nothing is asked of the device. Shapes: G items, N tokens of the longest
item, M tokens of all, K kept of all, L levels, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import torch
from torch import Tensor

from omni.errors import UsageError
from omni.kernels import backend


@dataclass(frozen=True, slots=True)
class Compacted:
    """What is kept.

    Attributes:
        places: int64 `[K]`, within each item.
        rows: int64 `[K]`, of all tokens.
        levels: `[L, K, D]`.
        positions: int64 `[P, K]`.
    """

    places: Tensor
    rows: Tensor
    levels: Tensor
    positions: Tensor


def compact(
    scores: Tensor, lengths: Sequence[int], keep: Sequence[int], levels: Tensor, positions: Tensor
) -> Compacted:
    """Keep the highest scores of each item.

    Args:
        scores: float32 `[M]`, finite or infinite.
        lengths: how many tokens each item has.
        keep: how many of them are kept, 1 to all.
        levels: `[L, M, D]`, embeddings and the deep-stack levels beside them.
        positions: int64 `[P, M]`, as many kinds of positions as there are.

    Raises:
        UsageError: if the sizes do not fit each other.
    """
    total = sum(lengths)
    sizes = {"scores": len(scores), "levels": levels.shape[1], "positions": positions.shape[1]}
    for name, size in sizes.items():
        if size != total:
            raise UsageError(f"{name} tell of {size} tokens, but lengths add up to {total}")
    if len(keep) != len(lengths) or any(
        not 1 <= kept <= length for kept, length in zip(keep, lengths, strict=False)
    ):
        raise UsageError(f"keep 1 to all of {list(lengths)} tokens, not {list(keep)}")
    if backend.chosen(scores.device) == "torch":
        return compact_in_torch(scores, lengths, keep, levels, positions)
    from omni.kernels.triton_compaction import launch

    return launch(scores, lengths, keep, levels, positions)


def compact_in_torch(
    scores: Tensor, lengths: Sequence[int], keep: Sequence[int], levels: Tensor, positions: Tensor
) -> Compacted:
    """The twin of `compact`."""
    places, rows = [], []
    starts = (0, *accumulate(lengths))
    for own, start, kept in zip(scores.split(list(lengths)), starts, keep, strict=False):
        order = own.sort(descending=True, stable=True).indices
        places.append(order[:kept].sort().values)
        rows.append(places[-1] + start)
    chosen = torch.cat(rows)
    return Compacted(
        torch.cat(places), chosen, levels.index_select(1, chosen), positions.index_select(1, chosen)
    )


def highest(scores: Tensor, lengths: Sequence[int], keep: Sequence[int]) -> Tensor:
    """Places of each item's highest scores, int64 `[K]`, ascending, item after item.

    Args:
        scores: float32 `[G, N]`, padded; finite or infinite.
        lengths: how many tokens each item has.
        keep: how many of them are kept, 1 to all.
    """
    if backend.chosen(scores.device) == "torch":
        return highest_in_torch(scores, lengths, keep)
    from omni.kernels.triton_compaction import launch_highest

    return launch_highest(scores, lengths, keep)


def highest_in_torch(scores: Tensor, lengths: Sequence[int], keep: Sequence[int]) -> Tensor:
    """The twin of `highest`."""
    return torch.cat(
        [
            own[:length].sort(descending=True, stable=True).indices[:kept].sort().values
            for own, length, kept in zip(scores, lengths, keep, strict=True)
        ]
    )


def host_table(columns: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """Whole numbers of the host as int64 `[columns, G]` on a device, without waiting for it."""
    table = torch.tensor(columns, dtype=torch.int64, pin_memory=device.type == "cuda")
    return table.to(device, non_blocking=True)


@lru_cache(128)
def device_table(columns: tuple[tuple[int, ...], ...], device: torch.device) -> Tensor:
    """As `host_table`, but sent once for the same numbers; nobody writes to it."""
    return host_table(columns, device)
