"""Latent-attention pooling: hidden states look at trained latents, and their mean is taken.

Shapes: B rows, N tokens, D width of the model, L latents, H heads, W width of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from omni.plugins import Component


class LatentAttention(nn.Module):
    """NV-Embed's pooling (arXiv 2405.17428 §3.1): cross attention, a gated MLP, a masked mean.

    Hidden states ask, the latents are keys and values. As in the published model each head is as
    wide as the whole unless told otherwise, and the mask is for the mean alone.

    Args:
        width: of hidden states.
        latents: how many.
        heads: of the cross attention.
        head_width: of each; `width` if `None`.
        expand: how much wider the MLP is within.
    """

    def __init__(
        self,
        width: int,
        *,
        latents: int = 512,
        heads: int = 8,
        head_width: int | None = None,
        expand: int = 4,
    ):
        super().__init__()
        self.heads = heads
        inner = heads * (head_width or width)
        self.latents = nn.Parameter(torch.randn(latents, width))
        self.norm, self.latent_norm, self.mlp_norm = (nn.LayerNorm(width) for _ in range(3))
        self.query = nn.Linear(width, inner, bias=False)
        self.key_value = nn.Linear(width, 2 * inner, bias=False)
        self.out = nn.Linear(inner, width, bias=False)
        self.widen = nn.Linear(width, 2 * expand * width)
        self.narrow = nn.Linear(expand * width, width)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Means `[B, D]` of hidden states `[B, N, D]`, of those that the mask `[B, N]` keeps."""
        states = states + self._look(self.norm(states))
        value, gate = self.widen(self.mlp_norm(states)).chunk(2, -1)
        states = states + self.narrow(value * nn.functional.gelu(gate))
        kept = mask.to(states.dtype)[..., None]
        # A padded place may hold anything, even what is no number.
        states = states.masked_fill(kept == 0, 0)
        return states.sum(1) / kept.sum(1).clamp(min=1)

    def _look(self, states: Tensor) -> Tensor:
        query = self._split(self.query(states))  # [B, H, N, W]
        key, value = self.key_value(self.latent_norm(self.latents))[None].chunk(2, -1)
        key, value = (
            self._split(each).expand(len(states), -1, -1, -1) for each in (key, value)
        )  # [B, H, L, W]
        seen = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.out(seen.transpose(1, 2).flatten(2))

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)


COMPONENTS = (
    Component(
        kind="embedder",
        name="latent attention",
        summary="Pooling of hidden states through trained latents.",
        system="NV-Embed",
        paper="NV-Embed (arXiv 2405.17428)",
    ),
)
