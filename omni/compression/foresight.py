"""The contests in which selectors pick: by distance to the nearest pick, by sum, by volume.

Shapes: N tokens of one item, F in the field, K picks, M of them, J tokens that catch up, D width,
C contenders.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from omni.compression.contest import Contest
from omni.compression.greedy import STORED
from omni.compression.judging import EACH, Floats, Judge, nearest_of
from omni.compression.units import Units, Unsuited

_BLOCK = 512  # tokens compared with all others at once
_ROUNDS = 6  # of mending, after which the factor is no good
_MISSING = 1e-11  # a squared length of which a small share may be wrong
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
        super().__init__(units, farthest, worth, standing, steps, weight, falls=apart is None)

    def _rows(self, ahead: Tensor) -> Tensor:
        return 1 - self._cosines(ahead) if self.apart is None else self.apart[ahead]

    def _part(self, pick: int, row: Floats) -> Floats:
        return row

    def _step(self, part: Floats) -> None:
        np.minimum(self.state, part, out=self.state)

    def _value(self) -> Floats:
        return self.state if self.weight is None else self._scale * self.state

    def _missed(self, since: int, places: Tensor) -> Tensor:
        return 1 - self._cosines_missed(since, places)

    def _follow(self, state: Tensor, parts: Tensor) -> Tensor:
        return torch.minimum(state, parts.amin(0))

    def _worth(self, state: Tensor, places: Tensor) -> Tensor:
        return state if self.weight is None else self.weight[places] * state

    def _margin(self) -> float:
        return 2 * (self.units.error if self.picks else self.error)

    def _look(self, contenders: Tensor) -> Tensor:
        places = self.field[contenders]
        if self.look_first and not self.picks:
            return self.look_first(self.judge, places)
        picks = torch.tensor(self.picks)
        apart = torch.from_numpy(self._held[: len(picks), contenders.numpy()])
        near = nearest_of(self.units, self.judge, places, picks, apart)
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

    def _part(self, pick: int, row: Floats) -> Floats:
        return row

    def _step(self, part: Floats) -> None:
        self.state += part

    def _value(self) -> Floats:
        return self.state.astype(np.float32)

    def _missed(self, since: int, places: Tensor) -> Tensor:
        raise AssertionError("all tokens stay in the field")

    def _follow(self, state: Tensor, parts: Tensor) -> Tensor:
        raise AssertionError("all tokens stay in the field")

    def _worth(self, state: Tensor, places: Tensor) -> Tensor:
        raise AssertionError("all tokens stay in the field")

    def _margin(self) -> float:
        # Errors of cosines do not lean one way; the sum itself is rounded to single precision.
        picks = len(self.picks)
        return 4 * self.units.error * picks**0.5 + 2.0**-22 * picks

    def _look(self, contenders: Tensor) -> Tensor:
        self.judge.spend(EACH + len(contenders))
        places = self.field[contenders]
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
        super().__init__(units, whole.clone(), whole, standing, steps, whole)
        self.quality, self.nothing, self.whole = quality, nothing, whole
        self.exact = ExactVolume(units, quality, steps)
        self._factor = np.zeros((steps, steps), np.float32)  # lower, of the picks by the picks
        self._rid_of: dict[int, int] = {}  # how many picks a row takes account of
        self._share = 1.0  # the least that was left of a pick

    def _rows(self, ahead: Tensor) -> Tensor:
        done = len(self.picks)
        quality = self.quality[self.field]
        before = torch.from_numpy(self._held[:done])
        rows = self._cosines(ahead) * quality[ahead, None] * quality
        rows -= before[:, ahead].T @ before
        self._rid_of.update(dict.fromkeys(ahead.tolist(), done))
        return rows

    def _part(self, pick: int, row: Floats) -> Floats:
        left, whole = self.state.item(pick), self._scale.item(pick)
        self._share = min(self._share, left / max(whole, self.nothing))
        if self._share < _SHRUNK:
            raise Unsuited
        done = len(self.picks)
        self._factor[done, :done] = self._held[:done, pick]
        self._factor[done, done] = left**0.5
        later = self._held[self._rid_of[pick] : done]
        if len(later):
            row = row - later[:, pick] @ later
        return row * left**-0.5

    def _step(self, part: Floats) -> None:
        self.state -= part * part

    def _value(self) -> Floats:
        return self.state

    def _missed(self, since: int, places: Tensor) -> Tensor:
        done = len(self.picks)
        picks = torch.tensor(self.picks[since:])
        along = self._cosines_missed(since, places)
        along *= self.quality[picks, None] * self.quality[places]
        factor = torch.from_numpy(self._factor[since:done, :done])
        along -= factor[:, :since] @ self.parts[:since, places]
        return torch.linalg.solve_triangular(factor[:, since:], along, upper=False)

    def _follow(self, state: Tensor, parts: Tensor) -> Tensor:
        return state - parts.square().sum(0)

    def _worth(self, state: Tensor, places: Tensor) -> Tensor:
        return state

    def _margin(self) -> float:
        return 2 * self.units.error / self._share

    def _look(self, contenders: Tensor) -> Tensor:
        self.judge.spend(EACH + len(contenders))
        places = self.field[contenders]
        done = len(self.picks)
        parts = torch.from_numpy(self._held[:done, contenders.numpy()])
        factor = torch.from_numpy(self._factor[:done, :done])
        left = self.exact.left(places, self.picks, parts, factor)
        return torch.where(left > self.nothing, left, 0.0).float()


class ExactVolume:
    """What is left of the contenders' own vectors, in double precision.

    A factor in single precision is enough to say how much of each pick to take away, but for a
    little that is wrong. What then is left shows how much, and of that the square counts.

    Args:
        units: of the item.
        quality: float32 `[N]`, the lengths of its vectors.
        steps: how many will be picked.
    """

    def __init__(self, units: Units, quality: Tensor, steps: int):
        self.units = units
        self.quality = quality.double()
        self._chosen = torch.empty(steps, units.x.shape[1], dtype=torch.float64)
        self._made = 0

    def left(self, contenders: Tensor, picks: list[int], parts: Tensor, factor: Tensor) -> Tensor:
        """Squared lengths of what is at right angles to all picks: float64 `[C]`.

        Args:
            contenders: `[C]`.
            picks: M of them.
            parts: of the contenders in the picks, about `[M, C]`.
            factor: of Cholesky, lower, of the picks, about `[M, M]`.

        Raises:
            Unsuited: if the factor is too far off.
        """
        vectors = self._vectors(contenders)
        chosen = self._extended(picks)
        factor, wrong = factor.double(), parts.double()
        shares = torch.zeros_like(wrong)
        for _ in range(_ROUNDS):
            shares += torch.linalg.solve_triangular(factor.T, wrong, upper=True)
            rest = vectors - shares.T @ chosen
            wrong = torch.linalg.solve_triangular(factor, chosen @ rest.T, upper=False)
            missing = wrong.square().sum(0)
            if not len(picks) or float(missing.max()) < _MISSING:
                return rest.square().sum(1) - missing
        raise Unsuited

    def _extended(self, picks: list[int]) -> Tensor:
        """The vectors of all picks, `[M, D]`."""
        fresh = torch.tensor(picks[self._made :], dtype=torch.int64)
        self._chosen[self._made : len(picks)] = self._vectors(fresh)
        self._made = len(picks)
        return self._chosen[: self._made]

    def _vectors(self, places: Tensor) -> Tensor:
        return self.units.precise(places) * self.quality[places, None]


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
    """All cosines `[N, N]` of unit vectors, in single precision, each pair worked out once."""
    count = len(vectors)
    found = torch.empty(count, count)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        found[start:stop, start:] = vectors[start:stop] @ vectors[start:].T
        found[stop:, start:stop] = found[start:stop, stop:].T
    return found


def all_pairs(directions: Tensor) -> Tensor:
    """All cosines of precise unit vectors `[G, N, D]`, in single precision `[G, N, N]`."""
    if directions.device.type == "cpu" and directions.shape[1] > _BLOCK:
        return torch.stack([pairs(vectors) for vectors in directions])
    return (directions @ directions.transpose(1, 2)).float()
