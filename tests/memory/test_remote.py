"""Memories in LanceDB and Qdrant, held against LangChain's suite and a memory in a folder."""

import sys
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from omni import plugins
from omni.errors import MissingExtra, OmniError, StoreError, Unsupported, UsageError
from omni.media import Media
from omni.memory.access import AccessDenied, Right
from omni.memory.contracts import Space
from omni.memory.record import Provenance, Query, Record
from omni.memory.retrieve.search import Searcher

from .doubles import Digests

open_memory = plugins.load("memory", "opening")
OmniVectorStore = plugins.load("memory", "vector_store")

ENGINES = {"lance": "lancedb", "qdrant": "qdrant_client"}
SPACE = Space("text", 8, "model-1")
SPACES = (
    SPACE,
    Space("dot", 3, "model-1", "dot"),
    Space("far", 3, "model-1", "l2"),
    Space("many", 4, "model-1", multi=True),
)


def opened(engine, folder):
    pytest.importorskip(ENGINES[engine], reason=f"pip install omni-agent[{engine}]")
    return open_memory(f"{engine}://{folder}")


@pytest.fixture(params=ENGINES)
def memory(request, tmp_path):
    with opened(request.param, tmp_path / request.param) as memory:
        yield memory


@pytest.fixture
def view(memory):
    return memory.bind()


class TestLance(VectorStoreIntegrationTests):
    engine = "lance"

    @pytest.fixture()
    def vectorstore(self, tmp_path) -> Generator:  # type: ignore[override]
        with opened(self.engine, tmp_path / "m") as memory:
            yield OmniVectorStore(memory.bind(), self.get_embeddings())


class TestQdrant(TestLance):
    engine = "qdrant"


def records():
    """Records with fields of every kind, among them names and texts that look like code."""
    rng = np.random.default_rng(0)
    odd = ["", "it's", 'a "b"', "x' OR 'a' = 'a", "ünï 漢字", "%_", "a\\b", "\x00nul"]
    found = []
    for n in range(40):
        meta = {
            "n": n - 5,
            "half": n / 2,
            "flag": n % 2 == 0,
            "name": odd[n % len(odd)],
            "nested": {"deep": {"x": n % 3}, "list": [n % 4, n % 5, f"t{n % 3}"]},
            "it's [odd].key": n % 3,
        }
        if n % 4 == 0:
            meta["nothing"] = None
        if n % 5 == 0:
            meta["tags"] = [odd[n % 3], "x", 1.5]
        if n % 7 == 0:
            meta["empty"] = {}
        record = Record(
            f"id-{n}",
            text=f"word{n % 6} about thing{n} " + "the same words " * (n % 3),
            title=f"title{n % 8}",
            kind=("fact", "note", "document")[n % 3],
            meta=meta,
            provenance=Provenance(f"file{n % 4}.pdf", page=1 + n % 6) if n % 2 else None,
            event_time=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n) if n % 3 else None,
        )
        found.append(record)
    vectors = {
        space: [
            None
            if rng.random() < 0.2
            else rng.standard_normal((3, space.width) if space.multi else space.width).astype("f")
            for _ in found
        ]
        for space in SPACES
    }
    return found, vectors


