"""A prompt without the media tokens that were not selected: what moves along with the others.

Shapes: B rows, L tokens of the prompt, K of them kept in the row that keeps most, H heads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from omni.compression.runs import Run
from omni.errors import UsageError


@dataclass(slots=True)
class Prompt:
    """What is known of a prompt before anything of it is encoded.

    Attributes:
        ids: of the prompt, as they were given.
        runs: its media.
        keep: how many tokens of each are kept.
        words: places of the question in each row.
        present: 1 where there is a token.
    """

    ids: Tensor
    runs: list[Run]
    keep: list[int]
    words: list[list[int]]
    present: list[list[int]]


@dataclass(slots=True)
class Compacted:
    """How a prompt was shortened, which later steps have to know.

    Attributes:
        index: int64 `[B, K]`, where each token was, ascending; to the left of them what was dropped
            or was padding.
        mask: bool `[B, K]`, true where there is a token.
        length: of the prompt, before.
        dropped: int64 `[B, 1]`, how many of the positions before the last are gone.
        cache: what the prompt was read into.
    """

    index: Tensor
    mask: Tensor
    length: int
    dropped: Tensor
    cache: Any


def masks(mask: Any, compacted: Compacted, window: int | None) -> Any:
    """The attention mask of the kept tokens alone.

    Args:
        mask: `[B, L]`, `[B, H, L, L]`, several by the name of a layer's kind, or `None`.
        compacted: what is kept.
        window: how far layers called `sliding_attention` look back.

    Raises:
        UsageError: if the mask is one of a cache whose size is fixed.
    """
    if isinstance(mask, Mapping):
        if any(each is None for each in mask.values()):
            return compacted.mask.long()
        return {name: _named(name, each, compacted, window) for name, each in mask.items()}
    if isinstance(mask, Tensor) and mask.dim() == 4:
        return _square(mask, compacted)
    return compacted.mask.long()


def _named(name: str, mask: Tensor, compacted: Compacted, window: int | None) -> Tensor:
    found = _square(mask, compacted)
    if "sliding" not in name or window is None:
        return found
    # Where tokens are gone, the window reaches farther back, as the cache of such a layer does.
    whole = _square(mask, compacted, ignore_window=True)
    place = torch.arange(found.shape[-1], device=found.device)
    near = place[:, None] - place < window
    return _hide(whole, ~near)


def _square(mask: Tensor, compacted: Compacted, ignore_window: bool = False) -> Tensor:
    if mask.shape[-1] != compacted.length:
        raise UsageError(
            f"the cache has room for {mask.shape[-1]} tokens from the start, which cannot be told "
            "from a shortened prompt: use a dynamic cache"
        )
    index, heads, size = compacted.index, mask.shape[1], compacted.index.shape[1]
    if ignore_window:
        place = torch.arange(compacted.length, device=mask.device)
        mask = _show(mask, place[:, None] >= place)
    rows = index[:, None, :, None].expand(-1, heads, -1, compacted.length)
    columns = index[:, None, None, :].expand(-1, heads, size, -1)
    found = mask.expand(len(index), -1, -1, -1).gather(2, rows).gather(3, columns)
    return _hide(found, ~compacted.mask[:, None, None, :])


def _hide(mask: Tensor, where: Tensor) -> Tensor:
    return mask.masked_fill(where, False if mask.dtype == torch.bool else _low(mask))


def _show(mask: Tensor, where: Tensor) -> Tensor:
    return mask.masked_fill(where, True if mask.dtype == torch.bool else 0.0)


def _low(mask: Tensor) -> float:
    return torch.finfo(mask.dtype).min


def repeated(rows: Tensor, count: int) -> Tensor:
    """Rows of the prompt for a batch in which each is continued in several ways."""
    return rows.repeat_interleave(count // len(rows), 0)


def deep(kwargs: Mapping[str, Any], compacted: Compacted) -> dict[str, Any]:
    """What goes into deeper layers of the kept tokens of pictures, as Qwen3-VL does it."""
    mask: Tensor = kwargs["visual_pos_masks"]
    mask = mask.view(len(compacted.index), -1)
    kept = torch.zeros_like(mask).scatter(1, compacted.index, compacted.mask)
    chosen = kept[mask]
    levels: Sequence[Tensor] = kwargs.get("deepstack_visual_embeds") or ()
    return {
        "visual_pos_masks": mask.gather(1, compacted.index) & compacted.mask,
        "deepstack_visual_embeds": [level[chosen] for level in levels],
    }
