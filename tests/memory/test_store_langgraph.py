"""The contract of LangGraph's store, with LangGraph's own in memory as the reference."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.embeddings import DeterministicFakeEmbedding
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from omni import plugins
from omni.memory.access import AccessDenied, Right

Memory = plugins.load("memory", "store")
OmniStore = plugins.load("memory", "graph_store")


def index(*fields: str) -> Any:
    return {
        "dims": 16,
        "embed": DeterministicFakeEmbedding(size=16),
        "fields": list(fields) or None,
    }


@pytest.fixture
def memory(tmp_path):
    with Memory.open(tmp_path / "m", durability="normal", background=False) as memory:
        yield memory


@pytest.fixture
def pair(memory):
    return OmniStore(memory.bind(namespace=("app",)), index=index()), InMemoryStore(index=index())


def told(result):
    """What can be compared: everything but the times."""
    if isinstance(result, list):
        return [told(each) for each in result]
    if hasattr(result, "key"):
        score = getattr(result, "score", None)
        near = None if score is None else round(score, 2)
        return result.namespace, result.key, result.value, near
    return result


def both(pair, work):
    a, b = (told(work(store)) for store in pair)
    assert a == b
    return a


def fill(store):
    for n in range(6):
        value = {"text": f"memory {n}", "n": n, "deep": {"k": [n, {"x": n}]}, "even": n % 2 == 0}
        store.put(("users", f"u{n % 2}", "notes"), f"k{n}", value)
    store.put(("docs",), "d", {"text": "a document"}, index=False)
    store.put(("docs",), "fields", {"title": "only this", "n": 10}, index=["title"])


def test_items_are_put_got_and_deleted(pair):
    for store in pair:
        fill(store)
    place = ("users", "u0", "notes")
    assert both(pair, lambda s: s.get(place, "k0"))
    assert both(pair, lambda s: s.get(place, "k1")) is None
    for store in pair:
        first = store.get(place, "k0")
        store.put(place, "k0", {"new": None})
        again = store.get(place, "k0")
        assert again.updated_at > first.updated_at
        assert again.created_at.tzinfo is not None
        store.delete(place, "k2")
        store.delete(place, "never")
        store.delete(("no", "where"), "k")
    assert both(pair, lambda s: s.get(place, "k0"))
    assert both(pair, lambda s: s.get(place, "k2")) is None


SEARCHES = [
    {},
    {"limit": 3},
    {"limit": 3, "offset": 2},
    {"filter": {"even": True}},
    {"filter": {"n": {"$gte": 2, "$lt": 5}}},
    {"filter": {"n": {"$ne": 3}}},
    {"filter": {"n": {"$eq": 3}}},
    {"filter": {"deep": {"k": [2, {"x": 2}]}}},
    {"filter": {"deep": {"k": [2]}}},
    {"filter": {"text": "memory 4", "even": True}},
    {"filter": {"missing": None}},
    {"query": "memory 3"},
    {"query": "memory 3", "limit": 2, "offset": 1},
    {"query": "anything", "filter": {"even": False}},
]


@pytest.mark.parametrize("wanted", SEARCHES, ids=str)
def test_searches_answer_alike(pair, wanted):
    for store in pair:
        fill(store)
    for prefix in [("users",), ("users", "u1"), ("users", "u1", "notes"), ("user",)]:
        both(pair, lambda s, prefix=prefix: s.search(prefix, **wanted))
    if "offset" not in wanted and wanted.get("filter") is None:
        both(
            pair,
            lambda s: s.search((), limit=99, **{k: v for k, v in wanted.items() if k == "query"}),
        )


def test_namespaces_are_listed_alike(pair):
    for store in pair:
        for path in [("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("b",), ("ab", "b", "c")]:
            store.put(path, "k", {"v": 1})
    for wanted in [
        {},
        {"prefix": ("a",)},
        {"prefix": ("a", "*", "c")},
        {"suffix": ("c",)},
        {"suffix": ("b", "*")},
        {"prefix": ("a",), "suffix": ("c",)},
        {"max_depth": 2},
        {"max_depth": 1, "prefix": ("a",)},
        {"limit": 2, "offset": 1},
        {"prefix": ("zzz",)},
    ]:
        both(pair, lambda s, wanted=wanted: s.list_namespaces(**wanted))


def test_a_batch_reads_first_and_writes_last(pair):
    def work(store):
        return store.batch(
            [
                PutOp(("n",), "a", {"v": 1}),
                GetOp(("n",), "a"),
                SearchOp(("n",)),
                PutOp(("n",), "a", {"v": 2}),
                PutOp(("n",), "b", {"v": 3}),
                PutOp(("n",), "b", None),
            ]
        )

    both(pair, work)
    both(pair, lambda s: s.search(("n",)))
    listed = ListNamespacesOp((MatchCondition("prefix", ("n",)),))
    both(pair, lambda s: s.batch([listed, GetOp(("n",), "a")]))


async def test_it_is_asynchronous_too(pair):
    for store in pair:
        await store.aput(("n",), "a", {"text": "one"})
        await store.aput(("n",), "b", {"text": "two"})
        await store.adelete(("n",), "zzz")
    found = [told(await store.asearch(("n",), query="two")) for store in pair]
    assert found[0] == found[1]
    assert told(await pair[0].aget(("n",), "a")) == told(await pair[1].aget(("n",), "a"))
    assert await pair[0].alist_namespaces() == await pair[1].alist_namespaces()


def test_several_texts_of_an_item_count_by_the_best(memory):
    fields = ("title", "parts[*].text")
    pair = OmniStore(memory.bind(), index=index(*fields)), InMemoryStore(index=index(*fields))
    for store in pair:
        store.put(("n",), "a", {"title": "one", "parts": [{"text": "two"}, {"text": "three"}]})
        store.put(("n",), "b", {"title": "four", "parts": []})
        store.put(("n",), "c", {"other": 1})
    for query in ("one", "three", "four", "other"):
        both(pair, lambda s, query=query: s.search(("n",), query=query))


VALUES = st.dictionaries(
    st.sampled_from(["a", "b"]), st.one_of(st.integers(-3, 3), st.text("xyé", max_size=3))
)
PATHS = st.sampled_from([("n",), ("n", "m"), ("o",)])
OPERATIONS = st.lists(
    st.one_of(
        st.builds(
            lambda path, key, value: PutOp(path, key, value),
            PATHS,
            st.sampled_from("klm"),
            st.one_of(st.none(), VALUES),
        ),
        st.builds(
            lambda path, limit, offset: SearchOp(path, None, limit, offset),
            PATHS,
            st.integers(1, 4),
            st.integers(0, 2),
        ),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(OPERATIONS)
def test_any_operations_answer_alike(tmp_path_factory, operations):
    root = tmp_path_factory.mktemp("m")
    with Memory.open(root, durability="normal", background=False) as memory:
        pair = OmniStore(memory.bind()), InMemoryStore()
        for store in pair:
            for path in [("n",), ("n", "m"), ("o",)]:  # both list namespaces as they came
                store.put(path, "first", {"a": 0})
        for operation in operations:
            both(pair, lambda s, operation=operation: s.batch([operation]))
        both(pair, lambda s: s.search((), limit=99))


def test_time_to_live_and_what_cannot_be(memory):
    store = OmniStore(memory.bind())
    store.put(("n",), "short", {"v": 1}, ttl=1e-6)
    store.put(("n",), "long", {"v": 1}, ttl=5)
    assert [item.key for item in store.search(("n",))] == ["long"]
    assert store.get(("n",), "short") is None
    assert store.search(("n",), query="without an index")[0].score is None
    for namespace in [(), ("a.b",), ("",), ("langgraph",)]:
        with pytest.raises(InvalidNamespaceError):
            store.put(namespace, "k", {"v": 1})
    with pytest.raises(InvalidNamespaceError):
        store.batch([PutOp(("a.b",), "k", {"v": 1})])


def test_nobody_reaches_beyond_the_namespace_of_the_view(memory):
    mine = OmniStore(memory.bind(namespace=("mine",)))
    mine.put(("n",), "k", {"v": 1})
    theirs = OmniStore(memory.bind(namespace=("theirs",)))
    assert theirs.search(()) == [] and theirs.list_namespaces() == []
    assert theirs.get(("n",), "k") is None
    stranger = OmniStore(memory.bind("mallory", ("mine",)))
    for work in (
        lambda: stranger.get(("n",), "k"),
        lambda: stranger.search(()),
        lambda: stranger.search(("n",)),
        lambda: stranger.put(("n",), "k", {"v": 2}),
        lambda: stranger.delete(("n",), "k"),
        lambda: stranger.list_namespaces(),
    ):
        with pytest.raises(AccessDenied):
            work()
    memory.bind(namespace=("mine",)).grant("mallory", Right.READ)
    assert stranger.get(("n",), "k").value == {"v": 1}
