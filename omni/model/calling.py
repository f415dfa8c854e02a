"""Which tools the language model may call: those that it was told of, or one that it must."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from omni.model.config import OmniConfig


class CallGrammar(LogitsProcessor):
    """Lets a call begin only with the name of a tool that there is.

    A small model knows tools by heart that it was taught with, and would call one of them although
    it was told of others. What a call is given stays free.

    Args:
        config: of a model with a mark for calls.
        tokenizer: of its words.
        names: tools that may be called, one at least.
        start: tokens of the prompt, behind which the answer begins.
        must: whether the answer has to begin with a call.
    """

    def __init__(
        self,
        config: OmniConfig,
        tokenizer: Any,
        names: Sequence[str],
        *,
        start: int,
        must: bool = False,
    ):
        assert config.call_token_id is not None
        self.call, self.start, self.must = int(config.call_token_id), start, must
        self.headers = [
            tokenizer(_header(name), add_special_tokens=False)["input_ids"] for name in names
        ]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores `[B, V]`, minus infinity for what may not follow the ids `[B, L]`."""
        for row, said in enumerate(input_ids[:, self.start :].tolist()):
            if allowed := self.allowed(said):
                forbidden = torch.ones_like(scores[row], dtype=torch.bool)
                forbidden[list(allowed)] = False
                scores = scores.clone()
                scores[row].masked_fill_(forbidden, -torch.inf)
        return scores

    def allowed(self, said: Sequence[int]) -> set[int]:
        """Tokens that may come next; none if any may."""
        if not said:
            return {self.call} if self.must else set()
        longest = max(map(len, self.headers))
        recent = list(said[-longest - 1 :])
        if self.call not in recent:
            return set()
        begun = recent[len(recent) - recent[::-1].index(self.call) :]
        return {
            header[len(begun)]
            for header in self.headers
            if len(header) > len(begun) and header[: len(begun)] == begun
        }


def _header(name: str) -> str:
    """How the chat template begins a call, to where the arguments stand."""
    return f'{{"name": {json.dumps(name)}, "arguments":'