FILTERS = (
    {"n": 3},
    {"n": 3.0},
    {"n": {"$gt": 10, "$lte": 20}},
    {"n": {"$lt": 0}},
    {"half": {"$in": [0.5, 2, 7.5]}},
    {"flag": True},
    {"flag": 1},
    {"flag": {"$ne": True}},
    {"name": "it's"},
    {"name": "x' OR 'a' = 'a"},
    {"name": {"$nin": ["it's", "ünï 漢字", ""]}},
    {"name": {"$gt": "a"}},
    {"name": {"$lte": "it's"}},
    {"name": {"$contains": "'"}},
    {"nested.deep.x": 2},
    {"nested": {"deep": {"x": 1}}},
    {"nested.list": 3},
    {"nested.list": {"$gte": 4}},
    {"nested.list": {"$contains": "t1"}},
    {"nested.list": [0, 0, "t0"]},
    {"nested": {"$exists": True}},
    {"it's [odd].key": {"$lt": 2}},
    {"nothing": None},
    {"nothing": {"$exists": True}},
    {"tags": {"$exists": False}},
    {"tags": "x"},
    {"tags": {"$contains": "x"}},
    {"tags": None},
    {"empty": {}},
    {"@kind": {"$in": ["fact", "note"]}},
    {"@modality": "text"},
    {"@source": "file1.pdf"},
    {"@source": {"$contains": "1.p"}},
    {"@page": {"$gte": 4}},
    {"@id": {"$in": ["id-1", "id-2", "none"]}},
    {"@id": {"$gt": "id-3"}},
    {"@event_time": {"$lt": "2026-01-20"}},
    {"@event_time": None},
    {"@created": {"$gt": "2020-01-01"}},
    {"$or": [{"n": 1}, {"flag": True, "n": {"$lt": 5}}]},
    {"$not": {"$or": [{"name": {"$contains": "a"}}, {"n": {"$gt": 20}}]}},
    {"n": {"$in": []}},
)


@pytest.fixture
def pair(memory, tmp_path):
    """The memory, and one in a folder that was given the same."""
    with open_memory(tmp_path / "reference", background=False) as reference:
        views = memory.bind(), reference.bind()
        for one in views:
            given, vectors = records()
            one.put(given, vectors)
            one.put([replace(given[3], text="replaced"), Record("new", text="new")], {})
            one.delete(["id-4", "id-5", "none"])
            old = datetime(2020, 1, 1, tzinfo=UTC)
            one.put([replace(given[6], expires=old), replace(given[7], expires=None)], {})
        yield views


def test_it_finds_and_keeps_what_a_memory_in_a_folder_does(pair):
    """Records, filters of every kind, and neighbours in every kind of space, compared."""
    ours, reference = pair
    everything = reference.ids()
    assert ours.ids() == everything
    assert len(ours) == len(reference) == 38
    assert ours.get(everything) == reference.get(everything)
    assert ours.ids(limit=3, after="id-2") == reference.ids(limit=3, after="id-2")
    for where in FILTERS:
        assert ours.ids(where) == reference.ids(where), where
    assert [one.name for one in ours.spaces()] == sorted(one.name for one in SPACES)
    for space in SPACES:
        there = (one.vectors(space, everything) for one in pair)
        for a, b in zip(*there, strict=True):
            assert (a is None) == (b is None)
            assert a is None or np.allclose(a, b, atol=1e-3)
        query = np.random.default_rng(1).standard_normal(
            (2, space.width) if space.multi else space.width
        )
        for where in (None, {"flag": True}, {"name": {"$contains": "a"}}):
            for k in (3, 100):
                a = ours.nearest(space, query, k, where)
                b = reference.nearest(space, query, k, where)
                assert [id for id, _ in a] == [id for id, _ in b]
                assert [s for _, s in a] == pytest.approx([s for _, s in b], abs=5e-3)


def test_words_find_what_has_them(pair):
    ours, reference = pair
    for words in ("thing17", "word2 thing8", "title3", "(thing9) AND 'thing10"):
        best = reference.matching(words, 3)
        found = ours.matching(words, 3)
        assert found[0][0] == best[0][0] or found[0][1] == pytest.approx(found[1][1])
        assert {id for id, _ in ours.matching(words, 99)} == {
            id for id, _ in reference.matching(words, 99)
        }
    assert ours.matching("?!", 3) == ours.matching("unheard", 3) == []
    assert {id for id, _ in ours.matching("thing9 thing11", 9, {"n": 6})} == {"id-11"}
    ours.put([Record("cjk", text="東京都の天気")], {})
    assert [id for id, _ in ours.matching("天気", 3)] == ["cjk"]


def test_the_same_cascade_searches_it(memory, tmp_path):
    """Words and vectors, put together: the same answers as over a folder, and cited alike."""
    embedder = Digests("text")
    given = [replace(one, expires=None) for one in records()[0]]
    vectors = {embedder.space: list(embedder.embed([one.text for one in given]))}
    with open_memory(tmp_path / "reference", background=False) as reference:
        found = []
        for one in (memory, reference):
            one.bind().put(given, vectors)
            hits = Searcher(one.bind(), [embedder]).search(Query(given[9].text), 1, {"n": 4}).hits
            found.append([(hit.record, sorted(hit.stages)) for hit in hits])
    assert found[0] == found[1] and found[0][0][0] == given[9]


