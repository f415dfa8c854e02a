"""Greedy picking on a CPU at the speed of matrix products, with the picks of double precision.

Which token is picked next depends on the row of cosines of the one before, so a plain loop reads
all tokens at every step, and memory sets its pace. But tokens worth much now are mostly picked
soon: their rows are worked out together, ahead of time. Of 2880 tokens in groups, 320 picks need
448 rows so, in seven products, instead of all 2880.

Cosines are in single precision, whose last bits depend on shapes. Where two values are too close
for that to decide, both are worked out in double precision, from the tokens themselves. So picks
are those of the plain loops in `greedy`, for any batch. Shapes: N tokens of one item, K picks, D
width, C contenders.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from omni.compression.greedy import STORED
from omni.compression.units import Units, Unsuited

_BLOCK = 512  # tokens compared with all others at once
_AHEAD = 64  # rows worked out at once, at most
_PATIENCE = 4  # tokens that may be looked at closely, for each that there is
_EACH = 16  # what a look at all picks costs, in looks at a token
_TOGETHER = 256  # of them at once
_SHRUNK = 1e-3  # a share of a vector, below which single precision is too coarse for the rest


class Rows:
    """Cosines of tokens with all others, a row for each that is picked.

    Args:
        vectors: float32 unit vectors `[N, D]`.
        steps: how many will be picked.
        cosines: float32 `[N, N]`, where they are known already.
    """

    def __init__(self, vectors: Tensor, steps: int, cosines: Tensor | None = None):
        self.vectors = vectors
        self.cosines = cosines
        self.known: dict[int, Tensor] = {}
        self.computed = 0
        self._ahead = min(_AHEAD, max(8, steps // 4))

    def missing(self, pick: int, value: Tensor) -> list[int]:
        """Of which tokens a row is to be worked out now: none, or the pick and those after it."""
        if pick in self.known:
            return []
        ranked = value.clone()
        ranked[list(self.known)] = -torch.inf
        ranked[pick] = torch.inf
        wanted = min(self._ahead, len(value) - len(self.known))
        return ranked.topk(wanted).indices.tolist()

    def compute(self, places: list[int]) -> Tensor:
        """Rows `[len(places), N]`."""
        self.computed += len(places)
        if self.cosines is not None:
            return self.cosines[places]
        return (self.vectors @ self.vectors[places].T).T.contiguous()

    def row(self, pick: int, value: Tensor) -> Tensor:
        """The row of a pick, `[N]`, with those of what is worth most besides."""
        places = self.missing(pick, value)
        if places:
            self.known.update(zip(places, self.compute(places).unbind(), strict=True))
        return self.known[pick]


class Judge:
    """Picks the greatest value, the first of equals, with a closer look where it is close.

    Args:
        units: of the item.
        standing: `[N]`, one item's of `Candidates.standing`.
        look: answers the values of contenders, float32 `[C]`, as double precision has them.
    """

    def __init__(self, units: Units, standing: Tensor, look: Callable[[Tensor], Tensor]):
        self.units = units
        self.standing = standing.clone()
        self.look = look
        self.spent = 0

    def pick(self, value: Tensor, margin: float) -> int:
        """The pick.

        Args:
            value: float32 `[N]`.
            margin: values farther apart than that are surely in the right order.

        Raises:
            Unsuited: if too many looks were needed.
        """
        value = value + self.standing
        high, next_high = value.topk(min(2, len(value))).values[[0, -1]].tolist()
        # Pins, or broken tokens, are equals.
        of_a_kind = len(value) == 1 or abs(high) > 1e37
        if of_a_kind or margin == 0 or high - next_high > margin:
            pick = int(value.argmax())
        else:
            pick = self._closely(value, high - margin)
        self.standing[pick] = -torch.inf
        return pick

    def spend(self, looks: int) -> None:
        """Count what is looked at closely.

        Raises:
            Unsuited: if it becomes too much.
        """
        self.spent += looks
        if self.spent > _PATIENCE * len(self.standing):
            raise Unsuited

    def _closely(self, value: Tensor, least: float) -> int:
        contenders = (value >= least).nonzero().squeeze(1)
        exact = self.look(contenders) + self.standing[contenders]
        return int(contenders[exact.argmax()])


def farthest_ahead(
    units: Units,
    rows: Rows,
    first: tuple[Tensor, float],
    weight: Tensor | None,
    standing: Tensor,
    steps: int,
    look_first: Callable[[Judge, Tensor], Tensor] | None = None,
) -> Tensor:
    """Max-min picks `[K]` in the order of picking.

    Args:
        units: of the item.
        rows: of its cosines.
        first: what tokens are worth before any is picked, float32 `[N]`, and what that may be off
            by.
        weight: float32 `[N]`, 0 to 1, by which distances count; `None` for evenly.
        standing: as `Judge` wants it.
        steps: K.
        look_first: how to look closer at `first` if it may be off.
    """
    value, error = first
    picks: list[int] = []
    seen = torch.empty(steps, len(value))
    nearest = torch.full_like(value, 2)  # the farthest that a cosine distance can be

    def look(contenders: Tensor) -> Tensor:
        if look_first and not picks:
            return look_first(judge, contenders)
        apart = 1 - seen[: len(picks), contenders]
        near = nearest_of(units, judge, contenders, torch.tensor(picks), apart)
        return near if weight is None else weight[contenders] * near

    judge = Judge(units, standing, look)
    while len(picks) < steps:
        pick = judge.pick(value, 2 * error)
        seen[len(picks)] = row = rows.row(pick, value + judge.standing)
        picks.append(pick)
        nearest = torch.minimum(nearest, 1 - row)
        value = nearest if weight is None else weight * nearest
        error = units.error
    return torch.tensor(picks)


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


def spread_out_ahead(
    units: Units, sound: Tensor, standing: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Max-min picks `[K]`, and distances `[N]` of tokens to their nearest other one.

    Every pair has to be looked at for the first pick, each once for both of its tokens; distances
    are in single precision. Arguments are as for `farthest_ahead`; bool `[N]` says what is sound.
    """
    count = len(sound)
    stored = count * count <= STORED
    cosines = pairs(units.single) if stored else None
    closest = []
    for start in range(0, count, _BLOCK):
        own = torch.arange(start, min(start + _BLOCK, count))
        block = units.single[own] @ units.single.T if cosines is None else cosines[own].clone()
        block[torch.arange(len(own)), own] = -1
        closest.append(block.masked_fill_(~sound, -1).amax(1))
    alone = torch.where(sound, 1 - torch.cat(closest), 0.0)

    def look_first(judge: Judge, contenders: Tensor) -> Tensor:
        judge.spend(_EACH * len(contenders))
        apart = 1 - units.single @ units.single[contenders].T
        apart[contenders, torch.arange(len(contenders))] = torch.inf
        apart = apart.masked_fill(~sound[:, None], torch.inf)
        near = nearest_of(units, judge, contenders, torch.arange(count), apart)
        return torch.where(sound[contenders], near, 0.0)

    rows = Rows(units.single, steps, cosines)
    first = alone, units.error
    return farthest_ahead(units, rows, first, None, standing, steps, look_first), alone


