"""The truth of the selectors that an encoder's attention guides, one token at a time.

Those that merge answer with the places they keep, and for each place what goes into it: the weight
of each source. Shapes: N tokens, K kept, D width, Q words.
"""

from __future__ import annotations

from math import exp, floor

from torch import Tensor

from omni.kernels.naive import best, relevance
from omni.kernels.naive_greedy import cosines, single, softmax

Parts = dict[int, dict[int, float]]


def values_of(attention: Tensor) -> list[float]:
    """Attention as float32 numbers."""
    return [single(float(value)) for value in attention]


def attention(scores: Tensor, keep: int) -> list[int]:
    """The highest."""
    return best(values_of(scores), keep)


def fopru_rows(scores: Tensor, keep: int, width: int) -> list[int]:
    """Whole rows by the sum of their scores, and the highest of the row that does not fit."""
    values = values_of(scores)
    rows = [range(start, start + width) for start in range(0, len(values), width)]
    sums = [single(sum(values[place] for place in row)) for row in rows]
    kept: list[int] = []
    for number in sorted(range(len(rows)), key=lambda number: (-sums[number], number)):
        ordered = sorted(rows[number], key=lambda place: (-values[place], place))
        kept += ordered[: keep - len(kept)]
    return sorted(kept)


def into(near: list[float], targets: list[int]) -> int:
    """The target of the highest cosine, the first of equals."""
    return max(targets, key=lambda target: (near[target], -target))


def means(groups: dict[int, list[int]]) -> Parts:
    """Each group as the mean of its members."""
    return {place: {member: 1 / len(group) for member in group} for place, group in groups.items()}


def visionzip(
    scores: Tensor, keys: Tensor, keep: int, contextual: float, added: bool = False
) -> Parts:
    """Dominant tokens as they are; the others averaged into targets a fixed step apart."""
    count = min(round(keep * contextual), keep - 1)
    dominant = attention(scores, keep - count)
    rest = [place for place in range(len(scores)) if place not in dominant]
    targets = rest[:: max(1, len(rest) // count)][:count] if count else []
    near = cosines(keys)
    groups = {place: [place] for place in [*dominant, *targets]}
    for place in rest:
        if targets and place not in targets:
            groups[into(near[place], targets)].append(place)
    if not added:
        return means(groups)
    parts: Parts = {}
    for place, group in groups.items():
        parts[place] = {place: 1.0}
        for other in group[1:]:
            parts[place][other] = 1 / (len(group) - 1)
    return parts


def vispruner(
    tokens: Tensor, scores: Tensor, keep: int, important: float = 0.5, step: int = 8
) -> list[int]:
    """Some by attention; of the others even places that are like odd ones go, round by round."""
    first = int(keep * important)
    kept = attention(scores, first) if first else []
    rest = [place for place in range(len(tokens)) if place not in kept]
    near = cosines(tokens)
    while len(rest) > keep - first:
        even, odd = rest[0::2], rest[1::2]
        like = {place: max((near[place][other] for other in odd), default=-2.0) for place in even}
        worst = sorted(even, key=lambda place: (-like[place], place))
        gone = worst[: min(step, len(rest) - keep + first)]
        rest = [place for place in rest if place not in gone]
    return sorted(kept + rest)


def quantile(values: list[float], share: float) -> float:
    """The value below which a share lies, in between two where need be."""
    ordered = sorted(values)
    spot = share * (len(ordered) - 1)
    low = ordered[floor(spot)]
    high = ordered[min(floor(spot) + 1, len(ordered) - 1)]
    return low + (spot - floor(spot)) * (high - low)


def prumerge(
    scores: Tensor,
    keys: Tensor,
    keep: int,
    uniform: bool = False,
    neighbours: int = 32,
    spread: float = 1.5,
) -> Parts:
    """Outliers of attention, filled up or cut to the count, plus their nearest dropped tokens."""
    values = values_of(scores)
    low, high = quantile(values, 0.25), quantile(values, 0.75)
    outliers = [p for p in range(len(values)) if values[p] > single(high + spread * (high - low))]
    order = sorted(range(len(values)), key=lambda place: (-values[place], place))
    kept = order[: min(len(outliers), keep)]
    if uniform:
        rest = [place for place in range(len(values)) if place not in kept]
        missing = keep - len(kept)
        for number, place in enumerate(rest):
            if (number + 1) * missing // len(rest) > number * missing // len(rest):
                kept.append(place)
    else:
        kept = order[:keep]
    near = cosines(keys)
    total = sum(values)
    dropped = [place for place in range(len(values)) if place not in kept]
    parts: Parts = {}
    for place in kept:
        parts[place] = {place: 1.0}
        for other in sorted(dropped, key=lambda d: (-near[place][d], d))[:neighbours]:
            parts[place][other] = values[other] / total if total > 0 else 0.0
    return parts


def density_peaks(near: list[list[float]], members: list[int], neighbours: int) -> list[float]:
    """Density times distance to the nearest denser token, for each of the members."""
    density = {}
    for place in members:
        distances = sorted(max(single(1 - near[place][o]), 0.0) for o in members if o != place)
        some = distances[:neighbours]
        density[place] = single(exp(-sum(some) / len(some))) if some else 1.0
    heights = []
    for place in members:
        denser = [other for other in members if (density[other], -other) > (density[place], -place)]
        others = denser or [other for other in members if other != place]
        distances = [max(single(1 - near[place][other]), 0.0) for other in others]
        apart = 2.0 if not distances else min(distances) if denser else max(distances)
        heights.append(single(density[place] * apart))
    return heights


def recoverable(
    tokens: Tensor,
    scores: Tensor,
    keep: int,
    words: Tensor,
    visual: float = 0.5,
    recovered: float = 0.25,
    neighbours: int = 5,
) -> Parts:
    """Some by attention, some by the question, and cluster means of what remains."""
    values = values_of(scores)
    seen = max(round(keep * visual), 1)
    back = min(round(keep * recovered), keep - seen)
    kept = best(values, seen)
    worth = relevance(tokens, words) if len(words) else values
    rest = [place for place in range(len(tokens)) if place not in kept]
    kept += sorted(rest, key=lambda place: (-worth[place], place))[:back]
    rest = [place for place in rest if place not in kept]
    near = cosines(tokens)
    height = dict(zip(rest, density_peaks(near, rest, neighbours), strict=True))
    centres = sorted(rest, key=lambda place: (-height[place], place))[: keep - len(kept)]
    groups = {place: [place] for place in [*kept, *centres]}
    for place in rest:
        if centres and place not in centres:
            groups[into(near[place], centres)].append(place)
    return means(groups)


def flowcut(values: Tensor, scores: Tensor) -> list[float]:
    """One layer's score of each token, where values stand for themselves."""
    values = values.double()
    shares = [max(float(score), 0.0) for score in scores.double()]
    total = sum(shares)
    shares = [share / total if total > 0 else 0.0 for share in shares]
    gathered = [
        sum(share * float(value[axis]) for share, value in zip(shares, values, strict=True))
        for axis in range(values.shape[1])
    ]
    products = [
        sum(float(a) * b for a, b in zip(value, gathered, strict=True)) / values.shape[1] ** 0.5
        for value in values
    ]
    return [
        single((share + like) * sum(abs(float(a)) for a in value))
        for share, like, value in zip(shares, softmax(products), values, strict=True)
    ]
