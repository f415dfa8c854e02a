"""Questions over several turns, things and modalities, wishes, texts and calls of tools."""

import random
import re
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.nano import dialogue, drawing
from omni.nano import wordings as w
from omni.nano.questions import pairs, turns, wishes
from omni.nano.questions.exchange import Exchange, article, listing, vary
from omni.nano.world import curves, group, motion, solid, tones, utterances, words

MODALITIES = tuple(dialogue.ABOUT)
MAKES = ("text", "image", "audio")
PAIRS = words.HELD_OUT | words.HELD_OUT_SOLIDS
seeds = st.integers(0, 2**32)


def labels_of(name, numbers, held_out=False) -> dict[str, Any]:
    """What is true of a thing of the world, which is not drawn or spoken here."""
    if name == "image":
        return {"objects": group.describe(group.sample(numbers, held_out=held_out))}
    if name == "video":
        return motion.describe(motion.sample(numbers, held_out=held_out))
    if name == "points":
        return solid.describe(solid.sample(numbers, held_out=held_out))
    if name == "series":
        return {**curves.describe(curves.course(numbers, held_out=held_out))}
    if held_out or numbers.random() < 0.7:
        return {"kind": "speech", "text": utterances.phrase(numbers, held_out=held_out)}
    tone = tones.tone(numbers)
    way = {"up": "rising", "down": "falling"}.get(tone.direction or "", "")
    return {"kind": tone.kind, "detail": words.NUMBERS[tone.count - 1] if tone.count else way}


@cache
def things(name, count=150, held_out=False):
    """Labels of many things."""
    numbers = np.random.default_rng((MODALITIES.index(name), held_out))
    return [labels_of(name, numbers, held_out) for _ in range(count)]


def exchanges(name, makes, held_out=False):
    """What is asked about many things so that `makes` is made, each with its labels."""
    rng = random.Random(f"{name} {makes}")
    for labels in things(name, held_out=held_out):
        for _ in range(3):
            if exchange := dialogue.asking(rng, name, labels, makes):
                yield labels, exchange


def names_held_out(text):
    spoken = re.findall(r"[a-z]+", text.lower())
    return any(pair in PAIRS for pair in pairwise(spoken))


ABOUT = [(name, makes) for name in MODALITIES for makes in MAKES]

_PLAIN = """
a an and are at both cycles it on the of is yes no none neither objects things coloured shapes
differ there with season has in series moves stays grows shrinks turns appears bounces they collide
nothing unusual happens someone says said beep beeps sweep noise level shift variance change spike
above below
"""
ANSWERS = {
    *re.findall(r"\w+", _PLAIN),
    *(*words.COLOURS, *words.SHAPES, *words.SOLIDS, *words.SIZES, *words.PLACES),
    *(*words.PROPORTIONS, *words.MOTIONS, *words.TRENDS, *words.TIMES, *words.NUMBERS),
}
"""Every word that is used to say what a thing is, outside quotation marks."""


@pytest.mark.parametrize(("name", "makes"), ABOUT)
def test_every_question_is_whole_and_every_answer_of_few_words(name, makes):
    found = [exchange for _, exchange in exchanges(name, makes)]
    assert len(found) > 30
    keys = set(drawing.keys()) if makes == "image" else set()
    for exchange in found:
        assert exchange.makes == makes
        assert not set("{}") & set(exchange.question + exchange.answer)
        assert exchange.question == exchange.question.strip() != ""
        if makes == "image":
            assert exchange.answer in keys
        elif makes == "audio":
            assert set(exchange.answer.split()) <= set(utterances.VOCABULARY)
        else:
            unquoted = re.sub(r'"[^"]+"', "", exchange.answer)
            assert set(re.findall(r"[a-z]+", unquoted.lower())) <= ANSWERS
            assert exchange.answer[0].isupper() and exchange.answer.endswith(".")


