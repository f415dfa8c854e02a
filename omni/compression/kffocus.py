"""More tokens for key frames: those that differ from what was seen, as a video codec finds them."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor

from omni.compression.clips import Clip, in_tiers, ranks
from omni.compression.relevance import precise
from omni.compression.selector import Question, Selection, Tokens
from omni.compression.shares import shares
from omni.errors import UsageError
from omni.plugins import Component


class KFFocus:
    """Keeps tokens of every frame: more of key frames and of frames that the question is about.

    Key frames are the first and those that differ most from the frame before. In a key frame the
    tokens most unlike the others are kept, elsewhere those that changed most. An item without time
    is one key frame. The published method is trained and its exact score is not public: this is
    its rule, not its network.

    Attributes:
        key_share: how many of the frames are key frames, rounded up.
        key_weight: how many times the tokens of another frame a key frame gets.
        question_weight: how much relevance counts: 0 not at all, 1 fully.
        top_share: the share of a frame's tokens whose mean relevance is that of the frame.
    """

    def __init__(
        self,
        key_share: float = 0.25,
        key_weight: float = 4.0,
        question_weight: float = 0.5,
        top_share: float = 0.1,
    ):
        if not (0 < key_share <= 1 and 0 < top_share <= 1):
            raise UsageError(f"key_share {key_share} and top_share {top_share} are in 0…1, not 0")
        if key_weight <= 0 or not 0 <= question_weight <= 1:
            raise UsageError(
                f"key_weight is above 0, not {key_weight}; question_weight is in 0…1, "
                f"not {question_weight}"
            )
        self.key_share = key_share
        self.key_weight = key_weight
        self.question_weight = question_weight
        self.top_share = top_share

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return in_tiers(tokens, keep, question, self._judge)

    def _judge(self, item: int, clip: Clip, count: int) -> tuple[Tensor, Tensor]:
        changed = clip.changes().clamp(min=0)
        key = self._key_frames(changed)
        near = 1 - self.question_weight + self.question_weight * clip.relevance
        score = torch.where(key[:, None], clip.unlike(), changed) * near
        tiers = (ranks(clip, score) < self._quotas(clip, key, count)[:, None]).long()
        return tiers, score

    def _key_frames(self, changed: Tensor) -> Tensor:
        """Bool `[T]`."""
        novelty = precise(changed).mean(1).float()
        novelty[:1] = torch.inf
        order = novelty.sort(descending=True, stable=True).indices
        return order.argsort() < ceil(len(novelty) * self.key_share)

    def _quotas(self, clip: Clip, key: Tensor, count: int) -> Tensor:
        """Tokens for each frame, at least one if there are enough."""
        best = clip.relevance.sort(dim=1, descending=True).values
        about = precise(best[:, : ceil(clip.area * self.top_share)]).mean(1).float()
        weight = 1 - self.question_weight + self.question_weight * precise(about)
        weight = torch.where(key, self.key_weight * weight, weight)
        least = int(count >= clip.time)
        room = torch.full_like(key, clip.area - least, dtype=torch.int64)
        # Weights of nought would leave tokens that nobody takes.
        return least + shares(weight.clamp(min=1e-3), room, count - least * clip.time)


plugin = KFFocus

COMPONENTS = (
    Component(
        kind="selector",
        name="kffocus",
        summary="Tokens of every frame: more of key frames, and of those that the question is "
        "about.",
        system="KFFocus",
        paper="KFFocus: Highlighting Keyframes for Enhanced Video Understanding (arXiv 2508.08989)",
    ),
)
