"""Questions that need some tokens and not others."""

import pytest

from omni.evaluation import tasks
from omni.evaluation.answering import Answerer, Said
from omni.evaluation.heard import Heard, heard
from omni.evaluation.nano import last_right
from omni.nano.cases import Case, Pool
from omni.nano.questions.exchange import Exchange


@pytest.fixture(scope="module")
def pool(loaded):
    return Pool(Answerer(loaded).encode)


@pytest.mark.parametrize(
    ("task", "least"),
    [("one of several", 3), ("fine detail", 3), ("relations", 2), ("several turns", 3)],
)
def test_questions_are_about_several_things_and_always_the_same(pool, task, least):
    made = tasks.TASKS[task](pool, 8)
    assert made == tasks.TASKS[task](pool, 8)
    for case in made:
        (thing,) = case.things
        assert len(thing.labels["objects"]) >= least
        assert len(case.turns) == (tasks.TURNS if task == "several turns" else 1)


def test_a_detail_is_small_and_so_is_all_beside_it(pool):
    for case in tasks.TASKS["fine detail"](pool, 8):
        assert all(one["radius"] <= tasks.SMALL for one in case.things[0].labels["objects"])


def test_what_is_asked_of_one_thing_is_true_of_one(pool):
    for case in tasks.TASKS["one of several"](pool, 12):
        words = case.turns[0].answer.lower().strip(".").removeprefix("a ").removeprefix("an ")
        assert any(words in one.values() for one in case.things[0].labels["objects"])


def test_spoken_words_are_to_be_repeated_whole(pool):
    for case in tasks.TASKS["spoken words"](pool, 6):
        assert case.things[0].labels["text"] in case.turns[0].answer


def test_the_right_answer_counts_whatever_selected(pool):
    case = tasks.TASKS["counting"](pool, 1)[0]
    assert last_right(case, [Said(case.turns[0].answer)])
    assert not last_right(case, [Said("Nine thousand.")])


class Reader:
    """A processor and a model in one that read a text as its length."""

    def __init__(self):
        self.processor = self.model = self
        self.read = []

    def heard(self, messages):
        return [
            {"content": [{"type": "text", "features": part["text"]}, part]}
            if "colour" in part["text"]
            else message
            for message in messages
            for part in message["content"]
        ]

    def item(self, part):
        return part["features"]

    def encode_media(self, items):
        self.read += items
        return [f"read {item}" for item in items]


def test_questions_are_read_once_and_stand_before_their_words():
    ask = (
        Exchange("Which colour?", "Red."),
        Exchange("Why?", "So."),
        Exchange("Which colour?", "A."),
    )
    reader = Reader()
    (found,) = heard(reader, [Case(ask)])
    assert reader.read == ["Which colour?"]
    assert found.texts == ("read Which colour?", None, "read Which colour?")
    assert [part.get("tokens", part.get("text")) for part in found.message(0)["content"]] == [
        "read Which colour?",
        "Which colour?",
    ]
    assert found.message(1) == Case(ask).message(1) and found.makes == ("text",) * 3


def test_what_was_read_beforehand_is_answered_alike(loaded, pool):
    made = tasks.TASKS["one of several"](pool, 3)
    answerer = Answerer(loaded)
    assert all(isinstance(one, Heard) for one in heard(loaded, made))
    assert answerer.answer(heard(loaded, made)) == answerer.answer(made)
