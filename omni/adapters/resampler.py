"""Learned queries that read any number of tokens and answer with a fixed number.

Shapes: G items, N tokens of the longest item, Q queries, D language width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from omni.adapters.adapter import Adapter
from omni.compression.budget import Grid
from omni.errors import UsageError
from omni.plugins import Component


class Resampler(Adapter):
    """Queries cross-attend to the projected tokens of one item; the answer has `queries` tokens."""

    def __init__(
        self,
        *,
        project: nn.Module,
        norm: nn.Module,
        attention: nn.MultiheadAttention,
        refine: nn.Module,
        queries: int,
    ):
        super().__init__(project=project, norm=norm)
        self.queries = nn.Parameter(torch.randn(queries, attention.embed_dim) * 0.02)
        self.attention = attention
        self.refine = refine

    def forward(self, tokens: Tensor, lengths: Sequence[int]) -> tuple[Tensor, list[int]]:
        """Answers `[items * queries, language width]` and `queries` for each item."""
        projected = self.project(self.norm(tokens))
        parts = list(projected.split(list(lengths)))
        keys = nn.utils.rnn.pad_sequence(parts, batch_first=True)
        sizes = torch.tensor(lengths, device=tokens.device)
        outside = torch.arange(keys.shape[1], device=tokens.device) >= sizes[:, None]  # [G, N]
        queries = self.queries.to(keys.dtype).expand(len(lengths), -1, -1)  # [G, Q, D]
        read, _ = self.attention(queries, keys, keys, key_padding_mask=outside, need_weights=False)
        answers = queries + read
        answers = answers + self.refine(answers)
        return answers.flatten(0, 1), [len(self.queries)] * len(lengths)

    def grid(self, grid: Grid) -> Grid:
        """The queries have no place: they are an unordered set."""
        return Grid(width=len(self.queries))


def build_resampler(
    encoder_width: int, language_width: int, queries: int = 32, heads: int = 4
) -> Resampler:
    """A resampler with `queries` learned queries and one layer of cross-attention.

    Raises:
        UsageError: if the language width is not a multiple of the number of heads.
    """
    if language_width % heads:
        raise UsageError(
            f"a resampler of {heads} heads needs a language width that {heads} divides, "
            f"not {language_width}: set the adapter's heads"
        )
    refine = nn.Sequential(
        nn.LayerNorm(language_width),
        nn.Linear(language_width, 2 * language_width),
        nn.GELU(),
        nn.Linear(2 * language_width, language_width),
    )
    return Resampler(
        project=nn.Linear(encoder_width, language_width),
        norm=nn.LayerNorm(encoder_width),
        attention=nn.MultiheadAttention(language_width, heads, batch_first=True),
        refine=refine,
        queries=queries,
    )


plugin = build_resampler

COMPONENTS = (
    Component(
        kind="adapter",
        name="resampler",
        summary="Learned queries read an item of any length and answer with a fixed number.",
        system="Flamingo",
        paper="Flamingo: a Visual Language Model for Few-Shot Learning (arXiv 2204.14198)",
    ),
)
