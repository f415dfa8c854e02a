"""Groups of four frames: one is kept whole, the other three only where they differ from it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from omni.compression.clips import Clip, in_tiers, ranks
from omni.compression.selector import Question, Selection, Tokens, to_device
from omni.plugins import Component

GROUP = 4
"""Frames of a group. The second and fourth are compared to the frame before, the third to the first
of its group, and the first to that of the group before."""


class DyCoke:
    """Keeps the first frame of each group and, of the others, equal numbers of changed tokens.

    Where the first frames of the groups are too much, that of the whole film comes first and then
    what changed from group to group. Of an item without time, the tokens most unlike the others
    are kept. The question is not heard, and nothing is dropped while decoding, as the published
    method does besides.
    """

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return in_tiers(tokens, keep, None, self._judge)

    def _judge(self, item: int, clip: Clip, count: int) -> tuple[Tensor, Tensor]:
        changed = (1 - clip.cosines(references(clip.time))).clamp(min=0)
        score = torch.cat([1 + clip.unlike()[:1], changed[1:]])
        shares = to_device(quotas(clip.time, clip.area, count), score.device)
        tiers = (ranks(clip, score) < shares[:, None]).long()
        tiers[::GROUP] = 2
        tiers[0] = 3
        return tiers, score


def references(time: int) -> list[int]:
    """The frame that each frame is compared to; the first is compared to itself."""
    back = (GROUP, 1, 2, 1)
    return [max(frame - back[frame % GROUP], 0) for frame in range(time)]


def quotas(time: int, area: int, keep: int) -> list[int]:
    """Tokens for each frame when the first frames of groups are kept whole; the sum is `keep`.

    Nought for all but those if they are too much already.
    """
    others = [frame for frame in range(time) if frame % GROUP]
    spare = max(keep - area * (time - len(others)), 0)
    shares = [area] * time
    for place, frame in enumerate(others):
        shares[frame] = spare // len(others) + (place < spare % len(others))
    return shares


plugin = DyCoke

COMPONENTS = (
    Component(
        kind="selector",
        name="dycoke",
        summary="The first of every four frames, and of the others the tokens least like it.",
        system="DyCoke",
        paper="DyCoke: Dynamic Compression of Tokens for Fast Video Large Language Models "
        "(arXiv 2411.15024)",
    ),
)
