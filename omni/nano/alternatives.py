"""What else might have been said: the phrases that a listener chooses among."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from omni.nano.world import words

_MOST = 400
"""So many phrases are written out; more are given as a choice word by word."""

CLASSES: tuple[tuple[str, ...], ...] = (
    tuple(words.COLOURS),
    (*words.SHAPES, *words.SOLIDS),
    words.SIZES,
    words.NUMBERS,
    words.TRENDS,
    words.EVENTS,
    ("left", "right", "up", "down"),
    ("growing", "shrinking", "still", "turning", "appearing", "bouncing"),
    ("top", "bottom", "middle"),
)
"""Words of which one stands where another might."""

_UNITS = re.compile("|".join([*(word for word in words.EVENTS if " " in word), r"\S+"]))


def alternatives(phrase: str) -> list[str]:
    """All phrases of the same kind, in the notation of speech grammars (`a | b`) if they are many.

    A phrase is of the same kind if it has words of the same classes in the same places: a coloured
    thing has other coloured things beside it.
    """
    slots = [_class(unit) for unit in _UNITS.findall(phrase)]
    count = 1
    for slot in slots:
        count *= len(slot)
    if count <= _MOST:
        return [" ".join(chosen) for chosen in itertools.product(*slots)]
    return [" ".join(slot[0] if len(slot) == 1 else f"({' | '.join(slot)})" for slot in slots)]


def _class(unit: str) -> Sequence[str]:
    return next((members for members in CLASSES if unit in members), (unit,))
