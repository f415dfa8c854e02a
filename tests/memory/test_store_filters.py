"""Filters beside a plain reading of what they mean, record by record."""

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni import plugins
from omni.errors import UsageError
from omni.memory.contracts import Space
from omni.memory.record import Provenance, Record
from omni.memory.sealing import Sealing

Memory = plugins.load("memory", "store")
SPACE = Space("text", 4, "m")

VALUES = [
    0,
    1,
    2,
    -1,
    1.5,
    2.0,
    True,
    False,
    None,
    "",
    "a",
    "b",
    "ab",
    "10",
    [],
    ["a", "b"],
    [1, 2],
    [["x"]],
    {},
]
FIELDS = ["f", "g", "h.i", "never"]


def holds(value, name, wanted, there=True):
    """Whether a field of this value meets an operator, by the letter of the documentation."""
    each = value if isinstance(value, list) and value else [value]
    if name == "$exists":
        return there == wanted
    if name in ("$ne", "$nin"):
        return not holds(value, "$eq" if name == "$ne" else "$in", wanted, there)
    if name == "$in":
        return any(holds(value, "$eq", one, there) for one in wanted)
    if name == "$eq" and wanted is None:
        return not there or value is None
    if not there:
        return False
    if name == "$eq" and isinstance(wanted, list | dict):
        return value == wanted and type(value) is type(wanted)
    if name == "$eq":
        return any(alike(one, wanted) and one == wanted for one in each)
    if name == "$contains":
        if isinstance(value, str):
            return isinstance(wanted, str) and wanted in value
        return isinstance(value, list) and any(alike(o, wanted) and o == wanted for o in value)
    signs = {"$lt": "__lt__", "$lte": "__le__", "$gt": "__gt__", "$gte": "__ge__"}
    comparable = [one for one in each if alike(one, wanted)]
    return any(getattr(plain(one), signs[name])(plain(wanted)) for one in comparable)


def alike(a, b):
    number, text = (bool, int, float), (str,)
    return any(isinstance(a, kind) and isinstance(b, kind) for kind in (number, text))


def plain(value):
    return value if isinstance(value, str) else float(value)


def passes(meta, where):
    for key, value in where.items():
        if key == "$and" and not all(passes(meta, each) for each in value):
            return False
        if key == "$or" and not any(passes(meta, each) for each in value):
            return False
        if key == "$not" and passes(meta, value):
            return False
        if key.startswith("$"):
            continue
        found: Any = meta
        there = True
        for part in key.split("."):
            there = there and isinstance(found, dict) and part in found
            found = found[part] if there else None
        operators = value if isinstance(value, dict) and value else {"$eq": value}
        if not all(holds(found, name, wanted, there) for name, wanted in operators.items()):
            return False
    return True


