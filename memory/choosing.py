"""Which index a segment gets, by what was measured: codes, a graph, or the vectors alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .contracts import Vectors
from .segments import Kind, faiss
from .tail import best, likeness

SPARE = 2
"""Times as many rows as it took for what is stored are compared exactly, since questions may be
unlike what is stored, as words are that ask for pictures (without, recall of strange questions by
inner product was 0.965)."""

DEPTHS = (100, 150, 200, 300, 400, 600, 800, 1200, 1600)
BREADTHS = (64, 80, 96, 112, 128, 144, 160, 192, 224, 256, 320, 384, 448, 512)

_K = 10
_BITS = 4
"""Of a code: as many as fit into a register's table, which is what makes codes quick (André and
others, 2017)."""

_LEARNT_FROM = 4096
_CHUNK = 2000


class Interrupted(Exception):
    """The memory is being closed: what was being built is given up."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """When and how segments are made.

    Attributes:
        tail: rows in memory from which they are sealed.
        codes_from: rows of a segment from which codes are tried; below, scanning is exact and
            quick enough.
        graph_from: rows from which a graph is tried where codes do not tell vectors apart.
        recall: at 10, that either has to reach; otherwise the segment stays flat.
        probes: vectors that are held back to measure it, and added afterwards.
        links: of a node of the graph (`M`).
        care: of building it (`efConstruction`).
        dead: share of a segment's rows that are gone, from which it is made anew.
    """

    tail: int = 16_384
    codes_from: int = 10_000
    graph_from: int = 50_000
    recall: float = 0.985
    probes: int = 256
    links: int = 32
    care: int = 80
    dead: float = 0.2


@dataclass(frozen=True, slots=True)
class Choice:
    """An index that was built.

    Attributes:
        index: of FAISS.
        kind: what it is.
        breadth: how broadly a graph is to be searched, or how many rows that codes find are to be
            compared exactly.
        recall: at 10, as measured.
        order: which vector stands at each place; as given if `None`.
    """

    index: Any
    kind: Kind
    breadth: int = 0
    recall: float = 1.0
    order: NDArray[np.intp] | None = None


def choose(
    block: Vectors, metric: str, plan: Sealing, stopped: Callable[[], bool] = lambda: False
) -> Choice:
    """An index of these vectors `[N, W]`: codes or a graph where it pays and finds enough."""
    found = None
    if len(block) >= 4 * plan.probes:
        # Drawn from everywhere and added last, so that no index has seen what it is tried with.
        draw = np.random.default_rng(0)
        held = np.sort(draw.choice(len(block), plan.probes, replace=False))
        order = np.concatenate([np.setdiff1d(np.arange(len(block)), held), held])
        if len(block) >= plan.codes_from:
            found = _coded(block, metric, plan, order, stopped)
        if found is None and len(block) >= plan.graph_from:
            found = _linked(block, metric, plan, order, stopped)
    if found is None:
        flat = faiss.IndexFlat(block.shape[1], _measure(metric))
        flat.add(block)
        return Choice(flat, "flat")
    return found


def encoded(block: Vectors, metric: str) -> Any:
    """An index without rows that has learnt the codes of these vectors.

    A code of four bits stands for two neighbouring numbers of a vector, so a row takes a sixteenth
    of its bytes; the vectors stand beside the codes.
    """
    width = block.shape[1]
    codes = faiss.IndexPQFastScan(width, width // _of_one(width), _BITS, _measure(metric))
    codes.pq.cp.seed = 0
    index = faiss.IndexRefineFlat(codes)
    some = np.random.default_rng(0).permutation(len(block))[:_LEARNT_FROM]
    index.train(block[np.sort(some)])
    return index


def _of_one(width: int) -> int:
    """Numbers that one code stands for."""
    return 2 if width % 2 == 0 else 1


def _measure(metric: str) -> Any:
    return faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT


def _coded(
    block: Vectors,
    metric: str,
    plan: Sealing,
    order: NDArray[np.intp],
    stopped: Callable[[], bool],
) -> Choice | None:
    """Codes, if few enough of the rows that they find have to be compared exactly."""
    seen, probes = order[: -plan.probes], block[order[-plan.probes :]]
    index = encoded(block[seen], metric)
    _add(index, block, seen, stopped)
    _, truth = index.refine_index.search(probes, _K)
    for depth in DEPTHS:
        _, places = index.base_index.search(probes, min(depth, len(seen)))
        found = [
            best(row, likeness(metric, block[seen[row]], probe), _K)[0]
            for row, probe in zip(places, probes, strict=True)
        ]
        recall = _shared(found, truth)
        if recall >= plan.recall:
            _add(index, block, order[-plan.probes :], stopped)
            return Choice(index, "codes", SPARE * depth, recall, order)
    return None


def _linked(
    block: Vectors,
    metric: str,
    plan: Sealing,
    order: NDArray[np.intp],
    stopped: Callable[[], bool],
) -> Choice | None:
    """A graph, if it finds enough however broadly it is searched."""
    graph = faiss.IndexHNSWFlat(block.shape[1], plan.links, _measure(metric))
    graph.hnsw.efConstruction = plan.care
    _add(graph, block, order[: -plan.probes], stopped)
    probes = block[order[-plan.probes :]]
    _, truth = graph.storage.search(probes, _K)
    for breadth in BREADTHS:
        parameters = faiss.SearchParametersHNSW(efSearch=breadth)
        _, found = graph.search(probes, _K, params=parameters)
        recall = _shared(found, truth)
        if recall >= plan.recall:
            _add(graph, block, order[-plan.probes :], stopped)
            return Choice(graph, "graph", breadth, recall, order)
    return None


def _shared(found: Any, truth: NDArray[np.int64]) -> float:
    """The share of the true neighbours that were found."""
    same = [len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True)]
    return sum(same) / truth.size


def _add(index: Any, block: Vectors, places: NDArray[np.intp], stopped: Callable[[], bool]) -> None:
    for start in range(0, len(places), _CHUNK):
        if stopped():
            raise Interrupted
        index.add(block[places[start : start + _CHUNK]])
