"""How many tokens each layer needs: found on samples, under a tolerance or under a budget.

Three searches of the literature, each for any method that ranks tokens. A budget is the mean share
of media tokens over all layers, which is what is left of the media's part of the cache and of all
that grows with their number; that measure is ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omni.compression.dropping.schedule import Schedule, Stage
from omni.compression.dropping.tuning import Point, tune
from omni.errors import UsageError
from omni.plugins import Component

Worth = Callable[[Schedule], float]
"""How good a model is under a schedule; more is better. `Faithful` is one."""

GRID = tuple(step / 16 for step in range(17))
_STEEP = 60.0


def g_search(
    worth: Worth,
    depth: int,
    *,
    least: float = 0.99,
    grid: Sequence[float] = GRID,
    method: str = "fastv",
    settings: Mapping[str, Any] | None = None,
) -> Schedule:
    """The least shares, layer by layer from the shallow to the deep, that lose nothing that counts.

    A layer's share is the least of a grid under which the model stays good enough while all deeper
    layers see as much, which is the most they may. If the model never gets worse by more tokens, as
    the paper assumes and bisection relies on, that is the least in the sense of a dictionary. What
    is found was always itself good enough.

    Args:
        worth: measured on samples.
        depth: of the language model.
        least: what is good enough.
        grid: shares that come into question; 1 does in any case.
        method: that ranks tokens.
        settings: of the method.

    Raises:
        UsageError: if all tokens are needed in all layers, or an argument is out of range.
    """
    steps = sorted({*grid, 1.0})
    if depth < 2 or steps[0] < 0 or steps[-1] > 1:
        raise UsageError(f"a grid of shares from 0 to 1 and two layers at least, not {depth}")
    found = [len(steps) - 1] * depth

    def fits(layer: int, step: int) -> bool:
        shares = [steps[at] for at in (*found[:layer], *[step] * (depth - layer))]
        return worth(Schedule.of_shares(shares, method, **(settings or {}))) >= least

    for layer in range(1, depth):
        low, high = 0, found[layer - 1]
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(layer, middle) else (middle + 1, high)
        found[layer:] = [high] * (depth - layer)
    if found[-1] == len(steps) - 1:
        raise UsageError(
            f"nothing can be dropped if the model is to be worth {least} at least: lower `least`, "
            "or give a finer grid"
        )
    return Schedule.of_shares([steps[at] for at in found], method, **(settings or {}))


def p_sigmoid(
    worth: Worth,
    depth: int,
    *,
    budget: float,
    trials: int = 16,
    method: str = "fastv",
    settings: Mapping[str, Any] | None = None,
) -> Schedule:
    """The best shares along a logistic curve whose mean is the budget.

    How steep it falls is found by Bayesian optimisation; where, follows from the budget. The paper
    optimises the curve's parameters in the same way, but how it ties them to the budget is not in
    our sources, so that is ours.

    Args:
        worth: measured on samples.
        depth: of the language model.
        budget: the mean share over layers, above that of a first layer that alone sees any.
        trials: how many curves are tried.
        method: that ranks tokens.
        settings: of the method.

    Raises:
        UsageError: if no curve meets the budget.
    """
    _check(depth, budget)
    low, high = math.log(_least_steep(depth, budget)), math.log(_STEEP)

    def schedule(point: Point) -> Schedule:
        steep = math.exp(low + (high - low) * point[0])
        return Schedule.of_shares(curve(depth, steep, budget), method, **(settings or {}))

    best, _ = tune(lambda point: worth(schedule(point)), 1, trials)
    return schedule(best)


def vflowopt(
    worth: Worth,
    depth: int,
    *,
    budget: float,
    trials: int = 24,
    method: str = "fastv",
    settings: Mapping[str, Any] | None = None,
) -> Schedule:
    """The best shares of three cuts, whose mean over layers is the budget at most.

    Cuts lie where VFlowOpt has its own: at the start, and at 9 and 18 of 28 layers. Its first is
    behind the encoder and weighs attention against the entropy of patches by a number that is
    searched too; here it is before layer 1, and the method ranks. How much of each cut's tokens the
    next one keeps is found by Bayesian optimisation, and the first share follows from the budget.

    Args:
        worth: measured on samples; `Faithful` is the paper's.
        depth: of the language model, 4 at least.
        budget: the mean share over layers.
        trials: how many schedules are tried.
        method: that ranks tokens.
        settings: of the method.

    Raises:
        UsageError: if the budget cannot be met.
    """
    _check(depth, budget)
    if depth < 4:
        raise UsageError(f"three cuts need 4 layers at least, not {depth}")
    second = max(2, round(depth * 9 / 28))
    third = max(second + 1, round(depth * 18 / 28))

    def schedule(point: Point) -> Schedule:
        two, three = point[0], point[0] * point[1]
        layers = (second - 1) + two * (third - second) + three * (depth - third)
        one = min(1.0, (budget * depth - 1) / layers)
        shares = (one, one * two, one * three)
        stages = tuple(
            Stage(layer, share) for layer, share in zip((1, second, third), shares, strict=True)
        )
        return Schedule(stages, method, settings or {})

    best, _ = tune(lambda point: worth(schedule(point)), 2, trials)
    return schedule(best)


def curve(depth: int, steep: float, budget: float) -> list[float]:
    """Shares of layers along a logistic curve, 1 in the first, whose mean is the budget.

    Or as near to it as so flat a curve comes: at its flattest it is an exponential fall.
    """
    low, high = -1e3 / steep, 1 + 1e3 / steep
    for _ in range(200):
        centre = (low + high) / 2
        if sum(_along(depth, steep, centre)) < budget * depth:
            low = centre
        else:
            high = centre
    return _along(depth, steep, (low + high) / 2)


def _along(depth: int, steep: float, centre: float) -> list[float]:
    """The logistic function of depth from 0 to 1, over its first value."""
    first = _softplus(-steep * centre)
    found = [
        math.exp(first - _softplus(steep * (layer / (depth - 1) - centre)))
        for layer in range(depth)
    ]
    return [1.0, *(min(1.0, share) for share in found[1:])]


def _softplus(value: float) -> float:
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))


def _least_steep(depth: int, budget: float) -> float:
    """How steep a curve must be: its flattest form is an exponential fall."""
    low, high = 1e-3, _STEEP
    for _ in range(100):
        middle = math.sqrt(low * high)
        flat = sum(math.exp(-middle * layer / (depth - 1)) for layer in range(depth))
        low, high = (middle, high) if flat > budget * depth else (low, middle)
    if high >= _STEEP * 0.999:
        raise UsageError(f"no curve over {depth} layers has a mean of {budget}: raise the budget")
    return high


def _check(depth: int, budget: float) -> None:
    if depth < 2 or not 1 / depth < budget < 1:
        raise UsageError(
            f"a budget lies between the first layer's part, 1/{depth}, and 1, not {budget}: the "
            "first layer sees all tokens"
        )


COMPONENTS = (
    Component(
        kind="selector",
        name="g_search",
        summary="A schedule for any method inside the language model: the least that each layer "
        "needs, found on samples.",
        system="G-Search / P-Sigmoid",
        paper="Accelerating Multimodal Large Language Models by Searching Optimal Vision Token "
        "Reduction (arXiv 2412.00556)",
    ),
    Component(
        kind="selector",
        name="p_sigmoid",
        summary="A schedule for any method inside the language model: the best logistic fall "
        "under a budget, found on samples.",
        system="G-Search / P-Sigmoid",
        paper="Accelerating Multimodal Large Language Models by Searching Optimal Vision Token "
        "Reduction (arXiv 2412.00556)",
    ),
    Component(
        kind="selector",
        name="vflowopt",
        summary="A schedule for any method inside the language model: three cuts that keep the "
        "last token's state, found on samples.",
        system="VFlowOpt",
        paper="VFlowOpt: A Token Pruning Framework for LMMs with Visual Information Flow-Guided "
        "Optimization (arXiv 2508.05211)",
    ),
)
