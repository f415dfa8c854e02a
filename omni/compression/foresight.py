"""The contests in which selectors pick: by distance to the nearest pick, by sum, by volume.

Shapes: N tokens of one item, F in the field, K picks, M of them, J tokens that catch up, D width,
C contenders.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from omni.compression.contest import Contest
from omni.compression.greedy import STORED
from omni.compression.judging import EACH, Judge, nearest_of
from omni.compression.units import Units, Unsuited

_BLOCK = 512  # tokens compared with all others at once
_SHRUNK = 1e-3  # a share of a vector, below which single precision is too coarse for the rest


class Farthest(Contest):
    """Max-min picks: each is worth its weight times the distance to the nearest pick.

    Args:
        units: of the item.
        first: what tokens are worth before any is picked, float32 `[N]`, and what that may be off
            by.
        weight: float32 `[N]`, 0 to 1, by which distances count; `None` for evenly.
        standing: as `Contest` wants it.
        steps: K.
        apart: all distances, float32 `[N, N]`, where they are known already.
        look_first: how to look closer at `first` if it may be off.
    """

    def __init__(
        self,
        units: Units,
        first: tuple[Tensor, float],
        weight: Tensor | None,
        standing: Tensor,
        steps: int,
        apart: Tensor | None = None,
        look_first: Callable[[Judge, Tensor], Tensor] | None = None,
    ):
        worth, self.error = first
        self.weight, self.apart, self.look_first = weight, apart, look_first
        farthest = torch.full_like(worth, 2)  # that a cosine distance can be
        super().__init__(units, farthest, worth, standing, steps, falls=apart is None)

    def _rows(self, ahead: Tensor) -> Tensor:
        return 1 - self._cosines(ahead) if self.apart is None else self.apart[ahead]

    def _part(self, pick: int, row: Tensor) -> Tensor:
        return row

    def _missed(self, since: int, places: Tensor) -> Tensor:
        return 1 - self._cosines_missed(since, places)

    def _follow(self, state: Tensor, parts: Tensor) -> Tensor:
        return torch.minimum(state, parts[0] if len(parts) == 1 else parts.amin(0))

    def _worth(self, state: Tensor, places: Tensor) -> Tensor:
        return state if self.weight is None else self.weight[places] * state

    def _margin(self) -> float:
        return 2 * (self.units.error if self.picks else self.error)

    def _look(self, places: Tensor) -> Tensor:
        if self.look_first and not self.picks:
            return self.look_first(self.judge, places)
        self._leave()
        picks = torch.tensor(self.picks)
        near = nearest_of(self.units, self.judge, places, picks, self.parts[: len(picks), places])
        return self._worth(near, places)


class FarthestInSum(Contest):
    """Max-sum picks: each is worth the sum of its distances to the picks.

    Args:
        units: of the item.
        first: what tokens are worth before any is picked, float32 `[N]`, exact.
        standing: as `Contest` wants it.
        steps: K.
    """

    def __init__(self, units: Units, first: Tensor, standing: Tensor, steps: int):
        nothing = torch.zeros_like(first, dtype=torch.float64)
        super().__init__(units, nothing, first, standing, steps, falls=False)
        self.first = first
        self._chosen = torch.empty(steps, units.x.shape[1], dtype=torch.float64)
        self._made = 0

    def _rows(self, ahead: Tensor) -> Tensor:
        return 1 - self._cosines(ahead)

    def _part(self, pick: int, row: Tensor) -> Tensor:
        return row

    def _missed(self, since: int, places: Tensor) -> Tensor:
        raise AssertionError("all tokens stay in the field")

    def _follow(self, state: Tensor, parts: Tensor) -> Tensor:
        return state + parts[0]

    def _worth(self, state: Tensor, places: Tensor) -> Tensor:
        return state.float()

    def _margin(self) -> float:
        # Errors of cosines do not lean one way; the sum itself is rounded to single precision.
        picks = len(self.picks)
        return 4 * self.units.error * picks**0.5 + 2.0**-22 * picks

    def _look(self, places: Tensor) -> Tensor:
        self.judge.spend(EACH + len(places))
        count = len(self.picks)
        fresh = torch.tensor(self.picks[self._made :], dtype=torch.int64)
        self._chosen[self._made : count] = self.units.precise(fresh)
        self._made = count
        cosines = (self.units.precise(places) @ self._chosen[:count].T).float()
        return (1 - cosines).sum(1, dtype=torch.float64).float()


class Volume(Contest):
    """Picks of a determinantal process whose kernel is `q_i q_j cos(i, j)`.

    A token is worth the squared length of what is left of its vector, at right angles to all picks.
    Its parts in the picks are a column of an incremental Cholesky factor. Rows worked out ahead are
    rid of the parts along the picks of the time in one product.

    Args:
        units: of the item.
        quality: float32 `[N]`, 0 to 1.
        standing: as `Contest` wants it.
        steps: K.
        nothing: squared lengths up to which nothing is left of a vector.

    Raises:
        Unsuited: when run, also where nearly nothing is left.
    """

    def __init__(self, units: Units, quality: Tensor, standing: Tensor, steps: int, nothing: float):
        whole = quality.square() * (units.scales > 0)
        super().__init__(units, whole.clone(), whole, standing, steps)
        self.quality, self.nothing, self.whole = quality, nothing, whole
        self.exact = ExactVolume(units, quality, steps)
        self._rid_of: dict[int, int] = {}  # how many picks a row takes account of
        self._share = 1.0  # the least that was left of a pick

    def _rows(self, ahead: Tensor) -> Tensor:
        done = len(self.picks)
        quality = self.quality[self.field]
        before = self._held[:done]
        rows = self._cosines(ahead) * quality[ahead, None] * quality
        rows -= before[:, ahead].T @ before
        self._rid_of.update(dict.fromkeys(ahead.tolist(), done))
        return rows

    def _part(self, pick: int, row: Tensor) -> Tensor:
        left, whole = float(self.state[pick]), float(self.whole[self._names[pick]])
        self._share = min(self._share, left / max(whole, self.nothing))
        if self._share < _SHRUNK:
            raise Unsuited
        later = self._held[self._rid_of[pick] : len(self.picks)]
        if len(later):
            row = torch.addmv(row, later.T, later[:, pick], alpha=-1)
        return row * left**-0.5

    def _missed(self, since: int, places: Tensor) -> Tensor:
        picks = torch.tensor(self.picks[since:])
        along = self._cosines_missed(since, places)
        along *= self.quality[picks, None] * self.quality[places]
        before = self.parts[:since]
        along -= before[:, picks].T @ before[:, places]
        factor = self.parts[since : len(self.picks), picks].T
        return torch.linalg.solve_triangular(factor, along, upper=False)

    def _follow(self, state: Tensor, parts: Tensor) -> Tensor:
        if len(parts) == 1:
            return torch.addcmul(state, parts[0], parts[0], value=-1)
        return state - parts.square().sum(0)

    def _worth(self, state: Tensor, places: Tensor) -> Tensor:
        return state

    def _margin(self) -> float:
        return 2 * self.units.error / self._share

    def _look(self, places: Tensor) -> Tensor:
        self.judge.spend(EACH + len(places))
        left = self.exact.left(places, self.picks)
        return torch.where(left > self.nothing, left, 0.0).float()


class ExactVolume:
    """What is left of the contenders' own vectors, in double precision.

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


