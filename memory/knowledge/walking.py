"""From the names of a question over shared records to others: a walk that likes to start over.

Personalised PageRank on the names and records around the question, as in HippoRAG (arXiv
2405.14831): what is reached by short and by many ways is visited often.

Shapes: N nodes, M edges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

_STEPS = 50
_SETTLED = 1e-9


def visits(
    heads: Places, tails: Places, weights: Numbers, seeds: Numbers, *, onwards: float = 0.5
) -> Numbers:
    """How often each node `[N]` is visited; they sum to 1.

    Args:
        heads: `[M]`, one end of each edge; edges are walked both ways.
        tails: `[M]`, the other end.
        weights: `[M]`, above 0: how likely an edge is taken, beside the others of its node.
        seeds: `[N]`, from 0 up: where the walk starts, and starts over.
        onwards: the chance that it goes on instead.
    """
    count = len(seeds)
    start = seeds / seeds.sum()
    sources = np.concatenate([heads, tails])
    ends = np.concatenate([tails, heads])
    both = np.concatenate([weights, weights])
    whole = np.bincount(sources, both, minlength=count)
    share = both / whole[sources]
    stuck = whole == 0
    found = start
    for _ in range(_STEPS):
        moved = np.bincount(ends, found[sources] * share, minlength=count)
        after = onwards * (moved + found[stuck].sum() * start) + (1 - onwards) * start
        if np.abs(after - found).sum() < _SETTLED:
            return after
        found = after
    return found
