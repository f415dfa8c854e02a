"""Segments of codes: as right as a scan, whatever is filtered, deleted, erased or harmed."""

from typing import Any

import numpy as np
import pytest

from omni.memory import choosing, segments
from omni.memory.choosing import Sealing, choose
from omni.memory.contracts import Space
from omni.memory.record import Record
from omni.memory.store import Memory

PLAN = Sealing(codes_from=500, graph_from=10**9, probes=64)
COUNT, WIDTH = 4000, 24
SHARES = (1, 0.9, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001)


def groups(count, width=WIDTH, seed=0) -> Any:
    """Vectors in groups, of different lengths."""
    rng = np.random.default_rng(seed)
    middles = rng.standard_normal((20, width), dtype=np.float32)
    found = middles[rng.integers(20, size=count)]
    return found + 0.5 * rng.standard_normal((count, width), dtype=np.float32)


def compared(metric, block, query):
    """Likenesses as they are defined, in double precision."""
    block, query = block.astype(float), query.astype(float)
    if metric == "l2":
        return -((block - query) ** 2).sum(1)
    if metric == "cosine":
        query = query / np.linalg.norm(query)
        block = block / np.linalg.norm(block, axis=1, keepdims=True)
    return block @ query


class Filled:
    """A sealed memory with the vectors that are in it."""

    def __init__(self, root, metric: Any = "cosine", count=COUNT, width=WIDTH):
        self.space = Space("text", width, "d", metric=metric)
        self.memory = Memory.open(root, sealing=PLAN, background=False)
        self.vectors = groups(count, width)
        self.ranks = np.random.default_rng(1).permutation(count)
        self.alive = np.ones(count, bool)
        records = [
            Record(str(n), text="t", meta={"rank": int(rank)}) for n, rank in enumerate(self.ranks)
        ]
        self.memory.bind().put(records, {self.space: list(self.vectors)})
        self.memory.seal()

    def kinds(self):
        with self.memory.parts.catalog.reading() as db:
            return [kind for (kind,) in db.execute("SELECT kind FROM segment ORDER BY created")]

    def recall(self, allowed, k=10, where=None, questions=20):
        """Of the nearest of those that are allowed and alive; scores have to be right, too."""
        places = np.flatnonzero(allowed & self.alive)
        hits = wanted = 0
        for query in groups(questions, self.vectors.shape[1], seed=2):
            scores = compared(self.space.metric, self.vectors[places], query)
            truth = places[np.argsort(-scores)[:k]]
            found = self.memory.bind().nearest(self.space, query, k, where)
            assert len(found) == len(truth)
            ids = [int(id) for id, _ in found]
            right = compared(self.space.metric, self.vectors[ids], query)
            assert [score for _, score in found] == pytest.approx(right.tolist(), abs=2e-3)
            assert set(ids) <= set(places.tolist())
            hits += len(set(ids) & set(truth.tolist()))
            wanted += len(truth)
        return hits / max(wanted, 1)

    def among(self, limit, k=10):
        return self.recall(self.ranks < limit, k, {"rank": {"$lt": limit}})


@pytest.fixture
def filled(tmp_path):
    found = Filled(tmp_path / "m")
    yield found
    assert found.memory.damage == []
    found.memory.close()


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
@pytest.mark.parametrize("width", [WIDTH, 7])
def test_the_nearest_are_found_by_any_measure_at_any_selectivity(tmp_path, metric, width):
    filled = Filled(tmp_path / "m", metric, width=width)
    assert filled.kinds() == ["codes"]
    assert filled.recall(filled.ranks >= 0) >= 0.98
    for share in SHARES:
        assert filled.among(max(1, int(share * COUNT))) >= 0.98, share
    assert filled.recall(filled.ranks >= 0, k=200, questions=4) >= 0.98
    assert filled.recall(filled.ranks >= 0, k=COUNT, questions=1) == 1.0
    assert filled.memory.verify() == filled.memory.damage == []
    filled.memory.close()


def test_questions_unlike_what_is_stored_are_answered_by_looking_further(filled, monkeypatch):
    """Codes tell such questions' neighbours badly: with half of the rows some are missed."""
    rng = np.random.default_rng(7)
    strange = rng.standard_normal((40, WIDTH), dtype=np.float32)
    strange[:20] += filled.vectors[:20] - filled.vectors[100:120]
    looks: list[int] = []
    narrowed = segments.Segment._narrowed

    def counted(self, vector, k, places):
        looks.append(len(places))
        return narrowed(self, vector, k, places)

    monkeypatch.setattr(segments.Segment, "_narrowed", counted)
    hits = 0
    for query in strange:
        truth = np.argsort(-compared("cosine", filled.vectors, query))[:10]
        found = filled.memory.bind().nearest(filled.space, query, 10)
        hits += len({int(id) for id, _ in found} & set(truth.tolist()))
    assert hits / 400 >= 0.995
    assert len(looks) >= len(strange)


def test_rows_are_compared_until_the_last_of_them_change_nothing(filled):
    """Against codes that put the nearest last, and against those that put them first."""
    query = filled.vectors[0] / np.linalg.norm(filled.vectors[0])
    filled.memory.bind().nearest(filled.space, query, 10)
    (partition,) = filled.memory.parts.index._partitions.values()
    segment = partition._parts[0].rows
    order = np.argsort(-(segment.block @ query))
    nearest = segment.rids[order[:10]]
    first = segment._narrowed(query, 10, order[:100])
    assert first is not None and (first[0] == nearest).all()
    late = order[:100][::-1]
    assert segment._narrowed(query, 10, late) is None  # what is behind them may be nearer still
    then = segment._narrowed(query, 10, np.concatenate([late, order[100:200]]))
    assert then is not None and (then[0] == nearest).all()


