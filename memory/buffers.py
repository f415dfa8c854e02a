"""Where FAISS reads a question and writes what it found, with addresses that are taken once.

FAISS's Python wrapper makes arrays and takes their addresses for every search. That is a tenth of a
search of codes, all of it in memory that the scan has pushed out of the processor's caches.
"""

from __future__ import annotations

from typing import Any

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from .contracts import Vectors

faiss: Any = _faiss  # its stubs lack half of what it has


class Buffers:
    """One search at a time may use them.

    Args:
        width: of a vector.
        room: most rows that a search can find or compare.
    """

    def __init__(self, width: int, room: int):
        self.room = room
        self._vector = np.empty(width, np.float32)
        self._places = np.empty(room, np.int64)
        self._scores = np.empty(room, np.float32)
        self._question = faiss.swig_ptr(self._vector)
        self._where = faiss.swig_ptr(self._places)
        self._into = faiss.swig_ptr(self._scores)

    def search(self, index: Any, vector: Vectors, k: int) -> NDArray[np.int64]:
        """Places of the `k` nearest, the nearest first; a copy."""
        self._vector[:] = vector
        index.search_c(1, self._question, k, self._into, self._where)
        return self._places[:k].copy()

    def compare(self, flat: Any, vector: Vectors, places: NDArray[np.intp]) -> Vectors:
        """Distances, or products, of the rows at these places, read where they lie; a copy."""
        count = len(places)
        self._vector[:] = vector
        self._places[:count] = places
        flat.compute_distance_subset(1, self._question, count, self._into, self._where)
        return self._scores[:count].copy()


class Pool:
    """Buffers of one width, as many as there are threads that search at once."""

    def __init__(self, width: int):
        self._width = width
        self._idle: list[Buffers] = []

    def take(self, room: int) -> Buffers:
        """Buffers with room enough, which are the caller's until they are given back."""
        try:
            found = self._idle.pop()
        except IndexError:
            found = None
        if found is None or found.room < room:
            found = Buffers(self._width, 1 << max(8, (room - 1).bit_length()))
        return found

    def give_back(self, buffers: Buffers) -> None:
        """Let another search use them."""
        if buffers.room <= _KEPT:
            self._idle.append(buffers)


_KEPT = 1 << 14  # rooms that are larger are for the rare search, and go with it
