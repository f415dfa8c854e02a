"""What goes on from one cut to the next, and the masks of the layers in between.

A window of a sliding layer counts the tokens that are left, as the cache of such a layer does.
Shapes: B rows, L tokens of the prompt, K of them at this level, S in a cache, Q new ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the attention of a model wants of a mask.

    Attributes:
        name: of the implementation.
        dtype: of hidden states.
    """

    name: str
    dtype: torch.dtype

    @property
    def flat(self) -> bool:
        """Whether it takes masks `[B, S]` and knows by itself what is causal."""
        return "flash" in self.name

    def form(self, allowed: Tensor) -> Tensor:
        """A bool mask `[B, 1, Q, S]` as this kernel takes it."""
        if self.name != "eager":
            return allowed
        zero = torch.zeros((), dtype=self.dtype, device=allowed.device)
        return torch.where(allowed, zero, torch.finfo(self.dtype).min)


@dataclass(frozen=True, slots=True)
class Level:
    """The tokens that are left from a layer on.

    Attributes:
        layer: the first of the layers that see these.
        index: int64 `[B, K]`, where each was in the prompt, ascending; to the left of them others,
            where a row has fewer.
        mask: bool `[B, K]`, true where there is a token.
        full: whether it is true everywhere.
        length: of the prompt.
    """

    layer: int
    index: Tensor
    mask: Tensor
    full: bool
    length: int

    def take(self, x: Tensor) -> Tensor:
        """The columns of `x`, `[B or 1, L, …]`, that are left."""
        index = self.index.view(*self.index.shape, *[1] * (x.dim() - 2))
        wide = x.expand(len(self.index), *x.shape[1:])
        return wide.gather(1, index.expand(-1, -1, *x.shape[2:]))

    def prompt_mask(self, given: Any, window: int | None, kernel: Kernel) -> Any:
        """The mask of the tokens that are left, from that of the prompt."""
        if isinstance(given, Tensor) and given.dim() == 4:
            return kernel.form(self._square(given, window))
        if self.full:
            return None
        if kernel.flat:
            return self.mask
        place = torch.arange(self.mask.shape[1], device=self.mask.device)
        return kernel.form(_causal(place, place, self.mask, window))

    def _square(self, given: Tensor, window: int | None) -> Tensor:
        """A mask `[B, H, L, L]` of the tokens that are left, bool `[B, H, K, K]`."""
        seen = given
        if given.dtype != torch.bool:
            seen = given > torch.finfo(given.dtype).min / 2
        if window is not None:
            # Where tokens are gone, a window reaches farther back than it did in the prompt.
            whole = torch.arange(self.length, device=given.device)
            seen = seen | (whole[:, None] >= whole)
        index, size = self.index, self.index.shape[1]
        rows = index[:, None, :, None].expand(-1, seen.shape[1], -1, self.length)
        columns = index[:, None, None].expand(-1, seen.shape[1], size, -1)
        seen = seen.expand(len(index), -1, -1, -1).gather(2, rows).gather(3, columns)
        seen = seen & self.mask[:, None, None]
        if window is None:
            return seen
        place = torch.arange(size, device=given.device)
        return seen & (place[:, None] - place < window)

    def later(
        self,
        given: Any,
        new: Tensor,
        reach: tuple[int, int, int],
        window: int | None,
        kernel: Kernel,
    ) -> Any:
        """The mask of tokens after the prompt.

        Args:
            given: what it would be, had nothing been dropped.
            new: bool `[B, since]`, what there is since the prompt.
            reach: Q, S, and how many tokens the cache has forgotten before those.
            window: how far back the layer looks.
            kernel: what reads the mask.
        """
        count, length, forgotten = reach
        if given is None and self.full and (count == 1 or kernel.flat):
            return None
        real = torch.cat([self.mask.repeat_interleave(len(new) // len(self.mask), 0), new], 1)
        real = real[:, forgotten : forgotten + length]
        if kernel.flat:
            return real
        place = torch.arange(length, device=real.device)
        return kernel.form(_causal(place[length - count :], place, real, window))


def _causal(queries: Tensor, keys: Tensor, real: Tensor, window: int | None) -> Tensor:
    """Bool `[B, 1, Q, S]`: each query sees what is real, not after it, and inside its window."""
    back = queries[:, None] - keys
    near = back >= 0
    if window is not None:
        near = near & (back < window)
    return (near & real[:, None])[:, None]
