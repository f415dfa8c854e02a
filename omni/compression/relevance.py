"""How near each media token is to what was asked, and other scores of single tokens.

Sums are taken in float64 where the device has it and rounded to float32, so that the order of
adding up, which depends on the batch, does not show. Shapes: G items, N tokens, Q question tokens,
D width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.selector import Question


def precise(x: Tensor) -> Tensor:
    """`x` in the widest format that its device computes in."""
    return x.float() if x.device.type == "mps" else x.double()


def relevance(x: Tensor, mask: Tensor, question: Question | None) -> Tensor:
    """Best cosine with any question token, stretched to 0…1 over each item: float32 `[G, N]`.

    All ones for an item about which nothing was asked.
    """
    if question is None or not question.x.shape[1]:
        return torch.ones(x.shape[:2], device=x.device)
    words = normalize(precise(question.x), dim=-1)
    cosines = normalize(precise(x), dim=-1) @ words.transpose(1, 2)
    return nearest_word(cosines.float(), mask, question.mask)


def nearest_word(cosines: Tensor, mask: Tensor, words: Tensor) -> Tensor:
    """Relevance by cosines.

    Args:
        cosines: float32 `[G, N, Q]`.
        mask: bool `[G, N]`, true where there is a token.
        words: bool `[G, Q]`, true for words.
    """
    best = cosines.masked_fill(~words[:, None], -torch.inf).amax(-1)
    asked = words.any(1, keepdim=True)
    return torch.where(asked, stretch(best.masked_fill(~asked, 0), mask), 1.0)


def distinctiveness(x: Tensor, mask: Tensor) -> Tensor:
    """Minus the mean cosine to all tokens of the item, stretched to 0…1: float32 `[G, N]`."""
    directions = normalize(precise(x), dim=-1)
    mean = directions.sum(1, keepdim=True) / mask.sum(1)[:, None, None]
    return stretch(-(directions * mean).sum(-1), mask)


def stretch(values: Tensor, mask: Tensor) -> Tensor:
    """Each item's least value to 0 and greatest to 1, in float32; ones where all are the same."""
    values = precise(values)
    low = values.masked_fill(~mask, torch.inf).amin(1, keepdim=True)
    high = values.masked_fill(~mask, -torch.inf).amax(1, keepdim=True)
    span = high - low
    stretched = (values - low) / span.clamp(min=1e-6)
    return torch.where(span < 1e-6, 1.0, stretched).float()
