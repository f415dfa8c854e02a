"""Accuracy against kept tokens: what is asked, with how many tokens, by which method."""

import numpy as np
import pytest

from omni.compression.uniform import Uniform
from omni.errors import UsageError
from omni.evaluation import compression, curves
from omni.evaluation.answering import Answerer, Said
from omni.evaluation.nano import Progress
from omni.nano.cases import Pool


class Counting(Uniform):
    """Says how many tokens it was to keep of how many."""

    def __init__(self):
        self.seen = []

    def __call__(self, tokens, keep, question):
        self.seen += list(zip(keep, tokens.lengths, strict=True))
        return super().__call__(tokens, keep, question)


class Needy:
    def __call__(self, tokens, keep, question):
        tokens.signal("attention", "needy")


@pytest.fixture(scope="module")
def pool(loaded):
    return Pool(Answerer(loaded).encode)


def test_each_method_reads_as_many_tokens_as_it_is_allowed(loaded):
    selector, own = Counting(), loaded.model.selector
    given = loaded, {"counting": selector}, (1.0, 0.33, 0.05), 3, ("one of several",), Progress()
    rows = list(compression._rows(*given))
    assert [(row["split"], row["keep"]) for row in rows] == [
        ("full", 1.0),
        ("counting", 0.33),
        ("counting", 0.05),
    ]
    assert selector.seen == [(48, 144)] * 3 + [(7, 144)] * 3
    assert all(row["n"] == 3 and row["judge"] == "exact words" for row in rows)
    assert loaded.model.selector is own


def test_a_method_that_wants_more_than_tokens_is_left_out_once_and_says_why(loaded):
    given = loaded, {"needy": Needy()}, (0.33, 0.05), 2, ("one of several", "counting"), Progress()
    rows = [row for row in compression._rows(*given) if row["split"] == "needy"]
    (row,) = rows
    assert row["score"] is None and "needs the attention" in row["left out"]


@pytest.mark.parametrize("skill", ["one of several", "counting", "relations", "several turns"])
def test_questions_are_about_several_things_and_always_the_same(pool, skill):
    made = compression.SKILLS[skill](pool, 12)
    assert made == compression.SKILLS[skill](pool, 12)
    for case in made:
        (thing,) = case.things
        least = 2 if skill in ("counting", "relations") else 3
        assert len(thing.labels["objects"]) >= least
        assert len(case.turns) == (3 if skill == "several turns" else 1)
    if skill == "one of several":
        for case in made:
            words = case.turns[0].answer.lower().strip(".").removeprefix("a ").removeprefix("an ")
            assert any(words in one.values() for one in case.things[0].labels["objects"])


def test_an_unknown_skill_is_refused():
    with pytest.raises(UsageError, match="unknown skill 'dancing'; known: one of several"):
        compression.measure(skills=("dancing",))


def test_the_right_answer_counts_whatever_selected(loaded, pool):
    case = compression.SKILLS["counting"](pool, 1)[0]
    assert compression.last_right(case, [Said(case.turns[0].answer)])
    assert not compression.last_right(case, [Said("Nine thousand.")])


def test_curves_rise_to_the_score_with_all_tokens():
    def row(method, keep, score):
        return {"input": "counting", "split": method, "keep": keep, "score": score}

    rows = [row("full", 1.0, 0.9), row("a", 0.05, 0.2), row("a", 0.33, 0.8), row("b", 0.1, None)]
    picture = curves.accuracy(rows).convert("RGB")
    assert picture.size == (340, 250 + 44)
    distance = np.abs(np.asarray(picture, int)[:250] - (66, 119, 196)).sum(-1)
    blue = [(int(x), int(y)) for y, x in np.argwhere(distance < 40)]
    assert max(x for x, _ in blue) > 300
    left, right = min(blue), max(blue)
    assert left[1] > right[1] + 80
