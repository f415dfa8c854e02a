"""`choosing.choose` in three launches: products of all pairs, what follows of each row, the picks.

A program of the last holds the values of one item in its registers until its last pick, and writes
what is kept in order. Nothing is sorted, and nothing is asked of the device.
"""

# pyright: reportInvalidTypeForm=false
# `tl.constexpr` is for the compiler of kernels; Triton may not be there to be looked at.

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from omni.kernels.choosing import LAST, REAL, RULES, Chosen
from omni.kernels.compaction import device_table
from omni.kernels.language import INTERPRETED, block, tl, triton, warps
from omni.kernels.picking import NOTHING

_HELD = 16384  # numbers of earlier parts that a program takes in at once
_WORDS, _DEEP = 16, 128


@triton.jit
def _products(
    x, table, products, items, widest, width,
    WIDEN: tl.constexpr, TILE: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    low = tl.program_id(0)
    high = tl.program_id(1)
    item = tl.program_id(2).to(tl.int64)
    count = tl.load(table + items + item)
    if (low <= high) & (high * TILE < count):
        rows = low * TILE + tl.arange(0, TILE)
        columns = high * TILE + tl.arange(0, TILE)
        inside = tl.arange(0, DEPTH)
        start = x + tl.load(table + item) * width
        product = tl.zeros((TILE, TILE), tl.float32)
        for deep in range(0, width, DEPTH):
            here = deep + inside
            there = here[None, :] < width
            a = tl.load(
                start + rows[:, None] * width + here[None, :],
                mask=(rows[:, None] < count) & there, other=0.0,
            )  # fmt: skip
            b = tl.load(
                start + columns[:, None] * width + here[None, :],
                mask=(columns[:, None] < count) & there, other=0.0,
            )  # fmt: skip
            if WIDEN:
                a = a.to(tl.float32)
                b = b.to(tl.float32)
            # IEEE, for tf32 keeps ten bits, and picks would be rounding noise.
            product += tl.dot(a, tl.trans(b), input_precision="ieee")
        valid = (rows[:, None] < count) & (columns[None, :] < count)
        place = products + item * widest * widest
        tl.store(place + rows[:, None] * widest + columns[None, :], product, mask=valid)
        tl.store(place + columns[None, :] * widest + rows[:, None], product, mask=valid)


@triton.jit
def _looks(
    own, words, heard, count, width,
    RULE: tl.constexpr, WORDS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """The best cosine of a token with any word, or the mean with all for volumes."""
    inside = tl.arange(0, DEPTH)
    best = tl.full((WORDS,), float("-inf"), tl.float32)
    total = tl.zeros((WORDS,), tl.float32)
    several = tl.zeros((WORDS,), tl.float32)
    for begin in range(0, count, WORDS):
        word = begin + tl.arange(0, WORDS)
        product = tl.zeros((WORDS,), tl.float32)
        left = tl.zeros((WORDS,), tl.float32)
        right = tl.zeros((WORDS,), tl.float32)
        for deep in range(0, width, DEPTH):
            here = deep + inside
            a = tl.load(own + here, mask=here < width, other=0.0).to(tl.float32)[None, :]
            b = tl.load(
                words + word[:, None] * width + here[None, :],
                mask=(word[:, None] < count) & (here[None, :] < width), other=0.0,
            ).to(tl.float32)  # fmt: skip
            product += tl.sum(a * b, 1)
            left += tl.sum(a * a, 1)
            right += tl.sum(b * b, 1)
        scale = tl.sqrt(left) * tl.sqrt(right)
        cosine = tl.where(scale > 0, product / tl.where(scale > 0, scale, 1.0), 0.0)
        told = tl.load(heard + word, mask=word < count, other=0) != 0
        told = told & (right < float("inf"))
        best = tl.maximum(best, tl.where(told, cosine, float("-inf")))
        total += tl.where(told, cosine, 0.0)
        several += told.to(tl.float32)
    if RULE == 2:
        found = tl.sum(total, 0) / tl.maximum(tl.sum(several, 0), 1.0)
    else:
        found = tl.where(tl.sum(several, 0) > 0, tl.max(best, 0), 0.0)
    return found


@triton.jit
def _rows(
    products, x, words, heard, table, means, values, near, items, widest, width, queries,
    RULE: tl.constexpr, ASKED: tl.constexpr,
    BLOCK: tl.constexpr, WORDS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    place = tl.program_id(0).to(tl.int64)
    item = tl.program_id(1).to(tl.int64)
    count = tl.load(table + items + item)
    if place < count:
        places = tl.arange(0, BLOCK)
        whole = products + item * widest * widest
        own = tl.load(whole + places.to(tl.int64) * (widest + 1), mask=places < count, other=0.0)
        sound = (places < count) & (own < float("inf"))
        row = tl.load(whole + place * widest + places, mask=sound, other=0.0)
        row = tl.where(sound, row, 0.0)
        mine = tl.load(whole + place * (widest + 1))
        scale = tl.sqrt(tl.where(sound, own, 0.0)) * tl.sqrt(mine)
        cosine = tl.where(scale > 0, row / tl.where(scale > 0, scale, 1.0), 0.0)
        several = tl.maximum(tl.sum(sound.to(tl.float32), 0), 1.0)
        tl.store(means + item * widest + place, tl.sum(row, 0) / several)
        if RULE == 0:
            tl.store(values + item * widest + place, -tl.sum(cosine, 0) / several)
        if RULE == 1:
            others = tl.where(sound & (places != place), cosine, -1.0)
            tl.store(values + item * widest + place, 1 - tl.max(others, 0))
        if ASKED:
            found = _looks(
                x + (tl.load(table + item) + place) * width, words + item * queries * width,
                heard + item * queries, queries, width, RULE, WORDS, DEPTH,
            )  # fmt: skip
            tl.store(near + item * widest + place, found)


@triton.jit
def _stretched(value, sound):
    low = tl.min(tl.where(sound, value, 1e38), 0)
    high = tl.max(tl.where(sound, value, -1e38), 0)
    span = high - low
    return tl.where(span < 1e-6, 1.0, (value - low) / tl.maximum(span, 1e-6))


@triton.jit
def _turned(own, mean, middle, RULE: tl.constexpr, REAL: tl.constexpr):
    """One by the length of a token, less the mean where that is taken off; 0 if nothing is left."""
    square = own
    if RULE == 0:
        square = own - 2 * mean + middle
        square = tl.where(square > REAL * own, square, 0.0)
    return tl.where(square > 0, 1 / tl.sqrt(tl.where(square > 0, square, 1.0)), 0.0)


@triton.jit
def _picks(
    products, means, values, near, heard, table, factor,
    out_places, out_rows, scores, dropped, items, widest, queries, most, weight,
    RULE: tl.constexpr, ASKED: tl.constexpr, LAST: tl.constexpr, REAL: tl.constexpr,
    NOTHING: tl.constexpr, BLOCK: tl.constexpr, TILE: tl.constexpr, WORDS: tl.constexpr,
):  # fmt: skip
    item = tl.program_id(0).to(tl.int64)
    start = tl.load(table + item)
    count = tl.load(table + items + item)
    keep = tl.load(table + 2 * items + item).to(tl.int32)
    goal = tl.load(table + 3 * items + item)
    places = tl.arange(0, BLOCK)
    there = places < count
    whole = products + item * widest * widest
    own = tl.load(whole + places.to(tl.int64) * (widest + 1), mask=there, other=0.0)
    sound = there & (own < float("inf"))
    own = tl.where(sound, own, 0.0)
    several = tl.maximum(tl.sum(sound.to(tl.float32), 0), 1.0)
    mean = tl.load(means + item * widest + places, mask=sound, other=0.0)
    middle = tl.sum(mean, 0) / several
    inverse = _turned(own, mean, middle, RULE, REAL)
    stand = tl.where(there, tl.where(sound, 0.0, LAST), float("-inf"))
    wanted = tl.full((BLOCK,), 1.0, tl.float32)
    if ASKED:
        word = tl.arange(0, WORDS)
        told = tl.load(heard + item * queries + word, mask=word < queries, other=0) != 0
        looks = tl.load(near + item * widest + places, mask=sound, other=0.0)
        if RULE == 2:
            looks = looks * weight
        asked = tl.sum(told.to(tl.int32), 0) > 0
        wanted = tl.where(asked, _stretched(looks, sound), 1.0)
    if RULE == 2:
        score = tl.where(sound, wanted * wanted, 0.0)
    else:
        score = tl.load(values + item * widest + places, mask=sound, other=0.0)
        if RULE == 0:
            score = _stretched(score, sound) * (1 - weight + weight * wanted)
        score = tl.where(sound, score, 0.0)

    value = score
    left = wanted * wanted  # the cosine of a token and itself is one, whatever rounding says
    left = tl.where((inverse > 0) & (left > NOTHING), left, 0.0)
    if RULE == 2:
        value = left
    nearest = tl.full((BLOCK,), 2.0, tl.float32)
    parts = factor + item * most * widest
    earlier = tl.arange(0, TILE)
    for step in range(0, keep):
        pick = tl.argmax(value + stand, axis=0, tie_break_left=True).to(tl.int64)
        chosen = places == pick
        stand = tl.where(chosen, float("-inf"), stand)
        row = tl.load(whole + pick * widest + places, mask=sound, other=0.0)
        mine = tl.load(whole + pick * (widest + 1))
        mine = tl.where(mine < float("inf"), mine, 0.0)
        offset = tl.load(means + item * widest + pick)
        turned = inverse * _turned(mine, offset, middle, RULE, REAL)
        if RULE == 0:
            row = row - offset - mean + middle
        cosine = tl.where(turned > 0, row * turned, 0.0)
        if RULE == 2:
            length = tl.sum(tl.where(chosen, wanted, 0.0), 0)
            volume = tl.sum(tl.where(chosen, left, 0.0), 0)
            rest = cosine * wanted * length
            for begin in range(0, step, TILE):
                before = begin + earlier
                valid = before < step
                along = tl.load(parts + before * widest + pick, mask=valid, other=0.0)
                held = tl.load(
                    parts + before[:, None] * widest + places[None, :],
                    mask=valid[:, None] & there[None, :], other=0.0,
                )  # fmt: skip
                rest -= tl.sum(along[:, None] * held, 0)
            part = tl.where(volume > 0, rest / tl.sqrt(tl.maximum(volume, NOTHING)), 0.0)
            tl.store(parts + step * widest + places, part, mask=there)
            tl.debug_barrier()  # all threads of the program read this part at the next step
            left = left - part * part
            left = tl.where(left > NOTHING, left, 0.0)
            value = left
        else:
            nearest = tl.minimum(nearest, 1 - cosine)
            value = nearest
            if RULE == 0:
                value = score * nearest

    kept = there & (stand == float("-inf"))
    slot = tl.cumsum(kept.to(tl.int32), 0) - 1
    tl.store(out_places + goal + slot, places.to(tl.int64), mask=kept)
    tl.store(out_rows + goal + slot, start + places, mask=kept)
    score = tl.maximum(score, 0.0)
    tl.store(scores + start + places, score, mask=there)
    total = tl.sum(score, 0)
    gone = tl.sum(tl.where(kept, 0.0, score), 0)
    tl.store(dropped + item, gone / tl.maximum(total, 1.1754943508222875e-38))


def launch(
    rule: str,
    x: Tensor,
    lengths: Sequence[int],
    keep: Sequence[int],
    words: Tensor | None,
    heard: Tensor | None,
    weight: float,
) -> Chosen:
    """As `choosing.choose`."""
    x, device = x.contiguous(), x.device
    items, widest, width, most = len(lengths), max(lengths), x.shape[1], max(keep)
    starts = tuple([0, *accumulate(lengths)][:-1])
    goals = tuple([0, *accumulate(keep)][:-1])
    table = device_table((starts, tuple(lengths), tuple(keep), goals), device)
    asked = words is not None and heard is not None
    # What is not there is not read; anything stands for it.
    spoken = x if words is None else words.contiguous()
    told = table if heard is None else heard.view(torch.int8).contiguous()
    queries = spoken.shape[1] if asked else 0
    number = RULES.index(rule)
    size = block(widest)
    products = torch.empty(items, widest, widest, device=device)
    means, values, near = torch.empty(3, items, widest, device=device).unbind()
    factor = torch.empty(items, most, widest, device=device) if rule == "dpp" else means
    places = torch.empty(sum(keep), dtype=torch.int64, device=device)
    rows = torch.empty_like(places)
    scores = torch.empty(len(x), device=device)
    dropped = torch.empty(items, device=device)
    tile = 16 if widest <= 16 else 32 if widest <= 1024 else 64
    side = triton.cdiv(widest, tile)
    _products[(side, side, items)](
        x, table, products, items, widest, width,
        # The interpreter cannot multiply half precision.
        WIDEN=INTERPRETED, TILE=tile, DEPTH=32 if x.dtype == torch.float32 else 64,
    )  # fmt: skip
    _rows[(widest, items)](
        products, x, spoken, told, table, means, values, near, items, widest, width, queries,
        RULE=number, ASKED=asked, BLOCK=size, WORDS=_WORDS, DEPTH=_DEEP, num_warps=4,
    )  # fmt: skip
    _picks[(items,)](
        products, means, values, near, told, table, factor,
        places, rows, scores, dropped, items, widest, queries, most, float(weight),
        RULE=number, ASKED=asked, LAST=LAST, REAL=REAL, NOTHING=NOTHING,
        BLOCK=size, TILE=max(_HELD // size, 1), WORDS=block(queries, 1),
        num_warps=max(warps(size), 4 if rule == "dpp" else 1),
    )  # fmt: skip
    return Chosen(places, rows, scores, dropped)
