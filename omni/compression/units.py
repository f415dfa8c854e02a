"""The unit vectors of one item: in single precision for all tokens, in double for those asked for.

Two passes over the tokens, a few rows at a time, so that what is worked out in double precision
never leaves the cache. Shapes: N tokens, D width, Q words, C tokens asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_ROWS = 64  # of 4096 float64 values: two megabytes
_TINY = 1e-12  # the length that `torch.nn.functional.normalize` divides by at least


class Unsuited(Exception):
    """Tokens of an item are such that double precision throughout is quicker, or all there is."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over the tokens tells, all in float64.

    Attributes:
        lengths: `[N]`, of the vectors.
        mean: `[D]`, of the tokens.
        direction: `[D]`, mean of the unit vectors.
        asked: `[N, Q]`, products of the unit vectors with what was asked for.
    """

    lengths: Tensor
    mean: Tensor
    direction: Tensor
    asked: Tensor


@dataclass(frozen=True, slots=True)
class Units:
    """Unit vectors, nought where a vector is.

    Attributes:
        x: `[N, D]`, the tokens as they were given.
        mean: float64 `[D]`, what was taken from each before; `None` for nothing.
        scales: float64 `[N]`, what each was multiplied by then; 0 for those that are nought.
        single: float32 `[N, D]`.
    """

    x: Tensor
    mean: Tensor | None
    scales: Tensor
    single: Tensor

    def precise(self, places: Tensor) -> Tensor:
        """The unit vectors of some tokens: float64 `[C, D]`."""
        rows = self.x[places].double()
        if self.mean is not None:
            rows = rows - self.mean
        return rows * self.scales[places, None]

    @property
    def error(self) -> float:
        """What a cosine in single precision may be off by."""
        return error_at(self.x.shape[1])


def error_at(width: int) -> float:
    """What a cosine of vectors of that width may be off by in single precision.

    Rounding errors of a sum of D products grow as the root of D, and less where several sums are
    made beside each other, as all matrix products do; four times the unit of rounding is for the
    vectors and the difference to one.
    """
    return 2.0**-24 * (4 + width**0.5 / 2)


def survey(x: Tensor, words: Tensor | None = None) -> Survey:
    """Look at tokens `[N, D]` once, beside vectors `[Q, D]` in float64."""
    count, width = x.shape
    words = torch.empty(width, 0, dtype=torch.float64) if words is None else words.T.contiguous()
    lengths = torch.empty(count, dtype=torch.float64)
    asked = torch.empty(count, words.shape[1], dtype=torch.float64)
    sums = torch.zeros(2, width, dtype=torch.float64)
    for rows, part in _parts(x):
        length = torch.linalg.vector_norm(part, dim=-1)
        inverse = 1 / length.clamp(min=_TINY)
        sums += torch.stack([torch.ones_like(inverse), inverse]) @ part
        lengths[rows] = length
        asked[rows] = (part @ words) * inverse[:, None]
    mean, direction = sums / count
    return Survey(lengths, mean, direction, asked)


def against(x: Tensor, direction: Tensor, lengths: Tensor) -> Tensor:
    """Products of the unit vectors of tokens with one vector `[D]`: float64 `[N]`."""
    products = torch.cat([part @ direction for _, part in _parts(x)])
    return products / lengths.clamp(min=_TINY)


def units(x: Tensor, lengths: Tensor, mean: Tensor | None = None) -> Units:
    """Unit vectors of tokens `[N, D]`, less a mean where one is given.

    Args:
        x: the tokens.
        lengths: float64 `[N]`, of their vectors before the mean is taken off; what is left by
            rounding only, a millionth of that, counts as nought.
        mean: float64 `[D]`.

    Raises:
        Unsuited: if there are vectors too short to become of length one.
    """
    single = torch.empty(x.shape)
    scales = torch.empty(len(x), dtype=torch.float64)
    for rows, part in _parts(x):
        rest = lengths[rows]
        if mean is not None:
            part -= mean
            rest = torch.linalg.vector_norm(part, dim=-1)
        real = rest > (0 if mean is None else 1e-6 * lengths[rows])
        if bool(((rest < _TINY) & real).any()):
            raise Unsuited
        scales[rows] = real / rest.clamp(min=_TINY)
        torch.mul(part, scales[rows, None], out=single[rows])
    return Units(x, mean, scales, single)


def _parts(x: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """A few rows at a time in float64; each part is written over by the next."""
    held = torch.empty(min(_ROWS, len(x)), x.shape[1], dtype=torch.float64)
    for start in range(0, len(x), _ROWS):
        rows = slice(start, min(start + _ROWS, len(x)))
        part = held[: rows.stop - start]
        part.copy_(x[rows])
        yield rows, part
