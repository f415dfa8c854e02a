"""Whether a selector listens to questions, and what becomes of a talk if it listens only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.compression.selector import Question, Selection, Selector, Signals, Tokens

_QUESTIONS = ("What colour is the star?", "How many circles are there?", "Is it moving?")
_SIDE, _KEEP = 12, 16


def hears(loaded: Any, selector: Selector) -> bool:
    """Whether other questions make it keep other tokens, or keep them otherwise.

    Raises:
        UsageError: if it cannot do without something, or was made for another model.
    """
    table = loaded.model.get_input_embeddings().weight.detach()
    tokens = _tokens(table.shape[1]).to(table)
    count = _SIDE * _SIDE
    attention, keys = tokens.norm(dim=-1), tokens[:, :8]
    given = Tokens(tokens, [count], [Grid(1, _SIDE, _SIDE)], None, Signals(attention, keys, tokens))
    kept = []
    for text in _QUESTIONS:
        ids = torch.tensor(loaded.processor.encode(text), device=table.device)
        words = Question(table[ids][None], torch.ones(1, len(ids), dtype=torch.bool).to(ids.device))
        kept.append(selector(given, [_KEEP], words).take(tokens))
    return any(not torch.equal(kept[0], other) for other in kept[1:])


def _tokens(width: int) -> Tensor:
    return torch.randn(_SIDE * _SIDE, width, generator=torch.Generator().manual_seed(0))


class Once:
    """Keeps of each item what the wrapped selector kept when it first saw it, whatever is asked.

    Items are known by their encoder tokens, `Signals.paired`, which no question changes.
    """

    def __init__(self, selector: Selector):
        self.selector = selector
        self._first: dict[bytes, Tensor] = {}

    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        found = self.selector(tokens, keep, question)
        encoded = tokens.signal("paired", "choosing once").float().cpu().split(list(tokens.lengths))
        places = [
            self._first.setdefault(item.numpy().tobytes(), own)
            for item, own in zip(encoded, found.places.split(list(found.kept)), strict=True)
        ]
        return replace(found, places=torch.cat(places))
