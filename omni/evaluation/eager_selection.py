"""Selectors as one writes them down from a paper: the rivals of `omni bench select`.

A matrix of all pairs, then a loop that does at each step what the published loops do: it gathers
again the rows of all tokens picked so far, or works out every gain anew. Single precision, one item
at a time. Nothing asks the device for a value, so that the work can be captured in a graph. Shapes:
N tokens, K kept, Q words, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from omni.compression.budget import Grid


@dataclass(frozen=True, slots=True)
class Given:
    """One item, and what is known of it.

    Attributes:
        tokens: `[N, D]`.
        words: `[Q, D]`.
        attention: `[N]`.
        keys: `[N, d]`.
        grid: how the tokens lie.
        keep: how many are kept.
    """

    tokens: Tensor
    words: Tensor
    attention: Tensor
    keys: Tensor
    grid: Grid
    keep: int


Kept = tuple[Tensor, Tensor]
"""Ascending places `[K]`, and the kept or merged tokens `[K, D]`."""


def taken(given: Given, picks: Tensor) -> Kept:
    """The picks in order, as they are."""
    places = picks.sort().values
    return places, given.tokens[places]


def divprune(given: Given) -> Kept:
    """Max-min cosine distance; the first is the one whose nearest other is farthest."""
    apart = 1 - likeness(given.tokens)
    alone = apart.clone().fill_diagonal_(torch.inf).amin(1)
    return taken(given, farthest_loop(apart, alone, None, given.keep))


def farthest(given: Given) -> Kept:
    """The same on centred tokens, weighted by distinctiveness and, by half, by relevance."""
    centred, quality = centred_and_weighed(given)
    return taken(given, farthest_loop(1 - centred @ centred.T, quality, quality, given.keep))


def centred_and_weighed(given: Given) -> tuple[Tensor, Tensor]:
    """Directions less their mean `[N, D]`, and quality `[N]`."""
    distinct = _stretch(-likeness(given.tokens).mean(1))
    words = normalize(given.words, dim=-1)
    relevant = _stretch((normalize(given.tokens, dim=-1) @ words.T).amax(1))
    centred = normalize(given.tokens - given.tokens.mean(0), dim=-1)
    return centred, distinct * (0.5 + 0.5 * relevant)


def farthest_loop(apart: Tensor, first: Tensor, weight: Tensor | None, keep: int) -> Tensor:
    """Picks `[K]`, given all distances; each step looks again at the rows of all picks."""
    picks = torch.empty(keep, dtype=torch.int64, device=apart.device)
    picks[0] = first.argmax()
    for step in range(1, keep):
        before = picks[:step]
        value = apart[before].amin(0)
        value = value if weight is None else weight * value
        picks[step] = value.index_fill(0, before, -torch.inf).argmax()
    return picks


def maxsum(given: Given) -> Kept:
    """The greatest sum of distances; the first is farthest from all others together."""
    apart = 1 - likeness(given.tokens)
    return taken(given, maxsum_loop(apart, apart.mean(1), given.keep))


def maxsum_loop(apart: Tensor, first: Tensor, keep: int) -> Tensor:
    """Picks `[K]`, given all distances; each step adds up the rows of all picks again."""
    picks = torch.empty(keep, dtype=torch.int64, device=apart.device)
    picks[0] = first.argmax()
    for step in range(1, keep):
        before = picks[:step]
        picks[step] = apart[before].sum(0).index_fill(0, before, -torch.inf).argmax()
    return picks


def coverage(given: Given) -> Kept:
    """Facility location over words and tokens."""
    return taken(given, coverage_loop(covers(given), given.keep))


def covers(given: Given) -> Tensor:
    """How well each token covers each word and each token: `[Q + N, N]`."""
    directions = normalize(given.tokens, dim=-1)
    asked = (normalize(given.words, dim=-1) @ directions.T / 0.02).softmax(-1)
    own = (directions @ directions.T / 0.2).softmax(-1)
    return torch.cat([asked / len(asked), 0.5 * own / len(own)])


def coverage_loop(cover: Tensor, keep: int) -> Tensor:
    """Picks `[K]`, with every gain worked out at every step."""
    best = torch.zeros_like(cover[:, :1])
    picks = torch.empty(keep, dtype=torch.int64, device=cover.device)
    for step in range(keep):
        gain = (cover - best).clamp(min=0).sum(0)
        picks[step] = gain.index_fill(0, picks[:step], -torch.inf).argmax()
        best = torch.maximum(best, cover.index_select(1, picks[step : step + 1]))
    return picks


def dpp(given: Given) -> Kept:
    """Greedy inference in a determinantal process whose kernel is weighted by relevance."""
    directions, relevant = directed_and_asked(given)
    kernel = relevant[:, None] * (directions @ directions.T) * relevant
    return taken(given, dpp_loop(kernel, given.keep))


def directed_and_asked(given: Given) -> tuple[Tensor, Tensor]:
    """Directions `[N, D]`, and relevance `[N]`."""
    directions = normalize(given.tokens, dim=-1)
    return directions, _stretch((directions @ normalize(given.words, dim=-1).T).mean(1))


def dpp_loop(kernel: Tensor, keep: int) -> Tensor:
    """Picks `[K]`, given the kernel; each step takes out the parts along all picks."""
    left = kernel.diagonal().clone()
    parts = torch.zeros(keep, len(kernel), device=kernel.device)
    picks = torch.empty(keep, dtype=torch.int64, device=kernel.device)
    for step in range(keep):
        pick = left.argmax()
        picks[step] = pick
        along = torch.einsum("t,tn->n", parts[:step, pick], parts[:step])
        part = (kernel[pick] - along) / left[pick].clamp(min=1e-9).sqrt()
        parts[step] = part
        left = (left - part.square()).index_fill(0, pick, -torch.inf)
    return picks


def topk(given: Given) -> Kept:
    """The tokens nearest to the question."""
    near = normalize(given.tokens, dim=-1) @ normalize(given.words, dim=-1).T
    return taken(given, near.amax(1).topk(given.keep).indices)


def attention(given: Given) -> Kept:
    """The tokens most attended to."""
    return taken(given, given.attention.topk(given.keep).indices)


def visionzip(given: Given) -> Kept:
    """Tokens most attended to, and evenly spaced ones into which the rest is averaged."""
    count = round(given.keep * 10 / 64)
    dominant = given.attention.topk(given.keep - count).indices.sort().values
    chosen = torch.zeros(len(given.tokens), device=given.tokens.device)
    chosen = chosen.index_fill(0, dominant, 1.0)
    rest = chosen.sort(stable=True).indices[: len(given.tokens) - len(dominant)]
    keys = normalize(given.keys, dim=-1)[rest]
    step = max(1, len(rest) // count)
    target = torch.arange(0, step * count, step, device=rest.device)
    goal = (keys @ keys[target].T).argmax(1)
    own = torch.arange(count, device=rest.device)
    goal = goal.scatter(0, target, own)
    members = one_hot(goal, count).to(given.tokens)
    means = (members.T @ given.tokens[rest]) / members.sum(0)[:, None]
    places, order = torch.cat([dominant, rest[target]]).sort()
    return places, torch.cat([given.tokens[dominant], means])[order]


def vispruner(given: Given) -> Kept:
    """Half by attention; of the rest, doubles are removed eight a round."""
    first = given.keep // 2
    order = given.attention.argsort(descending=True)
    rest = order[first:].sort().values
    directions = normalize(given.tokens, dim=-1)
    while len(rest) > given.keep - first:
        gone = min(8, len(rest) - given.keep + first)
        even, odd = rest[0::2], rest[1::2]
        like = (directions[even] @ directions[odd].T).amax(1)
        left = like.argsort(descending=True, stable=True)[gone:]
        rest = torch.cat([even[left], odd]).sort().values
    return taken(given, torch.cat([order[:first], rest]))


def aim(given: Given) -> Kept:
    """Even tokens averaged into the odd ones they are most like, up to half of them a round."""
    places = torch.arange(len(given.tokens), device=given.tokens.device)
    merged = given.tokens
    while len(merged) > given.keep:
        gone = min(len(merged) - given.keep, len(merged) // 2)
        even, odd = merged[0::2], merged[1::2]
        like, goal = (normalize(even, dim=-1) @ normalize(odd, dim=-1).T).max(1)
        order = like.argsort(descending=True, stable=True)
        away, stay = order[:gone], order[gone:].sort().values
        slots = goal[away][:, None].expand(-1, merged.shape[1])
        odd = odd.scatter_reduce(0, slots, even[away], "mean", include_self=True)
        places, sorting = torch.cat([places[0::2][stay], places[1::2]]).sort()
        merged = torch.cat([even[stay], odd])[sorting]
    return places, merged


def evs(given: Given) -> Kept:
    """The first frame, then what differs most from the same spot one frame before."""
    area = given.grid.height * given.grid.width
    frames = given.tokens.view(-1, area, given.tokens.shape[1])
    changed = 1 - torch.cosine_similarity(frames[1:], frames[:-1], dim=-1)
    first = _stretch(-likeness(frames[0]).mean(1)) + 255
    score = torch.cat([first, changed.flatten()])
    return taken(given, score.argsort(descending=True, stable=True)[: given.keep])


def likeness(tokens: Tensor) -> Tensor:
    """Cosines of all pairs, `[N, N]`."""
    directions = normalize(tokens, dim=-1)
    return directions @ directions.T


def _stretch(values: Tensor) -> Tensor:
    low, high = values.min(), values.max()
    return (values - low) / (high - low).clamp(min=1e-6)


RIVALS: Mapping[str, Callable[[Given], Kept]] = {
    "farthest": farthest,
    "divprune": divprune,
    "maxsum": maxsum,
    "coverage": coverage,
    "dpp": dpp,
    "topk": topk,
    "attention": attention,
    "visionzip": visionzip,
    "vispruner": vispruner,
    "aim": aim,
    "evs": evs,
}
"""Name of a selector of ours → the same written plainly."""