def spread_out_ahead(
    units: Units, sound: Tensor, standing: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Max-min picks `[K]`, and distances `[N]` of tokens to their nearest other one.

    Every pair has to be looked at for the first pick, each once for both of its tokens; distances
    are in single precision. Arguments are as for `Farthest`; bool `[N]` says what is sound.
    """
    count = len(sound)
    stored = count * count <= STORED
    apart = pairs(units.single).neg_().add_(1) if stored else None
    closest = []
    for start in range(0, count, _BLOCK):
        own = torch.arange(start, min(start + _BLOCK, count))
        block = 1 - units.single[own] @ units.single.T if apart is None else apart[own].clone()
        block[torch.arange(len(own)), own] = 2
        closest.append(block.masked_fill_(~sound, 2).amin(1))
    alone = torch.where(sound, torch.cat(closest), 0.0)

    def look_first(judge: Judge, contenders: Tensor) -> Tensor:
        judge.spend(EACH * len(contenders))
        apart = 1 - units.single @ units.single[contenders].T
        apart[contenders, torch.arange(len(contenders))] = torch.inf
        apart = apart.masked_fill(~sound[:, None], torch.inf)
        near = nearest_of(units, judge, contenders, torch.arange(count), apart)
        return torch.where(sound[contenders], near, 0.0)

    first = alone, units.error
    return Farthest(units, first, None, standing, steps, apart, look_first).run(), alone


def pairs(vectors: Tensor) -> Tensor:
    """All cosines `[N, N]` of unit vectors, each pair worked out once."""
    count = len(vectors)
    found = torch.empty(count, count)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        found[start:stop, start:] = vectors[start:stop] @ vectors[start:].T
        found[stop:, start:stop] = found[start:stop, stop:].T
    return found
