"""Where in a picture the things lie that a question is about, as its words tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from omni.nano.questions.exchange import Labels
from omni.nano.world.words import COLOURS, SHAPES

SIDE = 12
"""Tokens of a row of a picture."""

BLUR = 0.04
"""By how much the weight of a token reaches beyond a thing, as a share of the picture's side."""

_PLURAL = {shape + ("es" if shape.endswith("s") else "s"): shape for shape in SHAPES}


def pointed(things: Sequence[Labels], question: str, answer: str) -> Tensor:
    """Weights of the tokens of a picture, row by row, that sum to 1: float32 `[144]`.

    They lie on the things that question or answer name, in equal parts, each part around its
    thing's middle; on all things, if they name none.
    """
    named = meant(things, question, answer) or things
    spots = torch.stack([_spot(thing) for thing in named])
    return (spots / spots.sum(1, keepdim=True)).mean(0)


def meant(things: Sequence[Labels], question: str, answer: str) -> list[Labels]:
    """Those of the things that question or answer name."""
    return [thing for thing in things if _is_meant(thing, question, answer)]


def _is_meant(thing: Labels, question: str, answer: str) -> bool:
    own = {(thing["colour"], thing["shape"]), (thing["colour"], ""), ("", thing["shape"])}
    whole = {name for name in _names(answer) if all(name)}
    return bool(own & (_names(question) | whole))


def _names(text: str) -> set[tuple[str, str]]:
    """Colour and shape of each thing that is named; one of them is empty where it is not said."""
    words = [_PLURAL.get(word, word) for word in re.findall(r"[a-z]+", text.lower())]
    found = set()
    for before, word in pairwise(["", *words]):
        if word in SHAPES:
            found.add((before if before in COLOURS else "", word))
        elif before in COLOURS:
            found.add((before, ""))
    return found | ({(words[-1], "")} if words and words[-1] in COLOURS else set())


def _spot(thing: Labels) -> Tensor:
    middles = (torch.arange(SIDE) + 0.5) / SIDE
    far = (middles[None] - thing["x"]) ** 2 + (middles[:, None] - thing["y"]) ** 2
    return torch.exp(-far / (2 * (thing["radius"] / 2 + BLUR) ** 2)).flatten()
