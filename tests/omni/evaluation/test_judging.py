"""The judges of answers are not the model, and can tell right from wrong."""

import pytest

from omni.evaluation import judging
from omni.evaluation.answering import Said
from omni.nano import drawing
from omni.nano.dialogue import Exchange
from omni.nano.questions.exchange import OUTSIDE

KEYS = (
    "large red circle middle",
    "small blue star left",
    "red circle left, blue square right",
    "green cube",
    "rising plot with season",
)


def test_words_are_right_if_they_are_exactly_right():
    wanted = Exchange("What colour is it?", "Red.")
    assert judging.right(wanted, Said("Red."))
    assert not judging.right(wanted, Said("Red"))


def test_things_that_lie_in_no_order_may_be_named_in_any():
    wanted = Exchange("What is it?", "A ring and a star.", also=("A star and a ring.",))
    assert judging.right(wanted, Said("A star and a ring."))
    assert not judging.right(wanted, Said("A star and a star."))


@pytest.mark.parametrize("key", KEYS)
def test_a_picture_is_right_for_its_own_key_alone(key):
    said = Said("Here it is.", {"image": drawing.picture(key)})
    assert [other for other in KEYS if judging.right(Exchange("", other, "image"), said)] == [key]


def test_speech_is_right_if_it_is_heard_so():
    pytest.importorskip("pocketsphinx")
    from omni.nano.world import speech

    said = Said("", {"audio": speech.speak_house("blue square")})
    assert judging.right(Exchange("", "blue square", "audio"), said)
    assert not judging.right(Exchange("", "pink square", "audio"), said)
    both = Said("", {"audio": speech.speak_house("red star and blue ring")})
    other = ("blue ring and red star",)
    assert judging.right(Exchange("", other[0], "audio", ("red star and blue ring",)), both)
    assert not judging.right(Exchange("", other[0], "audio"), both)


@pytest.mark.parametrize("makes", ["image", "audio"])
def test_what_was_not_made_is_wrong(makes):
    assert not judging.right(Exchange("", KEYS[0], makes), Said("Here is a circle."))


def test_modest_is_who_says_so_and_makes_nothing():
    assert judging.modest(Said(OUTSIDE))
    assert not judging.modest(Said("A red circle."))
    assert not judging.modest(Said(OUTSIDE, {"image": object()}))
