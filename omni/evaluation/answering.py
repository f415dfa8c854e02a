"""Ask a model many questions at once and keep what it says and makes.

A model's greedy answers do not depend on who shares the batch, so questions are sorted by how long
they and their answers are, and each thing is encoded once, however often it is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from omni.compression.budget import Budget
from omni.modality import modality
from omni.model.item import MediaItem
from omni.model.loading import Loaded
from omni.model.pieces import CodesPiece, Piece, TextPiece

BATCH = 32
ENCODED_AT_ONCE = 16
MOST_TOKENS = 240

Message = dict[str, Any]


class Asked(Protocol):
    """A conversation whose user turns are known beforehand."""

    @property
    def makes(self) -> tuple[str, ...]:
        """What each turn asks for: `text`, `image` or `audio`."""
        ...

    def message(self, turn: int) -> Message:
        """What the user says in this turn."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: its words, and the last thing of each modality that was made."""

    text: str
    made: dict[str, Any] = field(default_factory=dict)


class Answerer:
    """Asks one model.

    Args:
        loaded: the model.
        budget: how many media tokens a prompt may use.
    """

    def __init__(self, loaded: Loaded, budget: Budget | None = None):
        self.model, self.processor = loaded.model, loaded.processor
        self.budget = budget

    def encode(self, name: str, values: Sequence[Any]) -> list[Tensor]:
        """Encoder tokens of decoded values of one modality."""
        tokens: list[Tensor] = []
        features = modality(name).features
        for start in range(0, len(values), ENCODED_AT_ONCE):
            batch = [(name, features(value)) for value in values[start : start + ENCODED_AT_ONCE]]
            items: list[MediaItem] = self.processor.plan(batch)
            with torch.no_grad():
                tokens += self.model.encode_media(items)
        return tokens

    def answer(
        self, cases: Sequence[Asked], step: Callable[[int], None] = lambda done: None
    ) -> list[list[Said]]:
        """The model's answer to every turn of every case; it hears its own earlier answers.

        Args:
            cases: the conversations.
            step: told how many more turns were answered.
        """
        talks: list[list[Message]] = [[] for _ in cases]
        said: list[list[Said]] = [[] for _ in cases]
        for turn in range(max((len(case.makes) for case in cases), default=0)):
            open_cases = [place for place, case in enumerate(cases) if turn < len(case.makes)]
            for place in open_cases:
                talks[place].append(cases[place].message(turn))
            asked = {place: cases[place].makes[turn] for place in open_cases}
            for batch, answers in self._turn(asked, talks):
                for place, pieces in zip(batch, answers, strict=True):
                    talks[place].append(_remembered(pieces))
                    said[place].append(self._said(pieces))
                step(len(batch))
        return said

    def _turn(
        self, makes: dict[int, str], talks: Sequence[list[Message]]
    ) -> Iterator[tuple[list[int], list[list[Piece]]]]:
        """Batches of cases with what was said to their last messages."""
        order = sorted(makes, key=lambda place: (makes[place], _length(talks[place])))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            inputs = self.processor.apply_chat_template(
                [talks[place] for place in batch],
                tokenize=True,
                add_generation_prompt=True,
                budget=self.budget,
            )
            prompt = inputs["input_ids"].shape[1]
            output = self.model.generate(**inputs, max_new_tokens=MOST_TOKENS, do_sample=False)
            yield batch, [self.processor.decode_parts(row) for row in output[:, prompt:]]

    def _said(self, pieces: Sequence[Piece]) -> Said:
        text = "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
        made = {}
        for piece in pieces:
            if isinstance(piece, CodesPiece) and piece.complete:
                codes = torch.tensor(piece.codes)
                made[piece.modality] = self.model.decode_media(piece.modality, codes)
        return Said(text.strip(), made)


def _length(talk: Sequence[Message]) -> int:
    """About how many tokens a conversation has: it need only sort."""
    length = 0
    for message in talk:
        for part in message["content"]:
            tokens = part.get("tokens")
            length += len(part.get("text", "")) // 4 if tokens is None else len(tokens)
            length += len(part.get("codes", ()))
    return length


def _remembered(pieces: Sequence[Piece]) -> Message:
    """An answer as the next turn reads it."""
    content: list[dict[str, Any]] = []
    for piece in pieces:
        if isinstance(piece, TextPiece):
            content.append({"type": "text", "text": piece.text})
        elif isinstance(piece, CodesPiece) and piece.complete:
            content.append({"type": piece.modality, "codes": piece.codes})
    return {"role": "assistant", "content": content}
