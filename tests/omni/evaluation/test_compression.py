"""Accuracy against kept tokens: what is asked, with how many tokens, by which method."""

import pytest

from omni.compression.topk import TopK
from omni.compression.uniform import Uniform
from omni.errors import UsageError
from omni.evaluation import compression
from omni.evaluation.compression import Survey
from omni.evaluation.nano import Progress


class Counting(Uniform):
    """Says how many tokens it was to keep of how many."""

    def __init__(self):
        self.seen = []

    def __call__(self, tokens, keep, question):
        self.seen += list(zip(keep, tokens.lengths, strict=True))
        return super().__call__(tokens, keep, question)


class Needy:
    def __call__(self, tokens, keep, question):
        tokens.signal("patience", "needy")


def test_each_method_reads_as_many_tokens_as_it_is_allowed(loaded):
    selector, own = Counting(), loaded.model.selector
    survey = Survey(loaded, {"counting": selector}, Progress())
    selector.seen.clear()
    survey.ask("one of several", 3, lambda name: (0.33, 0.05))
    assert [(row["method"], row["keep"]) for row in survey.rows] == [
        ("full", 1.0),
        ("counting", 0.33),
        ("counting", 0.05),
    ]
    assert selector.seen == [(48, 144)] * 3 + [(7, 144)] * 3
    assert loaded.model.selector is own


def test_rows_have_the_form_of_the_design_and_their_intervals(loaded):
    survey = Survey(loaded, {"uniform": Uniform()}, Progress())
    survey.ask("counting", 4, lambda name: (0.2,))
    full, row = survey.rows
    assert (row["task"], row["method"], row["keep"], row["n"]) == ("counting", "uniform", 0.2, 4)
    assert row["full_score"] == full["score"] == full["full_score"]
    assert row["low"] <= row["score"] <= row["high"]
    assert survey.hits["counting", "full", 1.0].count(True) == 4 * full["score"]


def test_who_listens_is_found_out_by_asking(loaded):
    survey = Survey(loaded, {"topk": TopK(), "uniform": Uniform()}, Progress())
    assert survey.guided == {"topk"}


def test_a_method_that_wants_more_than_is_known_is_left_out_and_says_why(loaded, monkeypatch):
    monkeypatch.setattr("omni.compression.selector.Signals.patience", None, raising=False)
    survey = Survey(loaded, {"needy": Needy()}, Progress())
    survey.ask("one of several", 2, lambda name: (0.33, 0.05))
    _, row = survey.rows
    assert row["score"] is None and "needs the patience" in row["left out"]


def test_a_talk_is_asked_again_with_what_its_first_question_chose(loaded):
    survey = Survey(loaded, {"topk": TopK(), "uniform": Uniform()}, Progress())
    survey.ask("several turns", 2, lambda name: (0.11,))
    assert [row["method"] for row in survey.rows] == [
        "full",
        "topk",
        "topk, chosen once",
        "uniform",
    ]


def test_everything_is_asked_of_the_main_methods_and_something_of_all_others():
    shares = compression._shares
    assert shares("random", "counting", (1.0, 0.33, 0.11), ()) == (0.33, 0.11)
    assert shares("tome", "counting", (1.0, 0.33, 0.11), ()) == ()
    assert shares("tome", "video", (1.0, 0.33, 0.11), ()) == (0.11,)
    assert shares("tome", "counting", (0.33,), ("tome",)) == (0.33,)


def test_an_unknown_skill_is_refused():
    with pytest.raises(UsageError, match="unknown skill 'dancing'; known: one of several"):
        compression.measure(skills=("dancing",))
