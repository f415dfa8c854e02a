"""Budgets by the kind of token: as many of each kind as carry nearly all that the kind contributes.

In a model that sees flat pictures and solid scenes alike, most spatial tokens carry next to
nothing on to later tokens, and flat ones carry more; one share for both starves one or feeds the
other. The kinds are whatever the caller tells apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.allocation import allocate
from omni.compression.candidates import heard
from omni.compression.relevance import precise
from omni.compression.selector import Question, Tokens, to_device
from omni.errors import UsageError

TEMPERATURE = 0.1
"""A cosine as much higher as this draws 2.7 times as much."""


@torch.no_grad()
def drawn(tokens: Tokens, question: Question) -> Tensor:
    """What the words of a question would look at, before any layer does.

    Float32 `[sum of lengths]`: the sum over words of the softmax of their cosines to an item's
    tokens, a stand-in for the attention inside the language model, which is not known yet when
    budgets are shared. All ones for an item about which nothing was asked.
    """
    x, mask = tokens.padded()
    mask = mask & torch.isfinite(x).all(-1)
    words, asked = heard(question)
    directions = normalize(precise(torch.where(mask[..., None], x, 0.0)), dim=-1)
    cosines = (words @ directions.transpose(1, 2)).float()  # [G, Q, N]
    looks = (cosines / TEMPERATURE).masked_fill(~mask[:, None], -1e9).softmax(-1)
    total = (looks * asked[..., None]).sum(1)
    found = torch.where(asked.any(1, keepdim=True), total, 1.0) * mask
    width = found.shape[1]
    inside = [row * width + place for row, n in enumerate(tokens.lengths) for place in range(n)]
    return found.flatten()[to_device(inside, found.device)]


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


def kind_weights(
    names: Sequence[str], lengths: Sequence[int], contributions: Tensor
) -> list[float]:
    """What each item weighs where kinds have budgets of their own: its part of the kind's carriers.

    This waits for the device, once.

    Args:
        names: the kind of each item.
        lengths: tokens of each item.
        contributions: `[sum of lengths]`, as for `carriers`.
    """
    order = list(dict.fromkeys(names))
    kinds = [order.index(name) for name, n in zip(names, lengths, strict=True) for _ in range(n)]
    numbers = to_device(kinds, contributions.device)
    wanted = carriers(contributions, numbers, len(order)).tolist()
    sizes = [kinds.count(kind) for kind in range(len(order))]
    places = [order.index(name) for name in names]
    return [
        wanted[kind] * length / max(sizes[kind], 1)
        for kind, length in zip(places, lengths, strict=True)
    ]
