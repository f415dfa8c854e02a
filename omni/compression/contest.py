"""Greedy picking on a CPU at the speed of matrix products, with the picks of double precision.

Which token is picked next depends on the cosines of the one before with all others, so a plain loop
reads all tokens at every step, and memory sets its pace. Two things are quicker. Tokens worth much
now are mostly picked soon, so that their rows of cosines are worked out together, ahead of time.
And a worth that only falls is never more than it once was, so that tokens which were worth little
when last looked at need not be looked at again: rows are worked out for the field only, the tokens
worth most, until nothing in it surely exceeds what those outside were worth. Then those of them who
may belong into the field catch up with the picks they missed. Of 8 million pairs among 2880 tokens
in groups, 320 picks need a thirtieth.

Cosines are in single precision, whose last bits depend on shapes. Where two values are too close
for that to decide, both are worked out in double precision, from the tokens themselves. So picks
are those of the plain loops in `greedy`, for any batch. What is done at every pick is done in
numpy: of so few numbers a call costs it a fifth of what it costs torch. Shapes: N tokens of one
item, F in the field, K picks, M of them, J tokens that catch up, D width, C contenders.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from omni.compression.judging import Floats, Judge
from omni.compression.units import Units

_AHEAD = 64  # rows worked out at once, at most
_FIRST = 16  # the same while nothing is known yet: there is a row for every token then
_FEW = 16  # the same where few of those before were needed
_SOON = 8  # picks after which a field was too small
_BREADTH = 3  # tokens in the field, for each that is still to be picked
_MORE = 2  # tokens that catch up at once, for each in the field to come
_WORTHWHILE = 0.6  # a field is made anew when it may shrink to that share


class Contest(ABC):
    """What is common to picking by distance, by sum of distances and by volume.

    Of each token a state is kept, and its part in every pick that it has seen: with the parts in
    later picks, the state follows from the one before.

    Args:
        units: of the item.
        state: `[N]`, of tokens before any is picked.
        worth: float32 `[N]`, what they are worth then.
        standing: one item's of `Candidates.standing`.
        steps: K.
        scale: float32 `[N]`, what errors of cosines count times in what a token is worth; `None`
            for once.
        falls: whether what a token is worth after the first pick never grows.
    """

    def __init__(
        self,
        units: Units,
        state: Tensor,
        worth: Tensor,
        standing: Tensor,
        steps: int,
        scale: Tensor | None = None,
        falls: bool = True,
    ):
        self.units = units
        self.steps = steps
        self.scale = torch.ones_like(worth) if scale is None else scale
        self.falls = falls
        self.picks: list[int] = []
        self.judge = Judge(len(worth), self._look)
        self.parts = torch.empty(steps, len(worth))  # [K, N]; what a token has not seen is void
        self._states, self._standings = state, standing.clone()
        self._ranks = worth + standing  # [N], of when a token was last in the field
        self._seen = torch.zeros(len(worth), dtype=torch.int64)  # [N], how many picks
        self._room = torch.empty_like(units.single)
        self._breadth = _BREADTH
        self._foreseen = 0  # how many picks there were when rows were last worked out
        self._enter(torch.arange(len(worth)), -torch.inf)
        self.computed = 0  # pairs of which the cosine was worked out

    def run(self) -> Tensor:
        """Picks `[K]` in the order of picking.

        Raises:
            Unsuited: if double precision throughout is quicker.
        """
        while len(self.picks) < self.steps:
            pick = self.judge.pick(self._rank, self._margin(), self._scale, self._ceiling)
            if pick is None:
                self._broaden()
            elif pick in self._known:
                self._take(pick)
            elif not self._narrow():
                self._foresee(pick)
        return torch.tensor(self.picks)

    @abstractmethod
    def _rows(self, ahead: Tensor) -> Tensor:
        """Rows `[len(ahead), F]` that parts in picks are made of, of places in the field."""

    @abstractmethod
    def _part(self, pick: int, row: Floats) -> Floats:
        """The part `[F]` of each of the field in a pick of it, which counts as made thereby."""

    @abstractmethod
    def _step(self, part: Floats) -> None:
        """Let the state of the field follow a pick."""

    @abstractmethod
    def _value(self) -> Floats:
        """What those of the field are worth in their state: float32 `[F]`."""

    @abstractmethod
    def _missed(self, since: int, places: Tensor) -> Tensor:
        """Parts `[M, J]` of tokens in the picks from `since` on."""

    @abstractmethod
    def _follow(self, state: Tensor, parts: Tensor) -> Tensor:
        """State of tokens that catch up, after parts `[M, J]`."""

    @abstractmethod
    def _worth(self, state: Tensor, places: Tensor) -> Tensor:
        """Float32, of tokens in that state."""

    @abstractmethod
    def _margin(self) -> float:
        """Values farther apart than that, times the scale, are surely in the right order."""

    @abstractmethod
    def _look(self, contenders: Tensor) -> Tensor:
        """What some of the field are worth in double precision: float32 `[C]`."""

    def _cosines(self, ahead: Tensor) -> Tensor:
        """Of places in the field with all of it, `[len(ahead), F]`."""
        self.computed += len(ahead) * len(self.field)
        return (self._vectors @ self._vectors[ahead].T).T.contiguous()

    def _cosines_missed(self, since: int, places: Tensor) -> Tensor:
        """Of the picks from `since` on with tokens, `[M, J]`."""
        picks = torch.tensor(self.picks[since:])
        self.computed += len(picks) * len(places)
        return (self._gathered(places) @ self.units.single[picks].T).T

    def _gathered(self, places: Tensor) -> Tensor:
        """Vectors `[J, D]`, kept until the next are asked for: fresh memory is slow to fill."""
        room = self._room[: len(places)]
        return torch.index_select(self.units.single, 0, places, out=room)

    def _take(self, pick: int) -> None:
        part = self._part(pick, self._known[pick])
        self._held[len(self.picks)] = part
        self._step(part)
        self._standing[pick] = -np.inf
        self.picks.append(self._names[pick])
        self._rank = self._value() + self._standing

    def _foresee(self, pick: int) -> None:
        """Work out the row of the pick, and of what is worth most besides."""
        used = len(self.picks) - self._foreseen
        most = min(_AHEAD, max(_FEW, 2 * used)) if self.picks else _FIRST
        most = min(most, max(8, self.steps // 4))
        self._foreseen = len(self.picks)
        ranked = torch.from_numpy(self._rank.copy())
        ranked[list(self._known)] = -torch.inf
        ranked[pick] = torch.inf
        ahead = ranked.topk(min(most, len(ranked) - len(self._known))).indices
        self._known.update(zip(ahead.tolist(), self._rows(ahead).numpy(), strict=True))

    def _narrow(self) -> bool:
        """Make a smaller field, if that is allowed and worth while."""
        wanted = self._wanted()
        fresh = len(self.picks) == self._entered
        if not self.falls or fresh or wanted > _WORTHWHILE * len(self.field):
            return False
        self._renew(wanted)
        return True

    def _broaden(self) -> None:
        """Make a field with others in it, and a larger one if that did not last long."""
        if len(self.picks) - self._entered < _SOON:
            self._breadth *= 2
        self._renew(self._wanted())

    def _wanted(self) -> int:
        return max(_AHEAD, self._breadth * (self.steps - len(self.picks)))

    def _renew(self, size: int) -> None:
        """Make a field of at least that size, of which something surely exceeds the others."""
        self._leave()
        count, done = len(self._ranks), len(self.picks)
        while True:
            size = min(size, count)
            ranked = self._ranks.topk(min(size + 1, count))
            ceiling = float(ranked.values[-1]) if size < count else -torch.inf
            field = ranked.indices[:size]
            if bool((self._seen[field] < done).any()):
                # More than must be: few large products are quicker than many small ones.
                self._catch_up(self._ranks.topk(min(_MORE * size, count)).indices)
            elif float(ranked.values[0]) > ceiling + self._margin():
                break
            else:
                size *= 2
        self._enter(field.sort().values, ceiling)

    def _catch_up(self, places: Tensor) -> None:
        """Bring tokens up to date with the picks they missed."""
        seen = self._seen[places]
        for since in seen.unique().tolist():
            if since < len(self.picks):
                late = places[seen == since]
                parts = self._missed(since, late)
                self.parts[since : len(self.picks), late] = parts
                self._states[late] = self._follow(self._states[late], parts)
                worth = self._worth(self._states[late], late)
                self._ranks[late] = worth + self._standings[late]
        self._seen[places] = len(self.picks)

    def _enter(self, field: Tensor, ceiling: float) -> None:
        """Let that be the field: int64 `[F]`, ascending; no other is worth more than `ceiling`."""
        self._ceiling = ceiling
        self._entered = len(self.picks)
        self.field, self._names = field, field.tolist()
        whole = len(field) == len(self._ranks)
        self._vectors = self.units.single if whole else self._gathered(field)
        self._held: Floats = self.parts.numpy() if whole else self._copied(field)
        self.state: Floats = self._states[field].numpy()
        self._standing: Floats = self._standings[field].numpy()
        self._scale: Floats = self.scale[field].numpy()
        self._rank: Floats = self._ranks[field].numpy()
        self._known: dict[int, Floats] = {}

    def _copied(self, field: Tensor) -> Floats:
        """Parts of the field `[K, F]`, of the picks that there were."""
        held = np.empty((self.steps, len(field)), np.float32)
        held[: len(self.picks)] = self.parts[: len(self.picks), field].numpy()
        return held

    def _leave(self) -> None:
        """Write down what is known of the field."""
        new = slice(self._entered, len(self.picks))
        if len(self.field) < len(self._ranks):
            self.parts[new, self.field] = torch.from_numpy(self._held[new])
        self._states[self.field] = torch.from_numpy(self.state)
        self._standings[self.field] = torch.from_numpy(self._standing)
        self._ranks[self.field] = torch.from_numpy(self._rank)
        self._seen[self.field] = len(self.picks)
