"""Questions that the text encoder has read beforehand, for those who ask them again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from omni.model.item import MediaItem
from omni.model.questions import TEXT, is_item
from omni.nano.cases import Case

BATCH = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """A case, and what the text encoder makes of its questions.

    Attributes:
        case: what is asked.
        texts: tokens of each turn's question; `None` where it is read as words alone.
    """

    case: Case
    texts: tuple[Tensor | None, ...]

    @property
    def makes(self) -> tuple[str, ...]:
        return self.case.makes

    def message(self, turn: int) -> dict[str, Any]:
        """What the user says in this turn."""
        message = self.case.message(turn)
        tokens = self.texts[turn]
        if tokens is None:
            return message
        *parts, words = message["content"]
        return {**message, "content": [*parts, {"type": TEXT, "tokens": tokens}, words]}


def heard(loaded: Any, cases: Sequence[Case]) -> list[Heard]:
    """The cases with their questions read, each wording once."""
    wordings = list(dict.fromkeys(turn.question for case in cases for turn in case.turns))
    messages = [{"role": "user", "content": [{"type": TEXT, "text": one}]} for one in wordings]
    items: dict[str, MediaItem] = {}
    for wording, message in zip(wordings, loaded.processor.heard(messages), strict=True):
        for part in message["content"]:
            if is_item(part):
                items[wording] = loaded.processor.item(part)
    names, tokens = list(items), {}
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        with torch.no_grad():
            read = loaded.model.encode_media([items[name] for name in some])
        tokens.update(zip(some, read, strict=True))
    return [Heard(case, tuple(tokens.get(turn.question) for turn in case.turns)) for case in cases]