def test_what_was_written_is_there_after_reopening_and_for_another_namespace_not(tmp_path, memory):
    engine = next(name for name in ENGINES if (tmp_path / name).exists())
    given, vectors = records()
    memory.bind().put(given, vectors)
    other = memory.bind(namespace=("a",))
    assert (len(other), other.spaces(), other.get(["id-1"])) == (0, [], [])
    other.put([Record("id-1", text="another of the same id")], {})
    assert other.delete(["id-2"]) == 0
    memory.compact()
    memory.close()
    with opened(engine, tmp_path / engine) as again:
        assert again.bind().get(["id-1"]) == [given[1]]
        assert [one.text for one in again.bind(namespace=("a",)).get(["id-1"])] == [
            "another of the same id"
        ]
        assert len(again.bind().nearest(SPACE, np.ones(8), 99)) == len(
            [one for one in vectors[SPACE] if one is not None]
        )


def test_nobody_sees_what_was_not_granted(memory):
    """Every way in, for a stranger and for a reader, above, beside and below."""
    ann = memory.bind(namespace=("org", "ann"))
    ann.put([Record("secret", text="secret")], {SPACE: [np.ones(8)]})
    ann.grant("ann", Right.WRITE)
    ann.grant("guest", Right.READ)
    strange = [
        memory.bind(who, where)
        for who, where in (
            ("eve", ("org", "ann")),
            ("ann", ("org",)),
            ("ann", ()),
            ("ann", ("org", "an")),
            ("guest", ("org", "anna")),
        )
    ]
    for view in strange:
        for ask in (
            lambda view=view: view.get(["secret"]),
            lambda view=view: view.nearest(SPACE, np.ones(8), 3),
            lambda view=view: view.nearest_records(SPACE, np.ones(8), 3, {"@id": "secret"}),
            lambda view=view: view.matching("secret", 3),
            lambda view=view: view.vectors(SPACE, ["secret"]),
            lambda view=view: view.ids({"$not": {"n": 1}}),
            lambda view=view: view.spaces(),
            lambda view=view: len(view),
            lambda view=view: view.put([Record("x", text="x")], {}),
            lambda view=view: view.delete(["secret"]),
            lambda view=view: view.grant("eve", Right.READ),
        ):
            with pytest.raises(AccessDenied, match="may not"):
                ask()
    guest = memory.bind("guest", ("org", "ann"))
    assert [one.id for one in guest.get(["secret"])] == ["secret"]
    with pytest.raises(AccessDenied, match="'guest' may not write 'org/ann'"):
        guest.delete(["secret"])
    assert memory.bind("ann", ("org", "ann", "deeper")).ids() == []
    ann.grant("guest", None)
    with pytest.raises(AccessDenied):
        guest.get(["secret"])
    with pytest.raises(UsageError, match="named principal other than 'owner'"):
        ann.grant("owner", Right.READ)


def test_what_it_cannot_do_it_says(view):
    put = {SPACE: [np.ones(8)]}
    view.put([Record("a", text="a")], put)
    for ask in (
        lambda: view.supersede("a", "b"),
        lambda: view.history("a"),
        lambda: view.put_unlike([], {}, space=SPACE),
        lambda: view.twins("a"),
        lambda: view.weights(["a"]),
        lambda: view.erase(["a"]),
        lambda: view.erase_all(),
        lambda: view.get(["a"], as_of=datetime.now(UTC)),
        lambda: view.nearest(SPACE, np.ones(8), 1, as_of=datetime.now(UTC)),
    ):
        with pytest.raises(Unsupported, match=r"does not keep .*: use a memory in a folder"):
            ask()


