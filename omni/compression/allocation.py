"""One budget over all media of a request: whole numbers by weight, between a floor and a size.

Nothing here needs torch: counts are planned on the host, before anything is encoded. Where weights
come from is a matter of rules, which have files of their own: the question (`question_share`), a
thumbnail (`globalcom2`), the examples of a prompt (`catp`) or the kinds of tokens (`kind_share`).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite

from omni.compression.budget import Budget
from omni.errors import UsageError


def plan(budget: Budget, sizes: Sequence[int], weights: Sequence[float] | None = None) -> list[int]:
    """Tokens to keep of each item that has `sizes` tokens: `Budget.plan`, but by weight.

    The share `budget.keep` limits every item first, as it does there; the weights decide who gives
    way if the total is exceeded even so.

    Raises:
        UsageError: if even the floors exceed the total, or a weight is not a number from 0 up.
    """
    wanted = [min(size, max(budget.floor, round(size * budget.keep))) for size in sizes]
    if budget.tokens is None:
        return wanted
    return allocate(wanted, budget.tokens, weights, [budget.floor] * len(wanted))


def allocate(
    sizes: Sequence[int],
    total: int,
    weights: Sequence[float] | None = None,
    floors: Sequence[int] | None = None,
) -> list[int]:
    """Whole numbers in proportion to weights; they sum to `total`, or to all there is if less.

    Every item gets the same number of tokens for the same weight, except that nobody gets fewer
    than their floor or more than their size. An item of weight 0 gets its floor, and more only once
    all others are whole. Fractions go to the largest remainders, and the first of equals wins. The
    arithmetic is exact, so that the answer does not depend on the machine.

    Args:
        sizes: how many tokens each item has.
        total: how many may be kept of all.
        weights: one a item, at least 0; only their ratios count. Equal shares if `None`.
        floors: the fewest of each item; all of an item that has fewer. Nought if `None`.

    Raises:
        UsageError: if the floors exceed the total, or a weight is not a number from 0 up.
    """
    count = len(sizes)
    weights = [1.0] * count if weights is None else list(weights)
    floors = [0] * count if floors is None else list(floors)
    if not count == len(weights) == len(floors):
        raise UsageError(
            f"{count} items, {len(weights)} weights and {len(floors)} floors: give one of each "
            "for every item"
        )
    for place, weight in enumerate(weights):
        if not isfinite(weight) or weight < 0:
            raise UsageError(f"the weight of item {place} is {weight}: wanted a number from 0 up")
    least = [min(size, floor) for size, floor in zip(sizes, floors, strict=True)]
    if sum(least) > total:
        raise UsageError(
            f"a budget of {total} tokens is too small for {count} media items: they need at least "
            f"{sum(least)}; raise the budget or attach fewer"
        )
    if sum(sizes) <= total:
        return list(sizes)
    exact = [Fraction(weight) for weight in weights]
    heavy = [place for place in range(count) if exact[place]]
    room = sum(sizes[place] if exact[place] else least[place] for place in range(count))
    if room <= total:
        # Those with a weight are whole, and the others share what is left as equals.
        light = [place for place in range(count) if not exact[place]]
        rest = total - sum(sizes[place] for place in heavy)
        kept = list(sizes)
        shares = _share(
            [sizes[p] for p in light], [least[p] for p in light], [1] * len(light), rest
        )
        for place, share in zip(light, shares, strict=True):
            kept[place] = share
        return kept
    return _share(sizes, least, exact, total)


def _share(
    sizes: Sequence[int], least: Sequence[int], weights: Sequence[Fraction | int], total: int
) -> list[int]:
    """The level times the weight of each, held between floor and size and rounded to whole numbers.

    What all get together grows with the level, in straight lines between the levels at which
    somebody leaves their floor or reaches their size. So the line on which the total lies is found
    by halving, and the level on it by division.
    """

    def at(level: Fraction) -> list[Fraction]:
        return [
            min(Fraction(size), max(Fraction(low), level * weight))
            for size, low, weight in zip(sizes, least, weights, strict=True)
        ]

    bends = {Fraction(0)}
    for size, low, weight in zip(sizes, least, weights, strict=True):
        if weight:
            bends |= {Fraction(low) / weight, Fraction(size) / weight}
    levels = sorted(bends)
    under, over = 0, len(levels) - 1
    while over - under > 1:
        middle = (under + over) // 2
        if sum(at(levels[middle])) <= total:
            under = middle
        else:
            over = middle
    lower, upper = sum(at(levels[under])), sum(at(levels[over]))
    level = levels[under]
    if upper > lower:
        level += (levels[over] - level) * (total - lower) / (upper - lower)
    exact = at(level)
    kept = [int(part) for part in exact]
    order = sorted(range(len(exact)), key=lambda place: (kept[place] - exact[place], place))
    for place in order[: total - sum(kept)]:
        kept[place] += 1
    return kept