def test_codes_answer_and_nothing_else(filled, monkeypatch):
    def refused(*given):
        raise AssertionError("scanned")

    monkeypatch.setattr(segments.Segment, "_scan", refused)
    assert filled.recall(filled.ranks >= 0) >= 0.98
    assert filled.among(COUNT // 2) >= 0.98


def test_a_filter_that_passes_only_what_is_far_is_answered_exactly(filled):
    view, query = filled.memory.bind(), filled.vectors[0]
    far = np.argsort(compared("cosine", filled.vectors, query))[: COUNT // 2]
    changed = [Record(str(n), text="t", meta={"far": True}) for n in far.tolist()]
    view.put(changed, {filled.space: list(filled.vectors[far])})
    filled.memory.seal()
    found = view.nearest(filled.space, query, 10, {"far": True})
    scores = compared("cosine", filled.vectors[far], query)
    assert {int(id) for id, _ in found} == set(far[np.argsort(-scores)[:10]].tolist())


def test_what_is_deleted_or_replaced_is_found_no_more_and_what_is_new_is(filled):
    view = filled.memory.bind()
    gone = np.random.default_rng(3).choice(COUNT, COUNT // 2, replace=False)
    view.delete([str(n) for n in gone[:-1]])
    filled.alive[gone[:-1]] = False
    assert filled.recall(filled.ranks >= 0) >= 0.98
    place = int(np.flatnonzero(filled.alive)[0])
    filled.vectors[place] = groups(1, seed=9)[0]
    view.put(
        [Record(str(place), text="t", meta={"rank": int(filled.ranks[place])})],
        {filled.space: [filled.vectors[place]]},
    )
    nearest = view.nearest(filled.space, filled.vectors[place], 1)
    assert nearest[0][0] == str(place) and nearest[0][1] == pytest.approx(1, abs=1e-5)
    assert filled.recall(filled.ranks >= 0) >= 0.98
    filled.memory.compact()
    assert filled.kinds() == ["codes"]
    assert filled.recall(filled.ranks >= 0) >= 0.98
    assert filled.among(COUNT // 20) >= 0.98


def test_it_is_opened_again_as_it_was(filled):
    query = filled.vectors[3]
    before = filled.memory.bind().nearest(filled.space, query, 20)
    (sealed,) = filled.memory.stats().segments
    assert sealed.kind == "codes" and sealed.breadth // choosing.SPARE in choosing.DEPTHS
    assert PLAN.recall <= sealed.recall <= 1
    root = filled.memory.root
    with Memory.open(root, sealing=PLAN, background=False) as other:
        assert other.bind().nearest(filled.space, query, 20) == before
        assert other.damage == []


def test_no_byte_and_no_code_of_what_was_erased_is_left(filled):
    view = filled.memory.bind()
    marked = 40 + groups(1, seed=5)[0]  # so far from all others that codes are learnt for it
    view.put([Record("marked", text="t")], {filled.space: [marked]})
    filled.memory.compact()
    unit = (marked / np.linalg.norm(marked)).astype(np.float32)
    # Two numbers of it are what a code may have been learnt from.
    needles = [unit[place : place + 2].tobytes() for place in range(0, WIDTH, 2)]

    def traces():
        files = [path for path in filled.memory.root.rglob("*") if path.is_file()]
        return sum(needle in path.read_bytes() for path in files for needle in needles)

    assert traces()
    filled.memory.seal()
    with filled.memory.parts.catalog.reading() as db:
        assert ("codes",) in db.execute("SELECT kind FROM segment").fetchall()
    assert view.erase(["marked"]) == 1
    assert traces() == 0
    assert filled.recall(filled.ranks >= 0) >= 0.98
    assert filled.memory.verify() == []


@pytest.mark.parametrize("place", [0.001, 0.01, 0.05, 0.5, 0.999])
def test_a_flipped_bit_is_found_and_the_segment_made_anew(tmp_path, place):
    filled = Filled(tmp_path / "m", count=1000)
    filled.memory.close()
    (path,) = (tmp_path / "m" / "segments").iterdir()
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1
    path.write_bytes(data)
    with Memory.open(tmp_path / "m", sealing=PLAN, background=False) as memory:
        filled.memory = memory
        assert filled.recall(filled.ranks >= 0) == 1.0
        assert len(memory.damage) == 1
        assert memory.seal() == 1
        assert memory.verify() == []
        assert filled.kinds() == ["codes"]


def test_where_codes_find_too_little_a_graph_is_tried_and_then_nothing(monkeypatch):
    block = groups(1200)
    assert choose(block, "l2", PLAN).kind == "codes"
    few = Sealing(codes_from=1201, graph_from=10**9, probes=64)
    assert choose(block, "l2", few).kind == "flat"
    never = Sealing(codes_from=500, graph_from=10**9, probes=64, recall=1.01)
    assert choose(block, "l2", never).kind == "flat"
    monkeypatch.setattr(choosing, "DEPTHS", (10,))  # codes alone, with nothing compared exactly
    either = Sealing(codes_from=500, graph_from=500, probes=64, links=16, recall=0.97)
    found = choose(block, "l2", either)
    assert found.kind == "graph" and found.recall >= 0.97


def test_an_index_is_the_same_each_time_it_is_built():
    block = groups(1200)
    first, second = (choose(block, "cosine", PLAN) for _ in range(2))
    assert first.breadth == second.breadth and first.recall == second.recall
    assert first.order is not None and (first.order == second.order).all()
    for one in (first, second):
        assert one.index.ntotal == 1200
    _, a = first.index.search(block[:5], 20)
    _, b = second.index.search(block[:5], 20)
    assert (a == b).all()
