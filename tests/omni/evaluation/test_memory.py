"""`omni eval memory` on a small set: rows, legs, their measures by hand, and bad names."""

import pytest

from omni.errors import UsageError
from omni.evaluation import memory
from omni.evaluation.sets.collection import Collection, Item, Question
from omni.evaluation.sets.named import KNOWN, opened

TEXTS = {
    "kite": "The red kite is a bird of prey that lives in woods.",
    "loom": "A loom is a machine on which cloth is woven.",
    "ferry": "The ferry crosses the river twice an hour.",
    "oven": "Bread is baked in a hot oven for forty minutes.",
}
ASKED = {
    "which animal hunts from the air?": "kite",
    "how do I get to the other bank?": "ferry",
    "how is fabric made?": "loom",
}


@pytest.fixture(scope="module")
def rows():
    items = [Item(id, text) for id, text in TEXTS.items()]
    questions = [
        Question(f"q{n}", text, {id: 1.0}, answers=(TEXTS[id].split()[1],), kind=f"kind {n % 2}")
        for n, (text, id) in enumerate(ASKED.items())
    ]
    metrics = ("mrr@10", "recall@1", "pseudo@1", "source_f1")
    return list(memory.scored(Collection("small", items, questions, metrics, "by hand")))


def test_each_way_of_looking_is_measured_by_each_metric(rows):
    plain = [row for row in rows if "kind" not in row]
    assert {row["metric"] for row in plain} == {"mrr@10", "recall@1", "pseudo@1", "source_f1"}
    ways = {row["way"] for row in plain}
    assert {"words", "text", "shared", memory.TOGETHER, memory.EVENLY} <= ways
    assert len(plain) == 4 * len(ways) and all(row["n"] == 3 for row in plain)
    assert all(0 <= row["score"] <= 1 and row["judge"] == "by hand" for row in plain)
    (dense,) = [row for row in plain if row["way"] == "text" and row["metric"] == "recall@1"]
    assert dense["score"] == 1


def test_the_whole_is_compared_with_its_best_leg(rows):
    whole = [row for row in rows if row["way"] == memory.TOGETHER and "kind" not in row]
    for row in whole:
        scores = {r["way"]: r["score"] for r in rows if r["metric"] == row["metric"]}
        gap, low, high = row["over_best_leg"]
        assert low <= gap <= high and row["calibrated"]
        assert gap == pytest.approx(row["score"] - scores[row["best_leg"]], abs=1e-3)
    kinds = {row["kind"]: row["n"] for row in rows if "kind" in row}
    assert kinds == {"kind 0": 2, "kind 1": 1}
    assert all(len(memory.cells_of(row)) == len(memory.HEADINGS) for row in rows)


def test_a_set_that_is_not_known_is_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="known: docstrings:PACKAGE, digits"):
        opened("squad", 10)
    for wrong, told in (
        ("webqa", "webqa=FOLDER"),
        ("digits=/tmp", "write digits"),
        ("m2kr=/tmp", "m2kr:SET=FOLDER"),
        ("digits:7", "write digits"),
    ):
        with pytest.raises(UsageError, match=told):
            opened(wrong, 10)
    with pytest.raises(UsageError, match="the splits hard, composed: 'easy'"):
        opened("world:easy", 10)
    assert len(KNOWN) == 9
