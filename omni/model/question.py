"""Which tokens of a row are the question that its media are looked at with.

Shapes: B rows, L tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from omni.model.config import OmniConfig


def question_mask(input_ids: Tensor, config: OmniConfig, labels: Tensor | None = None) -> Tensor:
    """Bool `[B, L]`: the plain text of the last user turn, without marks and codes.

    A row without a user turn is asked with all its plain text, except for what is to be learned,
    which would give the answer away.
    """
    control = torch.tensor(config.control_ids(), device=input_ids.device, dtype=input_ids.dtype)
    plain = ~torch.isin(input_ids, control)
    fallback = plain if labels is None else plain & (labels == -100)
    if config.user_token_id is None:
        return fallback
    places = torch.arange(input_ids.shape[1], device=input_ids.device)
    users = torch.where(input_ids == config.user_token_id, places, -1)
    last = users.amax(1, keepdim=True)  # [B, 1]
    after = places > last
    ended = ((input_ids == config.end_token_id) & after).cumsum(1) > 0
    return torch.where(last >= 0, plain & after & ~ended, fallback)
