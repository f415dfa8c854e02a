"""Questions whose answer is known, made from stored titles, captions and sentences."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from ..record import Record
from ..view import View
from .calibrate import Known

_LONGEST = 12
_FEWEST = 2
_TELLING = 4
_MODEST = 0.6
"""Share of the words that a question keeps: people do not recall a title whole."""

_SENTENCE = re.compile(r"[^.!?。！？\n]+")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def questions(view: View, most: int, *, seed: int = 0) -> list[tuple[str, str]]:
    """Words and the id of the record that they are to find; at most so many, drawn evenly."""
    draw = random.Random(seed)
    ids = view.ids()
    if len(ids) > most:
        ids = sorted(draw.sample(ids, most))
    found = [(question(record, draw), record.id) for record in view.get(ids)]
    return [(words, id) for words, id in found if words]


def question(record: Record, draw: random.Random) -> str:
    """Some words of the caption, of the title or of a sentence of the text, whichever is drawn.

    Empty if none of them has words enough.
    """
    caption = record.meta.get("caption")
    said = [caption if isinstance(caption, str) else "", record.title.replace("_", " ")]
    named = [words for one in said if len(words := _WORD.findall(one)) >= _FEWEST]
    sentences = [_WORD.findall(found[0]) for found in _SENTENCE.finditer(record.text)]
    telling = [words for words in sentences if len(words) >= _TELLING]
    kinds = [kind for kind in (named, telling) if kind]
    if not kinds:
        return ""
    words = draw.choice(draw.choice(kinds))[:_LONGEST]
    keep = max(_FEWEST, round(_MODEST * len(words)))
    return " ".join(words[place] for place in sorted(draw.sample(range(len(words)), keep)))


def agreeing(known: Sequence[Known]) -> list[Known]:
    """With the legs that all questions have, in one order."""
    if not known:
        return []
    names = [name for name in known[0].legs if all(name in one.legs for one in known)]
    return [Known({name: one.legs[name] for name in names}, one.target) for one in known]
