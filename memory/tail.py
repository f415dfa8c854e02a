"""Vectors that are in no segment yet, in memory, searched one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .contracts import Vectors

Rids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Found = tuple[Rids, NDArray[np.float32]]


def likeness(metric: str, block: Vectors, vector: Vectors) -> NDArray[np.float32]:
    """How alike the rows of a block `[N, W]` are to a vector `[W]`; higher is more."""
    if metric != "l2":
        return block @ vector
    apart = block - vector
    return -np.einsum("nw,nw->n", apart, apart)


def best(rids: Rids, scores: NDArray[np.float32], k: int) -> Found:
    """The `k` highest, in no order."""
    if len(scores) > k:
        top = np.argpartition(scores, len(scores) - k)[-k:]
        return rids[top], scores[top]
    return rids, scores


def places_of(rids: Rids, wanted: Rids) -> NDArray[np.intp]:
    """Where wanted numbers stand among ascending ones; those that are not there are left out."""
    if not len(rids) or not len(wanted):
        return np.empty(0, np.intp)
    places = np.searchsorted(rids, wanted)
    places[places == len(rids)] = 0
    return places[rids[places] == wanted]


@dataclass(frozen=True, slots=True)
class Tail:
    """Rows by ascending number. A snapshot: what is added makes a new one.

    The buffer may be longer than the tail and is shared with later snapshots, which write only
    behind what earlier ones read.
    """

    metric: str
    rids: Rids
    block: Vectors

    @classmethod
    def empty(cls, metric: str, width: int) -> Tail:
        """One without rows."""
        return cls(metric, np.empty(0, np.int64), np.empty((0, width), np.float32))

    def __len__(self) -> int:
        return len(self.rids)

    def extended(self, rids: Rids, block: Vectors) -> Tail:
        """This with rows after it; copies what is there only when the buffer is full."""
        size, room = len(self), _room(self.block)
        wanted = size + len(rids)
        if room < wanted:
            room = max(1024, wanted, room * 3 // 2)
            whole = np.empty((room, self.block.shape[1]), np.float32)
            numbers = np.empty(room, np.int64)
            whole[:size], numbers[:size] = self.block, self.rids
        else:
            whole, numbers = _whole(self.block), _whole(self.rids)
        whole[size:wanted], numbers[size:wanted] = block, rids
        return Tail(self.metric, numbers[:wanted], whole[:wanted])

    def places(self, wanted: Rids) -> NDArray[np.intp]:
        """Where these rows stand; without those that are not here."""
        return places_of(self.rids, wanted)

    def search(self, vector: Vectors, k: int, visible: Mask | None) -> Found:
        """The `k` nearest of those that may be seen."""
        scores = likeness(self.metric, self.block, vector)
        if visible is None:
            return best(self.rids, scores, k)
        places = np.flatnonzero(visible)
        return best(self.rids[places], scores[places], k)

    def among(self, vector: Vectors, k: int, places: NDArray[np.intp], exact: bool) -> Found:
        """The `k` nearest of the rows at these places."""
        del exact
        if 4 * len(places) > len(self):  # then copying them costs more than looking at all
            scores = likeness(self.metric, self.block, vector)[places]
        else:
            scores = likeness(self.metric, self.block[places], vector)
        return best(self.rids[places], scores, k)


def _whole(view: NDArray) -> NDArray:
    return view if view.base is None else view.base


def _room(view: NDArray) -> int:
    return len(_whole(view))
