"""The truth of what is dropped between layers: one row, one head and one token at a time.

Shapes: H heads, G heads of keys, L tokens of a row, N of a medium, d width of a head, D of a state.
"""

from __future__ import annotations

from math import exp

from torch import Tensor

from omni.kernels.naive import best
from omni.kernels.naive_attention import Parts, density_peaks, into, means
from omni.kernels.naive_greedy import cosines, single, softmax

Seen = list[list[bool]]
"""Whether a token looks at another."""


def product(query: Tensor, key: Tensor, head: int, row: int, column: int) -> float:
    """Query times key of one head, where several share their keys."""
    shared = key[head // (len(query) // len(key)), column].double()
    return float(query[head, row].double() @ shared)


def attention(query: Tensor, key: Tensor, seen: Seen, row: int, scaling: float) -> list[float]:
    """How much one token attends to each, mean over heads; `query [H, L, d]`, `key [G, L, d]`."""
    total = [0.0] * key.shape[1]
    columns = [column for column in range(key.shape[1]) if seen[row][column]]
    for head in range(len(query)):
        logits = [product(query, key, head, row, column) * scaling for column in columns]
        for column, weight in zip(columns, softmax(logits), strict=True):
            total[column] += weight / len(query)
    return total


def pagerank(
    query: Tensor,
    key: Tensor,
    seen: Seen,
    scaling: float,
    temperature: float = 0.1,
    steps: int = 5,
) -> list[float]:
    """What each token has, after all have handed on what they had; `seen` of padding is empty."""
    length, heads = key.shape[1], len(query)
    real = [row for row in range(length) if any(seen[row])]
    hands = {}
    for row in real:
        columns = [column for column in range(length) if seen[row][column]]
        means_of = [
            sum(product(query, key, head, row, column) for head in range(heads)) / heads
            for column in columns
        ]
        weights = softmax([value * scaling / temperature for value in means_of])
        hands[row] = dict(zip(columns, weights, strict=True))
    worth = [1 / len(real) if row in real else 0.0 for row in range(length)]
    for _ in range(steps):
        received = [0.0] * length
        for row in real:
            for column, weight in hands[row].items():
                received[column] += worth[row] * weight
        worth = received
    return worth


def raters(visual: Tensor, words: Tensor) -> list[int]:
    """Words to which media give more than the mean word gets; all, if none gets more."""
    visual, words = visual.double(), words.double()
    total = [0.0] * len(words)
    for token in visual:
        for word, weight in enumerate(softmax([float(token @ other) for other in words])):
            total[word] += weight / len(visual)
    total = [single(value) for value in total]
    mean = single(sum(total) / len(total))
    return [word for word, value in enumerate(total) if value > mean] or list(range(len(words)))


def recycled(
    states: Tensor, scores: list[float], keep: int, share: float = 0.3, per: int = 10
) -> Parts:
    """The highest, and means of clusters of the best of the others."""
    count = len(scores)
    clusters = 0
    if keep < count:
        clusters = min(keep - 1, (int(share * (count - keep)) + 1) // per + 1)
    order = sorted(range(count), key=lambda place: (-scores[place], place))
    kept, rest = order[: keep - clusters], order[keep - clusters :]
    pool = sorted(rest[: int(share * len(rest)) + 1]) if clusters else []
    near = cosines(states)
    heights = dict(zip(pool, density_peaks(near, pool, 5), strict=True))
    centres = sorted(pool, key=lambda place: (-heights[place], place))[:clusters]
    groups = {place: [place] for place in [*kept, *centres]}
    for place in pool:
        if place not in centres:
            groups[into(near[place], centres)].append(place)
    return means(groups)


def handed(states: Tensor, scores: list[float], keep: int) -> Parts:
    """The highest, each averaged with the others that are most like it."""
    kept = best(scores, keep)
    near = cosines(states)
    groups = {place: [place] for place in kept}
    for place in range(len(scores)):
        if place not in kept:
            groups[into(near[place], kept)].append(place)
    return means(groups)


def dart(keys: Tensor, words: Tensor, keep: int, pivots: int = 4) -> list[int]:
    """Pivots of the greatest keys, and for each the tokens least like it."""
    strength = [single(float(key.double().abs().sum())) for key in keys]
    own = sorted(range(len(keys)), key=lambda place: (-strength[place], place))[: min(pivots, keep)]
    spoken = [single(float(key.double().abs().sum())) for key in words]
    asked = sorted(range(len(words)), key=lambda word: (-spoken[word], word))[:pivots]
    leads = [keys[place] for place in own] + [words[word] for word in asked]
    kept, rest = list(own), keep - len(own)
    for number, lead in enumerate(leads):
        share = (number + 1) * rest // len(leads) - number * rest // len(leads)
        like = [cosine(key, lead) for key in keys]
        free = sorted(
            (place for place in range(len(keys)) if place not in kept),
            key=lambda place: (like[place], place),
        )
        kept += free[:share]
    return sorted(kept)


def cosine(one: Tensor, two: Tensor) -> float:
    """Cosine as a float32; 0 where either is nought."""
    one, two = one.double(), two.double()
    scale = float(one.norm() * two.norm())
    return single(float(one @ two) / scale) if scale > 0 else 0.0


def sigmoid(depth: int, steepness: float, centre: float) -> list[float]:
    """The share of each layer, 1 in the first, falling along a logistic curve."""
    raw = [1 / (1 + exp(steepness * (layer / (depth - 1) - centre))) for layer in range(depth)]
    return [value / raw[0] for value in raw]
