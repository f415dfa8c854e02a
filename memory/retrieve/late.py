"""Late interaction: every vector of the question meets every vector of an item.

Shapes: Q vectors of the question, V vectors of one item, W width, G items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..contracts import Vectors
from ..vectors import maxsim


def late_scores(query: Vectors, items: Sequence[Vectors | None]) -> list[float | None]:
    """The mean over the question's vectors of the best of an item's; `None` where it has none.

    Args:
        query: `[Q, W]`.
        items: `[V, W]` each; V may differ.
    """
    places = [place for place, item in enumerate(items) if item is not None and len(item)]
    found = maxsim(query, [np.asarray(items[place]) for place in places]) / len(query)
    scores: list[float | None] = [None] * len(items)
    for place, score in zip(places, found.tolist(), strict=True):
        scores[place] = score
    return scores


def typed_score(query: Vectors, typed: Mapping[str, Vectors]) -> tuple[float, str]:
    """The score of something that is there in several modalities, and the one that it is owed to.

    Each vector of the question takes the best of all modalities' vectors (CLaMR, arXiv
    2506.06144): a film answers by its picture or by its speech, and what the other one shows
    takes nothing away, as a mean over modalities would.

    Args:
        query: `[Q, W]`.
        typed: `[V, W]` by modality; at least one.
    """
    names = list(typed)
    best = np.stack([(query @ typed[name].T).max(axis=1) for name in names])  # [modalities, Q]
    winners = np.bincount(best.argmax(axis=0), minlength=len(names))
    return float(best.max(axis=0).mean()), names[int(winners.argmax())]