@pytest.mark.parametrize(("name", "makes"), ABOUT)
def test_held_out_pairs_come_only_where_they_are_shown(name, makes):
    for _, exchange in exchanges(name, makes):
        assert not names_held_out(exchange.answer) and not dialogue.held_out(exchange)
    told = [dialogue.held_out(each) for _, each in exchanges(name, makes, held_out=True)]
    assert any(told) or name == "series"  # whose combinations are not of colour and shape


@pytest.mark.parametrize(("name", "makes"), ABOUT)
def test_the_same_seed_asks_the_same(name, makes):
    assert list(exchanges(name, makes)) == list(exchanges(name, makes))


def test_all_modalities_are_asked_about_in_many_words():
    for name, makes in ABOUT:
        asked = {exchange.question for _, exchange in exchanges(name, makes)}
        assert len(asked) >= 12, (name, makes)


@pytest.mark.parametrize("name", MODALITIES)
def test_what_is_outside_the_world_is_said_to_be(name):
    rng = random.Random(0)
    for _ in range(40):
        exchange = dialogue.asking(rng, name, {"outside": True})
        assert exchange is not None and exchange.answer == dialogue.OUTSIDE
        assert "{" not in exchange.question
    assert dialogue.asking(rng, name, {"outside": True}, "image") is None
    assert dialogue.asking(rng, name, {"outside": True}, "audio") is None
    assert dialogue.talk_over(rng, name, {"outside": True}) is None
    assert pairs.known(name, {"outside": True}) is None


# Wishes


@given(seeds, st.sampled_from(MAKES), st.booleans())
def test_wishes_are_whole_and_hold_out_what_they_should(seed, makes, held_out):
    exchange = dialogue.wish(random.Random(seed), makes, held_out)
    assert exchange.makes == makes and exchange == dialogue.wish(
        random.Random(seed), makes, held_out
    )
    assert "{" not in exchange.question + exchange.answer
    if makes == "text":
        assert not dialogue.held_out(exchange)
    elif " plot" in exchange.answer:
        trend, season, event = drawing.course(exchange.answer)
        assert ((trend, season, event) in words.HELD_OUT_COURSES) == held_out
    else:
        assert dialogue.held_out(exchange) == names_held_out(exchange.answer) == held_out


@given(seeds)
def test_a_wish_for_a_picture_says_what_is_drawn(seed):
    exchange = wishes.drawing(random.Random(seed), held_out=None)
    assert exchange.answer in set(drawing.keys())
    asked = re.findall(r"[a-z]+", exchange.question.lower())
    drawn = exchange.answer.replace(",", "").replace(" plot", "").split()
    told = [word for word in drawn if word in (*words.COLOURS, *words.SHAPES, *words.SOLIDS)]
    assert sorted(word for word in asked if word in told) == sorted(told)
    if "small" in drawn:
        assert {"small", "little", "tiny"} & set(asked)
    if len(drawn) == 4 and drawn[3] in words.PLACES and drawn[3] != "middle":
        assert drawn[3] in asked
    if " plot" in exchange.answer:
        assert set(drawn) - {"with"} <= set(asked)


@given(seeds)
def test_a_wish_for_two_things_puts_them_where_it_says(seed):
    exchange = wishes.both(random.Random(seed), None)
    (one, place), (other, _) = (part.rsplit(" ", 1) for part in exchange.answer.split(", "))
    question = exchange.question
    here, there = question.find(article(one)), question.rfind(article(other))
    if one == other:
        return
    first = here < there
    between = question[min(here, there) :]
    if " left of " in between or " above " in between:
        assert first and (" left of " in between) == (place == "left")
    elif " right of " in between or " below " in between:
        assert not first and (" right of " in between) == (place == "left")
    elif " on the " in between or " at the " in between:
        named = re.findall(r"left|right|top|bottom", between)
        assert named == ([place, {"left": "right", "top": "bottom"}[place]][:: 1 if first else -1])
    else:
        assert first and place == "left"


@given(seeds)
def test_words_to_be_spoken_stand_in_the_wish(seed):
    exchange = dialogue.wish(random.Random(seed), "audio")
    assert exchange.answer in exchange.question


# Several things


