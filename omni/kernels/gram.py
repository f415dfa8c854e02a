"""Cosines of all pairs of an item's tokens, in single precision whatever the tokens come in.

Shapes: G items, N tokens of the longest item, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.kernels import backend


def cosines(x: Tensor, mean: Tensor | None = None) -> Tensor:
    """Cosines float32 `[G, N, N]`; 0 where either vector is nought.

    Args:
        x: `[G, N, D]`, any float format; padding is nought.
        mean: float32 `[G, D]`, taken from the tokens first; what is left of a token by rounding
            only, a millionth of its length, counts as nought. `None` for nothing.
    """
    if backend.chosen(x.device) == "torch":
        return cosines_in_torch(x, mean)
    from omni.kernels.triton_gram import launch

    return launch(x, mean)


def cosines_in_torch(x: Tensor, mean: Tensor | None = None) -> Tensor:
    """The twin, and the truth."""
    x = x.float()
    directions = x
    if mean is not None:
        directions = x - mean[:, None]
        real = directions.norm(dim=-1) > 1e-6 * x.norm(dim=-1)
        directions = directions * real[..., None]
    directions = normalize(directions, dim=-1, eps=torch.finfo(torch.float32).tiny)
    return directions @ directions.transpose(1, 2)
