"""A prompt without the media tokens that were not selected: what moves along with the others.

Shapes: B rows, L tokens of the prompt, K of them kept in the row that keeps most, H heads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from omni.compression.repositioning import Moved
from omni.compression.runs import Run
from omni.compression.selector import to_device


@dataclass(slots=True)
class Prompt:
    """What is known of a prompt before anything of it is encoded.

    Attributes:
        ids: of the prompt, as they were given.
        runs: its media.
        keep: how many tokens of each are kept, where that is known beforehand.
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
        counts: how many tokens each row keeps.
        moved: where its tokens say they were.
    """

    index: Tensor
    mask: Tensor
    length: int
    dropped: Tensor
    cache: Any
    counts: list[int] = field(default_factory=list)
    moved: Moved | None = None

    @property
    def bias(self) -> Tensor | None:
        return None if self.moved is None else self.moved.bias

    def follow(self) -> None:
        """From now on rows that leave the cache, since they are finished, leave this as well."""
        leave = getattr(self.cache, "batch_select_indices", None)
        if leave is None:
            return

        def both(indices: Tensor) -> None:
            leave(indices)
            self._stay(indices)

        self.cache.batch_select_indices = both

    def _stay(self, rows: Tensor) -> None:
        self.index, self.mask = self.index[rows], self.mask[rows]
        self.dropped = self.dropped[rows]
        if self.moved is not None:
            bias = None if self.bias is None else self.bias[rows]
            positions = self.moved.positions.index_select(-2, rows)
            self.moved = Moved(positions, self.moved.ahead[rows], bias)


def presence(mask: Any, ids: Tensor) -> list[list[int]]:
    """1 where there is a token and 0 where there is padding, for each row of ids `[B, L]`.

    Args:
        mask: `[B, L or more]`, whose last columns are those of the ids; or `[B, H, L, L or more]`,
            alone or by the name of a layer's kind, whose last row sees all there is.
        ids: the prompt.
    """
    if isinstance(mask, Mapping):
        mask = mask.get("full_attention")
    if isinstance(mask, Tensor) and mask.dim() == 2:
        return mask[:, -ids.shape[1] :].long().tolist()
    if isinstance(mask, Tensor) and mask.dim() == 4:
        seen = mask[:, 0, -1, : ids.shape[1]]
        seen = seen if seen.dtype == torch.bool else seen >= 0
        return seen.long().expand(ids.shape).tolist()
    return [[1] * ids.shape[1] for _ in range(len(ids))]


def compact(
    present: Sequence[Sequence[int]],
    media: Sequence[int],
    kept: Tensor,
    gone: Sequence[int],
    cache: Any,
) -> Compacted:
    """What is left of a batch of prompts.

    Args:
        present: 1 where there is a token.
        media: places of all media tokens, as row times L plus place.
        kept: int64, the same of those that are kept.
        gone: how many tokens each row loses.
        cache: what the prompt is read into.
    """
    flags = torch.tensor(present, dtype=torch.bool, device=kept.device)
    width = flags.shape[1]
    every = to_device(media, kept.device)
    flat = flags.flatten().index_fill(0, every, False).index_fill(0, kept, True)
    flags = flat.view_as(flags)
    counts = [sum(row) - lost for row, lost in zip(present, gone, strict=True)]
    index = flags.int().argsort(dim=1, stable=True)[:, -max(counts) :]
    dropped = to_device(gone, kept.device)[:, None]
    return Compacted(index, flags.gather(1, index), width, dropped, cache, counts)


def masks(mask: Any, compacted: Compacted, window: int | None) -> Any:
    """The attention mask of the kept tokens alone.

    Args:
        mask: `[B, L]`, `[B, H, L, L or more]`, several by the name of a layer's kind, or `None`.
        compacted: what is kept.
        window: how far layers called `sliding_attention` look back.
    """
    size = compacted.index.shape[1]
    if isinstance(mask, Mapping) and not any(each is None for each in mask.values()):
        return {
            name: _roomy(_named(name, each, compacted, window), compacted.cache, name)
            for name, each in mask.items()
        }
    if isinstance(mask, Tensor) and mask.dim() == 4:
        square = _roomy(_square(mask, compacted), compacted.cache, "full_attention")
        return square if compacted.bias is None else _lifted(square, compacted.bias)
    if compacted.bias is not None:
        return biased(compacted.mask, compacted.bias, size, compacted.cache)
    return flat_mask(compacted.mask, compacted.cache)


def flat_mask(mask: Tensor, cache: Any) -> Tensor:
    """Bool `[B, K]` as int64; as long as the cache has room where that is fixed.

    So it has the same shape in every step, and what is compiled is compiled once.
    """
    room = _room(cache, mask.shape[1], "full_attention")
    return pad(mask, (0, max(room - mask.shape[1], 0)), value=True).long()


def biased(mask: Tensor, bias: Tensor, queries: int, cache: Any) -> Tensor:
    """Who may look at whom, with what is added to the logits: float32 `[B, 1, queries, T]`.

    Args:
        mask: bool `[B, T]`, true where there is a token; the last `queries` of them are asking.
        bias: float32 `[B, K]` of the first tokens.
        queries: how many there are.
        cache: what they are read into.
    """
    size = mask.shape[1]
    place = torch.arange(size, device=mask.device)
    visible = mask[:, None, None] & (place <= place[size - queries :, None])
    lifted = pad(bias, (0, size - bias.shape[1]))
    found = lifted[:, None, None].masked_fill(~visible, torch.finfo(bias.dtype).min)
    room = _room(cache, size, "full_attention", queries)
    return pad(found, (0, max(room - size, 0)), value=torch.finfo(bias.dtype).min)


def _lifted(mask: Tensor, bias: Tensor) -> Tensor:
    if mask.dtype == torch.bool:
        nothing = torch.zeros(mask.shape, device=mask.device)
        mask = nothing.masked_fill(~mask, torch.finfo(torch.float32).min)
    more = pad(bias, (0, mask.shape[-1] - bias.shape[1]))[:, None, None]
    return (mask + more).clamp(min=torch.finfo(mask.dtype).min)


def _room(cache: Any, size: int, kind: str, queries: int | None = None) -> int:
    """For how many tokens a cache of fixed size makes the attention look; 0 if it grows."""
    if not getattr(cache, "is_compileable", False):
        return 0
    sliding = ["sliding" in kind] * len(cache.layers)
    same = [flag == bool(own) for flag, own in zip(sliding, cache.is_sliding, strict=True)]
    layer = same.index(True) if True in same else 0
    return int(cache.get_mask_sizes(size if queries is None else queries, layer)[0])


def _roomy(mask: Tensor, cache: Any, kind: str) -> Tensor:
    size = mask.shape[-1]
    more = max(_room(cache, size, kind) - size, 0)
    return pad(mask, (0, more), value=False if mask.dtype == torch.bool else _low(mask))


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
    mask = mask[..., : compacted.length]  # beyond is the room of a cache
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


def deep(
    kwargs: Mapping[str, Any], compacted: Compacted, kept: Tensor, put: Callable[[Tensor], Tensor]
) -> dict[str, Any]:
    """What goes into deeper layers of the kept tokens of pictures, as Qwen3-VL does it.

    Args:
        kwargs: of the language model.
        compacted: what is kept.
        kept: int64, the kept media tokens, as row times L plus place.
        put: what is kept of `[B times L, D]` goes in its place: as it is, or merged.
    """
    mask: Tensor = kwargs["visual_pos_masks"]
    mask = mask.view(len(compacted.index), -1)
    stays = torch.zeros_like(mask).flatten().index_fill(0, kept, True) & mask.flatten()
    stays = stays.view_as(mask)
    levels: Sequence[Tensor] = kwargs.get("deepstack_visual_embeds") or ()
    spread = [
        put(level.new_zeros(mask.numel(), level.shape[-1]).masked_scatter(mask.view(-1, 1), level))
        for level in levels
    ]
    return {
        "visual_pos_masks": mask.gather(1, compacted.index) & compacted.mask,
        "deepstack_visual_embeds": [level[stays.flatten()] for level in spread],
    }
