"""What an attention layer was given, and chosen rows of its weights: never the whole matrix.

Shapes: B rows of the batch, H heads, G heads of keys, L tokens, R chosen tokens, d width of a head.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Hearing:
    """Queries and keys as they meet, turned by their positions already.

    Attributes:
        query: `[B, H, L, d]`.
        key: `[B, G, L, d]`.
        mask: as the attention got it: bool or added `[B, 1, L, L]`, bool `[B, L]`, or `None`.
        scaling: of products.
        window: how far back a token looks, where the mask does not say.
        cap: the bound of products, if there is one.
    """

    query: Tensor
    key: Tensor
    mask: Tensor | None
    scaling: float
    window: int | None = None
    cap: float | None = None

    @torch.no_grad()
    def rows(self, places: Tensor) -> Tensor:
        """How much chosen tokens attend to each token, mean over heads: float32 `[B, R, L]`.

        Args:
            places: int64 `[B, R]`.
        """
        batch, heads, _, width = self.query.shape
        seen = self.visible(places)
        asked = places[:, None, :, None].expand(-1, heads, -1, width)
        query = self.query.gather(2, asked).float().unflatten(1, (self.key.shape[1], -1))
        key = self.key.float().transpose(2, 3)  # [B, G, d, L]
        logits = (query.flatten(2, 3) @ key).view(batch, heads, places.shape[1], -1)
        weights = self._bounded(logits * self.scaling).masked_fill(~seen, -torch.inf).softmax(-1)
        return weights.masked_fill(~seen, 0).mean(1)

    @torch.no_grad()
    def spread(self, worth: Tensor, temperature: float) -> Tensor:
        """What tokens receive, where each hands on its worth: float32 `[B, L]`.

        It is handed on by the softmax of the heads' mean product over `temperature`. The matrix of
        that is never there as a whole.

        Args:
            worth: float32 `[B, L]`.
            temperature: above 0.
        """
        found = torch.zeros_like(worth)
        heads = self.query.shape[1]
        shared = heads // self.key.shape[1]
        key = self.key.float().repeat_interleave(shared, 1).transpose(1, 2).flatten(2)  # [B, L, Hd]
        for places in self._blocks():
            query = self.query[:, :, places].float().transpose(1, 2).flatten(2)
            logits = query @ key.transpose(1, 2) * (self.scaling / heads / temperature)
            seen = self.visible(places.expand(len(worth), -1))[:, 0]
            weights = logits.masked_fill(~seen, -torch.inf).softmax(-1).masked_fill(~seen, 0)
            found += (worth[:, places, None] * weights).sum(1)
        return found

    def visible(self, places: Tensor) -> Tensor:
        """Which tokens chosen ones look at: bool `[B, 1, R, L]`."""
        length = self.key.shape[2]
        if self.mask is not None and self.mask.dim() == 4:
            mask = self.mask[:, :1, :, :length].expand(len(places), -1, -1, -1)
            found = mask.gather(2, places[:, None, :, None].expand(-1, -1, -1, length))
            return found if found.dtype == torch.bool else found > torch.finfo(found.dtype).min / 2
        back = places[..., None] - torch.arange(length, device=places.device)
        found = back >= 0
        if self.window is not None:
            found = found & (back < self.window)
        if self.mask is not None:
            found = found & self.mask[:, None].bool()
        return found[:, None]

    def _bounded(self, logits: Tensor) -> Tensor:
        return logits if self.cap is None else self.cap * (logits / self.cap).tanh()

    def _blocks(self) -> Iterator[Tensor]:
        length = self.query.shape[2]
        for start in range(0, length, _BLOCK):
            yield torch.arange(start, min(start + _BLOCK, length), device=self.query.device)
