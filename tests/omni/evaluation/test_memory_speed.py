"""The benchmark of memory: what it compares is right before it is quick."""

import numpy as np
import pytest

from omni.errors import UsageError
from omni.evaluation import memory_speed
from omni.evaluation.memory_rivals import rivals
from omni.evaluation.memory_speed import Corpus


@pytest.fixture(scope="module")
def rows():
    """By case; what is ours is the same in each row of a case, whoever is its rival."""
    return {row["case"]: row for row in memory_speed.measure(1, items=10_000)}


def test_the_truth_is_that_of_looking_at_all():
    corpus = Corpus.made(300)
    assert np.allclose(np.linalg.norm(corpus.vectors, axis=1), 1, atol=1e-5)
    scores = corpus.questions @ corpus.vectors.T
    for row, found in zip(scores, corpus.truth(), strict=True):
        assert found == {str(place) for place in np.argsort(-row)[:10]}
    some = np.flatnonzero(corpus.ranks < 4)
    assert corpus.truth(some)[0] == {str(place) for place in some}


def test_every_search_finds_what_is_there(rows):
    searches = [row for row in rows.values() if "recall" in row]
    assert len(searches) == 2 + len(memory_speed.SHARES)
    for row in searches:
        assert row["recall"] >= 0.97, row
        assert row.get("full", True)
    assert rows["search with text and meta, flat"]["recall"] == 1
    assert all(row["recall"] == 1 for row in searches if row.get("share", 1) <= 0.2)


def test_both_sides_are_told(rows):
    assert rows["durable commit of one row"]["rival"] == "bare SQLite, synchronous FULL"
    row = rows["search with text and meta, chosen by measuring"]
    assert row["index"].startswith("codes ")
    assert row["sealed_recall"] >= 0.985
    assert row["ratio"] == pytest.approx(row["rival_seconds"] / row["seconds"], rel=0.02)
    assert rows["erase one record for good"]["files_with_traces"] == 0
    assert all(row["equal"] for case, row in rows.items() if case.startswith("late"))


def test_rivals_are_given_the_same_and_asked_the_same(tmp_path):
    """Unfiltered they find all that is there; only the wrapper loses under a filter."""
    corpus = Corpus.made(1_000)
    for rival in rivals(tmp_path, corpus):
        found = [set(rival.search(question)) for question in corpus.questions[:20]]
        assert found == corpus.truth()[:20], rival.name
        some = corpus.truth(np.flatnonzero(corpus.ranks < 50))[:20]
        among = [set(rival.search(question, most=50)) for question in corpus.questions[:20]]
        assert all(len(each & wanted) <= 10 for each, wanted in zip(among, some, strict=True))
        if rival.name.startswith("LanceDB"):
            assert among == some
        rival.delete([next(iter(found[0]))])


def test_the_verb_refuses_what_cannot_be_measured(capsys):
    from omni.cli.main import main

    assert main(["bench", "memory", "--items", "10"]) == UsageError.exit_code
    assert "--items is a number from 2,000 up, not 10" in capsys.readouterr().err
