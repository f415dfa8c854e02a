"""The greedy loops: one pick a step, each with an update that costs a row and never a matrix.

Shapes: G items, N tokens, K picks, D width, R rows to be covered.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from omni.kernels.picking import cover_in_torch, gains, greedy, in_kernels, pick_cover

STORED = 2**26  # cosines that may be kept in memory: a quarter of a gigabyte
_BLOCK = 512  # tokens compared with all others at once
_REFRESHED = 16  # stale gains worked out anew at once; one costs nearly as much
NOTHING = 1e-9  # squared volume below which only rounding is left


def likeness(directions: Tensor, pick: Tensor) -> Tensor:
    """Cosine of every token to the picked one: precise `[G, N]`.

    Args:
        directions: unit vectors `[G, N, D]`.
        pick: `[G, 1]`.
    """
    chosen = directions.take_along_dim(pick[..., None], 1)
    return (directions @ chosen.transpose(1, 2)).squeeze(-1)


def spread_out(
    directions: Tensor, sound: Tensor, standing: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Max-min picks `[G, K]`, and the distance of each token to its nearest other one.

    The first pick has the greatest such distance; each next one is farthest from all picked.
    Every pair has to be looked at for the first pick, so the cosines are kept where they fit.
    """
    items, count, _ = directions.shape
    stored = items * count * count <= STORED
    width = count if stored else _BLOCK
    here = torch.arange(count, device=directions.device)
    closest, kept = [], None
    for start in range(0, count, width):
        rows = directions[:, start : start + width]
        cosines = (rows @ directions.transpose(1, 2)).float()
        kept = cosines if stored else None
        own = here[start : start + width, None] == here
        closest.append(cosines.masked_fill(own | ~sound[:, None], -1).amax(-1))
    alone = torch.where(sound, 1 - torch.cat(closest, 1), 0.0)
    nearest = torch.full_like(alone, 2)  # the farthest that a cosine distance can be

    def update(pick: Tensor) -> Tensor:
        nonlocal nearest
        if kept is None:
            row = likeness(directions, pick).float()
        else:
            row = kept.take_along_dim(pick[..., None], 1).squeeze(1)
        nearest = torch.minimum(nearest, 1 - row)
        return nearest

    return greedy(alone, standing, steps, update), alone


def farthest_in_sum(directions: Tensor, first: Tensor, standing: Tensor, steps: int) -> Tensor:
    """Picks `[G, K]`: after the first, each has the greatest sum of distances to those picked."""
    total = torch.zeros_like(directions[..., 0])

    def update(pick: Tensor) -> Tensor:
        nonlocal total
        total = total + (1 - likeness(directions, pick).float())  # exactly 0 for twins
        return total.float()

    return greedy(first, standing, steps, update)


def largest_volume(directions: Tensor, quality: Tensor, standing: Tensor, steps: int) -> Tensor:
    """Greedy picks `[G, K]` of a determinantal process whose kernel is `q_i q_j cos(i, j)`.

    Each pick adds the most squared volume: what is left of a token's own vector once the parts
    along the picked ones are taken out. The parts are rows of an incremental Cholesky factor. Where
    the picked ones span everything, nothing is left and the first tokens are picked.

    Args:
        directions: unit vectors `[G, N, D]`.
        quality: `[G, N]`, 0 and above.
        standing: `Candidates.standing`.
        steps: how many to pick.
    """
    vectors = directions * quality[..., None]
    left = vectors.square().sum(-1)
    factor = torch.zeros(len(left), steps, left.shape[1], dtype=left.dtype, device=left.device)
    done = 0

    def update(pick: Tensor) -> Tensor:
        nonlocal left, done
        before = factor[:, :done]
        own = before.take_along_dim(pick[:, None], 2)  # [G, done, 1]
        row = likeness(vectors, pick) - (own.transpose(1, 2) @ before).squeeze(1)
        volume = left.take_along_dim(pick, 1)
        part = torch.where(volume > 0, row / volume.clamp(min=NOTHING).sqrt(), 0.0)
        factor[:, done] = part
        done += 1
        left = left - part.square()
        left = torch.where(left > NOTHING, left, 0.0)
        return left.float()

    left = torch.where(left > NOTHING, left, 0.0)
    return greedy(left.float(), standing, steps, update)


def best_cover(cover: Tensor, standing: Tensor, keep: Sequence[int]) -> Tensor:
    """Picks `[G, K]` that cover most: facility location, exactly greedy.

    On a CPU and in kernels gains are looked at lazily; in plain torch on an accelerator, where a
    decision would have to be waited for, all are worked out at every step. All pick the same.

    Args:
        cover: float32 `[G, N, R]`, 0 and above.
        standing: `Candidates.standing`.
        keep: how many to pick of each item.
    """
    if in_kernels(cover):
        return pick_cover(cover, standing, max(keep))
    if cover.device.type != "cpu":
        return cover_in_torch(cover, standing, max(keep))
    picked = torch.zeros(len(cover), max(keep), dtype=torch.int64)
    for item, wanted in enumerate(keep):
        picked[item, :wanted] = cover_lazily(cover[item], standing[item], wanted)
    return picked


def cover_lazily(cover: Tensor, standing: Tensor, steps: int) -> Tensor:
    """Picks `[K]` of one item `[N, R]` on the host.

    A gain never grows, so an old one is a bound: only tokens whose bound is the highest are worked
    out anew, until the highest is up to date.
    """
    best = torch.zeros_like(cover[0])
    bound = gains(cover, best) + standing
    picks = []
    for _ in range(steps):
        current = torch.full_like(bound, bool(not picks), dtype=torch.bool)
        while not current[pick := bound.argmax()]:
            stale = bound.topk(min(_REFRESHED, len(bound))).indices
            stale = torch.cat([stale, pick[None]])  # of many equals, the first may not be there
            bound[stale] = gains(cover[stale], best) + standing[stale]
            current[stale] = True
        picks.append(pick)
        best = torch.maximum(best, cover[pick])
        standing = standing.scatter(0, pick, -torch.inf)
        bound[pick] = -torch.inf
    return torch.stack(picks)
