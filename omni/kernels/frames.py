"""What stands still in a film, and the windows in which the most of it does.

Shapes: T frames, A tokens of a frame, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.kernels import backend


def adjacent_cosines(x: Tensor) -> Tensor:
    """Cosine of each token with that of the same spot one frame before: float32 `[T, A]`.

    A token of the first frame is compared with itself; 0 where either is nought.

    Args:
        x: `[T, A, D]`, any float format.
    """
    if backend.chosen(x.device) == "torch":
        return adjacent_in_torch(x)
    from omni.kernels.triton_frames import launch_cosines

    return launch_cosines(x)


def adjacent_in_torch(x: Tensor) -> Tensor:
    """The twin of `adjacent_cosines`."""
    directions = normalize(x.float(), dim=-1, eps=torch.finfo(torch.float32).tiny)
    before = torch.cat([directions[:1], directions[:-1]])
    return (directions * before).sum(-1)


def windows(runs: Tensor) -> Tensor:
    """The first frame of the window that each frame lies in: int64 `[T]`.

    A window gains, for every token that stands still all through it, one token less than it has
    frames. The windows are those that gain most together; the last is as short as it can be, and so
    on towards the front.

    Args:
        runs: int64 `[T, A]`, for how many frames up to this one a token has stood still.
    """
    if backend.chosen(runs.device) == "torch":
        return windows_in_torch(runs)
    from omni.kernels.triton_frames import launch_windows

    return launch_windows(runs)


def windows_in_torch(runs: Tensor) -> Tensor:
    """The twin of `windows`."""
    time = len(runs)
    steps = torch.arange(time, device=runs.device)
    exactly = torch.zeros(time, time, dtype=torch.int64, device=runs.device)
    exactly = exactly.scatter_add(1, runs, torch.ones_like(runs))
    gain = exactly.flip(1).cumsum(1).flip(1) * steps  # [last frame, frames before it]
    best = torch.zeros(time + 1, dtype=torch.int64, device=runs.device)
    starts = torch.zeros(time + 1, time, dtype=torch.int64, device=runs.device)
    for last in range(time):
        totals = gain[last, : last + 1] + best[: last + 1].flip(0)
        back = totals.argmax(keepdim=True)
        best[last + 1] = totals.amax()
        first = last - back
        starts[last + 1] = torch.where(steps < first, starts.index_select(0, first)[0], first)
    return starts[time]
