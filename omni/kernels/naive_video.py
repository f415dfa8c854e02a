"""The truth of the selectors that look along time: one frame and one token after the other.

Each takes a film as a list of frames, each a tensor of tokens `[A, D]`, and answers the places of
the kept tokens, ascending, counted through all frames. Tokens that are not finite are taken for
nought, and kept last. Numbers are rounded to float32 where the fast code does, so that equals are
equal.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from omni.kernels.naive import cosine, distinctiveness, relevance, single, stretch

Scores = list[list[float]]


def evs(frames: Sequence[Tensor], keep: int, pinned: Sequence[int] = ()) -> list[int]:
    """The first frame, then what differs most from the same spot one frame before."""
    frames, broken = _clean(frames)
    scores = _changes(frames, [max(t - 1, 0) for t in range(len(frames))])
    scores[0] = [single(1 + value) for value in distinctiveness(frames[0])]
    return _choose(
        [[1 if t == 0 else 0] * len(row) for t, row in enumerate(scores)],
        scores,
        keep,
        pinned,
        broken,
    )


def dycoke(frames: Sequence[Tensor], keep: int, pinned: Sequence[int] = ()) -> list[int]:
    """Groups of four: the first whole, of the others equal numbers of what changed."""
    frames, broken = _clean(frames)
    compared = []
    for t in range(len(frames)):
        where = t % 4
        compared.append(max(0, t - 4) if where == 0 else t - 2 if where == 2 else t - 1)
    scores = _changes(frames, compared)
    scores[0] = [single(1 + value) for value in distinctiveness(frames[0])]
    area = len(frames[0])
    others = [t for t in range(len(frames)) if t % 4 != 0]
    quota = dict.fromkeys(others, 0)
    for step in range(keep - area * (len(frames) - len(others))):  # none if that is negative
        if others:
            quota[others[step % len(others)]] += 1
    tiers = []
    for t in range(len(frames)):
        if t % 4 == 0:
            tiers.append([3 if t == 0 else 2] * area)
        else:
            inside = _first(scores[t], quota[t], _within(pinned, t, area), _within(broken, t, area))
            tiers.append([1 if s in inside else 0 for s in range(area)])
    return _choose(tiers, scores, keep, pinned, broken)


def kffocus(
    frames: Sequence[Tensor],
    keep: int,
    question: Tensor | None = None,
    pinned: Sequence[int] = (),
    key_share: float = 0.25,
    key_weight: float = 4.0,
    question_weight: float = 0.5,
    top_share: float = 0.1,
) -> list[int]:
    """More tokens for key frames and for frames that the question is about."""
    frames, broken = _clean(frames)
    area, time = len(frames[0]), len(frames)
    near = _near(frames, question)
    changes = _changes(frames, [max(t - 1, 0) for t in range(time)])
    novelty = [single(sum(row) / area) for row in changes]
    novelty[0] = math.inf
    order = sorted(range(time), key=lambda t: (-novelty[t], t))
    key = set(order[: math.ceil(time * key_share)])
    scores, weights = [], []
    for t in range(time):
        worth = distinctiveness(frames[t]) if t in key else changes[t]
        factors = [
            single(single(1 - question_weight) + single(question_weight * r)) for r in near[t]
        ]
        scores.append([single(a * b) for a, b in zip(worth, factors, strict=True)])
        top = sorted(near[t], reverse=True)[: math.ceil(area * top_share)]
        weight = 1 - question_weight + question_weight * single(sum(top) / len(top))
        weights.append(max(weight * (key_weight if t in key else 1), 1e-3))
    least = 1 if keep >= time else 0
    quota = shares(weights, [area - least] * time, keep - least * time)
    tiers = []
    for t in range(time):
        inside = _first(
            scores[t], least + quota[t], _within(pinned, t, area), _within(broken, t, area)
        )
        tiers.append([1 if s in inside else 0 for s in range(area)])
    return _choose(tiers, scores, keep, pinned, broken)


def audio_time(
    frames: Sequence[Tensor],
    keep: int,
    question: Tensor | None = None,
    attention: Sequence[float] | None = None,
    pinned: Sequence[int] = (),
    spread: float = 0.5,
    question_weight: float = 0.5,
) -> list[int]:
    """The best token of each stretch of time, then the best of all the others."""
    frames, broken = _clean(frames)
    area, time = len(frames[0]), len(frames)
    if attention is not None:
        worth = _rows(stretch(list(attention)), area)
    elif time == 1:
        worth = [distinctiveness(frames[0])]
    else:
        raw = _changes(frames, [max(t - 1, 0) for t in range(time)], cut=False)[1:]
        worth = [[1.0] * area, *_rows(stretch([value for row in raw for value in row]), area)]
    scores = []
    for t, row in enumerate(_near(frames, question)):
        factors = [single(single(1 - question_weight) + single(question_weight * r)) for r in row]
        scores.append([single(a * b) for a, b in zip(worth[t], factors, strict=True)])
    flat = [value for row in scores for value in row]
    stretches = min(time, max(1, round(keep * spread)))
    leaders = set()
    for step in range(stretches):
        start, end = step * time // stretches * area, (step + 1) * time // stretches * area
        inside = range(start, end)
        leaders.add(
            max(
                inside,
                key=lambda place: (
                    place in pinned,
                    place not in broken,
                    flat[place] if place not in pinned else 0,
                    -place,
                ),
            )
        )
    tiers = _rows([int(place in leaders) for place in range(len(flat))], area)
    return _choose(tiers, scores, keep, pinned, broken)


def holitom(
    frames: Sequence[Tensor],
    keep: int,
    attention: Sequence[float] | None = None,
    pinned: Sequence[int] = (),
    still: float = 0.8,
    neighbours: int = 7,
) -> tuple[list[int], list[list[int]]]:
    """Kept places, and for each of them the places that it is the mean of."""
    frames, broken = _clean(frames)
    area, time = len(frames[0]), len(frames)
    level = single(still)
    cosines = [
        [cosine(frames[t][s].double(), frames[max(t - 1, 0)][s].double()) for s in range(area)]
        for t in range(time)
    ]
    cuts = windows([[value >= level for value in row] for row in cosines])
    absorbed: dict[int, int] = {}  # place: the place that stands for it
    for first, last in cuts:
        for s in range(area):
            if all(cosines[t][s] >= level for t in range(first + 1, last + 1)):
                for t in range(first + 1, last + 1):
                    absorbed[t * area + s] = first * area + s
    worth = None if attention is None else _rows(stretch(list(attention)), area)
    scores: Scores = []
    left = []
    for t in range(time):
        own = [
            s
            for s in range(area)
            if t * area + s in pinned
            or (t * area + s not in absorbed and t * area + s not in broken)
        ]
        left.append(own)
        peaks = worth[t] if worth else _peaks(frames[t], own, neighbours)
        scores.append(
            [peaks[s] if s in own else single(max(0.0, 1 - cosines[t][s])) for s in range(area)]
        )
    numbers = [len(own) for own in left]
    quota = shares([float(number) for number in numbers], numbers, keep)
    tiers = []
    for t in range(time):
        among = [scores[t][s] if s in left[t] else -1.0 for s in range(area)]
        inside = _first(among, quota[t], _within(pinned, t, area), _within(broken, t, area))
        tiers.append([(s in left[t]) + (s in left[t] and s in inside) for s in range(area)])
    kept = _choose(tiers, scores, keep, pinned, broken)
    members = []
    for place in kept:
        others = [] if place in pinned else [p for p, rep in absorbed.items() if rep == place]
        members.append(sorted([place, *(p for p in others if p not in kept)]))
    return kept, members


def windows(still: Sequence[Sequence[bool]]) -> list[tuple[int, int]]:
    """First and last frame of the windows in which most tokens go; ties as short from behind."""
    time, area = len(still), len(still[0])
    best = [0]
    back = []
    for last in range(time):
        options = []
        for first in range(last, -1, -1):
            count = sum(all(still[t][s] for t in range(first + 1, last + 1)) for s in range(area))
            options.append((best[first] + count * (last - first), first))
        top = max(value for value, _ in options)
        best.append(top)
        back.append(next(first for value, first in options if value == top))
    cuts = []
    last = time - 1
    while last >= 0:
        cuts.append((back[last], last))
        last = back[last] - 1
    return cuts[::-1]


def shares(weights: Sequence[float], room: Sequence[int], total: int) -> list[int]:
    """Whole numbers in proportion to weights, none above its room; largest remainders first."""
    exact = [0.0] * len(weights)
    free = [i for i, weight in enumerate(weights) if weight > 0]
    rest = float(total)
    while free:
        level = rest / sum(weights[i] for i in free)
        full = [i for i in free if weights[i] * level >= room[i]]
        for i in full or free:
            exact[i] = float(room[i]) if full else weights[i] * level
        if not full:
            break
        rest = max(0.0, rest - sum(room[i] for i in full))
        free = [i for i in free if i not in full]
    exact = [single(value) for value in exact]
    counts = [min(int(value), most) for value, most in zip(exact, room, strict=True)]
    open_ones = [i for i, weight in enumerate(weights) if weight > 0 and counts[i] < room[i]]
    open_ones.sort(key=lambda i: (counts[i] - exact[i], i))
    for i in open_ones[: max(0, total - sum(counts))]:
        counts[i] += 1
    return counts


def _peaks(frame: Tensor, own: Sequence[int], neighbours: int) -> list[float]:
    x = frame.double()
    distance = {
        (a, b): single(max(0.0, 1 - cosine(x[a], x[b])))
        for a in range(len(x))
        for b in own
        if a != b
    }
    density = []
    for a in range(len(x)):
        near = sorted(distance[a, b] for b in own if b != a)[:neighbours]
        density.append(single(math.exp(-sum(near) / len(near))) if near else 1.0)
    peaks = []
    for a in range(len(x)):
        others = [b for b in own if b != a]
        denser = [b for b in others if (-density[b], b) < (-density[a], a)]
        if denser:
            away = min(distance[a, b] for b in denser)
        else:
            away = max((distance[a, b] for b in others), default=2.0)
        peaks.append(single(density[a] * away))
    return peaks


def _changes(frames: Sequence[Tensor], compared: Sequence[int], cut: bool = True) -> Scores:
    rows = []
    for t, frame in enumerate(frames):
        other = frames[compared[t]]
        row = [
            single(1 - cosine(a.double(), b.double())) for a, b in zip(frame, other, strict=True)
        ]
        rows.append([max(0.0, value) for value in row] if cut else row)
    rows[0] = [0.0] * len(frames[0])
    return rows


def _near(frames: Sequence[Tensor], question: Tensor | None) -> Scores:
    area = len(frames[0])
    if question is None:
        return [[1.0] * area for _ in frames]
    return _rows(relevance(torch.cat(list(frames)), question), area)


def _rows(flat: list, area: int) -> list[list]:
    return [flat[start : start + area] for start in range(0, len(flat), area)]


def _within(pinned: Collection[int], t: int, area: int) -> set[int]:
    return {place - t * area for place in pinned if t * area <= place < (t + 1) * area}


def _first(
    scores: Sequence[float], count: int, pinned: Collection[int], broken: Collection[int]
) -> set[int]:
    """The `count` best of a frame; pinned ones come first, and broken ones last."""
    return set(_ranked(list(enumerate(scores)), pinned, broken)[:count])


def _choose(
    tiers: Sequence[Sequence[int]],
    scores: Scores,
    keep: int,
    pinned: Collection[int],
    broken: Collection[int],
) -> list[int]:
    flat_tiers = [tier for row in tiers for tier in row]
    flat_scores = [score for row in scores for score in row]
    order = []
    for tier in sorted(set(flat_tiers), reverse=True):
        own = [place for place in range(len(flat_tiers)) if flat_tiers[place] == tier]
        order += _ranked([(place, flat_scores[place]) for place in own], (), ())
    # What is pinned goes by its score alone, whatever the method thinks of it.
    first = _ranked([(place, flat_scores[place]) for place in pinned], (), ())
    last = _ranked([(place, flat_scores[place]) for place in broken], (), ())
    middle = [place for place in order if place not in pinned and place not in broken]
    return sorted([*first, *middle, *(place for place in last if place not in pinned)][:keep])


def _ranked(
    values: Sequence[tuple[int, float]], pinned: Collection[int], broken: Collection[int]
) -> list[int]:
    def key(one: tuple[int, float]) -> tuple[bool, bool, float, int]:
        place, score = one
        return place not in pinned, place in broken, 0 if place in pinned else -score, place

    return [place for place, _ in sorted(values, key=key)]


def _clean(frames: Sequence[Tensor]) -> tuple[list[Tensor], set[int]]:
    """Frames in which what is not finite is nought, and the places of those tokens."""
    area = len(frames[0])
    clean, broken = [], set()
    for t, frame in enumerate(frames):
        rows = []
        for s, token in enumerate(frame):
            if not all(math.isfinite(value) for value in token.tolist()):
                broken.add(t * area + s)
                token = torch.zeros_like(token)
            rows.append(token)
        clean.append(torch.stack(rows))
    return clean, broken
