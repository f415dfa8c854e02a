"""What was erased is nowhere; what was damaged is found and made anew."""

import contextlib
import random
import shutil

import numpy as np
import pytest

from omni import plugins
from omni.media import Media
from omni.memory.contracts import Space
from omni.memory.record import Provenance, Record
from omni.memory.sealing import Sealing

Memory = plugins.load("memory", "store")
SPACE = Space("text", 16, "m")
PAGES = Space("pages", 4, "m", multi=True)
PLAN = Sealing(graph_from=300, probes=32, links=8, care=40)
CANARY = "zyxcanaryzyx"


def vectors(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 16)).astype(np.float32)


def canary(id):
    media = Media.from_bytes(
        f"{CANARY} media {id}".encode(), modality="image", mime="image/png", name=f"{CANARY}.png"
    )
    return Record(
        id,
        text=f"before {CANARY} after",
        title=CANARY,
        media=media,
        meta={CANARY: [CANARY, 1], "deep": {"k": CANARY}},
        provenance=Provenance(f"/home/{CANARY}.pdf", page=2),
    )


def traces(root, *needles: bytes):
    """Files under a folder that hold one of these, by content or by name."""
    found = []
    for path in root.rglob("*"):
        if path.is_file():
            content = path.read_bytes() + str(path.relative_to(root)).encode()
            found += [path.name for needle in needles if needle in content]
    return found


@pytest.fixture
def memory(tmp_path):
    with Memory.open(tmp_path / "m", sealing=PLAN, background=False) as memory:
        yield memory
        assert memory.damage == []


def filled(memory, count=400):
    view = memory.bind()
    given = vectors(count)
    plain = [
        Record(str(n), text=f"text {n} {n * 7919 % 1000}", meta={"n": n}) for n in range(count)
    ]
    view.put(plain, {SPACE: list(given)})
    return view, given


@pytest.mark.parametrize("sealed", ["tail", "flat", "graph"])
def test_no_byte_of_what_was_erased_is_left(memory, sealed):
    view, given = filled(memory, 200 if sealed == "flat" else 400)
    marked = 5 + vectors(3, seed=7)
    pages = marked.reshape(3, 4, 4)
    ids = [f"{CANARY}-{n}" for n in range(3)]
    view.put([canary(id) for id in ids], {SPACE: list(marked), PAGES: list(pages)})
    view.put([canary(ids[0])], {SPACE: [marked[0]]})  # replaced: the old row is still on disk
    view.delete([ids[1]])
    if sealed != "tail":
        memory.seal()
    unit = marked / np.linalg.norm(marked, axis=1, keepdims=True)
    needles = (CANARY.encode(), unit[0].tobytes(), unit[2].tobytes())
    assert traces(memory.root, *needles)
    assert view.erase(ids) == 4
    assert traces(memory.root, *needles) == []
    assert view.matching(CANARY, 5) == view.get(ids) == []
    before = given / np.linalg.norm(given, axis=1, keepdims=True)
    found = view.nearest(SPACE, given[3], 10)
    assert {int(id) for id, _ in found} == set(np.argsort(-(before @ before[3]))[:10].tolist())
    assert memory.verify() == []
    if sealed == "graph":
        with memory.parts.catalog.reading() as db:
            assert db.execute("SELECT kind FROM segment").fetchall() == [("graph",)]


def test_erasing_leaves_what_others_hold(memory):
    ours, theirs = memory.bind(namespace=("a",)), memory.bind(namespace=("b",))
    for view in (ours, theirs):
        view.put([canary("x"), Record("y", text="kept")], {SPACE: list(vectors(2))})
    assert ours.erase(["x", "nothing"]) == 1
    (kept,) = theirs.get(["x"])
    assert kept.media is not None and CANARY.encode() in kept.media.read()
    assert [record.text for record in ours.get(["x", "y"])] == ["kept"]
    assert theirs.erase_all() == 2
    assert traces(memory.root, CANARY.encode()) == []
    assert len(ours) == 1


def test_compaction_takes_out_what_is_dead_and_changes_no_answer(memory):
    view, given = filled(memory)
    memory.seal()
    view.delete([str(n) for n in range(0, 400, 2)])
    wanted = view.nearest(SPACE, given[1], 20, exact=True)
    assert len(wanted) == 20 and all(int(id) % 2 for id, _ in wanted)
    done = memory.compact()
    assert (done.rows, done.segments) == (200, 1)
    assert done.freed > 0
    assert [id for id, _ in view.nearest(SPACE, given[1], 20, exact=True)] == [i for i, _ in wanted]
    assert memory.compact().rows == 0
    with memory.parts.catalog.reading() as db:
        assert db.execute("SELECT rows FROM segment").fetchall() == [(200,)]
        assert db.execute("SELECT count(*) FROM change").fetchone() == (0,)


def test_a_reader_that_slept_through_a_compaction_starts_over(memory):
    view, given = filled(memory)
    with Memory.open(memory.root, background=False) as other:
        assert len(other.bind().nearest(SPACE, given[0], 400)) == 400
        view.delete([str(n) for n in range(10)])
        memory.compact()
        view.put([Record("new", text="t")], {SPACE: [given[0]]})
        found = {id for id, _ in other.bind().nearest(SPACE, given[0], 1000)}
        assert found == {"new", *(str(n) for n in range(10, 400))}


