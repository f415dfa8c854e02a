"""A bank of feed-forward experts, and the residual block that sends tokens through it.

Shapes: N tokens, E experts, K experts chosen for a token, D width, H hidden width of an expert.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, silu

from omni.routing.router import Batch, Routing


class SupportsRouting(Protocol):
    """What a mixture asks of its router."""

    def __call__(self, batch: Batch) -> Routing: ...

    def load(self) -> dict[str, list[float]]: ...


class Experts(nn.Module):
    """SwiGLU experts, all of one size, whose weights lie in one tensor a layer.

    Every token reaches every expert that it was routed to: there is no capacity, nothing is
    dropped. Tokens are sorted by expert and each expert works on its run; the naive loop that this
    equals is `omni.kernels.naive.mixture`.
    """

    def __init__(self, *, width: int, hidden: int, experts: int):
        super().__init__()
        self.gate = nn.Parameter(torch.empty(experts, hidden, width))
        self.up = nn.Parameter(torch.empty(experts, hidden, width))
        self.down = nn.Parameter(torch.empty(experts, width, hidden))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Random on the way in, zero on the way out: a new bank adds nothing to its input."""
        bound = 1 / math.sqrt(self.gate.shape[-1])
        nn.init.uniform_(self.gate, -bound, bound)
        nn.init.uniform_(self.up, -bound, bound)
        nn.init.zeros_(self.down)

    def forward(self, tokens: Tensor, routing: Routing) -> Tensor:
        """Weighted sum of the chosen experts' answers, `[N, D]`."""
        count, chosen = routing.experts.shape
        flat = routing.experts.flatten()
        order = flat.argsort(stable=True)
        runs = torch.bincount(flat, minlength=len(self.gate)).tolist()
        sorted_tokens = tokens[order // chosen]
        answers = [
            self._answer(expert, run)
            for expert, run in enumerate(sorted_tokens.split(runs))
            if len(run)
        ]
        if not answers:
            return torch.zeros_like(tokens)
        # Back to the tokens' order by a gather, not by atomic adds: the same sum every time.
        back = torch.cat(answers)[order.argsort()].view(count, chosen, -1)
        return (back * routing.weights.to(back.dtype)[..., None]).sum(1)

    def _answer(self, expert: int, tokens: Tensor) -> Tensor:
        hidden = silu(linear(tokens, self.gate[expert])) * linear(tokens, self.up[expert])
        return linear(hidden, self.down[expert])


class Mixture(nn.Module):
    """Residual block: tokens plus what their experts say of the normalised tokens."""

    def __init__(self, *, router: nn.Module, experts: Experts, norm: nn.Module):
        super().__init__()
        self.router = router
        self.experts = experts
        self.norm = norm

    def forward(self, batch: Batch) -> tuple[Tensor, Routing]:
        """Mixed tokens `[N, D]` and how they were routed."""
        normed = self.norm(batch.tokens)
        routing = self.router(Batch(normed, batch.owner, batch.modality, batch.question))
        return batch.tokens + self.experts(normed, routing), routing


class Conversion(Mixture):
    """Tokens become what their experts say of them: nothing passes the experts by.

    Where a residual block leads around them, adapters and language model learn to do without, and
    it does not matter who works.
    """

    def forward(self, batch: Batch) -> tuple[Tensor, Routing]:
        """Converted tokens `[N, D]` and how they were routed."""
        normed = self.norm(batch.tokens)
        routing = self.router(Batch(normed, batch.owner, batch.modality, batch.question))
        return self.experts(normed, routing), routing


def build_mixture(
    router: nn.Module, *, width: int, hidden: int, experts: int, skip: bool = True
) -> Mixture:
    """A mixture of `experts` SwiGLU experts behind a router that was built for as many.

    Args:
        router: sends tokens to experts.
        width: of tokens.
        hidden: width inside an expert.
        experts: how many there are.
        skip: whether tokens also pass the experts by, as in a residual block.
    """
    kind = Mixture if skip else Conversion
    return kind(
        router=router,
        experts=Experts(width=width, hidden=hidden, experts=experts),
        norm=nn.RMSNorm(width, eps=1e-6),
    )
