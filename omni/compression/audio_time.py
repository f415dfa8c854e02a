"""Sound tokens by attention or change, with something kept of every stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from omni.compression.clips import Clip, in_tiers
from omni.compression.relevance import stretch
from omni.compression.selector import Question, Selection, Tokens, to_device
from omni.errors import UsageError
from omni.plugins import Component


class AudioTime:
    """Keeps the best token of each of equal stretches of time, then the best of all the others.

    Best is most attended to; where attention is not known, most different from the token before.
    Relevance to the question counts besides. A film has its frames where sound has tokens. An item
    without time is one stretch, of which the tokens most unlike the others are kept where attention
    is not known.

    Attributes:
        spread: how many of the kept tokens go to stretches, one each; rounded, and at least one.
        question_weight: how much relevance counts: 0 not at all, 1 fully.
    """

    uses: ClassVar = frozenset({"attention"})

    def __init__(self, spread: float = 0.5, question_weight: float = 0.5):
        if not (0 <= spread <= 1 and 0 <= question_weight <= 1):
            raise UsageError(
                f"spread and question_weight are in 0…1, not {spread} and {question_weight}"
            )
        self.spread = spread
        self.question_weight = question_weight

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return in_tiers(tokens, keep, question, self._judge)

    def _judge(self, item: int, clip: Clip, count: int) -> tuple[Tensor, Tensor]:
        near = 1 - self.question_weight + self.question_weight * clip.relevance
        score = _worth(clip) * near
        stretches = min(clip.time, max(1, round(count * self.spread)))
        tiers = _leaders(clip, score, stretches).long()
        return tiers, score


def _worth(clip: Clip) -> Tensor:
    if clip.attention is not None:
        return clip.attention
    if clip.time == 1:
        return clip.unlike()
    changed = clip.changes()[1:].reshape(1, -1)
    changed = stretch(changed, torch.ones_like(changed, dtype=torch.bool)).view(-1, clip.area)
    # Nothing was before the first token, so that all of it is new.
    return torch.cat([torch.ones_like(changed[:1]), changed])


def _leaders(clip: Clip, scores: Tensor, stretches: int) -> Tensor:
    """Bool `[T, A]`: the best token of each stretch of frames, a pinned one before others."""
    edges = [stretch * clip.time // stretches for stretch in range(stretches + 1)]
    longest = max(end - start for start, end in pairwise(edges))
    rows, void = [], []
    for start, end in pairwise(edges):
        rows += [min(start + step, end - 1) for step in range(longest)]
        void += [start + step >= end for step in range(longest)]
    index = to_device(rows, scores.device)
    outside = to_device(void, scores.device).bool()[:, None]
    value = scores.masked_fill(~clip.sound, -0.5).masked_fill(clip.pinned, torch.inf)
    value = value[index].masked_fill(outside, -1)
    best = value.view(stretches, -1).argmax(1)  # [stretches], within longest times area
    starts = to_device([start * clip.area for start in edges[:-1]], scores.device)
    return (
        torch.zeros_like(clip.pinned).flatten().index_fill(0, starts + best, True).view_as(scores)
    )


plugin = AudioTime

COMPONENTS = (
    Component(
        kind="selector",
        name="audio_time",
        summary="The best token of every stretch of time, then the best of all: by attention or "
        "change, and by the question.",
    ),
)