def told_of(name, labels):
    """Colour and shape of the only thing in it, naively."""
    if name == "audio":
        spoken = labels["text"].split()
        kinds = (*words.SHAPES, *words.SOLIDS)
        return tuple(next(word for word in spoken if word in of) for of in (words.COLOURS, kinds))
    only = labels["objects"][0] if name == "image" else labels
    return only["colour"], only.get("shape") or only["solid"]


def meant(question, names):
    """The modalities that a question names, in the order of its words."""
    found = [
        (question.find(called), name)
        for name in names
        for called in pairs.NAMES[name]
        if called in question
    ]
    return [name for _, name in sorted(found)]


def paired():
    """Questions over two or three things, with these."""
    rng = random.Random(5)
    for _ in range(1500):
        names = rng.sample(MODALITIES, rng.choice((2, 2, 3)))
        both = {name: rng.choice(things(name)) for name in names}
        if exchange := dialogue.pairing(rng, both):
            yield both, exchange


@cache
def worded(kind):
    """What is worded in one of the ways of a kind, whatever it is about."""
    ways = (re.sub(r"\\{\w+\\}", ".+", re.escape(wording)) for wording in getattr(pairs, kind))
    return re.compile("|".join(ways))


def test_questions_over_several_things_are_answered_from_their_labels():
    kinds = set()
    for both, exchange in paired():
        question, answer, names = exchange.question, exchange.answer, tuple(both)
        assert "{" not in question
        coloured = {name: told_of(name, both[name]) for name in names if name != "series"}
        colours = [colour for colour, _ in coloured.values()]
        asked = meant(question, names)
        kind = next(
            (
                name
                for name in (
                    "_SAME_COLOUR",
                    "_SAME_THING",
                    "_COLOUR_IN",
                    "_SHAPE_IN",
                    "_DRAW_MIXED",
                    "_SAY_BOTH",
                    "_WHICH_SAYS",
                    "_WHICH",
                )
                if worded(name).fullmatch(question)
            ),
            "trend",
        )
        kinds.add(kind)
        if kind == "_SAME_COLOUR":
            one, other = (coloured[name][0] for name in asked)
            assert answer == (f"Yes, both are {one}." if one == other else "No, they differ.")
        elif kind == "_SAME_THING":
            same = len({coloured[name] for name in asked}) == 1
            assert len(asked) == 2 and answer == (
                "Yes, they agree." if same else "No, they differ."
            )
        elif kind == "_COLOUR_IN":
            assert answer == f"{coloured[asked[0]][0].capitalize()}."
        elif kind == "_SHAPE_IN":
            assert answer == f"{article(coloured[asked[0]][1]).capitalize()}."
        elif kind == "_DRAW_MIXED":
            assert exchange.makes == "image"
            assert answer == f"large {coloured[asked[1]][0]} {coloured[asked[0]][1]} middle"
            assert not names_held_out(answer)
        elif kind == "_SAY_BOTH":
            assert exchange.makes == "audio" and answer == " and ".join(colours)
            assert len(colours) == 2
        elif kind == "_WHICH":
            (value,) = [colour for colour in words.COLOURS if f" {colour}" in question]
            (name,) = [name for name in coloured if coloured[name][0] == value]
            assert answer == f"{pairs.NAMES[name][0].capitalize()}."
        elif kind == "_WHICH_SAYS":
            assert f"a {both['series']['trend']} trend" in question and answer == "The series."
        else:
            assert asked == ["series"] and answer == f"{both['series']['trend'].capitalize()}."
    assert len(kinds) == 9


def test_things_that_are_no_single_thing_are_not_paired():
    crowd = {"objects": [{"colour": "red", "shape": "star", "size": "small"}] * 2}
    film = {"colour": "red", "shape": "star", "motion": "colliding", "other": {}}
    solo = {"colour": "red", "solid": "cube", "size": "small", "proportion": "even"}
    for other in ({"image": crowd}, {"video": film}, {"audio": {"kind": "noise", "detail": ""}}):
        assert dialogue.pairing(random.Random(0), {"points": solo, **other}) is None


# Several turns


