"""Questions whose answer is known, made from what is stored: titles, captions, first words."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ..record import Record
from ..view import View
from .fuse import Known

_LONGEST = 12
_FEWEST = 2
_MODEST = 0.6
"""Share of the words that a question keeps: people do not recall a title whole."""


def questions(view: View, most: int, *, seed: int = 0) -> list[tuple[str, str]]:
    """Words and the id of the record that they are to find; at most so many, drawn evenly."""
    draw = random.Random(seed)
    ids = view.ids()
    if len(ids) > most:
        ids = sorted(draw.sample(ids, most))
    found = [(question(record, draw), record.id) for record in view.get(ids)]
    return [(words, id) for words, id in found if words]


def question(record: Record, draw: random.Random) -> str:
    """Some words of the caption, else of the title, else of the text; empty if there are few."""
    caption = record.meta.get("caption")
    for said in (caption if isinstance(caption, str) else "", record.title, record.text):
        words = said.replace("_", " ").replace("-", " ").split()[:_LONGEST]
        if len(words) >= _FEWEST:
            keep = max(_FEWEST, round(_MODEST * len(words)))
            return " ".join(words[place] for place in sorted(draw.sample(range(len(words)), keep)))
    return ""


def agreeing(known: Sequence[Known]) -> list[Known]:
    """With the legs that all questions have, in one order."""
    if not known:
        return []
    names = [name for name in known[0].legs if all(name in one.legs for one in known)]
    return [Known({name: one.legs[name] for name in names}, one.target) for one in known]
