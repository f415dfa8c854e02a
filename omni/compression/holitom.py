"""Windows of frames in which as much as possible stands still; what does is averaged over them.

Shapes: T frames, A tokens of a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.clips import Clip, bind, choose, clips, ranks
from omni.compression.relevance import precise
from omni.compression.selector import Merging, Question, Selection, Tokens
from omni.compression.shares import shares
from omni.errors import UsageError
from omni.kernels import frames
from omni.plugins import Component


class HoliTom:
    """Averages what stands still over a window, and keeps the density peaks of the rest.

    A film is cut into the windows in which the most tokens stand still, which means that each is
    like the one at the same spot in the frame before. Such a token is left once, in the first frame
    of its window, as the mean. Of what is left, every frame keeps its share: the tokens most
    attended to or, where attention is not known, those that are dense and far from denser ones. If
    less is left than may be kept, the tokens that changed most are kept besides. An item without
    time is one window. The question is not heard; the published method also merges inside the
    language model, and adds noise to densities, which this does not.

    Attributes:
        still: the cosine from which on a token stands still.
        neighbours: how many of the nearest count for density.
    """

    uses: ClassVar = frozenset({"attention"})

    def __init__(self, still: float = 0.8, neighbours: int = 7):
        if neighbours < 1:
            raise UsageError(f"neighbours is at least 1, not {neighbours}")
        self.still = still
        self.neighbours = neighbours

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        places, scores, slots = [], [], []
        before = 0
        found = clips(tokens, keep, None)
        for clip, count in zip(found, keep, strict=True):
            cosine = clip.cosines([max(frame - 1, 0) for frame in range(clip.time)])
            runs = _runs(cosine >= self.still)
            start, end = windows(runs)
            numbers = torch.arange(clip.time, device=cosine.device)
            covered = runs[end] >= (end - start)[:, None]
            absorbed = covered & (numbers > start)[:, None]
            left = (~absorbed & clip.sound) | clip.pinned
            worth = clip.attention
            if worth is None:
                worth = _peaks(clip.x, left, self.neighbours)
            score = torch.where(left, worth, (1 - cosine).clamp(min=0))
            number = left.sum(1)
            inside = (
                ranks(clip, score.masked_fill(~left, -1)) < shares(number, number, count)[:, None]
            )
            tiers = left.long() + (left & inside).long()
            own = choose(clip, tiers, score, count)
            places.append(own)
            scores.append(score)
            slots.append(_slots(clip, own, absorbed, start, before, sum(keep)))
            before += count
        chosen = bind(tokens, keep, found, places, scores)
        return replace(chosen, merging=_means(torch.cat(slots), sum(keep)))


def windows(runs: Tensor) -> tuple[Tensor, Tensor]:
    """First and last frame, int64 `[T]` each, of the window that each frame lies in.

    The windows are those in which the most tokens go, which are all still ones but the first of
    each; the last window is as short as it can be, and so on towards the front.

    Args:
        runs: int64 `[T, A]`, for how many frames up to this one a token has stood still.
    """
    time = len(runs)
    steps = torch.arange(time, device=runs.device)
    start = frames.windows(runs)
    closes = torch.ones(time, dtype=torch.bool, device=runs.device)
    closes[:-1] = start[1:] != start[:-1]
    end = torch.where(closes, steps, time).flip(0).cummin(0).values.flip(0)
    return start, end


def _runs(still: Tensor) -> Tensor:
    places = torch.arange(len(still), device=still.device)[:, None]
    moved = torch.where(still, 0, places).cummax(0).values
    return places - moved


def _peaks(x: Tensor, left: Tensor, neighbours: int) -> Tensor:
    """Density times distance to the nearest denser token of the frame: float32 `[T, A]`.

    Density is `exp` of minus the mean distance to the nearest neighbours; of equals the first is
    denser. The densest token has the distance to the farthest, and one alone the farthest possible.
    """
    directions = normalize(x, dim=-1)
    distance = (1 - (directions @ directions.transpose(1, 2)).float()).clamp(min=0)  # [T, A, A]
    area = x.shape[1]
    same = torch.eye(area, dtype=torch.bool, device=x.device)
    void = same | ~left[:, None, :]
    near = distance.masked_fill(void, torch.inf).topk(min(neighbours, area), largest=False).values
    near = precise(near)
    real = near.isfinite()
    mean = near.masked_fill(~real, 0).sum(2) / real.sum(2).clamp(min=1)
    density = (-mean).exp().float()
    here, there = density[:, :, None], density[:, None, :]
    denser = ((there > here) | ((there == here) & same.new_ones(area, area).tril(-1))) & ~void
    nearest = distance.masked_fill(~denser, torch.inf).amin(2)
    farthest = distance.masked_fill(void, -1).amax(2)
    farthest = torch.where(farthest < 0, 2.0, farthest)
    return density * torch.where(nearest.isfinite(), nearest, farthest)


def _slots(
    clip: Clip, places: Tensor, absorbed: Tensor, start: Tensor, before: int, kept: int
) -> Tensor:
    """Into which of all kept tokens each token goes, int64 `[N]`; `kept` if into none."""
    void = torch.full((clip.time * clip.area,), kept, dtype=torch.int64, device=places.device)
    numbers = torch.arange(before, before + len(places), device=places.device)
    own = void.scatter(0, places, numbers).view(clip.time, clip.area)
    # A pinned token stays as it is, so that nothing is averaged into it.
    first = own.masked_fill(clip.pinned, kept)[start]
    return torch.where((own == kept) & absorbed, first, own).flatten()


def _means(slots: Tensor, kept: int) -> Merging:
    """The means of the tokens of each slot; tokens of none lie at the end, where no count is."""
    sources = slots.sort(stable=True)
    counts = torch.zeros(kept + 1, dtype=torch.int64, device=slots.device)
    counts = counts.scatter_add(0, slots, torch.ones_like(slots))
    weights = 1 / counts.clamp(min=1)[sources.values].float()
    return Merging(sources.indices, counts[:kept], weights.masked_fill(sources.values == kept, 0))


plugin = HoliTom

COMPONENTS = (
    Component(
        kind="selector",
        name="holitom",
        summary="Windows of frames by dynamic programming; what stands still is averaged over its "
        "window, the rest kept by attention or density.",
        system="HoliTom",
        paper="HoliTom: Holistic Token Merging for Fast Video Large Language Models "
        "(arXiv 2505.21334)",
    ),
)