def pairs(vectors: Tensor) -> Tensor:
    """All cosines `[N, N]` of unit vectors, each pair worked out once."""
    count = len(vectors)
    found = torch.empty(count, count)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        found[start:stop, start:] = vectors[start:stop] @ vectors[start:].T
        found[stop:, start:stop] = found[start:stop, stop:].T
    return found


def farthest_in_sum_ahead(
    units: Units, rows: Rows, first: Tensor, standing: Tensor, steps: int
) -> Tensor:
    """Max-sum picks `[K]`; arguments are as for `farthest_ahead`, `first` is exact."""
    picks: list[int] = []
    total = torch.zeros(len(first), dtype=torch.float64)
    chosen = torch.empty(steps, units.x.shape[1], dtype=torch.float64)
    value, margin, made = first, 0.0, 0

    def look(contenders: Tensor) -> Tensor:
        nonlocal made
        if not picks:
            return first[contenders]
        judge.spend(_EACH + len(contenders))
        chosen[made : len(picks)] = units.precise(torch.tensor(picks[made:], dtype=torch.int64))
        made = len(picks)
        cosines = (units.precise(contenders) @ chosen[:made].T).float()
        return (1 - cosines).sum(1, dtype=torch.float64).float()

    judge = Judge(units, standing, look)
    while len(picks) < steps:
        pick = judge.pick(value, margin)
        row = rows.row(pick, value + judge.standing)
        picks.append(pick)
        total += 1 - row
        value = total.float()
        # Errors of cosines do not lean one way; the sum itself is rounded to single precision.
        margin = 4 * units.error * len(picks) ** 0.5 + 2.0**-22 * len(picks)
    return torch.tensor(picks)


