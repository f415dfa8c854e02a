"""Selectors as one writes them down from a paper: the rivals of `omni bench select`.

A matrix of all pairs, then a Python loop that looks again at every row picked so far; single
precision, one item at a time. All answer places in ascending order. Shapes: N tokens, Q words, D
width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import normalize


def divprune(tokens: Tensor, words: Tensor, keep: int) -> list[int]:
    """Max-min cosine distance; the first is the one whose nearest other is farthest."""
    directions = normalize(tokens, dim=-1)
    apart = 1 - directions @ directions.T
    alone = apart.clone().fill_diagonal_(torch.inf).amin(1)
    return _farthest(apart, alone, torch.ones_like(alone), keep)


def farthest(tokens: Tensor, words: Tensor, keep: int) -> list[int]:
    """The same on centred tokens, weighted by distinctiveness and, by half, by relevance."""
    directions = normalize(tokens, dim=-1)
    distinct = _stretch(-(directions @ directions.T).mean(1))
    relevant = _stretch((directions @ normalize(words, dim=-1).T).amax(1))
    quality = distinct * (0.5 + 0.5 * relevant)
    centred = normalize(tokens - tokens.mean(0), dim=-1)
    return _farthest(1 - centred @ centred.T, quality, quality, keep)


def _farthest(apart: Tensor, first: Tensor, weight: Tensor, keep: int) -> list[int]:
    picked = [int(first.argmax())]
    while len(picked) < keep:
        value = weight * apart[picked].amin(0)
        value[picked] = -torch.inf
        picked.append(int(value.argmax()))
    return sorted(picked)


def maxsum(tokens: Tensor, words: Tensor, keep: int) -> list[int]:
    """The greatest sum of distances; the first is farthest from all others together."""
    directions = normalize(tokens, dim=-1)
    apart = 1 - directions @ directions.T
    picked = [int(apart.sum(1).argmax())]
    while len(picked) < keep:
        value = apart[picked].sum(0)
        value[picked] = -torch.inf
        picked.append(int(value.argmax()))
    return sorted(picked)


def coverage(tokens: Tensor, words: Tensor, keep: int) -> list[int]:
    """Facility location over words and tokens, with every gain worked out at every step."""
    directions = normalize(tokens, dim=-1)
    asked = (normalize(words, dim=-1) @ directions.T / 0.02).softmax(-1) / len(words)
    own = (directions @ directions.T / 0.2).softmax(-1) / len(tokens)
    cover = torch.cat([asked, 0.5 * own])
    best = torch.zeros(len(cover), 1)
    picked: list[int] = []
    while len(picked) < keep:
        gain = (cover - best).clamp(min=0).sum(0)
        gain[picked] = -torch.inf
        picked.append(int(gain.argmax()))
        best = torch.maximum(best, cover[:, picked[-1:]])
    return sorted(picked)


def dpp(tokens: Tensor, words: Tensor, keep: int) -> list[int]:
    """Greedy inference in a determinantal process whose kernel is weighted by relevance."""
    directions = normalize(tokens, dim=-1)
    relevant = _stretch((directions @ normalize(words, dim=-1).T).mean(1))
    kernel = relevant[:, None] * (directions @ directions.T) * relevant
    left = kernel.diagonal().clone()
    rows: list[Tensor] = []
    picked: list[int] = []
    while len(picked) < keep:
        value = left.clone()
        value[picked] = -torch.inf
        pick = int(value.argmax())
        row = kernel[pick].clone()
        for before in rows:
            row -= before[pick] * before
        row /= left[pick].clamp(min=1e-9).sqrt()
        rows.append(row)
        left = left - row.square()
        picked.append(pick)
    return sorted(picked)


def _stretch(values: Tensor) -> Tensor:
    low, high = values.min(), values.max()
    return (values - low) / (high - low).clamp(min=1e-6)


RIVALS: Mapping[str, Callable[[Tensor, Tensor, int], list[int]]] = {
    "farthest": farthest,
    "divprune": divprune,
    "maxsum": maxsum,
    "coverage": coverage,
    "dpp": dpp,
}
"""Name of a selector of ours → the same written plainly."""
