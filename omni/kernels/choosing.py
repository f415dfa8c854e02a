"""A whole selection in three launches and no wait: products of all pairs, what follows, the picks.

From raw products alone follow norms, cosines, the mean, and cosines of tokens less their mean, so
that tokens in half precision go to tensor cores as they are, which loses nothing: their products
are exact in single precision. Shapes: G items, M tokens of all, N of the longest item, K kept of
all, D width, Q words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.errors import UsageError
from omni.kernels import backend
from omni.kernels.picking import farthest_in_torch, volume_in_torch

RULES = ("farthest", "divprune", "dpp")

LAST = -1e38
"""Added to the value of a token that is not finite: it is kept only where no other is left."""

REAL = 4e-6
"""Share of a token's squared norm that is more than rounding of single precision."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was kept.

    Attributes:
        places: int64 `[K]`, within each item, ascending.
        rows: int64 `[K]`, of all tokens.
        scores: float32 `[M]`, what each token was worth before any was picked; 0 and above.
        dropped: float32 `[G]`, share of the scores that is not kept.
    """

    places: Tensor
    rows: Tensor
    scores: Tensor
    dropped: Tensor


def choose(
    rule: str,
    x: Tensor,
    lengths: Sequence[int],
    keep: Sequence[int],
    words: Tensor | None = None,
    heard: Tensor | None = None,
    weight: float = 1.0,
) -> Chosen:
    """Select from every item.

    Args:
        rule: `farthest` weighs distances of tokens less their mean with how unlike the rest and
            how near the question they are; `divprune` takes plain distances; `dpp` the volume that
            tokens span, each as long as it is near the question.
        x: `[M, D]`, item after item.
        lengths: tokens of each item.
        keep: how many of them, 1 to all.
        words: `[G, Q, D]`; `None` where nothing was asked.
        heard: bool `[G, Q]`, true for words.
        weight: of the question, for `farthest` 0…1, for `dpp` its sign.

    Raises:
        UsageError: if the rule is not known.
    """
    if rule not in RULES:
        raise UsageError(f"unknown rule {rule!r}; known: {', '.join(RULES)}")
    if words is not None and not words.shape[1]:
        words = heard = None
    given = rule, x, tuple(lengths), tuple(keep), words, heard, weight
    if backend.chosen(x.device) == "torch":
        return choose_in_torch(*given)
    from omni.kernels.triton_choosing import launch

    return launch(*given)


def choose_in_torch(
    rule: str,
    x: Tensor,
    lengths: Sequence[int],
    keep: Sequence[int],
    words: Tensor | None,
    heard: Tensor | None,
    weight: float,
) -> Chosen:
    """The twin of `choose`, in double precision, item by item."""
    places, rows, scores, dropped = [], [], [], []
    starts = (0, *accumulate(lengths))
    for item, own in enumerate(x.split(list(lengths))):
        asked = None
        if words is not None and heard is not None:
            sound = heard[item] & words[item].isfinite().all(-1)
            asked = normalize(words[item][sound].double(), dim=-1)
        score, picks = _one(rule, own, keep[item], asked, weight)
        kept = picks.sort().values
        places.append(kept)
        rows.append(kept + starts[item])
        scores.append(score)
        left = score.index_fill(0, kept, 0.0).sum()
        dropped.append(left / score.sum().clamp(min=torch.finfo(torch.float32).tiny))
    return Chosen(torch.cat(places), torch.cat(rows), torch.cat(scores), torch.stack(dropped))


def _one(
    rule: str, own: Tensor, keep: int, words: Tensor | None, weight: float
) -> tuple[Tensor, Tensor]:
    """Scores and picks of one item."""
    sound = own.isfinite().all(-1)
    x = torch.where(sound[:, None], own.double(), 0.0)
    directions = normalize(x, dim=-1)
    cosines = directions @ directions.T
    standing = torch.where(sound, 0.0, LAST).float()
    near = torch.ones_like(standing)
    if words is not None and len(words):
        looks = directions @ words.T
        near = _stretched(looks.amax(1) if rule == "farthest" else weight * looks.mean(1), sound)
    if rule == "dpp":
        given = cosines.float()[None], near[None], standing[None], keep
        return torch.where(sound, near.square(), 0.0), volume_in_torch(*given)[0]
    if rule == "divprune":
        apart = cosines.fill_diagonal_(-1).masked_fill(~sound, -1)
        alone = torch.where(sound, 1 - apart.amax(1), 0.0).float()
        even = torch.ones_like(alone)
        given = cosines.float()[None], alone[None], even[None], standing[None], keep
        return alone.clamp(min=0), farthest_in_torch(*given)[0]
    count = sound.sum().clamp(min=1)
    quality = _stretched(-cosines.sum(1) / count, sound) * (1 - weight + weight * near)
    quality = torch.where(sound, quality, 0.0)
    rest = torch.where(sound[:, None], x - x.sum(0) / count, 0.0)
    real = rest.square().sum(1) > REAL * x.square().sum(1)
    rest = normalize(rest, dim=-1) * real[:, None]
    given = (rest @ rest.T).float()[None], quality[None], quality[None], standing[None], keep
    return quality, farthest_in_torch(*given)[0]


def _stretched(values: Tensor, sound: Tensor) -> Tensor:
    """The least sound value to 0 and the greatest to 1; ones where all are the same."""
    low = values.masked_fill(~sound, torch.inf).amin()
    high = values.masked_fill(~sound, -torch.inf).amax()
    span = high - low
    return torch.where(span < 1e-6, 1.0, (values - low) / span.clamp(min=1e-6)).float()
