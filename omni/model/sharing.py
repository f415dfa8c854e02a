"""How much of a budget each media item of a request is worth, by what was asked.

Where several things are looked at, a question is mostly about one of them. Which one is found in
the shared space, where a question lies close to what it is about, before any prompt is laid out;
the tokens of the others would tell the language model nothing, or lead it astray.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from omni.compression.question_share import question_share
from omni.media import HANDLE
from omni.modality import modality
from omni.model.questions import TEXT

if TYPE_CHECKING:
    from omni.model.item import MediaItem
    from omni.model.modeling import OmniModel

TEMPERATURE = 0.05
"""How much nearer an item has to be for 2.7 times the tokens. Measured on omni-nano."""

NAMED = 0.5
"""What it adds that the question calls an item by its kind, such as "the recording"."""


@torch.no_grad()
def nearness(model: OmniModel, question: str, items: Sequence[MediaItem]) -> list[float] | None:
    """How near each item is to what was asked; `None` if this model or question cannot tell.

    It is the cosine in the shared space, more if the question speaks of the item's kind, and 2,
    which nothing else reaches, if it names the item's handle.

    Args:
        model: with a shared space.
        question: as it was asked.
        items: of media, with their encoder tokens.
    """
    heads = model.embedders
    known = TEXT in model.encoders and all(item.modality in heads for item in items)
    if not known or not question.strip() or any(item.tokens is None for item in items):
        return None
    asked = model.embed(TEXT, [question])[0].float()
    named = {match[0] for match in HANDLE.finditer(question)}
    said = words(question)
    near = []
    for item in items:
        where = model.embed(item.modality, [item.tokens])[0].float()
        kind = NAMED if said & called(item.modality) else 0.0
        near.append(2.0 if item.handle in named else float(where @ asked) + kind)
    return near


def weights(near: Sequence[float], items: Sequence[MediaItem]) -> list[float]:
    """What each item is worth: its size times its share of the question.

    So items that are equally near share as they do without a question.
    """
    shares = question_share(torch.tensor(near, dtype=torch.float64), TEMPERATURE).tolist()
    return [share * item.grid.tokens for share, item in zip(shares, items, strict=True)]


def words(text: str) -> set[str]:
    """The words of a text, each also without the ending of a plural."""
    found = set(re.findall(r"\w+", text.lower()))
    return found | {word[:-1] for word in found if word.endswith("s")}


def called(name: str) -> set[str]:
    """The nouns by which people call media of a modality."""
    return {name, *modality(name).words}
