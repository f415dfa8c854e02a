"""How much a record still counts: importance that halves with time, at a pace of its kind.

Nothing of it is stored. It is worked out when records are ranked, so another pace needs no change
to what is kept, and looking at the past weighs as the past would have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

HALF_LIVES: Mapping[str, timedelta | None] = {
    "episode": timedelta(days=14),
    "note": timedelta(days=90),
    "fact": timedelta(days=365),
    "insight": timedelta(days=730),
    "document": None,
}
"""What happened fades before what is so, and that before how to do things; sources do not fade."""

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Decay:
    """Weighs records by their age.

    Attributes:
        half_lives: by kind; `None` or a kind that is not named for one that does not fade.
    """

    half_lives: Mapping[str, timedelta | None] = field(default_factory=lambda: HALF_LIVES)

    def weight(self, kind: str, importance: float, then: int, now: int) -> float:
        """What a record counts, given its time and the present in microseconds since 1970."""
        half = self.half_lives.get(kind)
        if half is None:
            return importance
        age = max(now - then, 0) / _MICROSECONDS
        return importance * math.exp2(-age / half.total_seconds())
