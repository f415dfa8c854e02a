"""Density peaks: tokens in the midst of many like them, and far from any denser one.

Shapes: G items, N tokens, B tokens compared with all others at once, D width.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from omni.compression.relevance import precise

_BLOCK = 512


def peaks(directions: Tensor, members: Tensor, neighbours: int) -> Tensor:
    """Density times distance to the nearest denser token: float32 `[G, N]`, 0 for no members.

    Density is `exp` of minus the mean distance to the nearest neighbours; of equals the first is
    denser. The densest token has the distance to the farthest, and one alone the farthest there is.
    Distances are one minus the cosine; no matrix of all pairs is kept.

    Args:
        directions: unit vectors `[G, N, D]`.
        members: bool `[G, N]`, the tokens that are looked at.
        neighbours: how many of the nearest count, or all others where there are fewer.
    """
    here = torch.arange(members.shape[1], device=members.device)
    density = torch.cat([_density(*part, neighbours) for part in _parts(directions, members)], 1)
    apart = []
    start = 0
    for distance, void in _parts(directions, members):
        own = slice(start, start + distance.shape[1])
        mine, others = density[:, own, None], density[:, None]
        denser = (others > mine) | ((others == mine) & (here < here[own, None]))
        nearest = distance.masked_fill(void | ~denser, torch.inf).amin(2)
        farthest = distance.masked_fill(void, -1).amax(2)
        farthest = torch.where(farthest < 0, 2.0, farthest)
        apart.append(torch.where(nearest.isfinite(), nearest, farthest))
        start += distance.shape[1]
    return (density * torch.cat(apart, 1)).masked_fill(~members, 0)


def _parts(directions: Tensor, members: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Distances `[G, B, N]` of block after block, and bool: true for what is no neighbour."""
    here = torch.arange(members.shape[1], device=members.device)
    for start in range(0, members.shape[1], _BLOCK):
        rows = directions[:, start : start + _BLOCK]
        distance = (1 - (rows @ directions.transpose(1, 2)).float()).clamp(min=0)
        yield distance, (here[start : start + _BLOCK, None] == here) | ~members[:, None]


def _density(distance: Tensor, void: Tensor, neighbours: int) -> Tensor:
    count = min(neighbours, distance.shape[2])
    near = distance.masked_fill(void, torch.inf).topk(count, dim=2, largest=False).values
    real = near.isfinite()
    mean = precise(near.masked_fill(~real, 0)).sum(2) / real.sum(2).clamp(min=1)
    return (-mean).exp().float()
