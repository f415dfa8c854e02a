import json
import math
import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni import plugins
from omni.errors import StoreError, UsageError
from omni.media import Media
from omni.memory.connection import refuse_network
from omni.memory.contracts import Space
from omni.memory.record import Provenance, Record
from omni.memory.schema import MIGRATIONS, migrate
from omni.memory.sealing import Sealing

Memory = plugins.load("memory", "store")
SPACE = Space("text", 8, "model-1")
SMALL = Sealing(tail=64, graph_from=400, probes=32, links=16, care=60)
TINY = Sealing(tail=4)


def unit(count, width=8, seed=0):
    found = np.random.default_rng(seed).standard_normal((count, width), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def picture(data: bytes = b"pixels") -> Media:
    return Media.from_bytes(data, modality="image", mime="image/png", name="a.png")


@pytest.fixture
def memory(tmp_path):
    with Memory.open(tmp_path / "memory", sealing=SMALL, background=False) as memory:
        yield memory
        assert memory.damage == []


@pytest.fixture
def view(memory):
    return memory.bind()


def fill(view, count, seed=0, **meta):
    vectors = unit(count, seed=seed)
    records = [
        Record(f"{seed}-{n}", text=f"record {n}", meta={"n": n, **meta}) for n in range(count)
    ]
    view.put(records, {SPACE: list(vectors)})
    return vectors


def test_a_record_comes_back_as_it_was(memory, view):
    moment = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    record = Record(
        "r",
        text="What it says — ünïcødé 漢字",
        modality="image",
        media=picture(),
        title="A title",
        kind="fact",
        meta={"n": 1, "nested": {"list": [1, "two", None, True], "empty": {}}, "x": 1.5},
        provenance=Provenance(
            "a/b.pdf", page=3, box=(0.1, 0.2, 0.3, 0.4), chars=(0, 9), seconds=(0.5, 1.5)
        ),
        event_time=moment,
        importance=2.5,
        expires=datetime.now(UTC) + timedelta(days=1),
    )
    view.put([record], {SPACE: [unit(1)[0]]})
    (found,) = view.get(["r"])
    assert replace(found, media=None) == replace(record, media=None)
    assert found.media.read() == b"pixels"
    assert (found.media.mime, found.media.name) == ("image/png", "a.png")
    again = Memory.open(memory.root, background=False)
    assert again.bind().get(["r"]) == [found]
    again.close()


def test_nearest_and_matching_agree_with_looking_at_everything(memory, view):
    vectors = fill(view, 300)
    for round in range(3):
        query = unit(1, seed=99)[0]
        wanted = [f"0-{n}" for n in np.argsort(-(vectors @ query), kind="stable")[:10]]
        found = view.nearest(SPACE, query, 10)
        assert [id for id, _ in found] == wanted
        assert [s for _, s in found] == pytest.approx(np.sort(vectors @ query)[::-1][:10], abs=1e-5)
        if round == 0:
            memory.seal()
        if round == 1:
            fill(view, 30, seed=1)
            view.delete([f"1-{n}" for n in range(30)])
    assert [id for id, _ in view.matching("record 7", 1)] == ["0-7"]


def test_a_record_is_replaced_and_deleted(view):
    vectors = unit(2)
    view.put([Record("a", text="old words")], {SPACE: [vectors[0]]})
    view.put([Record("a", text="new words")], {SPACE: [vectors[1]]})
    assert [record.text for record in view.get(["a", "b", "a"])] == ["new words", "new words"]
    assert view.matching("old", 5) == []
    assert [id for id, _ in view.nearest(SPACE, vectors[0], 5)] == ["a"]
    assert np.allclose(view.vectors(SPACE, ["a", "b"])[0], vectors[1])
    assert view.vectors(SPACE, ["b"]) == [None]
    assert view.delete(["a", "b"]) == 1
    assert view.delete(["a"]) == 0
    assert (view.get(["a"]), view.nearest(SPACE, vectors[0], 5), len(view)) == ([], [], 0)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_metrics_mean_the_same_sealed_and_not(memory, view, metric):
    space = Space("s", 8, "m", metric=metric)
    vectors = 3 * np.random.default_rng(0).standard_normal((500, 8)).astype(np.float32)
    view.put([Record(str(n), text="t") for n in range(500)], {space: list(vectors)})
    query = np.random.default_rng(1).standard_normal(8).astype(np.float32)
    if metric == "cosine":
        truth = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    else:
        truth = vectors @ query if metric == "dot" else -((vectors - query) ** 2).sum(1)
    wanted = [str(n) for n in np.argsort(-truth)[:5]]
    for _ in range(2):
        found = view.nearest(space, query, 5, exact=True)
        assert [id for id, _ in found] == wanted
        assert [score for _, score in found] == pytest.approx(np.sort(truth)[::-1][:5], rel=1e-4)
        memory.seal()


def test_several_vectors_an_item_are_compared_late(view):
    space = Space("pages", 4, "m", multi=True)
    pages = [unit(count, 4, seed=count) for count in (1, 3, 5)]
    view.put([Record(str(n), text="t") for n in range(3)], {space: pages})
    query = unit(2, 4, seed=9)
    truth = [sum((query @ page.T).max(axis=1)) for page in pages]
    found = view.nearest(space, query, 2)
    assert [id for id, _ in found] == [str(n) for n in np.argsort(truth)[::-1][:2]]
    assert [score for _, score in found] == pytest.approx(sorted(truth)[::-1][:2], abs=2e-3)
    assert np.allclose(view.vectors(space, ["1"])[0], pages[1], atol=1e-3)


def test_spaces_of_different_models_never_mix(view):
    other = Space("text", 8, "model-2")
    query = unit(1)[0]
    view.put([Record("a", text="t")], {SPACE: [query], other: [None]})
    view.put([Record("b", text="t")], {other: [query]})
    assert [id for id, _ in view.nearest(SPACE, query, 5)] == ["a"]
    assert [id for id, _ in view.nearest(other, query, 5)] == ["b"]
    assert view.nearest(Space("text", 8, "model-3"), query, 5) == []
    assert {space.digest for space in view.spaces()} == {"model-1", "model-2"}


@pytest.mark.parametrize(
    ("vector", "told"),
    [
        (np.ones(7, np.float32), r"vector of 'b' has the shape \[7\].*takes \[8\]"),
        (np.ones((2, 8), np.float32), r"has the shape \[2, 8\]"),
        (np.full(8, np.nan, np.float32), "vector of 'b'.*holds a NaN or an infinity"),
        (np.full(8, np.inf, np.float32), "holds a NaN or an infinity"),
    ],
)
def test_vectors_that_cannot_be_are_refused_and_nothing_is_kept(view, vector, told):
    good = unit(1)[0]
    records = [Record("a", text="t"), Record("b", text="t")]
    with pytest.raises(UsageError, match=told):
        view.put(records, {SPACE: [good, vector]})
    with pytest.raises(UsageError, match=r"NaN|shape"):
        view.nearest(SPACE, vector, 3)
    assert len(view) == 0


def test_what_else_cannot_be_put_is_told(view):
    one = Record("a", text="t")
    with pytest.raises(UsageError, match="id 'a' comes twice in one call"):
        view.put([one, replace(one, text="u")], {})
    with pytest.raises(UsageError, match="1 records were given and 2 vectors"):
        view.put([one], {SPACE: list(unit(2))})
    with pytest.raises(UsageError, match="meta of 'a' does not fit JSON"):
        view.put([replace(one, meta={"when": datetime(2026, 1, 1)})], {})
    with pytest.raises(UsageError, match="meta of 'a' does not fit JSON"):
        view.put([replace(one, meta={"x": math.nan})], {})
    with pytest.raises(UsageError, match="half a character"):
        view.put([replace(one, text="\ud800")], {})
    with pytest.raises(UsageError, match="1 record or more, not 0"):
        view.nearest(SPACE, unit(1)[0], 0)
    view.put([one], {SPACE: list(unit(1))})
    wider = replace(SPACE, width=9)
    with pytest.raises(UsageError, match=r"with width 8 .* not 9"):
        view.put([one], {wider: list(unit(1, 9))})
    with pytest.raises(UsageError, match="vectors of width 8, not 9"):
        view.nearest(wider, unit(1, 9)[0], 3)
    assert view.get(["a"]) == [one]


def test_a_vector_without_direction_is_like_nothing(view):
    view.put([Record("a", text="t")], {SPACE: [np.zeros(8, np.float32)]})
    assert view.nearest(SPACE, unit(1)[0], 1) == [("a", 0.0)]


def test_what_has_expired_is_seen_no_more(memory, view):
    soon = datetime.now(UTC) + timedelta(seconds=0.4)
    vectors = unit(2)
    view.put([Record("a", text="word", expires=soon), Record("b", text="word")], {SPACE: vectors})
    memory.seal()
    assert len(view.nearest(SPACE, vectors[0], 5)) == len(view) == 2
    threading.Event().wait(0.5)
    assert [id for id, _ in view.nearest(SPACE, vectors[0], 5)] == ["b"]
    assert [id for id, _ in view.matching("word", 5)] == ["b"]
    assert ([r.id for r in view.get(["a", "b"])], len(view), view.ids()) == (["b"], 1, ["b"])
    assert memory.compact().expired == 1


def test_media_are_kept_once_and_go_with_the_last_record(memory, view):
    view.put([Record("a", media=picture()), Record("b", media=picture())], {})
    digest = picture().digest
    view.delete(["a"])
    assert memory.compact().media == 0
    assert view.get(["b"])[0].media.read() == b"pixels"
    view.delete(["b"])
    assert memory.compact().media == 1
    assert list(memory.parts.blobs.digests()) == []
    assert digest not in memory.parts.blobs.digests()


def test_languages_without_spaces_are_found_by_their_words(view):
    texts = {
        "ja": "東京都の検索拡張生成について",
        "th": "การค้นหาข้อมูลในเอกสาร",
        "de": "Über Straßen",
    }
    view.put([Record(id, text=text) for id, text in texts.items()], {})
    for words, id in [("検索", "ja"), ("ค้นหา", "th"), ("uber", "de"), ("STRASSEN über", "de")]:
        assert [found for found, _ in view.matching(words, 3)] == [id], words
    assert view.matching('") OR title:* -- ', 3) == []
    assert view.matching("  ", 3) == []


def test_titles_weigh_more_and_common_words_less(view):
    view.put([Record(f"n{n}", text="common text") for n in range(300)], {})
    view.put([Record("body", text="rare common"), Record("title", text="x", title="rare")], {})
    assert [id for id, _ in view.matching("the rare common", 2)] == ["title", "body"]


def test_a_disk_that_is_full_keeps_nothing_of_the_write(memory, view):
    fill(view, 20)
    writer = memory.parts.catalog._writer
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(StoreError, match=r"no room left for .*nothing of this write was kept"):
        fill(view, 2000, seed=5)
    assert len(view) == 20
    writer.execute("PRAGMA max_page_count = 1000000")
    fill(view, 10, seed=6)
    assert len(view) == 30


def test_a_newer_or_foreign_catalogue_is_refused(tmp_path):
    Memory.open(tmp_path / "m", background=False).close()
    with sqlite3.connect(tmp_path / "m" / "catalog.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match=r"written by a newer Omni.*version 99.*pip install -U"):
        Memory.open(tmp_path / "m", background=False)
    (tmp_path / "f").mkdir()
    with sqlite3.connect(tmp_path / "f" / "catalog.db") as db:
        db.execute("CREATE TABLE t(x)")
    db.close()
    with pytest.raises(StoreError, match="SQLite file of another program"):
        Memory.open(tmp_path / "f", background=False)
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "catalog.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="is damaged"):
        Memory.open(tmp_path / "g", background=False)


def test_migrations_run_once_each_and_keep_what_is_there(tmp_path):
    db = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    migrate(db, "x")
    db.execute("INSERT INTO namespace(path) VALUES ('here')")
    steps = [*MIGRATIONS, "ALTER TABLE namespace ADD COLUMN note TEXT;\nCREATE TABLE extra(x)"]
    migrate(db, "x", steps)
    migrate(db, "x", steps)
    assert db.execute("SELECT path, note FROM namespace").fetchall() == [("here", None)]
    broken = [*steps, "CREATE TABLE fine(x);\nCREATE TABLE extra(x)"]
    with pytest.raises(sqlite3.Error):
        migrate(db, "x", broken)
    assert db.execute("PRAGMA user_version").fetchone() == (len(steps),)
    assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'fine'").fetchone()
    db.close()


def test_network_file_systems_are_refused_by_name(tmp_path):
    here = str(tmp_path.resolve())
    local = "/dev/vda / ext4 rw 0 0\n"
    refuse_network(tmp_path, local)
    refuse_network(tmp_path, f"{local}host:/x {here}-other nfs4 rw 0 0\n")
    refuse_network(tmp_path, f"host:/x /{here.split('/')[1]} nfs rw 0 0\ntmpfs {here} tmpfs rw 0 0")
    for kind in ("nfs4", "cifs", "fuse.sshfs"):
        with pytest.raises(StoreError, match=rf"network file system \({kind} at .*local folder"):
            refuse_network(tmp_path / "m", f"{local}host:/x {here} {kind} rw 0 0\n")


def test_a_closed_memory_says_so(tmp_path):
    memory = Memory.open(tmp_path / "m")
    view = memory.bind()
    memory.close()
    with pytest.raises(StoreError, match="is closed: open it again"):
        view.get(["a"])
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot make the folder"):
        Memory.open(tmp_path / "file" / "m")


def test_threads_write_and_read_together(view):
    errors = []

    def work(seed):
        try:
            for n in range(5):
                vectors = unit(4, seed=seed)
                records = [Record(f"{seed}-{n}-{i}", text="word") for i in range(4)]
                view.put(records, {SPACE: vectors})
                assert f"{seed}-{n}-0" in [id for id, _ in view.nearest(SPACE, vectors[0], 100)]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(view) == 80


def test_sealing_in_the_background_changes_no_answer(tmp_path):
    plan = replace(SMALL, tail=128)
    with Memory.open(tmp_path / "m", sealing=plan) as memory:
        view = memory.bind()
        vectors = fill(view, 600)
        wanted = view.nearest(SPACE, vectors[5], 10, exact=True)
        memory.parts.sealer._thread.join(20)
        with memory.parts.catalog.reading() as db:
            kinds = db.execute("SELECT kind, rows FROM segment").fetchall()
        assert kinds == [("graph", 600)]
        assert memory.parts.sealer.failure is None
        assert memory.damage == []
        found = view.nearest(SPACE, vectors[5], 10, exact=True)
        assert [id for id, _ in found] == [id for id, _ in wanted]


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_it_does_what_a_dictionary_does(tmp_path_factory, data):
    """Any sequence of puts, deletes, sealings, compactions and reopenings."""
    root = tmp_path_factory.mktemp("m")
    memory = Memory.open(root, durability="normal", sealing=TINY, background=False)
    truth: dict[str, tuple[str, np.ndarray]] = {}
    vectors = unit(64, seed=3)
    ids = st.sampled_from([f"id{n}" for n in range(12)])
    for step in range(data.draw(st.integers(3, 14))):
        what = data.draw(st.sampled_from(["put", "put", "delete", "seal", "compact", "reopen"]))
        view = memory.bind()
        if what == "put":
            some = data.draw(st.lists(ids, unique=True, min_size=1, max_size=5))
            new = {id: (f"text {step} {id}", vectors[data.draw(st.integers(0, 63))]) for id in some}
            view.put(
                [Record(id, text=new[id][0]) for id in some], {SPACE: [new[i][1] for i in some]}
            )
            truth |= new
        elif what == "delete":
            some = data.draw(st.lists(ids, unique=True, max_size=5))
            assert view.delete(some) == len(truth.keys() & set(some))
            truth = {id: each for id, each in truth.items() if id not in some}
        elif what == "seal":
            memory.seal()
        elif what == "compact":
            memory.compact()
        else:
            memory.close()
            memory = Memory.open(root, durability="normal", sealing=TINY, background=False)
        view = memory.bind()
        assert len(view) == len(truth)
        assert view.ids() == sorted(truth)
        assert {r.id: r.text for r in view.get(list(truth))} == {
            i: t for i, (t, _) in truth.items()
        }
        found = view.nearest(SPACE, vectors[0], 20)
        assert {id for id, _ in found} == set(truth)
        for id, score in found:
            assert score == pytest.approx(float(truth[id][1] @ vectors[0]), abs=1e-5)
    assert memory.verify() == memory.damage == []
    memory.close()


def test_records_are_json_in_the_catalogue_and_never_pickles(memory, view):
    view.put([Record("a", text="t", meta={"k": [1]})], {})
    with memory.parts.catalog.reading() as db:
        assert json.loads(db.execute("SELECT meta FROM body").fetchone()[0]) == {"k": [1]}
