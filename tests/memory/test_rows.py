"""Rows of the catalogue become the records that they were made of."""

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from omni import plugins
from omni.media import Media
from omni.memory.contracts import Space
from omni.memory.record import Provenance, Record

Memory = plugins.load("memory", "store")
SPACE = Space("text", 8, "m")


def test_records_that_are_found_are_those_that_were_put(tmp_path):
    """Whichever of their fields are set: many are read at once, in another way than one."""
    memory = Memory.open(tmp_path / "m", background=False)
    view = memory.bind()
    moment = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    many = [
        Record("text", text="t"),
        Record(
            "media",
            media=Media.from_bytes(b"p", modality="image", mime="image/png", name="a.png"),
            modality="image",
            title="T",
            importance=0.0,
        ),
        Record("meta", text="ü", meta={"n": [1, None, {"x": 1.5}], "s": "漢\n"}, kind="note"),
        Record("origin", text="t", provenance=Provenance("a.pdf", page=2, chars=(0, 9))),
        Record("when", text="t", event_time=moment, expires=datetime(2099, 1, 1, tzinfo=UTC)),
    ]
    view.put(many, {SPACE: list(np.eye(len(many), 8, dtype=np.float32))})
    found: list[Record] = []
    for k in (1, 2, len(many)):
        for vector in np.eye(len(many), 8, dtype=np.float32):
            found = [record for record, _ in view.nearest_records(SPACE, vector, k)]
            assert len(found) == k
            assert found == view.get([record.id for record in found])
    given = many[1].media
    put = {record.id: record for record in many}
    for record in found:
        record.__post_init__()
        assert type(record) is Record
        assert pickle.loads(pickle.dumps(record)) == copy.deepcopy(record) == record
        with pytest.raises(FrozenInstanceError):
            record.text = "other"  # type: ignore[misc]
        assert replace(record, media=given) == replace(put[record.id], media=given)
    memory.close()
