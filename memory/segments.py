"""Sealed FAISS files: written once, checked before they are mapped, never changed.

A mapped index that is added to aborts the whole process, a flipped bit loads without a word, and a
crafted file is a way into the process. So a file is read only if its digest is the one that the
catalogue recorded, and nothing here can add to or remove from an index.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from omni.errors import StoreError

from .buffers import Pool, faiss
from .contracts import Vectors
from .tail import Found, Mask, Rids, best, places_of

Kind = Literal["flat", "codes", "graph"]

STEP = 110
"""Distances that a flat scan computes in the time in which a graph search makes a step of its
width (measured at width 384: 0.17 µs against 19 µs)."""

CODE, CANDIDATE = 0.03, 0.6
"""What it takes, in distances of a flat scan, to compare a code, and to have a row among those that
codes find (measured at width 384: 3.6 ns and 90 ns against 0.12 µs)."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What the catalogue knows of a segment.

    Attributes:
        name: of its file, without folder or ending.
        kind: `flat` is exact; `codes` are of product quantisation, whose best rows are compared
            exactly; `graph` is HNSW. Both are as broad as it took to be exact enough.
        rids: numbers of its rows, in the order of the file.
        size: of the file in bytes.
        sha256: of the file.
        breadth: of a graph search (`efSearch`), or how many rows that codes find are compared;
            questions that codes tell well are answered with half of them, others with more.
        recall: at 10, measured when it was sealed.
    """

    name: str
    kind: Kind
    rids: Rids
    size: int
    sha256: str
    breadth: int
    recall: float


class Damaged(StoreError):
    """A sealed file is missing, short or changed. It is a cache: its rows are in the catalogue."""


def path_of(folder: Path, name: str) -> Path:
    """The file of a segment."""
    return folder / f"{name}.faiss"


def write(folder: Path, index: Any) -> tuple[str, int, str]:
    """Write an index through to the disk, by rename; its name, size and digest.

    Raises:
        StoreError: if it cannot be written, for example because the disk is full.
    """
    name = uuid.uuid4().hex
    target = path_of(folder, name)
    incoming = target.with_suffix(".incoming")
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        faiss.write_index(index, str(incoming))
        with incoming.open("rb") as stream:
            os.fsync(stream.fileno())
        size, digest = _measure(incoming)
        os.replace(incoming, target)
        _sync_folder(folder)
    except (OSError, RuntimeError) as error:
        incoming.unlink(missing_ok=True)
        raise StoreError(f"cannot seal a segment in {folder}: {_short(error)}") from None
    return name, size, digest


class Segment:
    """A sealed file, open to be searched."""

    def __init__(self, seal: Seal, index: Any, metric: str, width: int):
        self.seal = seal
        self.rids = seal.rids
        self._order = None if (np.diff(seal.rids) > 0).all() else np.argsort(seal.rids)
        self._ascending = seal.rids if self._order is None else seal.rids[self._order]
        self._metric = metric
        self._index = index
        self._flat = vectors_of(seal.kind, index)
        self._codes: Any = None
        if seal.kind == "codes":
            self._codes = faiss.downcast_index(index.base_index)
        count = len(seal.rids) * width
        self._pool = Pool(width)
        self.block: Vectors = faiss.rev_swig_ptr(self._flat.get_xb(), count).reshape(-1, width)

    @classmethod
    def open(cls, folder: Path, seal: Seal, metric: str, width: int) -> Segment:
        """Check a file and map it.

        Raises:
            Damaged: if it is not, byte for byte, what was sealed.
        """
        check(folder, seal)
        path = path_of(folder, seal.name)
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise Damaged(f"segment {path} cannot be read: {_short(error)}") from None
        if (index.ntotal, index.d) != (len(seal.rids), width):
            raise Damaged(f"segment {path} is not what the catalogue says")
        return cls(seal, index, metric, width)

    def __len__(self) -> int:
        return len(self.rids)

    def places(self, wanted: Rids) -> NDArray[np.intp]:
        """Where these rows stand; without those that are not here."""
        places = places_of(self._ascending, wanted)
        return places if self._order is None else self._order[places]

    def search(self, vector: Vectors, k: int, visible: Mask | None) -> Found:
        """The `k` nearest of those that may be seen."""
        count = len(self) if visible is None else int(np.count_nonzero(visible))
        found = None
        if self._codes is not None:
            found = self._compare(vector, k, visible, count)
        elif self.seal.kind == "graph":
            found = self._walk(vector, k, visible, max(self.seal.breadth, k))
        if found is None or len(found[0]) < min(k, count):
            return self._scan(vector, k, visible)
        return found

    def among(self, vector: Vectors, k: int, places: NDArray[np.intp], exact: bool) -> Found:
        """The `k` nearest of the rows at these places, by the cheapest way that is right."""
        count, whole = len(places), len(self)
        if self._codes is not None and not exact and self._pays(k, count):
            found = self._compare(vector, k, _mask(whole, places), count)
            if found is not None:
                return found
        breadth = max(self.seal.breadth, k) * whole / max(count, 1)
        if self.seal.kind == "graph" and not exact and count > STEP * breadth:
            found = self._walk(vector, k, _mask(whole, places), int(breadth))
            if len(found[0]) >= min(k, count):
                return found
        return best(self.rids[places], self._likeness(vector, places), k)

    def exactly(self, vector: Vectors, k: int, visible: Mask | None) -> Found:
        """The `k` nearest without any shortcut."""
        return self._scan(vector, k, visible)

    def _compare(self, vector: Vectors, k: int, visible: Mask | None, count: int) -> Found | None:
        """The `k` nearest of those that are nearest by their codes; `None` if it does not pay.

        If fewer of them may be seen than were to be expected, what may be seen is far from the
        vector, where many are about as far and codes do not tell them apart: that is scanned.
        """
        depth = self._depth(k)
        while depth < count and self._pays(depth, count):
            looked = self._looked(depth, count)
            buffers = self._pool.take(looked)
            places = buffers.search(self._codes, vector, looked)
            self._pool.give_back(buffers)
            if places[-1] < 0:  # what was not found stands last
                places = places[places >= 0]
            places = places if visible is None else places[visible[places]]
            if len(places) < depth:
                return None
            found = self._narrowed(vector, k, places[:depth])
            if found is not None:
                return found
            depth *= 4
        return None

    def _narrowed(self, vector: Vectors, k: int, places: NDArray[np.intp]) -> Found | None:
        """The `k` nearest of rows that come in the order of their codes; `None` if in doubt.

        Codes can be trusted as far as none of the nearest stands in the second half of what was
        compared. A half of the rows is tried, and then all of them.
        """
        half = max(k, len(places) // 2)
        scores = self._likeness(vector, places[:half])
        for rest in (places[half:], None):
            top = (-scores).argsort(kind="stable")[:k]  # among equals what codes put first
            if 2 * max(top.tolist()) < len(scores):
                return self.rids[places[top]], scores[top]
            if rest is not None:
                scores = np.concatenate([scores, self._likeness(vector, rest)])
        return None

    def _likeness(self, vector: Vectors, places: NDArray[np.intp]) -> NDArray[np.float32]:
        """How alike the rows at these places are to a vector."""
        if not len(places):  # which FAISS refuses
            return np.empty(0, np.float32)
        buffers = self._pool.take(len(places))
        scores = buffers.compare(self._flat, vector, places)
        self._pool.give_back(buffers)
        return -scores if self._metric == "l2" else scores

    def _depth(self, k: int) -> int:
        """Rows that are compared exactly; what was measured for 10 is kept in proportion."""
        return max(self.seal.breadth, self.seal.breadth * k // 10)

    def _looked(self, depth: int, count: int) -> int:
        """Rows to ask codes for, so that enough of them may be seen."""
        share = max(count, 1) / len(self)
        return min(len(self), int(depth * (1 if share == 1 else 1.2 / share)))

    def _pays(self, depth: int, count: int) -> bool:
        """Whether codes cost less than to compare all that may be seen."""
        return CODE * len(self) + CANDIDATE * self._looked(depth, count) < count

    def _scan(self, vector: Vectors, k: int, visible: Mask | None) -> Found:
        if visible is None:
            return self._run(self._flat, vector, k, None)
        places = np.flatnonzero(visible)
        return best(self.rids[places], self._likeness(vector, places), k)

    def _walk(self, vector: Vectors, k: int, visible: Mask | None, breadth: int) -> Found:
        selector = None if visible is None else _selector(visible)
        parameters = faiss.SearchParametersHNSW(efSearch=breadth, sel=selector)
        return self._run(self._index, vector, k, parameters)

    def _run(self, index: Any, vector: Vectors, k: int, parameters: Any) -> Found:
        k = min(k, len(self))
        if k < 1:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        scores, places = index.search(vector[None], k, params=parameters)
        there = places[0] >= 0
        scores = scores[0][there]
        return self.rids[places[0][there]], -scores if self._metric == "l2" else scores


def vectors_of(kind: Kind, index: Any) -> Any:
    """The flat index that holds the vectors of any kind of index."""
    inner = {"graph": "storage", "codes": "refine_index"}.get(kind)
    return index if inner is None else faiss.downcast_index(getattr(index, inner))


def check(folder: Path, seal: Seal) -> None:
    """Read a file through and compare its digest.

    Raises:
        Damaged: if it is not, byte for byte, what was sealed.
    """
    path = path_of(folder, seal.name)
    try:
        size, digest = _measure(path)
    except FileNotFoundError:
        raise Damaged(f"segment {path} is missing") from None
    except OSError as error:
        raise Damaged(f"segment {path} cannot be read: {_short(error)}") from None
    if size != seal.size:
        raise Damaged(f"segment {path} has {size:,} bytes instead of {seal.size:,}")
    if digest != seal.sha256:
        raise Damaged(f"segment {path} was changed: its digest is not the one that was sealed")


def _measure(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file, from its mapped pages and without a copy."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if not size:
            return 0, hashlib.sha256().hexdigest()
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as pages:
            return size, hashlib.sha256(pages).hexdigest()


def _mask(size: int, places: NDArray[np.intp]) -> Mask:
    mask = np.zeros(size, bool)
    mask[places] = True
    return mask


def _selector(visible: Mask) -> Any:
    return faiss.IDSelectorBitmap(np.packbits(visible, bitorder="little"))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _short(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error).strip().splitlines()[-1][:200]
