"""The truth of budgets, and of the selectors that share tokens among tiles and examples.

Plain loops over items, tiles, cells and tokens. Tiles come as lists of tensors `[A, D]`, maps as
lists of rows. Numbers are rounded to float32 where the fast code does, so that equals are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from omni.kernels.naive import cosine, distinctiveness, relevance, single, stretch
from omni.kernels.naive_video import shares

Map = Sequence[Sequence[float]]


def allocate(
    sizes: Sequence[int], total: int, weights: Sequence[float], floors: Sequence[int]
) -> list[int]:
    """Shares by weight, held between floors and sizes, by settling the worst offenders in turn."""
    least = [min(pair) for pair in zip(sizes, floors, strict=True)]
    if sum(sizes) <= total:
        return list(sizes)
    weight = [Fraction(one) for one in weights]
    exact: dict[int, Fraction] = {i: Fraction(least[i]) for i in range(len(sizes)) if not weight[i]}
    if sum(sizes[i] for i in range(len(sizes)) if weight[i]) + sum(exact.values()) <= total:
        exact = {i: Fraction(sizes[i]) for i in range(len(sizes)) if weight[i]}
        weight = [Fraction(not one) for one in weight]
    while len(exact) < len(sizes):
        free = [i for i in range(len(sizes)) if i not in exact]
        level = (Fraction(total) - sum(exact.values())) / sum(weight[i] for i in free)
        over = {i: level * weight[i] - sizes[i] for i in free if level * weight[i] > sizes[i]}
        under = {i: least[i] - level * weight[i] for i in free if level * weight[i] < least[i]}
        if sum(over.values()) >= sum(under.values()) and over:
            exact |= {i: Fraction(sizes[i]) for i in over}
        elif under:
            exact |= {i: Fraction(least[i]) for i in under}
        else:
            exact |= {i: level * weight[i] for i in free}
    counts = [math.floor(exact[i]) for i in range(len(sizes))]
    by_remainder = sorted(range(len(sizes)), key=lambda i: (counts[i] - exact[i], i))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def nearness(item: Tensor, words: Tensor, top_share: float = 0.1) -> float:
    """Mean over the nearest tokens of their best cosine with a word; 0 without words."""
    if not len(words):
        return 0.0
    best = [max(cosine(token, word) for word in words.double()) for token in item.double()]
    top = sorted(best, reverse=True)[: math.ceil(len(item) * top_share)]
    return single(sum(top) / len(top))


def carriers(
    contributions: Sequence[float], kinds: Sequence[int], count: int, covered: float = 0.95
) -> list[int]:
    """The fewest tokens of each kind that carry a share of what the kind contributes."""
    found = []
    for kind in range(count):
        own = [value for value, mine in zip(contributions, kinds, strict=True) if mine == kind]
        own = sorted((value if 0 < value < math.inf else 0.0 for value in own), reverse=True)
        goal = single(covered * sum(own))
        needed = next((n for n in range(1, len(own) + 1) if single(sum(own[:n])) >= goal), len(own))
        found.append(needed)
    return found


def edge_density(picture: Map, contrast: float = 0.2) -> float:
    """The share of cells that differ sharply from the next to the right or below."""
    height, width = len(picture), len(picture[0])
    sharp = 0
    for y in range(height):
        for x in range(width):
            nexts = [(y, x + 1)] * (x + 1 < width) + [(y + 1, x)] * (y + 1 < height)
            sharp += any(abs(single(picture[v][u] - picture[y][x])) > contrast for v, u in nexts)
    return sharp / (height * width)


def enlarged(thumbnail: Map, rows: int, columns: int) -> list[list[float]]:
    """Straight lines between the centres of cells; outside of them, the nearest cell."""
    height, width = len(thumbnail), len(thumbnail[0])

    def around(place: int, factor: int, size: int) -> tuple[int, int, float]:
        centre = min(max((place + 0.5) / factor - 0.5, 0.0), size - 1.0)
        before = math.floor(centre)
        return before, min(before + 1, size - 1), centre - before

    fine = []
    for y in range(rows * height):
        top, bottom, down = around(y, rows, height)
        row = []
        for x in range(columns * width):
            left, right, along = around(x, columns, width)
            upper = thumbnail[top][left] * (1 - along) + thumbnail[top][right] * along
            lower = thumbnail[bottom][left] * (1 - along) + thumbnail[bottom][right] * along
            row.append(upper * (1 - down) + lower * down)
        fine.append(row)
    return fine


def tile_ratios(
    thumbnail: Map, rows: int, columns: int, base: float = 0.25, temperature: float = 10.0
) -> list[float]:
    """Base share times one plus how far the softmax of a tile's sum is above the mean."""
    height, width = len(thumbnail), len(thumbnail[0])
    fine = enlarged(thumbnail, rows, columns)
    powers = []
    for r in range(rows):
        for c in range(columns):
            cells = [
                fine[y][x]
                for y in range(r * height, (r + 1) * height)
                for x in range(c * width, (c + 1) * width)
            ]
            powers.append(math.exp(single(sum(cells) / (rows * columns)) / temperature))
    mean = 1 / len(powers)
    return [min(1.0, base * (1 + power / sum(powers) - mean)) for power in powers]


