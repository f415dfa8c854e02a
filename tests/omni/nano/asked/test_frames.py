import pytest

from omni.nano.asked import frames
from omni.nano.asked.frames import split, ways

FORMS = {
    "clauses": ("what it is", frames.CLAUSES),
    "whether": ("whether it is red", (*frames.CLAUSES, *frames.WHETHER)),
    "nouns": ("the colour", frames.NOUNS),
    "orders": ("name the colour", frames.ORDERS),
    "claims": ("it is {asked}", frames.CLAIMS),
}


def test_what_stands_between_bars_and_on_lines_is_taken_apart():
    assert split(" One? | Two?\n   Three | \n\n") == ("One?", "Two?", "Three")


@pytest.mark.parametrize("form", FORMS)
def test_a_want_is_put_into_frames_of_its_form(form):
    want, fitting = FORMS[form]
    found = ways(**{form: want}, each=len(fitting))
    lowered = {frame.replace("{}", want).lower() for frame in fitting}
    assert {one.lower() for one in found} == lowered and len(found) == len(fitting)


def test_what_is_to_be_made_is_not_asked_for_as_if_it_were_there():
    made = ways(nouns="a caption", each=99)
    assert "Make me a caption." in made and "I'd like a caption." in made
    assert "What is a caption?" not in made and "What is the caption?" in ways(
        nouns="the caption", each=99
    )


def test_questions_stand_alone_and_after_a_lead():
    alone, led = ways("What is it?", leads=("Look.",))
    assert (alone, led) == ("What is it?", "Look. What is it?")
    assert ways("What is it?", leads=()) == ("What is it?",)


def test_the_same_wordings_are_composed_every_time():
    """Tests, tokenisers and lessons count on it, and no generator of others is disturbed."""
    assert ways(nouns="the colour") == ways(nouns="the colour")
    assert len(ways(nouns="the colour", each=3)) == 3
    assert ways(nouns="the colour") != ways(nouns="the shape")


def test_sentences_begin_with_a_capital_and_keep_their_braces():
    for one in ways(orders="name the {noun}", claims="the {noun} is {asked}", each=99):
        assert one[0].isupper() or one[-1] not in ".?" or one[0] == "{"
        assert one.count("{noun}") == 1


@pytest.mark.parametrize(
    "name", ["CLAUSES", "WHETHER", "NOUNS", "PRODUCTS", "ORDERS", "CLAIMS", "LEADS"]
)
def test_every_frame_has_one_place_and_is_there_once(name):
    listed = getattr(frames, name)
    assert len(set(listed)) == len(listed) >= 14
    assert all(frame.count("{}") == (name != "LEADS") for frame in listed)
    assert all(frame.strip() == frame and "  " not in frame for frame in listed)


@pytest.mark.parametrize(
    ("form", "want"),
    [
        ("clauses", "the colour"),
        ("clauses", "what colour it is?"),
        ("whether", "if it is red"),
        ("nouns", "colour"),
        ("orders", "please name it"),
        ("orders", "what it is"),
        ("claims", "is it red"),
    ],
)
def test_a_want_of_another_form_is_refused(form, want):
    with pytest.raises(ValueError, match=f"'{want.rstrip('?')}.*' is no .*without an end mark"):
        ways(**{form: want})
