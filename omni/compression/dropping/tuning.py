"""Bayesian optimisation of a few numbers: a Gaussian process and expected improvement.

The same in every run: points come from a Halton sequence, and nothing is drawn. Shapes: P points
that were tried, C that might be, D numbers in each.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from omni.errors import UsageError

Point = tuple[float, ...]
_BASES = (2, 3, 5, 7, 11, 13)
_CANDIDATES = 512
_LENGTHS = (0.1, 0.2, 0.4, 0.8)
_NOISE = 1e-6


def tune(worth: Callable[[Point], float], size: int, trials: int = 20) -> tuple[Point, float]:
    """The best point of the unit cube that was tried, and what it is worth; the first of equals.

    Args:
        worth: of a point; finite.
        size: how many numbers a point has, 6 at most.
        trials: how many points are tried.

    Raises:
        UsageError: if an argument is out of range, or a point is worth NaN.
    """
    if trials < 1 or not 1 <= size <= len(_BASES):
        raise UsageError(f"trials is 1 at least, not {trials}; size 1 to {len(_BASES)}, not {size}")
    candidates = torch.tensor([_halton(number, size) for number in range(1, _CANDIDATES + 1)])
    candidates = candidates.double()
    free = torch.ones(len(candidates), dtype=torch.bool)
    tried: list[int] = []
    values: list[float] = []
    for number in range(min(trials, _CANDIDATES)):
        first = number < 2 * size + 1
        chosen = number if first else _promising(candidates, free, tried, values)
        value = worth(tuple(candidates[chosen].tolist()))
        if not math.isfinite(value):
            raise UsageError(f"a point is worth {value}, which cannot be compared")
        free[chosen] = False
        tried.append(chosen)
        values.append(value)
    best = max(range(len(values)), key=lambda at: (values[at], -at))
    return tuple(candidates[tried[best]].tolist()), values[best]


def _promising(candidates: Tensor, free: Tensor, tried: list[int], values: list[float]) -> int:
    """The candidate from which the most improvement is expected."""
    y = torch.tensor(values, dtype=torch.float64)
    spread = y.std().clamp(min=1e-12)
    y = (y - y.mean()) / spread
    x = candidates[tried]
    factors = [_factor(x, length) for length in _LENGTHS]
    scores = [_evidence(factor, y) for factor in factors]
    at = max(range(len(_LENGTHS)), key=lambda number: scores[number])
    factor = factors[at]
    cross = _kernel(candidates, x, _LENGTHS[at])  # [C, P]
    mean = cross @ torch.cholesky_solve(y[:, None], factor)[:, 0]
    inner = torch.linalg.solve_triangular(factor, cross.T, upper=False)
    deviation = (1 - inner.square().sum(0)).clamp(min=1e-12).sqrt()
    lead = (mean - y.max()) / deviation
    normal = torch.distributions.Normal(0.0, 1.0)
    gain = deviation * (lead * normal.cdf(lead) + normal.log_prob(lead).exp())
    return int(gain.masked_fill(~free, -1).argmax())


def _kernel(one: Tensor, two: Tensor, length: float) -> Tensor:
    return (-0.5 * (torch.cdist(one, two) / length).square()).exp()


def _factor(x: Tensor, length: float) -> Tensor:
    gram = _kernel(x, x, length) + _NOISE * torch.eye(len(x), dtype=x.dtype)
    return torch.linalg.cholesky(gram)


def _evidence(factor: Tensor, y: Tensor) -> float:
    """How likely the values are, but for a constant."""
    fit = y @ torch.cholesky_solve(y[:, None], factor)[:, 0]
    return float(-0.5 * fit - factor.diagonal().log().sum())


def _halton(number: int, size: int) -> list[float]:
    found = []
    for base in _BASES[:size]:
        value, part, left = 0.0, 1.0 / base, number
        while left:
            value += part * (left % base)
            left, part = left // base, part / base
        found.append(value)
    return found