SCALARS = st.sampled_from(
    [value for value in VALUES if isinstance(value, bool | int | float | str)]
)
CONDITIONS = st.one_of(
    st.sampled_from(VALUES),
    st.builds(lambda v: {"$eq": v}, st.sampled_from(VALUES)),
    st.builds(lambda v: {"$ne": v}, st.sampled_from(VALUES)),
    st.builds(lambda n, v: {n: v}, st.sampled_from(["$lt", "$lte", "$gt", "$gte"]), SCALARS),
    st.builds(lambda n, v: {n: v}, st.sampled_from(["$in", "$nin"]), st.lists(SCALARS, max_size=3)),
    st.builds(lambda v: {"$exists": v}, st.booleans()),
    st.builds(lambda v: {"$contains": v}, SCALARS),
)
FILTERS = st.recursive(
    st.dictionaries(st.sampled_from(FIELDS), CONDITIONS, min_size=1, max_size=2),
    lambda inner: st.one_of(
        st.builds(lambda v: {"$and": v}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda v: {"$or": v}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda v: {"$not": v}, inner),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    memory = Memory.open(tmp_path_factory.mktemp("m"), background=False)
    view = memory.bind()
    rng = np.random.default_rng(0)
    metas = [{"f": 1, "g": 1, "h": {"i": 1}, "never": 0}]
    for _ in range(250):
        meta: dict = {}
        for field in ("f", "g"):
            if rng.random() < 0.8:
                meta[field] = VALUES[rng.integers(len(VALUES))]
        if rng.random() < 0.5:
            meta["h"] = {"i": VALUES[rng.integers(len(VALUES))]}
        metas.append(meta)
    records = [Record(f"{n:03}", text="word", meta=meta) for n, meta in enumerate(metas)]
    view.put(records, {SPACE: list(rng.standard_normal((len(metas), 4)).astype(np.float32))})
    yield view
    memory.close()


@settings(max_examples=120, deadline=None)
@given(FILTERS)
def test_a_filter_means_what_it_says(view, where):
    every = view.get(view.ids())
    wanted = {record.id for record in every if passes(record.meta, where)}
    assert set(view.ids(where)) == wanted
    found = view.nearest(SPACE, np.ones(4, np.float32), 1000, where)
    assert {id for id, _ in found} == wanted


@pytest.mark.parametrize("kind", ["tail", "flat", "graph"])
def test_the_nearest_are_found_at_every_selectivity(tmp_path, kind):
    plan = Sealing(graph_from=500 if kind == "graph" else 10**6, probes=64, links=16)
    with Memory.open(tmp_path / "m", sealing=plan, background=False) as memory:
        view = memory.bind()
        rng = np.random.default_rng(0)
        vectors = rng.standard_normal((3000, 4)).astype(np.float32)
        ranks = rng.permutation(3000)
        records = [Record(str(n), text="t", meta={"rank": int(r)}) for n, r in enumerate(ranks)]
        view.put(records, {SPACE: list(vectors)})
        if kind != "tail":
            memory.seal()
        for share in (1, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001):
            recall = _recall(view, vectors, math.ceil(3000 * share), ranks)
            assert recall >= (0.98 if kind == "graph" and share > 0.2 else 1.0), share
        assert memory.damage == []


def _recall(view, vectors, limit, ranks):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    allowed = np.flatnonzero(ranks < limit)
    hits = wanted = 0
    for query in np.random.default_rng(1).standard_normal((20, 4)).astype(np.float32):
        truth = allowed[np.argsort(-(unit[allowed] @ query))[:10]]
        found = view.nearest(SPACE, query, 10, {"rank": {"$lt": limit}})
        assert len(found) == len(truth) == min(10, limit)
        hits += len({int(id) for id, _ in found} & set(truth.tolist()))
        wanted += len(truth)
    return hits / wanted


def test_fields_that_every_record_has(view):
    view = view.parts and view
    one = Record(
        "special",
        text="t",
        kind="fact",
        modality="image",
        provenance=Provenance("docs/a.pdf", page=7),
        event_time=datetime(2026, 2, 24, 18, tzinfo=UTC),
    )
    view.put([one], {})
    for where in [
        {"@id": "special"},
        {"@kind": "fact"},
        {"@modality": {"$in": ["image", "audio"]}},
        {"@source": "docs/a.pdf"},
        {"@source": {"$contains": "a.pdf"}, "@page": {"$gte": 7}},
        {"@page": 7},
        {"@event_time": {"$lt": "2026-02-25"}},
        {"@event_time": datetime(2026, 2, 24, 18)},
        {"@event_time": {"$exists": True}},
        {"@id": {"$contains": "pec"}},
        {"$not": {"@kind": "document"}},
    ]:
        assert view.ids(where) == ["special"], where
    assert "special" not in view.ids({"@created": {"$gt": "2999-01-01"}})
    assert view.ids({"@event_time": None, "@id": "special"}) == []
    view.delete(["special"])


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"f": {"$regex": "x"}}, r"unknown operator '\$regex' on 'f'; known: \$eq"),
        ({"$nor": []}, r"unknown operator '\$nor' in a filter; known: \$and, \$or, \$not"),
        ({"colour": "red"}, "no record here has a field 'colour'; known: f, g, h.i"),
        ({"@colour": "red"}, "no record here has a field '@colour'.*@id, @kind"),
        ({"$or": "f"}, r"\$or takes a list of filters, not 'f'"),
        ({"$and": []}, r"\$and takes a list of filters"),
        ({"$not": 3}, "a filter is a mapping of fields to values, not 3"),
        ({"f": {"$in": "abc"}}, r"\$in on 'f' takes a list of values"),
        ({"f": {"$exists": 1}}, r"\$exists on 'f' takes true or false"),
        ({"f": {"$lt": None}}, "is compared with a number or a text"),
        ({"f": {"$gt": [1]}}, "is compared with a number or a text"),
        ({"f": object()}, "is compared with a number or a text"),
        ({"@created": "yesterday"}, "@created is a time such as 2026-02-24T18:00, not 'yesterday'"),
        ({"@event_time": 3}, "@event_time is compared with a time"),
    ],
)
def test_filters_that_cannot_be_are_told(view, where, told):
    with pytest.raises(UsageError, match=told):
        view.nearest(SPACE, np.ones(4, np.float32), 3, where)
    with pytest.raises(UsageError, match=told):
        view.matching("word", 3, where)


def test_a_filter_cannot_be_nested_without_end(view):
    where: dict = {"f": 1}
    for _ in range(5000):
        where = {"$not": where}
    with pytest.raises(UsageError, match="nested at most 32 deep"):
        view.ids(where)


def test_names_of_fields_are_no_sql(view):
    name = "x') OR 1=1 --"
    view.put([Record("evil", text="t", meta={name: 1, "@type": "Person", "a[]": 5})], {})
    assert view.ids({name: 1}) == ["evil"]
    assert view.ids({name: {"$ne": 1}, "@id": "evil"}) == []
    assert view.ids({"@type": "Person"}) == ["evil"]
    view.delete(["evil"])


def test_a_filter_on_an_empty_namespace_finds_nothing(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as memory:
        assert memory.bind().nearest(SPACE, np.ones(4, np.float32), 3, {"any": 1}) == []
        memory.bind().put([Record("a", text="t")], {})
        memory.bind().delete(["a"])
        memory.compact()
        assert memory.bind().ids({"any": 1}) == []
