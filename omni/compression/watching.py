"""What one layer of a vision tower attends to, seen while it works as it always does.

Only the chosen layer is asked to call a function of ours, which calls the one it would have called,
sdpa or flash or any other, and looks at the queries and keys on their way. The matrix of all
attention is never there at once.

Shapes: B tiles, H heads, N patches, d width of a head.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from omni.compression.anatomy import uncompiled
from omni.kernels import backend
from omni.kernels.attention_sums import attention_sums

ROWS = 256
"""How many queries are looked at at once."""

_PREFIX = "omni|"
_WATCHED: WeakKeyDictionary[nn.Module, Callable[..., None]] = WeakKeyDictionary()


def received(queries: Tensor, keys: Tensor, scaling: float, mask: Tensor | None = None) -> Tensor:
    """The mean attention that each key receives from all queries and heads: float32 `[B, N]`.

    Args:
        queries: `[B, H, Q, d]`.
        keys: `[B, H or a divisor of it, N, d]`.
        scaling: of the products.
        mask: bool (true: may look) or added to products, `[B, 1 or H, Q, N]`.
    """
    if mask is None and backend.chosen(keys.device) == "triton":
        return attention_sums(queries, keys, scaling)
    groups = queries.shape[1] // keys.shape[1]
    columns = keys.float().repeat_interleave(groups, 1).transpose(2, 3)  # [B, H, d, N]
    total = queries.new_zeros(len(queries), keys.shape[2], dtype=torch.float32)
    for start in range(0, queries.shape[2], ROWS):
        rows = queries[:, :, start : start + ROWS].float()
        products = rows @ columns * scaling
        if mask is not None:
            part = mask[..., start : start + ROWS, :] if mask.shape[-2] > 1 else mask
            if part.dtype == torch.bool:
                products = products.masked_fill(~part, torch.finfo(torch.float32).min)
            else:
                products = products + part.float()
        total += products.softmax(-1).sum((1, 2))
    return total / (queries.shape[1] * queries.shape[2])


class Sight:
    """Attention and keys of the patches that went through a layer, since it was last taken.

    Attributes:
        layer: the attention module.
        class_token: whether the first of each tile gathers the others, and its row is what counts;
            it is then no patch itself.
    """

    def __init__(self, layer: nn.Module, class_token: bool):
        self.layer = layer
        self.class_token = class_token
        self._attention: list[Tensor] = []
        self._keys: list[Tensor] = []

    @contextmanager
    def open(self) -> Iterator[Sight]:
        """See what the layer does, for as long as the context lasts."""
        config: Any = self.layer.config
        stock = config._attn_implementation or "eager"
        watched = copy.copy(config)
        watched._attn_implementation_internal = _registered(stock)
        _WATCHED[self.layer] = self._see
        self.layer.config = watched
        try:
            yield self
        finally:
            self.layer.config = config
            del _WATCHED[self.layer]

    def take(self) -> Tensor:
        """Float32 `[patches, 1 + d]`: attention, and keys as means over heads."""
        attention = torch.cat(self._attention)
        keys = torch.cat(self._keys)
        self._attention, self._keys = [], []
        return torch.cat([attention[:, None], keys], 1)

    @uncompiled
    @torch.no_grad()
    def _see(self, queries: Tensor, keys: Tensor, mask: Any, scaling: float, lengths: Any) -> None:
        if lengths is not None:  # flash attention reads all pictures as one row
            steps = (lengths[1:] - lengths[:-1]).tolist()
            pairs = zip(queries.split(steps, 2), keys.split(steps, 2), strict=True)
            for some, others in pairs:
                self._look(some, others, None, scaling)
            return
        usable = mask if isinstance(mask, Tensor) and mask.dim() == 4 else None
        self._look(queries, keys, usable, scaling)

    def _look(self, queries: Tensor, keys: Tensor, mask: Tensor | None, scaling: float) -> None:
        asking = queries[:, :, :1] if self.class_token else queries
        if mask is not None and self.class_token:
            mask = mask[..., :1, :]
        attention = received(asking, keys, scaling, mask)
        means = keys.float().mean(1)
        if self.class_token:
            attention, means = attention[:, 1:], means[:, 1:]
        self._attention.append(attention.flatten())
        self._keys.append(means.flatten(0, 1))


def _registered(stock: str) -> str:
    """The name under which the stock function is called with eyes open."""
    from transformers import AttentionInterface

    name = _PREFIX + stock
    if name not in AttentionInterface():
        AttentionInterface.register(name, _watching(stock))
    return name


def _watching(stock: str) -> Callable[..., Any]:
    def attend(
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Any,
        **kwargs: Any,
    ) -> Any:
        see = _WATCHED.get(module)
        if see is not None:
            scaling = kwargs.get("scaling") or query.shape[-1] ** -0.5
            see(query, key, attention_mask, scaling, kwargs.get("cu_seq_lens_k"))
        return _stock(stock, module)(module, query, key, value, attention_mask, **kwargs)

    return attend


def _stock(name: str, module: nn.Module) -> Callable[..., Any]:
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    own: Any = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    return ALL_ATTENTION_FUNCTIONS.get_interface(name, own)


def needed(selector: Any) -> frozenset[str]:
    """Which fields of `Signals` a selector cannot do without, as its attribute `needs` says."""
    return frozenset(getattr(selector, "needs", ()))


def used(selector: Any) -> frozenset[str]:
    """Which fields of `Signals` a selector needs, or makes use of where they are known.

    An encoder is watched only for a selector that would use what is seen.
    """
    return needed(selector) | frozenset(getattr(selector, "uses", ()))
