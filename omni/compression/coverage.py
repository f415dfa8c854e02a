"""The kept tokens cover what was asked, and all other tokens.

Shapes: G items, N tokens, Q question tokens, R rows to be covered: the words and the tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from omni.compression.candidates import Candidates, candidates, heard
from omni.compression.foresight import all_pairs
from omni.compression.greedy import best_cover
from omni.compression.relevance import precise
from omni.compression.selector import Question, Selection, Tokens, ascending
from omni.errors import UsageError
from omni.kernels.picking import gains
from omni.plugins import Component


class Coverage:
    """Keeps the tokens that best cover the words of the question and the tokens of the item.

    A token covers a row by its share in a softmax of the row's cosines. A row counts as well
    covered as its best kept token covers it; each next kept token raises the sum of that most. The
    tokens as rows are compared as `Signals.paired` where known, else as they are. A token's score
    is how much it covers on its own. Stop words are for the caller to mask.

    Attributes:
        text_temperature: of the softmax for words; MMTok takes 0.02, and 0.01 for Qwen.
        token_temperature: of the softmax for tokens.
        token_weight: how much tokens count beside words.
    """

    def __init__(
        self,
        text_temperature: float = 0.02,
        token_temperature: float = 0.2,
        token_weight: float = 0.5,
    ):
        if min(text_temperature, token_temperature) <= 0 or token_weight < 0:
            raise UsageError("temperatures are above 0, and token_weight is 0 or more")
        self.text_temperature = text_temperature
        self.token_temperature = token_temperature
        self.token_weight = token_weight

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        paired = tokens.signals.paired
        ready = candidates(tokens, keep, *([] if paired is None else [paired]))
        cover = self._cover(ready, question)
        picked = best_cover(cover, ready.standing, keep)
        return ready.bind(ascending(picked, keep), gains(cover, torch.zeros_like(cover[:, 0])))

    def _cover(self, ready: Candidates, question: Question | None) -> Tensor:
        """How well each token covers each row: float32 `[G, N, R]`."""
        tokens = ready.tokens
        paired = tokens.x if tokens.signals.paired is None else tokens.signals.paired
        own = ready.directions(paired)
        rows = _shares(all_pairs(own), ready.sound, self.token_temperature)
        rows = rows * ready.sound[..., None] * self.token_weight
        parts = [rows / ready.sound.sum(1).clamp(min=1)[:, None, None]]
        if question is not None:
            words, mask = heard(question)
            asked = words @ ready.directions(tokens.x).transpose(1, 2)
            rows = _shares(asked, ready.sound, self.text_temperature) * mask[..., None]
            parts.append(rows / mask.sum(1).clamp(min=1)[:, None, None])
        # One token's cover lies together, as it is read together.
        return torch.cat(parts, 1).float().transpose(1, 2).contiguous()


def _shares(cosines: Tensor, sound: Tensor, temperature: float) -> Tensor:
    """Softmax of cosines `[G, R, N]` over the sound tokens; nought for all others."""
    logits = precise(cosines.float()) / temperature
    # Not minus infinity: an item of which nothing is sound would have no softmax.
    return logits.masked_fill(~sound[:, None], -1e9).softmax(-1) * sound[:, None]


plugin = Coverage

COMPONENTS = (
    Component(
        kind="selector",
        name="coverage",
        summary="Facility location: kept tokens cover the words of the question and the other "
        "tokens.",
        system="MMTok",
        paper="MMTok: Multimodal Coverage Maximization for Efficient Inference of VLMs",
    ),
)
