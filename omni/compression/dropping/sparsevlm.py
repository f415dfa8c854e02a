"""Cuts by the words that look at the picture, and clusters of what would have been lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from omni.compression.assign import members, merging, nearest, slots
from omni.compression.candidates import candidates
from omni.compression.density import peaks
from omni.compression.dropping.look import Look, word_places
from omni.compression.dropping.schedule import Schedule, Stage
from omni.compression.relevance import precise
from omni.compression.selector import Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component

_LAYERS = (3, 7, 16)
_DEPTH = 32
_PUBLISHED = {0: (0, 0, 0), 64: (66, 30, 17), 96: (238, 48, 26), 128: (303, 110, 36)}
_PUBLISHED |= {192: (300, 200, 110), 576: (576, 576, 576)}
_WHOLE = 576


class SparseVLM:
    """Ranks tokens by the attention of *raters*, and recycles the best of the others.

    Raters are words that the picture's embeddings give more than the mean to, in a softmax over the
    words. A token's worth is how much raters attend to it, mean over raters and heads, in the layer
    before the cut. Of the tokens that go, the best are clustered by density peaks, and each cluster
    goes on as its mean, in the place of its centre.

    Cuts follow layers 2, 6 and 15 of 32, and how many are left is published for 192, 128, 96 and 64
    of 576 tokens (a mean over layers, about); `keep` is that share, and shares in between are
    interpolated. That, the cosine for all distances, and clusters counted among what is kept, so
    that counts are known beforehand, are ours. So is that no random numbers are added.

    Attributes:
        recycle: the share of the tokens which go that is clustered; 0 for none.
        neighbours: how many of the nearest count for the density of a token.
    """

    hears = "before"

    def __init__(self, recycle: float = 0.3, neighbours: int = 5):
        if not 0 <= recycle <= 1:
            raise UsageError(f"recycle is a share from 0 to 1, not {recycle}")
        if neighbours < 1:
            raise UsageError(f"neighbours is at least 1, not {neighbours}")
        self.recycle = recycle
        self.neighbours = neighbours

    def schedule(self, keep: float, depth: int) -> Schedule:
        """The published cuts, in a model of any depth."""
        shares: dict[int, float] = {}
        for layer, share in zip(_LAYERS, _shares(keep), strict=True):
            shares[max(1, round(layer * depth / _DEPTH))] = share
        settings = {"recycle": self.recycle, "neighbours": self.neighbours}
        stages = tuple(Stage(layer, share) for layer, share in shares.items())
        return Schedule(stages, "sparsevlm", settings)

    def __call__(self, tokens: Tokens, keep: Sequence[int], look: Look) -> Selection:
        scores = look.of_items(rated(look))
        ready = candidates(tokens, keep, scores)
        padded = ready.spread(scores).float()
        clusters = [
            self._clusters(n, kept) for n, kept in zip(tokens.lengths, ready.keep, strict=True)
        ]
        if not any(clusters):
            return ready.bind(ready.top(padded), padded)
        high = ready.leading(padded, [k - c for k, c in zip(ready.keep, clusters, strict=True)])
        sizes = [
            min(n - k + c, int(self.recycle * (n - k + c)) + 1) if c else 0
            for n, k, c in zip(tokens.lengths, ready.keep, clusters, strict=True)
        ]
        pool = ready.leading(padded, sizes, without=high)
        directions = ready.directions(tokens.x)
        height = peaks(directions, ready.sound & pool, self.neighbours)
        centres = ready.leading(height, clusters, without=~pool)
        kept = high | centres
        slot, cosine = nearest(directions, kept, centres & ready.sound, max(ready.keep))
        joins = pool & ~kept & ready.sound & (cosine > -torch.inf)
        slot = torch.where(kept, slots(kept), slot)
        part = (kept & ready.mask) | joins
        weights = part / members(slot, part).clamp(min=1)
        return replace(ready.bind_mask(kept, padded), merging=merging(ready, slot, weights))

    def _clusters(self, count: int, keep: int) -> int:
        if keep == count or not self.recycle:
            return 0
        return min(keep - 1, (int(self.recycle * (count - keep)) + 1) // 10 + 1)


def rated(look: Look) -> Tensor:
    """How much raters attend to each token: float32 `[B, K]`."""
    places, heard = word_places(look.layout, look.hidden.device)
    chosen = raters(look) & heard
    weights = chosen / chosen.sum(1, keepdim=True).clamp(min=1)
    return (look.attention.rows(places) * weights[..., None]).sum(1)


def raters(look: Look) -> Tensor:
    """Words that media give more than the mean to: bool `[B, Q]`; all words if there are none."""
    first, device = look.first, look.embeds.device
    places, heard = word_places(first, device)
    words = precise(look.embeds.gather(1, places[..., None].expand(-1, -1, look.embeds.shape[-1])))
    found = []
    for row, (own, there) in enumerate(zip(words, heard, strict=True)):
        spans = [look.embeds[row, one.start : one.stop] for one in first.items if one.row == row]
        if not spans:
            found.append(there)
            continue
        visual = precise(torch.cat(spans))
        logits = (visual @ own.T).masked_fill(~there, -torch.inf)
        given = logits.softmax(-1).mean(0).float()
        mean = (precise(given).sum() / there.sum().clamp(min=1)).float()
        more = (given > mean) & there
        found.append(torch.where(more.any(), more, there))
    return torch.stack(found)


def _shares(keep: float) -> list[float]:
    """What is left after each cut, between the published budgets on either side."""
    wanted = keep * _WHOLE
    budgets = sorted(_PUBLISHED)
    high = next(budget for budget in budgets if budget >= wanted - 1e-9)
    low = max((budget for budget in budgets if budget < high), default=high)
    along = 1.0 if high == low else (wanted - low) / (high - low)
    return [
        min(1.0, (one + along * (two - one)) / _WHOLE)
        for one, two in zip(_PUBLISHED[low], _PUBLISHED[high], strict=True)
    ]


plugin = SparseVLM

COMPONENTS = (
    Component(
        kind="selector",
        name="sparsevlm",
        summary="Inside the language model: at three depths, the tokens that the words which see "
        "attend to, and clusters of the next best.",
        system="SparseVLM",
        paper="SparseVLM: Visual Token Sparsification for Efficient Vision-Language Model "
        "Inference",
    ),
)