def test_what_is_wrong_is_refused_and_nothing_is_kept(view):
    bad = [
        ([Record("a", text="x"), Record("a", text="y")], {}, "'a' comes twice"),
        ([Record("a", text="x")], {SPACE: [np.ones(7)]}, r"shape \[7\].*takes \[8\]"),
        ([Record("a", text="x")], {SPACE: [np.full(8, np.nan)]}, "NaN"),
        ([Record("a", text="x")], {SPACE: []}, "1 records were given and 0 vectors"),
        ([Record("a", text="x", meta={"x": {1, 2}})], {}, "does not fit JSON"),
    ]
    for given, vectors, told in bad:
        with pytest.raises(UsageError, match=told):
            view.put(given, vectors)
    assert view.ids() == []
    view.put([Record("a", text="x")], {SPACE: [np.ones(8)]})
    wider = Space("text", 9, "model-1")
    with pytest.raises(UsageError, match="here with width 8"):
        view.nearest(wider, np.ones(9), 3)
    with pytest.raises(UsageError, match="here with width 8"):
        view.put([Record("b", text="x")], {wider: [np.ones(9)]})
    with pytest.raises(UsageError, match="unknown operator"):
        view.ids({"n": {"$near": 1}})
    with pytest.raises(UsageError, match="1 record or more, not 0"):
        view.nearest(SPACE, np.ones(8), 0)
    assert view.put([], {}) == [] and view.get([]) == [] and view.delete([]) == 0


def test_media_lie_in_the_folder_beside_it(view):
    picture = Media.from_bytes(b"px", modality="image", mime="image/png", name="a.png")
    view.put([Record("p", modality="image", media=picture)], {})
    (found,) = view.get(["p"])
    assert (found.media.read(), found.media.name, found.media.mime) == (
        b"px",
        "a.png",
        "image/png",
    )


def test_without_a_folder_media_are_refused(memory):
    memory._media = None
    picture = Media.from_bytes(b"px", modality="image", mime="image/png", name="a.png")
    with pytest.raises(UsageError, match=r"'p' has media.*\?media=/a/folder"):
        memory.bind().put([Record("p", modality="image", media=picture)], {})


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of its lock file
def test_one_process_at_a_time_has_qdrants_local_mode(tmp_path):
    with opened("qdrant", tmp_path / "q"), pytest.raises(StoreError, match="already accessed"):
        opened("qdrant", tmp_path / "q")


def test_lance_shows_what_another_connection_wrote(tmp_path):
    with opened("lance", tmp_path / "l") as one, opened("lance", tmp_path / "l") as two:
        one.bind().put([Record("a", text="first")], {SPACE: [np.ones(8)]})
        assert two.bind().nearest(SPACE, np.ones(8), 1)[0][0] == "a"
        two.bind().put([Record("a", text="second")], {SPACE: [-np.ones(8)]})
        assert one.bind().nearest(SPACE, np.ones(8), 1) == [("a", pytest.approx(-1.0))]
        assert one.bind().matching("first", 3) == []


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("milvus://here", "no memory can be opened at .*known: a folder, lance:///folder"),
        ("lance://", "no address of LanceDB"),
        ("lance://folder/without/slash", "no address of LanceDB"),
        ("lance+ftp://host/x", "no address of LanceDB"),
        ("qdrant://", "no address of Qdrant"),
        ("qdrant+ftp://host/x", "no address of Qdrant"),
        ("qdrant://host/a/b", "no slash in its name"),
        ("lance:///x?password=1", r"takes \?media=/folder and nothing else"),
    ],
)
def test_addresses_that_cannot_be(address, told):
    with pytest.raises(UsageError, match=told):
        open_memory(address)
    with pytest.raises(UsageError, match="only a memory in a folder takes background"):
        open_memory("lance:///x", background=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_missing_package_is_named_with_its_extra(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("omni.extras.available", lambda module: False)
    with pytest.raises(MissingExtra, match=rf"omni-agent\[{engine}\]"):
        open_memory(f"{engine}://{tmp_path}/m")


def test_nobody_at_the_address_is_told_in_a_line(monkeypatch):
    pytest.importorskip("qdrant_client")
    with pytest.raises(OmniError, match=r"Qdrant at http://127\.0\.0\.1:9: ") as told:
        open_memory("qdrant://127.0.0.1:9/x")
    assert "\n" not in str(told.value)
    assert sys.modules["qdrant_client"]
