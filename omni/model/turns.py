"""Which tokens of a dialogue are the question, and which are the answers to be learned.

Shapes: B rows, L tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from omni.model.config import OmniConfig

IGNORED = -100
"""Label of a token that is not to be learned, as in transformers and torch."""


def question_mask(input_ids: Tensor, config: OmniConfig, labels: Tensor | None = None) -> Tensor:
    """Bool `[B, L]`: the plain text of the last user turn, without marks and codes.

    A row without a user turn is asked with all its plain text, except for what is to be learned,
    which would give the answer away.
    """
    plain = _plain(input_ids, config)
    fallback = plain if labels is None else plain & (labels == IGNORED)
    if config.user_token_id is None:
        return fallback
    places = torch.arange(input_ids.shape[1], device=input_ids.device)
    users = torch.where(input_ids == config.user_token_id, places, -1)
    last = users.amax(1, keepdim=True)  # [B, 1]
    after = places > last
    ended = ((input_ids == config.end_token_id) & after).cumsum(1) > 0
    return torch.where(last >= 0, plain & after & ~ended, fallback)


def _plain(input_ids: Tensor, config: OmniConfig) -> Tensor:
    """Bool `[B, L]`: neither marks nor codes."""
    marks = torch.tensor(config.mark_ids(), device=input_ids.device, dtype=input_ids.dtype)
    plain = ~torch.isin(input_ids, marks)
    for code in (config.codes or {}).values():
        past = code["first"] + code["count"]
        plain = plain & ((input_ids < code["first"]) | (input_ids >= past))
    return plain


def answer_labels(input_ids: Tensor, assistant: int, end: int) -> Tensor:
    """Labels `[B, L]` that teach what the assistant says, its end mark included, and nothing else.

    Args:
        input_ids: int64 `[B, L]`, padded on either side.
        assistant: id of the mark that begins an assistant's turn.
        end: id of the mark that ends a turn.
    """
    places = torch.arange(input_ids.shape[1], device=input_ids.device)
    began = torch.where(input_ids == assistant, places, -1).cummax(1).values
    ended = torch.where(input_ids == end, places, -1).cummax(1).values
    # A mark counts from the next token on: the role is given, the end mark is learned.
    inside = torch.zeros_like(input_ids, dtype=torch.bool)
    inside[:, 1:] = began[:, :-1] > ended[:, :-1]
    return torch.where(inside, input_ids, IGNORED)