class Volume:
    """What is left of the contenders' own vectors in double precision, for `largest_volume_ahead`.

    Args:
        units: of the item.
        quality: float32 `[N]`, the lengths of its vectors.
        steps: how many will be picked.
    """

    def __init__(self, units: Units, quality: Tensor, steps: int):
        self.units = units
        self.quality = quality.double()
        self._chosen = torch.empty(steps, units.x.shape[1], dtype=torch.float64)
        self._factor = torch.zeros(steps, steps, dtype=torch.float64)  # lower, of Cholesky
        self._made = 0

    def left(self, contenders: Tensor, picks: list[int]) -> Tensor:
        """Squared lengths of what is at right angles to all picks: float64 `[C]`."""
        self._extend(picks)
        vectors = self._vectors(contenders)
        parts = self._parts(vectors)
        return vectors.square().sum(1) - parts.square().sum(0)

    def _extend(self, picks: list[int]) -> None:
        """Take in the picks that came since."""
        if len(picks) == self._made:
            return
        fresh = self._vectors(torch.tensor(picks[self._made :]))
        parts = self._parts(fresh)
        rows = slice(self._made, len(picks))
        self._factor[rows, : self._made] = parts.T
        root, failed = torch.linalg.cholesky_ex(fresh @ fresh.T - parts.T @ parts)
        if failed > 0:
            raise Unsuited
        self._factor[rows, rows] = root
        self._chosen[rows] = fresh
        self._made = len(picks)

    def _vectors(self, places: Tensor) -> Tensor:
        return self.units.precise(places) * self.quality[places, None]

    def _parts(self, vectors: Tensor) -> Tensor:
        """How much of `[C, D]` lies along each pick: `[picks, C]`."""
        along = self._chosen[: self._made] @ vectors.T
        factor = self._factor[: self._made, : self._made]
        return torch.linalg.solve_triangular(factor, along, upper=False)


def largest_volume_ahead(
    units: Units, rows: Rows, quality: Tensor, standing: Tensor, steps: int, nothing: float
) -> Tensor:
    """Picks `[K]` of a determinantal process whose kernel is `q_i q_j cos(i, j)`.

    Rows worked out ahead are rid of the parts along the picks of the time in one product.

    Args:
        units: of the item.
        rows: of its cosines.
        quality: float32 `[N]`, 0 to 1.
        standing: as `Judge` wants it.
        steps: K.
        nothing: squared lengths up to which nothing is left of a vector.

    Raises:
        Unsuited: also where nearly nothing is left.
    """
    whole = quality.square() * (units.scales > 0)
    left = whole.clone()
    factor = torch.empty(steps, len(left))
    volume = Volume(units, quality, steps)
    rid_of: dict[int, int] = {}  # how many picks a row that is worked out takes account of
    picks: list[int] = []
    share = 1.0

    def look(contenders: Tensor) -> Tensor:
        judge.spend(_EACH + len(contenders))
        exact = volume.left(contenders, picks)
        return torch.where(exact > nothing, exact, 0.0).float()

    judge = Judge(units, standing, look)
    while len(picks) < steps:
        pick = judge.pick(left, 2 * units.error / share)
        done = len(picks)
        share = min(share, float(left[pick] / whole[pick].clamp(min=nothing)))
        if share < _SHRUNK:
            raise Unsuited
        before = factor[:done]
        places = rows.missing(pick, left + judge.standing)
        if places:
            fresh = rows.compute(places) * quality[places, None] * quality
            fresh -= before[:, places].T @ before
            rows.known.update(zip(places, fresh.unbind(), strict=True))
            rid_of.update(dict.fromkeys(places, done))
        row = rows.known[pick]
        if rid_of[pick] < done:
            later = factor[rid_of[pick] : done]
            row = row - later[:, pick] @ later
        torch.mul(row, left[pick].rsqrt(), out=factor[done])
        left = left - factor[done].square()
        picks.append(pick)
    return torch.tensor(picks)
