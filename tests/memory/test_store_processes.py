"""Kills and crowds, in small; `benchmarks/memory_kills.py` is the same at length."""

import importlib.util
import os
import random
from pathlib import Path

import numpy as np
import pytest

from omni import plugins
from omni.memory.contracts import Space
from omni.memory.record import Record
from omni.memory.segments import Damaged, Seal, check

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "memory_kills.py"
Memory = plugins.load("memory", "store")
SPACE = Space("text", 4, "m")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("memory_kills", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_kills_lose_nothing_that_was_acknowledged(script, tmp_path):
    told = script.kill_often(tmp_path / "k", 6, seed=1)
    assert told["acknowledged"] > 0
    assert (told["kills"], told["lost"], told["unopenable"], told["problems"]) == (6, 0, 0, 0)


def test_the_harness_would_notice_a_loss(script, tmp_path):
    """Records that vanish, and one that is not what was acknowledged, are counted."""
    with Memory.open(tmp_path / "memory", background=False) as memory:
        view = memory.bind()
        view.put([script.record(id, 1) for id in "ab"], {script.SPACE: [script.vector(1)] * 2})
    tally = {"lost": 0, "unopenable": 0, "problems": 0}
    script.inspect(tmp_path / "memory", {"a": 1, "b": 2, "c": 1}, None, tally)
    assert tally == {"lost": 2, "unopenable": 0, "problems": 0}
    pending = {"kind": "put", "ids": ["a", "c"], "version": 3}
    script.inspect(tmp_path / "memory", {"a": 3, "b": 1}, pending, tally)  # half of a put
    assert tally["lost"] == 3


def test_readers_beside_a_writer_see_no_error_and_nothing_stale(script, tmp_path):
    told = script.share(tmp_path / "s", 2.0)
    assert told["writes"] > 0 and told["queries"] > 0
    assert (told["errors"], told["stale"]) == (0, 0)


def test_every_harm_to_a_derived_file_is_noticed_and_mended(script, tmp_path):
    told = script.harm_often(tmp_path / "h", 24, seed=3)
    assert (told["noticed"], told["rebuilt"], told["wrong_answers"]) == (24, 24, 0)
    assert set(told["kinds"]) == {"flip", "cut", "zeros", "longer", "gone"}


def test_a_child_that_was_forked_opens_for_itself(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as memory:
        view = memory.bind()
        view.put([Record("a", text="t")], {SPACE: [np.ones(4, np.float32)]})
        child = os.fork()
        if not child:
            code = 1
            try:
                view.put([Record("b", text="t")], {})
                code = 0 if len(view) == 2 else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert view.ids() == ["a", "b"]


def test_a_child_finds_what_its_parent_wrote_after_it_looked(tmp_path):
    """A child counts versions from the start again: none may be taken for one of its parent."""
    with Memory.open(tmp_path / "m", background=False) as memory:
        view, query = memory.bind(), np.ones(4, np.float32)
        for round_ in range(3):
            view.put([Record(str(round_), text="t")], {SPACE: [query]})
            if not round_:
                assert len(view.nearest(SPACE, query, 9)) == 1
            child = os.fork()
            if not child:
                os._exit(0 if len(view.nearest(SPACE, query, 9)) == round_ + 1 else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_version_is_of_its_snapshot_whatever_is_committed_beside_it(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as memory:
        view, catalog = memory.bind(), memory.parts.catalog

        def count(db):
            return db.execute("SELECT count(*) FROM item").fetchone()[0]

        with catalog.exactly() as (first, before), catalog.exactly() as (second, same):
            assert first is not second and same == before
            view.put([Record("a", text="t")], {})
            assert (count(first), count(second)) == (0, 0)
        versions = {before}
        for name in "bc":  # by connections that saw what was before, each in turn
            with catalog.exactly() as (_, one), catalog.exactly() as (_, other):
                assert one == other and one not in versions
            versions.add(one)
            view.put([Record(name, text="t")], {})
        with catalog.exactly() as (db, last):
            assert count(db) == 3 and last not in versions
        with catalog.exactly() as (_, again):
            assert again == last


def test_every_flip_and_every_cut_of_a_segment_is_noticed(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as memory:
        vectors = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
        records = [Record(str(n), text="t") for n in range(30)]
        memory.bind().put(records, {SPACE: list(vectors)})
        memory.seal()
        folder = memory.parts.segments
        with memory.parts.catalog.reading() as db:
            name, rows, size, digest = db.execute(
                "SELECT name, rids, bytes, sha256 FROM segment"
            ).fetchone()
    seal = Seal(name, "flat", np.frombuffer(rows, np.int64), size, digest, 0, 1.0)
    check(folder, seal)
    (path,) = folder.iterdir()
    whole, rng = path.read_bytes(), random.Random(0)
    for place in range(size):
        harmed = bytearray(whole)
        harmed[place] ^= 1 << rng.randrange(8)
        path.write_bytes(harmed)
        with pytest.raises(Damaged, match="was changed"):
            check(folder, seal)
        path.write_bytes(whole[:place])
        with pytest.raises(Damaged, match="bytes instead of"):
            check(folder, seal)
