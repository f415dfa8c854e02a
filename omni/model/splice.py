"""Put media tokens into the embedded text, exactly where their placeholders stand.

Shapes: B rows, L tokens of text, M media tokens of the row that has most, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from omni.errors import UsageError


def assign_rows(placeholders: Sequence[int], keeps: Sequence[int]) -> list[int]:
    """Row of each item, when items fill the placeholders of the rows in order.

    Args:
        placeholders: how many placeholders each row has.
        keeps: how many each item fills.

    Raises:
        UsageError: if items and placeholders do not match up exactly.
    """
    rows: list[int] = []
    item = 0
    for row, count in enumerate(placeholders):
        filled = 0
        while filled < count and item < len(keeps):
            filled += keeps[item]
            rows.append(row)
            item += 1
        if filled != count:
            raise UsageError(
                f"row {row} has {count} media placeholders, but the media that come next fill "
                f"{filled}: make the text and the media in one call of the processor"
            )
    if item < len(keeps):
        raise UsageError(
            f"{len(keeps)} media items were given, but the text has placeholders for {item}: "
            "make the text and the media in one call of the processor"
        )
    return rows


def pack_rows(tokens: Sequence[Tensor], rows: Sequence[int], count: int) -> Tensor:
    """Lay the items of each row end to end: `[B, M, D]`, padded with zeros."""
    by_row: list[list[Tensor]] = [[] for _ in range(count)]
    for item, row in zip(tokens, rows, strict=True):
        by_row[row].append(item)
    empty = tokens[0][:0]
    return torch.nn.utils.rnn.pad_sequence(
        [torch.cat(items) if items else empty for items in by_row], batch_first=True
    )


def splice(text: Tensor, places: Tensor, media: Tensor) -> Tensor:
    """Embedded text `[B, L, D]` with the next of its row's media tokens at each true place.

    Args:
        text: embedded text, placeholders included.
        places: bool `[B, L]`, true at placeholders.
        media: `[B, M, D]`, the media tokens of each row in order; what comes after them is padding.
    """
    order = (places.cumsum(1) - 1).clamp(min=0, max=media.shape[1] - 1)
    spread = media.to(text.dtype).gather(1, order[..., None].expand(-1, -1, media.shape[2]))
    return torch.where(places[..., None], spread, text)


def skip(media: Tensor, used: Tensor) -> Tensor:
    """Media tokens `[B, M, D]` without the first `used[b]` of each row."""
    order = torch.arange(media.shape[1], device=media.device) + used[:, None]
    order = order.clamp(max=media.shape[1] - 1)
    return media.gather(1, order[..., None].expand_as(media))
