"""Many vectors of one item into few: like is merged with like.

Shapes: V vectors, W width.
"""

from __future__ import annotations

import numpy as np

from ..contracts import Vectors
from .grouping import unit

_LARGEST = 1024


def pool(vectors: Vectors, most: int) -> Vectors:
    """Unit vectors `[min(V, most), W]`: of clusters that grew by merging the two most alike.

    A vector stands for the mean of its cluster, and clusters stay in the order of their first
    member. More than 1,024 are first averaged in runs of neighbours, since the time grows with the
    square.
    """
    found = np.asarray(vectors, np.float32)
    if len(found) > _LARGEST:
        found = np.stack([run.mean(0) for run in np.array_split(found, _LARGEST)])
    if len(found) <= most:
        return unit(found)
    sums, alike = found.copy(), _likeness(found)
    alive = np.ones(len(found), bool)
    for _ in range(len(found) - most):
        one, other = sorted(divmod(int(alike.argmax()), len(found)))
        sums[one] += sums[other]
        alive[other] = False
        alike[other], alike[:, other] = -np.inf, -np.inf
        row = unit(sums) @ unit(sums[one])
        row[~alive], row[one] = -np.inf, -np.inf
        alike[one], alike[:, one] = row, row
    return unit(sums[alive])


def _likeness(vectors: Vectors) -> Vectors:
    alike = unit(vectors) @ unit(vectors).T
    np.fill_diagonal(alike, -np.inf)
    return alike
