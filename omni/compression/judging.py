"""Who is picked where single precision cannot tell: the close contenders are looked at in double.

Shapes: N tokens of one item, D width, C contenders, M others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from omni.compression.units import Units, Unsuited

EACH = 16  # what a look at all picks costs, in looks at a token
_PATIENCE = 4  # tokens that may be looked at closely, for each that there is
_TOGETHER = 256  # of them at once
_A_KIND = 1e37  # pins, or broken tokens, are equals

Floats = NDArray[np.floating]


class Judge:
    """Picks the greatest value, the first of equals, with a closer look where it is close.

    Args:
        count: how many tokens there are.
        look: answers the values of contenders, float32 `[C]`, as double precision has them.
    """

    def __init__(self, count: int, look: Callable[[Tensor], Tensor]):
        self.count = count
        self.look = look
        self.spent = 0

    def pick(
        self, value: Floats, margin: float, scale: Floats, above: float = -np.inf
    ) -> int | None:
        """The pick; `None` if nothing is surely above what was said.

        Args:
            value: float32 `[N]`, written over for a moment.
            margin: values farther apart than that are surely in the right order.
            scale: `[N]`, 0 to 1, the share of the margin that each of them needs.
            above: what must be exceeded.

        Raises:
            Unsuited: if too many looks were needed.
        """
        place = int(value.argmax())
        high = value.item(place)
        if not high > above + margin:
            return None
        if len(value) == 1 or abs(high) > _A_KIND or margin == 0:
            return place
        value[place] = -np.inf
        following = value.item(value.argmax())
        value[place] = high
        if high - following > margin:
            return place
        half = margin / 2
        close = value + half * scale >= high - half * scale.item(place)
        contenders = torch.from_numpy(close.nonzero()[0])
        if len(contenders) == 1:
            return place
        return int(contenders[self.look(contenders).argmax()])

    def spend(self, looks: int) -> None:
        """Count what is looked at closely.

        Raises:
            Unsuited: if it becomes too much.
        """
        self.spent += looks
        if self.spent > _PATIENCE * self.count:
            raise Unsuited


def nearest_of(
    units: Units, judge: Judge, contenders: Tensor, others: Tensor, apart: Tensor
) -> Tensor:
    """Distances `[C]` to the nearest of others, as double precision has them.

    Args:
        units: of the item.
        judge: who asks.
        contenders: `[C]`.
        others: `[M]`.
        apart: `[M, C]`, roughly how far they are; infinite where it does not count.
    """
    real = units.scales[contenders] > 0  # what is nought is at a right angle to everything
    least = apart.amin(0)
    close = (apart <= least + 2 * units.error) & real & (least < torch.inf)
    other, contender = close.nonzero(as_tuple=True)
    judge.spend(len(other))
    near = torch.where(real | (least == torch.inf), 2.0, 1.0)
    pairs = zip(other.split(_TOGETHER), contender.split(_TOGETHER), strict=True)
    for these, those in pairs:
        products = units.precise(others[these]) * units.precise(contenders[those])
        near = near.scatter_reduce(0, those, 1 - products.sum(-1).float(), "amin")
    return near
