"""The truth of the greedy selectors: one item, one pick and one token at a time.

Written from the papers, without an eye to speed. Shapes: N tokens, K kept, D width, Q words.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import exp

import torch
from torch import Tensor

from omni.kernels.naive import stretch

NOTHING = 1e-9  # a squared volume below this is rounding


def unit(vector: Tensor) -> Tensor:
    """The vector at length one, or nought."""
    vector = vector.double()
    return vector / vector.norm() if vector.norm() > 0 else vector


def single(value: float) -> float:
    """The nearest float32, as `naive.single` has it, but quick enough for loops over pairs."""
    return struct.unpack("f", struct.pack("f", value))[0]


def cosines(tokens: Tensor, others: Tensor | None = None) -> list[list[float]]:
    """Cosine of every token with every other, as float32; 0 where either is nought."""
    left = [(token, float(token.norm())) for token in tokens.double()]
    right = left if others is None else [(token, float(token.norm())) for token in others.double()]
    return [
        [single(float(a @ b) / (long * wide)) if long * wide > 0 else 0.0 for b, wide in right]
        for a, long in left
    ]


def pick_all(count: int, keep: int, value: Callable[[int, list[int]], float]) -> list[int]:
    """Pick the token of the greatest value, again and again; the first of equals."""
    kept: list[int] = []
    while len(kept) < keep:
        best, highest = -1, float("-inf")
        for place in range(count):
            if place in kept:
                continue
            worth = value(place, kept)
            if worth > highest:
                best, highest = place, worth
        kept.append(best)
    return sorted(kept)


def divprune(tokens: Tensor, keep: int) -> list[int]:
    """Max-min diversity: first the token whose nearest other is farthest, then the farthest."""
    near = cosines(tokens)

    def value(place: int, kept: list[int]) -> float:
        others = kept or [other for other in range(len(tokens)) if other != place]
        return min((single(1 - near[place][other]) for other in others), default=2.0)

    return pick_all(len(tokens), keep, value)


def maxsum(tokens: Tensor, keep: int) -> list[int]:
    """Max-sum diversity: first the greatest mean distance to all, then the greatest sum to kept."""
    units = [unit(token) for token in tokens]
    near = cosines(tokens)

    def value(place: int, kept: list[int]) -> float:
        if not kept:
            mean = sum(float(units[place] @ other) for other in units) / len(units)
            return max(single(1 - single(mean)), 0.0)
        return single(sum(single(1 - near[place][other]) for other in kept))

    return pick_all(len(tokens), keep, value)


def mean_relevance(tokens: Tensor, words: Tensor, inverted: bool = False) -> list[float]:
    """Mean cosine with the words, stretched over the item; ones if there are none."""
    if not len(words):
        return [1.0] * len(tokens)
    sign = -1 if inverted else 1
    means = []
    for token in tokens:
        total = sum(float(unit(token) @ unit(word)) for word in words)
        means.append(sign * single(total / len(words)))
    return stretch(means)


def dpp(tokens: Tensor, keep: int, words: Tensor, inverted: bool = False) -> list[int]:
    """The greatest volume of vectors as long as they are relevant.

    What a token adds is what is left of its vector when the parts along the kept ones are taken
    out one after the other (Gram and Schmidt), not a factor of a matrix.
    """
    relevant = mean_relevance(tokens, words, inverted)
    left = [unit(token) * weight for token, weight in zip(tokens, relevant, strict=True)]
    kept: list[int] = []
    while len(kept) < keep:
        volumes = [float(vector @ vector) for vector in left]
        volumes = [single(volume) if volume > NOTHING else 0.0 for volume in volumes]
        free = [place for place in range(len(tokens)) if place not in kept]
        pick = max(free, key=lambda place: (volumes[place], -place))
        if volumes[pick] > 0:
            axis = unit(left[pick])
            left = [vector - (vector @ axis) * axis for vector in left]
        kept.append(pick)
    return sorted(kept)


def softmax(values: list[float]) -> list[float]:
    """Shares of one, growing as exponents of the values."""
    highest = max(values)
    powers = [exp(value - highest) for value in values]
    total = sum(powers)
    return [power / total for power in powers]


def coverage(
    tokens: Tensor,
    keep: int,
    words: Tensor,
    paired: Tensor | None = None,
    text_temperature: float = 0.02,
    token_temperature: float = 0.2,
    token_weight: float = 0.5,
) -> list[int]:
    """Facility location: each pick adds most to how well words and tokens are covered."""
    rows = []
    for near in cosines(tokens if paired is None else paired):
        shares = softmax([cosine / token_temperature for cosine in near])
        rows.append([single(share * token_weight / len(tokens)) for share in shares])
    for near in cosines(words, tokens):
        shares = softmax([cosine / text_temperature for cosine in near])
        rows.append([single(share / len(words)) for share in shares])

    def value(place: int, kept: list[int]) -> float:
        gain = 0.0
        for row in rows:
            covered = max([row[other] for other in kept], default=0.0)
            if row[place] > covered:
                gain += single(row[place] - covered)
        return single(gain)

    return pick_all(len(tokens), keep, value)


def volume(tokens: Tensor, relevant: list[float], chosen: list[int]) -> float:
    """The determinant that a determinantal process gives a set: its squared volume."""
    vectors = torch.stack([unit(tokens[place]) * relevant[place] for place in chosen])
    return float(torch.linalg.det(vectors @ vectors.T))