@pytest.mark.parametrize("name", MODALITIES)
def test_talks_have_as_many_turns_as_asked_for(name):
    rng, again = random.Random(9), random.Random(9)
    for labels in things(name):
        count = 2 + len(labels) % 2
        found = dialogue.talk_over(rng, name, labels, count)
        assert found is not None and len(found) == count
        assert found == dialogue.talk_over(again, name, labels, count)
        assert not any("{" in each.question or dialogue.held_out(each) for each in found)


def test_the_other_one_is_the_other_one():
    rng = random.Random(10)
    seen = 0
    for labels in things("image", 400):
        found = turns.other(rng, labels)
        if found is None:
            continue
        seen += 1
        first, second = found
        one, other = labels["objects"]
        asked = re.findall(r"[a-z]+", first.question.lower())
        it = one if one["colour"] in asked or one["shape"] in asked else other
        rest = other if it is one else one
        key = "shape" if it["colour"] in asked else "colour"
        assert first.answer.strip(".").split()[-1].lower() == it[key]
        assert second.answer.strip(".").split()[-1].lower() == rest[key]
        assert "other" in second.question or "second" in second.question
    assert seen > 20


@pytest.mark.parametrize("name", MODALITIES)
def test_a_short_question_is_answered_as_the_long_one(name):
    rng = random.Random(11)
    for labels in things(name):
        long = {dialogue.ABOUT[name].ask(rng, labels).answer for _ in range(60)}
        for _ in range(4):
            if (short := turns.follow(rng, name, labels)) is not None:
                assert short.answer in long or "unusual" in short.answer


def test_a_wish_is_made_again_as_a_second_turn():
    rng = random.Random(12)
    drawn, plotted = (Exchange("", key, "image") for key in ("red cube", "flat plot"))
    for wish in (drawn, plotted):
        found = [turns.again(rng, wish) for _ in range(60)]
        assert any(each and "plot" in each.question for each in found) == (wish is plotted)
    assert turns.again(rng, None) is None
    said = turns.again(rng, Exchange("", "two beeps", "audio"))
    assert said is not None and (said.answer, said.makes) == ("two beeps", "audio")


# How it is said


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("large orange heart middle", "a large orange heart in the middle"),
        ("small red star left", "a small red star on the left"),
        (
            "red circle top, orange star bottom",
            "a red circle at the top and an orange star at the bottom",
        ),
        ("orange cube", "an orange cube"),
        ("flat plot with season with spike", "a flat plot with season with spike"),
    ],
)
def test_announcements_name_the_thing_and_its_place(key, said):
    assert dialogue.announce(Exchange("", key, "image")) == f"Here is {said}."
    assert dialogue.announce(Exchange("", "two beeps", "audio")) == 'Here is "two beeps", spoken.'


def test_held_out_pairs_are_found_however_they_are_said():
    for answer in (
        "A purple star.",
        "small purple star left",
        "blue cone",
        'Someone says "draw a purple star".',
    ):
        assert dialogue.held_out(Exchange("", answer))
    for answer in ("A star, purple.", "red star left, purple circle right", "Purple."):
        assert not dialogue.held_out(Exchange("", answer))


def test_articles_and_lists():
    assert article("orange star") == "an orange star" and article("red star") == "a red star"
    assert listing(["a"]) == "a"
    assert listing(["a", "b"]) == "a and b"
    assert listing(["a", "b", "c"]) == "a, b and c"


def test_careless_typing_keeps_the_words_in_their_order():
    whole = w.WHAT + w.SAY_THIS + tuple(w.OUTERMOST["left"])
    varied = 0
    for seed in range(400):
        rng = random.Random(seed)
        question = rng.choice(whole)
        typed = vary(rng, question)
        assert question.rstrip("?.").lower() in typed.lower()
        assert "{" not in typed
        varied += typed != question
    assert 150 < varied < 350


def test_wordings_hold_every_question():
    every = list(w.wordings())
    assert "What is this?" in every and "Is there a spike?" in every and len(set(every)) > 400
    assert all(
        isinstance(wording, str) and wording.count("{") == wording.count("}") for wording in every
    )
