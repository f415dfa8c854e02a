"""Budgets by the kind of token: as many of each kind as carry nearly all that the kind contributes.

In a model that sees flat pictures and solid scenes alike, most spatial tokens carry next to
nothing on to later tokens, and flat ones carry more; one share for both starves one or feeds the
other. The kinds are whatever the caller tells apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from omni.compression.allocation import allocate
from omni.compression.relevance import precise
from omni.errors import UsageError


@torch.no_grad()
def carriers(contributions: Tensor, kinds: Tensor, count: int, covered: float = 0.95) -> Tensor:
    """The fewest tokens of each kind that carry a share of what the kind contributes.

    AdaToken-3D measures contributions as the attention that flows from a token to later ones inside
    the language model, and sets the share of each kind once for a model. How it is measured is left
    to the caller; its exact threshold is not public, and this is the rule that follows from its
    finding that most spatial tokens together carry under 5 %.

    Args:
        contributions: `[N]`; what is negative or not finite counts as nothing.
        kinds: int64 `[N]`, in 0…count - 1.
        count: how many kinds there are.
        covered: the share that has to be carried.

    Returns:
        int64 `[count]`: at least 1 for a kind that occurs, 0 for one that does not.
    """
    if not 0 < covered <= 1:
        raise UsageError(f"covered is a share above 0 and up to 1, not {covered}")
    level = precise(contributions).nan_to_num(0.0, 0.0, 0.0).clamp(min=0)
    mine = kinds == torch.arange(count, device=kinds.device)[:, None]  # [count, N]
    ranked = torch.where(mine, level, 0.0).sort(dim=1, descending=True).values
    carried = ranked.cumsum(1).float()
    # The order of adding up must not decide, so that sums are compared in float32.
    goal = (covered * ranked.sum(1, keepdim=True)).float()
    enough = (carried < goal).sum(1) + 1
    return torch.minimum(enough, mine.sum(1))


def kind_share(
    sizes: Sequence[int], total: int, wanted: Sequence[int], floors: Sequence[int] | None = None
) -> list[int]:
    """Tokens to keep of each kind: in proportion to its carriers, and never more than there are.

    Args:
        sizes: how many tokens of each kind there are.
        total: how many may be kept.
        wanted: what `carriers` answers, on the host.
        floors: the fewest of each kind.
    """
    return allocate(sizes, total, [float(one) for one in wanted], floors)
