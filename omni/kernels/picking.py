"""Greedy picking of all items at once, in single precision, from matrices that are there.

One pick a step, the greatest value, the first of equals. Picks of an item after its `keep` are
void. Nothing waits for the device. Shapes: G items, N tokens, K picks, R rows to be covered.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from omni.kernels import backend

MOST = 8192
"""Tokens of an item whose matrix is made: 256 megabytes."""

NOTHING = 1e-6  # squared volume of which, in single precision, only rounding is left


def in_kernels(x: Tensor) -> bool:
    """Whether items `[G, N, …]` are to be compared and picked by kernels."""
    return x.shape[1] <= MOST and backend.chosen(x.device) == "triton"


def pick_farthest(
    cosines: Tensor, first: Tensor, weight: Tensor, standing: Tensor, steps: int
) -> Tensor:
    """Max-min picks, int64 `[G, K]`: weight times the distance to the nearest pick.

    Args:
        cosines: float32 `[G, N, N]`.
        first: float32 `[G, N]`, what tokens are worth before any is picked.
        weight: float32 `[G, N]`.
        standing: float32 `[G, N]`, added to every value: infinite for pins, minus infinity for
            what is no token.
        steps: K.
    """
    if backend.chosen(cosines.device) == "torch":
        return farthest_in_torch(cosines, first, weight, standing, steps)
    from omni.kernels.triton_picking import launch_farthest

    return launch_farthest(cosines, first, weight, standing, steps)


def pick_volume(cosines: Tensor, quality: Tensor, standing: Tensor, steps: int) -> Tensor:
    """Picks, int64 `[G, K]`, of a determinantal process whose kernel is `q_i q_j cos(i, j)`.

    Args:
        cosines: float32 `[G, N, N]`.
        quality: float32 `[G, N]`, 0 to 1.
        standing: as for `pick_farthest`.
        steps: K.
    """
    if backend.chosen(cosines.device) == "torch":
        return volume_in_torch(cosines, quality, standing, steps)
    from omni.kernels.triton_picking import launch_volume

    return launch_volume(cosines, quality, standing, steps)


def pick_cover(cover: Tensor, standing: Tensor, steps: int) -> Tensor:
    """Picks, int64 `[G, K]`, that cover most: facility location.

    Args:
        cover: float32 `[G, N, R]`, 0 and above: how well each token covers each row.
        standing: as for `pick_farthest`.
        steps: K.
    """
    if backend.chosen(cover.device) == "torch":
        return cover_in_torch(cover, standing, steps)
    from omni.kernels.triton_cover import launch_cover

    return launch_cover(cover, standing, steps)


def farthest_in_torch(
    cosines: Tensor, first: Tensor, weight: Tensor, standing: Tensor, steps: int
) -> Tensor:
    """The twin of `pick_farthest`."""
    nearest = torch.full_like(first, 2)

    def update(pick: Tensor) -> Tensor:
        nonlocal nearest
        row = cosines.take_along_dim(pick[..., None], 1).squeeze(1)
        nearest = torch.minimum(nearest, 1 - row)
        return weight * nearest

    return greedy(first, standing, steps, update)


def volume_in_torch(cosines: Tensor, quality: Tensor, standing: Tensor, steps: int) -> Tensor:
    """The twin of `pick_volume`."""
    left = quality.square() * cosines.diagonal(dim1=1, dim2=2)
    left = torch.where(left > NOTHING, left, 0.0)
    factor = torch.zeros(len(left), steps, left.shape[1], device=left.device)
    done = 0

    def update(pick: Tensor) -> Tensor:
        nonlocal left, done
        before = factor[:, :done]
        own = before.take_along_dim(pick[:, None], 2)
        row = cosines.take_along_dim(pick[..., None], 1).squeeze(1)
        row = row * quality * quality.take_along_dim(pick, 1) - (own * before).sum(1)
        volume = left.take_along_dim(pick, 1)
        part = torch.where(volume > 0, row / volume.clamp(min=NOTHING).sqrt(), 0.0)
        factor[:, done] = part
        done += 1
        left = left - part.square()
        left = torch.where(left > NOTHING, left, 0.0)
        return left

    return greedy(left, standing, steps, update)


def cover_in_torch(cover: Tensor, standing: Tensor, steps: int) -> Tensor:
    """The twin of `pick_cover`, with every gain worked out at every step."""
    best = torch.zeros_like(cover[:, 0])

    def update(pick: Tensor) -> Tensor:
        nonlocal best
        best = torch.maximum(best, cover.take_along_dim(pick[..., None], 1).squeeze(1))
        return gains(cover, best)

    return greedy(gains(cover, best), standing, steps, update)


def greedy(
    value: Tensor, standing: Tensor, steps: int, update: Callable[[Tensor], Tensor]
) -> Tensor:
    """Places `[G, K]` in the order of picking: each time the greatest value, the first of equals.

    Args:
        value: float32 `[G, N]`, what tokens are worth before any is picked.
        standing: as for `pick_farthest`.
        steps: how many to pick; items that keep fewer use the first of them.
        update: told the picks `[G, 1]`, answers what tokens are worth now.
    """
    picks: list[Tensor] = []
    while len(picks) < steps:
        if picks:
            value = update(picks[-1])
        pick = (value + standing).argmax(1, keepdim=True)
        picks.append(pick)
        standing = standing.scatter(1, pick, -torch.inf)
    return torch.cat(picks, 1)


def gains(cover: Tensor, best: Tensor) -> Tensor:
    """How much each token would add to the cover, float32 `[…, N]`.

    Args:
        cover: float32 `[…, N, R]`, how well each token covers each row.
        best: float32 `[…, R]`, how well each row is covered already.
    """
    more = (cover - best.unsqueeze(-2)).clamp(min=0)
    return more.sum(
        -1, dtype=torch.float32 if cover.device.type == "mps" else torch.float64
    ).float()
