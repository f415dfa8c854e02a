"""What the embedded model is asked when it is measured."""

import itertools
import re

import numpy as np
import pytest
import torch

from omni.nano import alternatives, cases, corpus, outside, paraphrases, wordings
from omni.nano.cases import Pool
from omni.nano.dialogue import held_out
from omni.nano.questions.unknown import UNKNOWN_QUESTIONS
from omni.nano.world.words import COLOURS, HELD_OUT, SHAPES, SOLIDS


def number(name, values):
    """In the place of an encoder: one token that tells the values apart."""
    return [torch.tensor([[float(hash(repr(value)) % 997)]]) for value in values]


@pytest.fixture(scope="module")
def pool():
    return Pool(number, batch=8)


def test_a_pool_gives_the_same_things_again_in_any_order(pool):
    again = Pool(number, batch=8)
    later = again.thing("image", 9)
    assert again.thing("image", 2).labels == pool.thing("image", 2).labels
    assert pool.thing("image", 9).labels == later.labels
    assert not any(pool.thing("image", place).labels.get("outside") for place in range(20))


def test_held_out_things_have_held_out_pairs_and_others_have_none(pool):
    for wanted in (True, False):
        for place in range(12):
            objects = pool.thing("image", place, held_out=wanted).labels["objects"]
            pairs = {(each["colour"], each["shape"]) for each in objects}
            assert bool(pairs & HELD_OUT) is wanted


def test_seeds_are_not_those_of_training():
    """Streams of the corpus begin otherwise, for training and for validation."""
    own = np.random.default_rng((cases.SEED, False, 0)).integers(1 << 60)
    others = {
        int(np.random.default_rng(key).integers(1 << 60))
        for key in itertools.product((0, 1), (0, 1), (0, 1), (9,))
    }
    assert own not in others


@pytest.mark.parametrize("makes", ["text", "image", "audio"])
def test_every_question_is_answered_in_the_modality_of_its_cell(pool, makes):
    found = cases.about_things(pool, "image", makes, 10, held_out=False)
    assert [case.makes for case in found] == [(makes,)] * 10
    message = found[0].message(0)
    assert [part["type"] for part in message["content"]] == ["image", "text"]
    assert message["content"][1]["text"] == found[0].turns[0].question


@pytest.mark.parametrize("wanted", [True, False])
def test_wishes_for_pictures_keep_their_split(wanted):
    wishes = cases.wishes("image", 60, held_out=wanted)
    drawn = [case.turns[0] for case in wishes if "plot" not in case.turns[0].answer]
    assert len(drawn) > 30 and all(held_out(wish) is wanted for wish in drawn)


def test_two_things_at_once_agree_about_as_often_as_not(pool, monkeypatch):
    monkeypatch.setattr(corpus, "MODALITIES", ("image", "video"))
    monkeypatch.setattr(cases, "_speakable", lambda pool, name: own[name])
    own = {name: list(speakable(pool, name)) for name in ("image", "video")}
    found = cases.together(pool, 2, "text", 600)
    assert all({one.modality for one in case.things} == {"image", "video"} for case in found)
    asked = [case.turns[0].answer for case in found if "both" in case.turns[0].answer]
    differ = [case for case in found if case.turns[0].answer == "No, they differ."]
    assert asked and differ and 0.4 < len(asked) / (len(asked) + len(differ)) < 0.85


def speakable(pool, name):
    for place in range(40):
        thing = pool.thing(name, place)
        if cases.pairs.known(name, thing.labels):
            yield thing


def test_conversations_have_follow_ups(pool, monkeypatch):
    monkeypatch.setattr(corpus, "MODALITIES", ("image", "video"))
    found = cases.conversations(pool, 12)
    assert {len(case.turns) for case in found} == {2, 3}
    assert all("type" in case.message(0)["content"][0] for case in found)
    assert all(len(case.message(1)["content"]) == 1 for case in found), "media come once"


def test_outside_things_are_none_that_training_makes():
    rng = np.random.default_rng(0)
    sentences = {outside.prose(rng) for _ in range(60)}
    assert len(sentences) > 40 and not sentences & set(UNKNOWN_QUESTIONS)
    pictures = [np.asarray(outside.picture(rng)) for _ in range(6)]
    assert all(picture.std() > 8 for picture in pictures)
    song = outside.sound(rng)
    assert 1.5 < len(song.samples) / song.sample_rate < 4.1
    assert 0.6 < np.abs(song.samples).max() <= 1
    film = outside.film(rng)
    assert (film.frames[0] != film.frames[-1]).any() and len(film.frames) == len(film.times)
    assert outside.cloud(rng).xyz.shape == (2048, 3)


@pytest.mark.parametrize("name", ["image", "text"])
def test_outside_cases_ask_of_what_is_not_of_the_world(name):
    found = cases.outside(number, name, 5)
    assert len(found) == 5
    assert all(len(case.things) == (name != "text") for case in found)


def test_a_listener_chooses_among_all_phrases_of_the_kind():
    coloured = alternatives.alternatives("red circle")
    assert len(coloured) == len(COLOURS) * (len(SHAPES) + len(SOLIDS))
    assert {"red circle", "blue torus"} <= set(coloured)
    assert "one beep" not in coloured
    assert "three beeps" in alternatives.alternatives("five beeps")
    assert "flat series with spike" in alternatives.alternatives("rising series with level shift")


def test_many_phrases_are_given_as_a_choice_of_words():
    (both,) = alternatives.alternatives("red circle and blue square")
    assert both.count("(") == 4 and " and " in both and "torus" in both


def test_no_paraphrase_is_a_wording_that_training_uses():
    nouns = ("object", "thing", "shape")
    known = {
        plainly(wording.replace("{noun}", noun))
        for wording in wordings.wordings()
        for noun in nouns
    }
    texts = [text for _, text in paraphrases.written()]
    assert len(texts) >= 300 and len({plainly(text) for text in texts}) == len(texts)
    assert not known & {plainly(text) for text in texts}


def plainly(text):
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def test_every_paraphrase_has_an_intent_and_an_answer():
    for intent, text in paraphrases.written():
        assert intent in paraphrases.INTENTS and text.strip() == text != ""


@pytest.mark.parametrize(
    ("wanted", "told", "right"),
    [
        ("Red.", "Red.", True),
        ("Red.", "A large red circle in the middle.", True),
        ("Red.", "Blue.", False),
        ("Red.", "Red and blue.", False),
        ("Yes, it has a season.", "No, it has no season.", False),
        ("It moves left.", "The circle moves left.", True),
        ("It moves left.", "It moves right.", False),
        ("Three.", "Two.", False),
    ],
)
def test_an_answer_in_other_words_counts_if_it_tells_the_same(wanted, told, right):
    from omni.evaluation.answering import Said
    from omni.nano.cases import Case
    from omni.nano.dialogue import Exchange

    assert paraphrases.right(Case((Exchange("?", wanted),)), [Said(told)]) is right
