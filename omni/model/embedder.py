"""Heads that lay what an encoder saw into the sentence space of the text tower.

Shapes: G items, N tokens of the longest, Q queries, D encoder width, H channels of a query.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from omni.plugins import Component


class Embedder(nn.Module):
    """Encoder tokens of items → unit vectors, through learned queries that each look once.

    Args:
        width: of an encoder token.
        space: width of the shared space.
        queries: how many; each has its own reading of what it looks at.
        channels: of what each query brings on.
        hidden: width between the queries and the space.
        dropout: share of what the queries bring on that is left out in training.
    """

    def __init__(
        self,
        width: int,
        space: int,
        *,
        queries: int = 8,
        channels: int = 64,
        hidden: int = 512,
        dropout: float = 0.3,
    ):
        super().__init__()
        self.width = width
        self.look = nn.Linear(width, queries)
        self.read = nn.Parameter(torch.randn(queries, width, channels) * width**-0.5)
        self.project = nn.Sequential(
            nn.LayerNorm(queries * channels),
            nn.Dropout(dropout),
            nn.Linear(queries * channels, hidden),
            nn.GELU(),
            nn.Linear(hidden, space),
        )

    def forward(self, tokens: Sequence[Tensor]) -> Tensor:
        """Unit vectors `[G, space]` of items with tokens `[their number, width]` each."""
        sizes = torch.tensor([len(item) for item in tokens], device=tokens[0].device)
        padded = nn.utils.rnn.pad_sequence(list(tokens), batch_first=True)
        void = torch.arange(padded.shape[1], device=padded.device) >= sizes[:, None]
        return self.pool(padded, void)

    def pool(self, tokens: Tensor, void: Tensor | None = None) -> Tensor:
        """The same of tokens `[G, N, width]`, of which those that are `void` `[G, N]` are none."""
        tokens = self.keys(tokens)
        scores = self.look(tokens)  # [G, N, Q]
        if void is not None:
            scores = scores.masked_fill(void[..., None], -torch.inf)
        seen = scores.softmax(1).transpose(1, 2) @ tokens  # [G, Q, D]
        brought = torch.einsum("gqd,qdh->gqh", seen, self.read)
        return nn.functional.normalize(self.project(brought.flatten(1)), dim=-1)

    def keys(self, tokens: Tensor) -> Tensor:
        """What the queries look at: the tokens themselves, normalised."""
        return nn.functional.layer_norm(tokens, (self.width,))

    def attention(self, tokens: Tensor) -> Tensor:
        """How much the queries look at each of an item's tokens `[N, width]`: float32 `[N]`.

        It sums to 1, as the attention of a class token does, which these queries stand for.
        """
        return self.look(self.keys(tokens)).float().softmax(0).mean(1)


COMPONENTS = (
    Component(
        kind="embedder",
        name="shared",
        summary="Learned queries over encoder tokens, into a locked text model's sentence space.",
        system="Unimodal-Projectors",
        paper="From Unimodal to Multimodal: Scaling up Projectors to Align Modalities "
        "(arXiv 2409.19425)",
    ),
)
