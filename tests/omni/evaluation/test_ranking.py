"""Measures of rankings against trec_eval and scikit-learn, and of answers against cases by hand."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from omni.errors import UsageError
from omni.evaluation import ranking
from omni.evaluation.ranking import measure

IDS = [f"d{place}" for place in range(12)]
GRADES = st.dictionaries(st.sampled_from(IDS), st.integers(1, 3).map(float), min_size=1)


@settings(max_examples=60, deadline=None)
@given(st.permutations(IDS), GRADES, st.sampled_from([1, 3, 5, 10]))
def test_measures_agree_with_trec_eval(ranked, relevant, depth):
    trec = pytest.importorskip("pytrec_eval")
    names = {f"ndcg_cut.{depth}", f"recall.{depth}", f"P.{depth}", "recip_rank", f"success.{depth}"}
    run = {"q": {id: float(len(ranked) - place) for place, id in enumerate(ranked)}}
    grades = {"q": {id: int(grade) for id, grade in relevant.items()}}
    wanted = trec.RelevanceEvaluator(grades, names).evaluate(run)["q"]
    assert measure(f"ndcg@{depth}", ranked, relevant) == pytest.approx(wanted[f"ndcg_cut_{depth}"])
    assert measure(f"recall@{depth}", ranked, relevant) == pytest.approx(wanted[f"recall_{depth}"])
    assert measure(f"precision@{depth}", ranked, relevant) == pytest.approx(wanted[f"P_{depth}"])
    assert measure(f"hit@{depth}", ranked, relevant) == pytest.approx(wanted[f"success_{depth}"])
    assert measure("mrr@12", ranked, relevant) == pytest.approx(wanted["recip_rank"])


@settings(max_examples=40, deadline=None)
@given(st.permutations(IDS), GRADES, st.sampled_from([1, 5, 10]))
def test_ndcg_agrees_with_scikit_learn(ranked, relevant, depth):
    truth = np.array([[relevant.get(id, 0.0) for id in IDS]])
    scores = np.array([[-ranked.index(id) for id in IDS]], float)
    wanted = ndcg_score(truth, scores, k=depth)
    assert measure(f"ndcg@{depth}", ranked, relevant) == pytest.approx(wanted)


def test_what_is_not_found_counts_nothing():
    for name in ("ndcg@3", "mrr@3", "recall@3", "hit@3", "precision@3"):
        assert measure(name, ["x", "y", "z", "a"], {"a": 1.0}) == 0
        assert measure(name, [], {"a": 1.0}) == 0
    assert measure("precision@4", ["a"], {"a": 1.0}) == 0.25


@pytest.mark.parametrize("name", ["map@3", "ndcg", "ndcg@0", "ndcg@x"])
def test_an_unknown_measure_is_answered_with_the_known_ones(name):
    with pytest.raises(UsageError, match="known: ndcg@K"):
        measure(name, ["a"], {"a": 1.0})


def test_sources_are_measured_by_f1():
    draw = random.Random(0)
    for _ in range(50):
        chosen = draw.sample(IDS, draw.randint(0, 6))
        right = dict.fromkeys(draw.sample(IDS, draw.randint(1, 4)), 1.0)
        shared = len(set(chosen) & set(right))
        precision, recall = shared / max(len(chosen), 1), shared / len(right)
        wanted = 2 * precision * recall / (precision + recall) if shared else 0.0
        assert ranking.source_f1(chosen, right) == pytest.approx(wanted)


def test_answers_are_compared_as_squad_does():
    assert ranking.exact_match("The  Eiffel Tower.", ["eiffel tower"]) == 1
    assert ranking.exact_match("Eiffel", ["eiffel tower"]) == 0
    assert ranking.word_f1("the red kite", ["a red bird", "blue"]) == pytest.approx(0.5)
    assert ranking.word_f1("", ["x"]) == 0 and ranking.word_f1("the", ["a"]) == 1
    texts = {"a": "Born in PARIS, France", "b": "nothing"}
    assert ranking.pseudo_recall(["b", "a"], texts, ["paris"]) == 1
    assert ranking.pseudo_recall(["b"], texts, ["paris"]) == 0