def globalcom2(
    attention: Sequence[float], shape: tuple[int, int, int], keep: int, layout: tuple[int, int]
) -> list[int]:
    """Places that are kept of a thumbnail and its tiles, `shape` being how many of what size."""
    time, height, width = shape
    area = height * width
    everything = stretch(list(attention))
    if time == 1:
        return _by_tier([[0] * area], [everything], keep)
    rows, columns = layout
    thumbnail = [list(attention[y * width : (y + 1) * width]) for y in range(height)]
    fine = enlarged(thumbnail, rows, columns)
    flat = stretch([single(value) for row in fine for value in row])
    scores = [everything[:area]]
    for tile in range(time - 1):
        own = stretch(list(attention[(tile + 1) * area : (tile + 2) * area]))
        corner = (tile // columns * height, tile % columns * width)
        scores.append(
            [
                single(
                    own[s]
                    + flat[(corner[0] + s // width) * columns * width + corner[1] + s % width]
                )
                for s in range(area)
            ]
        )
    quota = shares([0.25, *tile_ratios(thumbnail, rows, columns)], [area] * time, keep)
    return _by_tier(_inside(scores, quota), scores, keep)


def tiles(stack: Sequence[Tensor], keep: int, words: Tensor | None) -> list[int]:
    """Tiles share by how near they are to the question; the nearest tokens of each stay."""
    area = len(stack[0])
    near = _near(stack, words)
    powers = []
    for row in near:
        top = sorted(row, reverse=True)[: math.ceil(area * 0.1)]
        powers.append(math.exp(single(sum(top) / len(top)) / 0.25))
    scores = _told_apart(stack, near)
    quota = shares([power / sum(powers) for power in powers], [area] * len(stack), keep)
    return _by_tier(_inside(scores, quota), scores, keep)


def finer(coarse: Map, rows: int, columns: int, count: int) -> list[int]:
    """The tiles over which a coarse map is worth most; a cell belongs to all tiles it touches."""
    height, width = len(coarse), len(coarse[0])
    worth = []
    for r in range(rows):
        for c in range(columns):
            cells = [
                coarse[y][x]
                for y in range(height)
                for x in range(width)
                if y * rows < (r + 1) * height
                and (y + 1) * rows > r * height
                and x * columns < (c + 1) * width
                and (x + 1) * columns > c * width
            ]
            worth.append(single(sum(cells) / len(cells)))
    order = sorted(range(len(worth)), key=lambda tile: (-worth[tile], tile))
    return sorted(order[:count])


def pyramid(
    stack: Sequence[Tensor],
    height: int,
    keep: int,
    words: Tensor | None,
    layout: tuple[int, int] | None,
) -> list[int]:
    """Of a whole and its tiles, the tokens nearest to the question in tiles it is about."""
    area = len(stack[0])
    near = _near(stack, words)
    scores = _told_apart(stack, near)
    looked_at = {0}
    if layout:
        width = area // height
        coarse = [near[0][y * width : (y + 1) * width] for y in range(height)]
        found = finer(coarse, *layout, math.ceil((len(stack) - 1) * 0.25))
        looked_at |= {tile + 1 for tile in found}
    return _by_tier([[int(t in looked_at)] * area for t in range(len(stack))], scores, keep)


def catp(
    tokens: Tensor,
    keep: int,
    words: Tensor | None,
    pinned: Sequence[int] = (),
    diversity: float = 0.5,
) -> list[int]:
    """One token after the other: near to the text, and unlike all that is kept."""
    broken = {n for n, token in enumerate(tokens) if not bool(torch.isfinite(token).all())}
    clean = [torch.zeros_like(t) if n in broken else t for n, t in enumerate(tokens.double())]
    near = [1.0] * len(clean)
    if words is not None:
        near = relevance(torch.stack(clean), words)
    # Worked out once, because all of it is asked for over and over.
    apart = [[max(0.0, single(1 - cosine(a, b))) for b in clean] for a in clean]
    kept: list[int] = []
    while len(kept) < keep:
        best, best_value = -1, -math.inf
        for n in range(len(clean)):
            if n in kept:
                continue
            away = min((apart[n][k] for k in kept), default=2.0)
            value = single(single((1 - diversity) * near[n]) + single(diversity * (away / 2)))
            value = single(value + (10 if n in pinned else -10 if n in broken else 0))
            if value > best_value:
                best, best_value = n, value
        kept.append(best)
    return sorted(kept)


def _near(stack: Sequence[Tensor], words: Tensor | None) -> list[list[float]]:
    area = len(stack[0])
    if words is None:
        return [[1.0] * area for _ in stack]
    flat = relevance(torch.cat(list(stack)), words)
    return [flat[start : start + area] for start in range(0, len(flat), area)]


def _told_apart(stack: Sequence[Tensor], near: list[list[float]]) -> list[list[float]]:
    if all(value == 1 for row in near for value in row):
        return [distinctiveness(tile) for tile in stack]
    return near


def _inside(scores: list[list[float]], quota: Sequence[int]) -> list[list[int]]:
    tiers = []
    for row, count in zip(scores, quota, strict=True):
        order = sorted(range(len(row)), key=lambda s: (-row[s], s))
        tiers.append([int(s in order[:count]) for s in range(len(row))])
    return tiers


def _by_tier(tiers: list[list[int]], scores: list[list[float]], keep: int) -> list[int]:
    flat_tiers = [tier for row in tiers for tier in row]
    flat = [score for row in scores for score in row]
    order = sorted(range(len(flat)), key=lambda place: (-flat_tiers[place], -flat[place], place))
    return sorted(order[:keep])


def looks(item: Tensor, words: Tensor, temperature: float) -> list[float]:
    """What each word looks at, by the softmax of cosines, added up over words."""
    sound = [bool(token.isfinite().all()) for token in item]
    if not len(words):
        return [float(flag) for flag in sound]
    found = [0.0] * len(item)
    for word in words.double():
        parts = []
        for token, flag in zip(item.double(), sound, strict=True):
            length = float(word.norm() * token.norm())
            cosine = float(word @ token) / length if flag else 0.0
            parts.append(math.exp(cosine / temperature) if flag else 0.0)
        found = [had + part / sum(parts) for had, part in zip(found, parts, strict=True)]
    return found