@pytest.mark.parametrize("kind", ["flat", "graph"])
@pytest.mark.parametrize("harm", ["flip", "cut", "grow", "empty", "gone", "swap"])
def test_a_derived_file_that_was_harmed_is_found_and_made_anew(tmp_path, kind, harm):
    with Memory.open(tmp_path / "m", sealing=PLAN, background=False) as memory:
        view, given = filled(memory, 400 if kind == "graph" else 200)
        memory.seal()
        wanted = view.nearest(SPACE, given[1], 10, exact=True)
    (path,) = (tmp_path / "m" / "segments").iterdir()
    data = bytearray(path.read_bytes())
    place = random.Random(f"{kind}{harm}").randrange(len(data))
    if harm == "flip":
        data[place] ^= 1 << (place % 8)
    elif harm == "swap":
        data = bytearray(b"IxFI" + bytes(len(data) - 4))
    else:
        data = {"cut": data[:place], "grow": data + b"\0", "empty": b"", "gone": b""}[harm]
    path.write_bytes(data)
    if harm == "gone":
        path.unlink()
    with Memory.open(tmp_path / "m", sealing=PLAN, background=False) as memory:
        view = memory.bind()
        found = view.nearest(SPACE, given[1], 10, exact=True)
        assert [id for id, _ in found] == [id for id, _ in wanted]
        assert len(memory.damage) == 1 and path.name in memory.damage[0]
        assert memory.seal() == 1
        assert memory.verify() == []
        again = view.nearest(SPACE, given[1], 10, exact=True)
        assert [id for id, _ in again] == [id for id, _ in wanted]
        (new,) = (tmp_path / "m" / "segments").iterdir()
        assert new.name != path.name


def test_verify_names_what_is_wrong_and_mends_what_it_can(memory):
    view, given = filled(memory, 50)
    view.put([canary("c")], {SPACE: [given[0]]})
    memory.seal()
    assert memory.verify() == []
    (segment,) = memory.parts.segments.iterdir()
    segment.write_bytes(b"x")
    blob = memory.parts.blobs.path(next(iter(memory.parts.blobs.digests())))
    blob.write_bytes(b"y")
    with memory.parts.catalog.writing() as db:
        db.execute("DELETE FROM words_docsize WHERE id < 10")
        db.execute("INSERT INTO vector_1 VALUES (99999, x'00')")
    seen = memory.verify(repair=False)
    assert [(p.part, p.mended) for p in seen] == [
        ("words", False),
        ("vectors", False),
        ("vectors", False),
        ("segment", False),
        ("media", False),
    ]
    assert "9 rows" in seen[0].told or "instead of 51" in seen[0].told
    mended = {(p.part, p.mended) for p in memory.verify()}
    assert mended >= {("words", True), ("vectors", True), ("segment", True), ("media", False)}
    assert [p.part for p in memory.verify()] == ["media"]
    assert [id for id, _ in view.matching("text 3", 1)] == ["3"]
    assert [id for id, _ in view.nearest(SPACE, given[3], 1)] == ["3"]


def test_a_damaged_catalogue_is_told_and_never_served_as_if_whole(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as memory:
        filled(memory, 300)
        memory.compact()
    whole = (tmp_path / "m" / "catalog.db").read_bytes()
    rng = random.Random(0)
    told = 0
    for round in range(12):
        harmed = bytearray(whole)
        for _ in range(200):
            harmed[rng.randrange(4096, len(harmed))] = rng.randrange(256)
        root = tmp_path / f"r{round}"
        root.mkdir()
        (root / "catalog.db").write_bytes(harmed)
        try:
            with Memory.open(root, background=False) as memory:
                told += any(problem.part == "catalog" for problem in memory.verify())
        except Exception as error:
            assert "damaged" in str(error) or "cannot use" in str(error)
            told += 1
        shutil.rmtree(root)
    assert told == 12


def test_a_killed_sealing_leaves_nothing_behind(memory, monkeypatch):
    view, given = filled(memory, 50)
    folder = memory.parts.segments
    folder.mkdir(exist_ok=True)
    (folder / "dead.incoming").write_bytes(b"half")
    (folder / "dead.faiss").write_bytes(b"whole but unknown")
    memory.seal()
    assert [path.stem for path in folder.iterdir()] != []
    assert not [path for path in folder.iterdir() if path.stem == "dead"]
    import os

    def full(*_):
        raise OSError(28, "No space left on device")

    view.put([Record("new", text="t")], {SPACE: [given[0]]})
    monkeypatch.setattr(os, "replace", full)
    with contextlib.suppress(Exception):
        memory.seal()
    monkeypatch.undo()
    assert not list(folder.glob("*.incoming"))
    assert view.nearest(SPACE, given[0], 2)[1][0] in {"new", "0"}


def test_stats_count_what_there_is(memory):
    view, _ = filled(memory)
    view.put([canary("a"), canary("b")], {})
    view.supersede("0", "1")
    view.delete(["2", "a"])
    memory.seal()
    told = memory.stats()
    assert (told.records, told.superseded, told.gone, told.namespaces) == (399, 1, 2, 1)
    assert told.media == 1
    (sealed,) = told.segments
    assert (sealed.space, sealed.kind, sealed.rows) == ("text", "graph", 399)
    assert told.bytes > 400 * 64
