"""What the language model may say next, so that every run of codes can be decoded.

Shapes: B rows, L tokens so far, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import LogitsProcessor

from omni.model.config import OmniConfig


class CodeGrammar(LogitsProcessor):
    """Keeps codes inside their marks, in the right number, and marks of the prompt unsaid.

    After a begin mark come codes of that modality alone: exactly `length` of them where it is
    fixed, else at least one and at most `max_length`; then the end mark. Outside there are neither
    codes nor end marks. Marks that only the prompt may hold (roles, media, padding) are never said.
    The state is read from the tokens themselves, so beams may be reordered.
    """

    def __init__(self, config: OmniConfig):
        self.codes = list((config.codes or {}).values())
        unsaid = [
            config.user_token_id,
            config.assistant_token_id,
            config.system_token_id,
            config.tool_token_id,
            config.open_token_id,
            config.media_token_id,
            config.close_token_id,
            config.pad_token_id,
        ]
        # A tokenizer may pad with its end mark, which has to stay sayable.
        self.unsaid = [mark for mark in unsaid if mark is not None and mark != config.end_token_id]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores `[B, V]`, minus infinity for what may not come next."""
        vocabulary = scores.shape[1]
        allowed = torch.ones(vocabulary, dtype=torch.bool, device=scores.device)
        allowed[[mark for mark in self.unsaid if mark < vocabulary]] = False
        for code in self.codes:
            allowed[code["first"] : code["first"] + code["count"]] = False
            allowed[code["end"]] = False
        allowed = allowed.expand(len(scores), -1)
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        for code in self.codes:
            began = torch.where(input_ids == code["begin"], places, -1).amax(1)
            ended = torch.where(input_ids == code["end"], places, -1).amax(1)
            said = input_ids.shape[1] - 1 - began
            inside = (began > ended).to(scores.device)[:, None]
            within = self._inside(code, said.to(scores.device), vocabulary)
            allowed = torch.where(inside, within, allowed)
        return scores.masked_fill(~allowed, -torch.inf)

    def _inside(self, code: dict, said: Tensor, vocabulary: int) -> Tensor:
        """What may follow after `said` `[B]` codes: bool `[B, V]`."""
        places = torch.arange(vocabulary, device=said.device)
        is_code = (places >= code["first"]) & (places < code["first"] + code["count"])
        is_end = places == code["end"]
        most = code.get("length") or code["max_length"]
        least = code.get("length") or 1
        more, enough = (said < most)[:, None], (said >= least)[:, None]
        return (is_code & more) | (is_end & enough)
