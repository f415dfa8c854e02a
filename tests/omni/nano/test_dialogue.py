import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.nano import dialogue, smalltalk
from omni.nano.wordings import wordings
from omni.nano.world import words

seeds = st.integers(0, 2**32)


@given(seeds, st.sampled_from(tuple(words.COLOURS)), st.sampled_from(words.SHAPES))
def test_answers_about_a_picture_say_nothing_false(seed, colour, shape):
    rng = random.Random(seed)
    exchange = dialogue.about_image(rng, colour, shape, "large", "left")
    said = set(exchange.answer.lower().strip(".").replace(",", "").split())
    assert not said & (set(words.COLOURS) - {colour})
    assert not said & (set(words.SHAPES) - {shape})
    assert not said & {"small", "right", "top", "bottom", "middle"}


@given(seeds)
def test_yes_and_no_agree_with_the_question(seed):
    rng = random.Random(seed)
    exchange = dialogue.yes_no(rng, "red", "circle")
    asked = exchange.question.rstrip("?").split()[-1]
    assert exchange.answer.startswith("Yes") == (asked in ("red", "circle"))


@given(seeds, st.sampled_from(words.MOTIONS))
def test_motion_is_told(seed, motion):
    exchange = dialogue.about_video(random.Random(seed), "blue", "star", motion)
    others = set(words.MOTIONS) - {motion}
    said = set(exchange.answer.lower().strip(".").split())
    assert not said & others


@given(seeds, st.booleans(), st.sampled_from(("", *words.EVENTS)))
def test_series_answers_are_true(seed, season, event):
    exchange = dialogue.about_series(random.Random(seed), "flat", season=season, event=event)
    answer = exchange.answer.lower()
    assert "rising" not in answer and "falling" not in answer
    if not event:
        assert "spike" not in answer and "shift" not in answer
    if "with" in answer:
        assert ("season" in answer) == season and (not event or event in answer)


@pytest.mark.parametrize(
    ("place", "size", "wanted"),
    [
        ("left", "small", ("small", "left")),
        ("middle", "small", ("small",)),
        ("top", "large", ("top",)),
    ],
)
def test_a_wish_names_what_is_not_usual(place, size, wanted):
    for seed in range(50):
        exchange = dialogue.drawing(random.Random(seed), "red", "ring", size, place)
        assert all(word in exchange.question for word in ("red", "ring", *wanted))
        assert exchange.answer == f"{size} red ring {place}" and exchange.makes == "image"


def test_announcements_name_the_thing():
    exchange = dialogue.Exchange("", "large orange heart middle", "image")
    assert dialogue.announce(exchange) == "Here is a large orange heart."
    assert dialogue.announce(dialogue.Exchange("", "two", "audio")) == 'Here is "two", spoken.'


def test_articles():
    assert dialogue.article("orange star") == "an orange star"
    assert dialogue.article("red star") == "a red star"


def test_careless_typing_keeps_the_words():
    for seed in range(100):
        typed = dialogue.vary(random.Random(seed), "What is this?")
        assert typed.lower().rstrip("?") == "what is this"


def test_smalltalk_answers_are_few_and_questions_many():
    exchanges = [smalltalk.talking(random.Random(seed)) for seed in range(500)]
    assert len({exchange.answer for exchange in exchanges}) <= 8
    assert len({exchange.question for exchange in exchanges}) > 60


def test_wordings_hold_every_question():
    every = set(wordings())
    assert "What is this?" in every and len(every) > 150
