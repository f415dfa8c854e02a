"""Searches without a snapshot answer as those in one do, whoever commits whenever."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from omni.errors import StoreError
from omni.memory import rows
from omni.memory.access import AccessDenied, Right
from omni.memory.contracts import Space
from omni.memory.neighbours import Neighbours
from omni.memory.record import Record
from omni.memory.searching import Reading
from omni.memory.store import Memory

SPACE = Space("text", 8, "m")
EYE = np.eye(8, dtype=np.float32)


@pytest.fixture
def memory(tmp_path) -> Iterator[Memory]:
    """Five records, of which a search has been made twice, so that nothing is new to it."""
    with Memory.open(tmp_path / "m", background=False) as found:
        view = found.bind()
        records = [Record(name, text=name, meta={"n": name}) for name in "abcde"]
        view.put(records, {SPACE: list(EYE[:5])})
        yield found


def calm(memory, principal="owner") -> Any:
    view = memory.bind(principal)
    for _ in range(2):
        view.nearest_records(SPACE, EYE[0], 3)
    return view


def counted(monkeypatch) -> list[bool]:
    """Whether each search that was tried without a snapshot succeeded."""
    told: list[bool] = []
    plain = Neighbours._unchanged

    def wrapped(self, *given):
        found = plain(self, *given)
        told.append(found is not None)
        return found

    monkeypatch.setattr(Neighbours, "_unchanged", wrapped)
    return told


def test_nothing_but_one_query_and_one_look_is_asked_while_nobody_writes(memory):
    view, asked = calm(memory), []
    for db in memory.parts.catalog._all:
        db.set_trace_callback(asked.append)
    found = view.nearest_records(SPACE, EYE[0] + 0.5 * EYE[1], 3)
    assert [record.id for record, _ in found][:2] == ["a", "b"]
    assert [statement.split()[0] for statement in asked] == ["SELECT", "PRAGMA"]


def test_both_ways_answer_the_same(memory, monkeypatch):
    told = counted(monkeypatch)
    rng = np.random.default_rng(0)
    view = calm(memory)
    for _ in range(20):
        query, k = rng.standard_normal(8, dtype=np.float32), int(rng.integers(1, 9))
        quick = view.nearest_records(SPACE, query, k)
        fresh = memory.bind().nearest_records(SPACE, query, k)
        assert quick == fresh
        assert [(record.id, score) for record, score in quick] == view.nearest(SPACE, query, k)
    assert told == [True] * 40


def test_what_another_connection_commits_is_seen_by_the_next_search(memory, tmp_path):
    view = calm(memory)
    with Memory.open(tmp_path / "m", background=False) as other:
        for step in range(3):
            other.bind().delete(["abc"[step]])
            other.bind().put([Record(f"new-{step}", text="t")], {SPACE: [EYE[step]]})
            found = {id for id, _ in view.nearest(SPACE, EYE[step], 9)}
            assert found == {*"abcde"[step + 1 :], *(f"new-{n}" for n in range(step + 1))}
            assert found == {id for id, _ in view.nearest(SPACE, EYE[step], 9)}
            assert found == {id for id, _ in view.nearest(SPACE, EYE[step], 9)}


def test_a_commit_between_the_index_and_the_rows_leads_to_a_snapshot(memory, monkeypatch):
    """Of what is found before it and what is there after it no mixture is told."""
    view, told = calm(memory), counted(monkeypatch)
    plain, changes = Reading.query, iter("ab")

    def interrupted(self, visible, rids):
        for change in changes:
            memory.bind().delete([change])
            memory.bind().put([Record(f"{change}!", text="t")], {SPACE: [EYE[0]]})
            break
        return plain(self, visible, rids)

    monkeypatch.setattr(Reading, "query", interrupted)
    for _ in range(5):
        found = [record.id for record, _ in view.nearest_records(SPACE, EYE[0], 1)]
        assert found in (["a!"], ["b!"])
    assert told[0] is False and told[-1] is True


def test_a_right_that_was_taken_away_is_missed_at_once(memory):
    memory.bind().grant("ann", Right.READ)
    view = calm(memory, "ann")
    assert view.nearest_records(SPACE, EYE[0], 1)
    memory.bind().grant("ann", None)
    with pytest.raises(AccessDenied):
        view.nearest_records(SPACE, EYE[0], 1)


def test_what_expires_is_found_no_more_though_nobody_commits(memory, monkeypatch):
    moment = datetime.now(UTC) + timedelta(hours=1)
    memory.bind().put([Record("x", text="t", expires=moment)], {SPACE: [EYE[7]]})
    view = calm(memory)
    assert view.nearest(SPACE, EYE[7], 1) == [("x", 1.0)]
    monkeypatch.setattr(rows.time, "time_ns", lambda: (rows.ticks(moment) + 1) * 1000)
    assert "x" not in {id for id, _ in view.nearest(SPACE, EYE[7], 9)}


def test_a_writer_who_never_rests_does_not_make_every_search_in_vain(memory, monkeypatch):
    view, told = calm(memory), counted(monkeypatch)
    for n in range(6):
        memory.bind().put([Record(f"n{n}", text="t")], {SPACE: [EYE[6]]})
        assert len(view.nearest(SPACE, EYE[6], 20)) == 6 + n
    assert told == [False]


def test_equals_come_oldest_first(memory):
    memory.bind().put([Record(f"z{n}", text="t") for n in range(4)], {SPACE: [EYE[7]] * 4})
    view = calm(memory)
    found = [id for id, score in view.nearest(SPACE, EYE[7], 6) if score == 1.0]
    assert found == [f"z{n}" for n in range(4)]


def test_more_than_a_few_are_read_in_another_way(memory):
    records = [Record(f"r{n:03}", text="t", meta={"n": n}) for n in range(100)]
    spread = [EYE[6] + n / 100 * EYE[7] for n in range(100)]
    memory.bind().put(records, {SPACE: spread})
    view = calm(memory)
    for k in (63, 64, 65, 100):
        found = view.nearest_records(SPACE, EYE[6], k)
        assert [record.meta["n"] for record, _ in found] == list(range(k))


@pytest.mark.parametrize("harm", ["{", '{"n":1},{"m":2}', '{"n":1}],['])
def test_meta_that_is_damaged_is_not_taken_for_that_of_another(memory, harm):
    """Many are read as one list; what is no value of its own must not move the others."""
    view = calm(memory)
    with sqlite3.connect(memory.root / "catalog.db") as db:
        db.execute("UPDATE body SET meta = ? WHERE rid = 2", (harm,))
    db.close()
    try:
        found = [record for record, _ in view.nearest_records(SPACE, EYE[0], 5)]
    except (ValueError, StoreError):
        return
    assert all(record.meta == {"n": record.id} for record in found if record.id != "b")
