"""What a frozen encoder is taught by: heads that read the world's attributes from its tokens."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

TOKEN_WEIGHT = 0.5
NEVER = -1e4


class Heads(nn.Module):
    """Reads attributes twice: from all tokens by attention, and from every single token.

    The second reading makes each token carry the answer, so that a language model that is given
    only a few of the tokens still sees it.

    Args:
        width: of a token.
        attributes: name → number of its classes.
        numbers: how many real values to predict from each token beside them.
    """

    def __init__(self, width: int, attributes: Mapping[str, int], numbers: int = 0):
        super().__init__()
        self.attributes = dict(attributes)
        self.queries = nn.Parameter(torch.randn(len(attributes), width) * width**-0.5)
        self.pooled = nn.ModuleDict({name: nn.Linear(width, n) for name, n in attributes.items()})
        self.single = nn.ModuleDict({name: nn.Linear(width, n) for name, n in attributes.items()})
        self.numbers = nn.Linear(width, numbers) if numbers else None

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        """Logits `[batch, classes]` of each attribute, from tokens `[batch, length, width]`."""
        weights = (tokens @ self.queries.T).softmax(1)
        pooled = weights.transpose(1, 2) @ tokens
        return {
            name: head(pooled[:, index]) for index, (name, head) in enumerate(self.pooled.items())
        }

    def loss(
        self,
        tokens: Tensor,
        labels: Mapping[str, Tensor],
        numbers: Tensor | None = None,
        impossible: Mapping[str, Tensor] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> tuple[Tensor, dict[str, float]]:
        """Mean loss over the attributes and the accuracy of each pooled one.

        Args:
            tokens: `[batch, length, width]`.
            labels: name → class of each item; −1 is no label.
            numbers: real values `[batch, numbers]` that each token predicts.
            impossible: name → `[batch, classes]`, classes that must not count as wrong answers.
            weights: name → how much its loss counts; 1 for those that are not named.
        """
        logits = self(tokens)
        total, logs = tokens.new_zeros(()), {}
        length = tokens.shape[1]
        for name, head in self.single.items():
            wanted = labels[name]
            known = wanted >= 0
            if not known.any():
                continue
            together, apart = logits[name], head(tokens)
            if impossible and name in impossible:
                together = together.masked_fill(impossible[name], NEVER)
                apart = apart.masked_fill(impossible[name][:, None], NEVER)
            weight = (weights or {}).get(name, 1.0)
            total = total + weight * functional.cross_entropy(together, wanted, ignore_index=-1)
            total = total + weight * TOKEN_WEIGHT * functional.cross_entropy(
                apart.flatten(0, 1), wanted.repeat_interleave(length), ignore_index=-1
            )
            right = (logits[name].argmax(1) == wanted)[known]
            logs[name] = right.float().mean().item()
        if self.numbers is not None and numbers is not None:
            total = total + 4 * (self.numbers(tokens) - numbers[:, None]).abs().mean()
        return total / len(self.attributes), logs


@torch.inference_mode()
def accuracy(
    heads: Heads, tokens: Tensor, labels: Mapping[str, Tensor]
) -> tuple[dict[str, float], Tensor]:
    """Share of right answers for each attribute, and which rows are right in all of them."""
    logits = heads(tokens)
    right = {name: (logits[name].argmax(1) == labels[name]) for name in logits}
    every = torch.stack([row | (labels[name] < 0) for name, row in right.items()]).all(0)
    shares = {name: row[labels[name] >= 0].float().mean().item() for name, row in right.items()}
    return shares, every
