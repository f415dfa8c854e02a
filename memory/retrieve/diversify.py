"""Hits that differ: maximal marginal relevance (Carbonell and Goldstein, 1998).

Shapes: C candidates, K chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from omni.errors import UsageError


def diversify(
    relevance: Sequence[float], likeness: NDArray[np.floating], k: int, *, share: float = 0.7
) -> list[int]:
    """Places of `k` candidates, in the order in which they are chosen.

    Each next one is good in itself and unlike those before. Relevance is brought to 0…1 first, so
    that it can be weighed against likeness whatever it was measured in.

    Args:
        relevance: of each candidate, higher is better.
        likeness: `[C, C]`, of two candidates, from -1 to 1.
        k: how many.
        share: what relevance counts; 1 leaves the order as it is, 0 looks at likeness only.

    Raises:
        UsageError: if the share is not within 0…1.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"the share of relevance in diversifying is within 0…1, not {share}")
    worth = np.asarray(relevance, np.float64)
    if not len(worth):
        return []
    span = worth.max() - worth.min()
    worth = (worth - worth.min()) / span if span > 0 else np.ones_like(worth)
    nearest = np.zeros(len(worth))
    left = np.ones(len(worth), bool)
    chosen: list[int] = []
    while len(chosen) < min(k, len(worth)):
        gain = np.where(left, share * worth - (1 - share) * nearest, -np.inf)
        place = int(gain.argmax())
        # What is unlike the first choice may still not gain by being its opposite.
        nearest = np.maximum(nearest, likeness[place])
        left[place] = False
        chosen.append(place)
    return chosen
