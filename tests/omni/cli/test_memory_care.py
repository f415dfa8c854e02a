"""`omni memory erase | compact | export | import`."""

import json

import numpy as np
import pytest

from omni import plugins

open_memory = plugins.load("memory", "opening")


@pytest.fixture
def folder(tmp_path):
    with open_memory(tmp_path / "m", background=False) as memory:
        record, space = memory.Record, memory.Space("text", 4, "m")
        ledger = {"file": {"pieces": ["p1", "p2"]}}
        records = [record("whole", text="qqcanaryqq", meta=ledger)]
        records += [record(id, text=f"qqcanaryqq {id}") for id in ("p1", "p2", "other", "gone")]
        memory.bind().put(records, {space: list(np.eye(5, 4, dtype="f") + 0.1)})
        memory.bind().delete(["gone"])
    return tmp_path / "m"


def test_erased_records_and_their_pieces_leave_no_byte(omni, folder):
    ran = omni("memory", "erase", "whole", "--memory", folder, "--json")
    assert (ran.code, json.loads(ran.out)) == (0, {"erased": 3})
    ran = omni("memory", "erase", "other", "--memory", folder)
    assert ran.out == "erased 1 row; nothing of them is left on disk\n"
    assert omni("memory", "compact", "--memory", folder).code == 0
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not any(b"qqcanaryqq" in path.read_bytes() for path in files)
    ran = omni("memory", "erase", "nobody", "--memory", folder)
    assert ran.code == 2 and "no record 'nobody' here" in ran.err


def test_compaction_says_what_it_took_out(omni, folder):
    ran = omni("memory", "compact", "--memory", folder, "--json")
    assert ran.code == 0 and json.loads(ran.out)["rows"] == 1
    assert "0 rows and 0 media taken out" in omni("memory", "compact", "--memory", folder).out


def test_what_is_exported_can_be_imported(omni, folder, tmp_path):
    ran = omni("memory", "export", tmp_path / "out", "--memory", folder, "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["records"], told["kept"]) == (0, 4, 0)
    assert "4 records" in ran.err
    ran = omni("memory", "import", tmp_path / "out", "--memory", tmp_path / "new")
    assert (ran.code, ran.out) == (0, "imported 4 records\n")
    ran = omni("memory", "import", tmp_path / "out", "--memory", tmp_path / "new")
    assert ran.out == "imported 4 records, 1 of 1 parts were there already\n"
    with open_memory(tmp_path / "new") as memory:
        assert memory.bind().ids() == ["other", "p1", "p2", "whole"]
    ran = omni("memory", "export", tmp_path / "out", "--memory", folder, "--json")
    assert ran.code == 1 and "holds a whole export" in json.loads(ran.out)["error"]["message"]


@pytest.mark.parametrize("kind", ["lance", "qdrant"])
def test_addresses_of_other_engines_are_taken(kind, omni, folder, tmp_path):
    pytest.importorskip({"lance": "lancedb", "qdrant": "qdrant_client"}[kind])
    there = f"{kind}://{tmp_path}/there"
    omni("memory", "export", tmp_path / "out", "--memory", folder)
    ran = omni("memory", "import", tmp_path / "out", "--memory", there)
    assert (ran.code, ran.out) == (0, "imported 4 records\n")
    assert omni("memory", "compact", "--memory", there).out == "compacted\n"
    ran = omni("memory", "erase", "whole", "--memory", there)
    assert ran.code == 1 and "does not keep erasing for good" in ran.err


def test_where_there_is_no_memory_none_is_made(omni, tmp_path):
    for task in (("erase", "a"), ("compact",), ("export", tmp_path / "out")):
        ran = omni("memory", *task, "--memory", tmp_path / "none")
        assert ran.code == 2 and "there is no memory in" in ran.err
    assert not (tmp_path / "none").exists() and not (tmp_path / "out").exists()
