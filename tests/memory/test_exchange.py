"""Export and import, between memories of every kind that are installed."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from omni import plugins
from omni.errors import StoreError
from omni.extras import available
from omni.media import Media
from omni.memory.contracts import Space
from omni.memory.record import Provenance, Record

open_memory = plugins.load("memory", "opening")
export_records = plugins.load("memory", "exporting")
import_records = plugins.load("memory", "importing")

SPACE, MANY = Space("text", 4, "m"), Space("late", 3, "m", multi=True)
KINDS = [""] + ["lance://"] * available("lancedb") + ["qdrant://"] * available("qdrant_client")


def filled(view, count=25):
    rng = np.random.default_rng(0)
    records = []
    for n in range(count):
        data = b"pixels %d" % (n % 3)
        media = Media.from_bytes(data, modality="image", mime="image/png", name=f"{n}.png")
        records.append(
            Record(
                f"{n:03}\u2028" if n == 7 else f"{n:03}",
                text=f"text {n}\nwith a line, ünï",
                title=f"title {n}",
                media=media if n % 4 == 0 else None,
                modality="image" if n % 4 == 0 else "text",
                meta={"n": n, "list": [n, None, "x"]},
                provenance=Provenance("a.pdf", page=n + 1, box=(0, 0, 0.5, 1)) if n % 2 else None,
                event_time=datetime(2026, 1, 1, 1, 2, 3, 4, tzinfo=UTC) if n % 3 else None,
                importance=n / 3,
                expires=datetime(2100, 1, 1, tzinfo=UTC) if n % 5 == 0 else None,
            )
        )
    view.put(
        records,
        {
            SPACE: [None if n % 6 == 5 else rng.standard_normal(4) for n in range(count)],
            MANY: [rng.standard_normal((1 + n % 3, 3)) if n % 2 else None for n in range(count)],
        },
    )
    return records


@pytest.fixture
def source(tmp_path):
    with open_memory(tmp_path / "source", background=False) as memory:
        filled(memory.bind())
        yield memory.bind()


def plain(view):
    return [
        (replace(one, media=None), one.media and one.media.read()) for one in view.get(view.ids())
    ]


def alike(one, other):
    assert one.ids() == other.ids()
    assert plain(one) == plain(other)
    for space in (SPACE, MANY):
        for a, b in zip(
            one.vectors(space, one.ids()), other.vectors(space, one.ids()), strict=True
        ):
            assert (a is None) == (b is None)
            assert a is None or np.allclose(a, b, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_goes_there_and_back(kind, source, tmp_path):
    """Out of SQLite, into each engine, out of it again, and back: nothing has changed."""
    told = export_records(source, tmp_path / "out", part=10)
    assert (told.records, told.parts, told.kept) == (25, 3, 0)
    with open_memory(f"{kind}{tmp_path / 'other'}") as other:
        view = other.bind(namespace=("there",))
        assert import_records(view, tmp_path / "out") == told
        alike(source, view)
        again = import_records(view, tmp_path / "out")
        assert (again.records, again.kept) == (25, 3)
        export_records(view, tmp_path / "back")
        assert len(other.bind()) == 0
    with open_memory(tmp_path / "third", background=False) as third:
        import_records(third.bind(), tmp_path / "back")
        alike(source, third.bind())


def test_the_same_memory_makes_the_same_files(source, tmp_path):
    for name in "ab":
        export_records(source, tmp_path / name, part=10)
    a, b = (
        {
            p.relative_to(tmp_path / n): p.read_bytes()
            for p in (tmp_path / n).rglob("*")
            if p.is_file()
        }
        for n in "ab"
    )
    assert a == b
    assert sum("media" in str(name) for name in a) == 3


def test_what_was_cut_off_goes_on_where_it_was(source, tmp_path):
    def stop(count):
        if count >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_records(source, tmp_path / "out", progress=stop, part=10)
    with open_memory(tmp_path / "m", background=False) as memory:
        with pytest.raises(StoreError, match=r"was cut off: run  omni memory export  again"):
            import_records(memory.bind(), tmp_path / "out")
        assert len(memory.bind()) == 0
        first = (tmp_path / "out" / "part-00000.jsonl").stat().st_mtime_ns
        told = export_records(source, tmp_path / "out", part=10)
        assert (told.records, told.parts, told.kept) == (25, 3, 2)
        assert (tmp_path / "out" / "part-00000.jsonl").stat().st_mtime_ns == first
        with pytest.raises(KeyboardInterrupt):
            import_records(memory.bind(), tmp_path / "out", progress=stop)
        assert import_records(memory.bind(), tmp_path / "out").kept == 2
        alike(source, memory.bind())


def test_no_more_than_a_part_is_held_at_once(source, tmp_path, monkeypatch):
    held = []
    get = type(source).get
    monkeypatch.setattr(
        type(source),
        "get",
        lambda self, ids, **more: held.append(len(ids)) or get(self, ids, **more),
    )
    export_records(source, tmp_path / "out", part=4)
    assert max(held) == 4 and sum(held) == 25


def test_every_flip_and_cut_of_a_part_is_noticed_and_nothing_of_it_is_used(source, tmp_path):
    out = tmp_path / "out"
    export_records(source, out)
    rng = random.Random(0)
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "manifest.json"]
    with open_memory(tmp_path / "m", background=False) as memory:
        for path in files:
            whole = path.read_bytes()
            for _ in range(8):
                place = rng.randrange(len(whole))
                harmed = bytearray(whole)
                harmed[place] ^= 1 << rng.randrange(8)
                for data in (bytes(harmed), whole[:place]):
                    path.write_bytes(data)
                    with pytest.raises(StoreError, match=r"is not what was exported|is damaged"):
                        import_records(memory.bind(), out)
            path.unlink()
            with pytest.raises(StoreError, match=r"cannot be read|no blob"):
                import_records(memory.bind(), out)
            path.write_bytes(whole)
        assert len(memory.bind()) == 0
        assert import_records(memory.bind(), out).records == 25


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, "written by a newer Omni"),
        ({"parts": 3}, "is damaged"),
        ({"parts": [{"name": "../../etc/passwd"}]}, "names a part '../../etc/passwd'"),
        ({"parts": [7]}, "names a part 'None'"),
    ],
)
def test_a_manifest_that_lies_is_refused(change, told, source, tmp_path):
    export_records(source, tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(StoreError, match=told):
        import_records(source, tmp_path / "out")
    path.write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        import_records(source, tmp_path / "out")
    path.unlink()
    with pytest.raises(StoreError, match="no export in"):
        import_records(source, tmp_path / "out")


def test_folders_that_hold_something_are_left_alone(source, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    with pytest.raises(StoreError, match="holds other files: name an empty folder"):
        export_records(source, tmp_path / "mine")
    export_records(source, tmp_path / "out")
    with pytest.raises(StoreError, match="holds a whole export"):
        export_records(source, tmp_path / "out")
    with pytest.raises(StoreError, match="cannot export to"):
        export_records(source, tmp_path / "mine" / "letter")
