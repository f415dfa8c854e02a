"""Putting legs together: on constructed legs, on fresh questions, and against naive ranks."""

import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from omni.errors import UsageError
from omni.memory.record import Record
from omni.memory.retrieve.calibrate import Known, calibrate, softened
from omni.memory.retrieve.fuse import MEASURES, Blend, fuse
from omni.memory.retrieve.known import question

CANDIDATES = 20


def naive_mrr(questions, order):
    ranks = [
        order(one).index(one.target) + 1 if one.target in order(one) else 0 for one in questions
    ]
    return sum(1 / rank for rank in ranks if rank) / len(ranks)


def mrr_of(questions, blend):
    return naive_mrr(questions, lambda one: [id for id, _ in fuse(one.legs, blend)])


def mrr_alone(questions, name):
    return naive_mrr(
        questions, lambda one: sorted(one.legs[name], key=lambda id: -one.legs[name][id])
    )


def drawn(seed, count, **skills):
    """Questions whose legs find the target with a skill: how far it stands out, and how often."""
    draw = np.random.default_rng(seed)

    def one():
        target = int(draw.integers(CANDIDATES))
        luck = draw.random()
        legs = {}
        for name, (lift, share, scale) in skills.items():
            scores = draw.normal(size=CANDIDATES)
            low, high = share
            if low <= luck < high:
                scores[target] += lift
            legs[name] = {str(place): float(scale * s) for place, s in enumerate(scores)}
        return Known(legs, str(target))

    return [one() for _ in range(count)]


ALWAYS, NEVER = (0.0, 1.0), (0.0, 0.0)
CASES = {
    "one knows and one draws lots": {"good": (9, ALWAYS, 1), "lots": (0, NEVER, 100)},
    "two draw lots": {"one": (0, NEVER, 1), "other": (0, NEVER, 1), "good": (4, ALWAYS, 0.01)},
    "each knows one half": {"first": (6, (0.0, 0.5), 1), "second": (6, (0.5, 1.0), 30)},
    "both know a little": {"one": (2.5, ALWAYS, 1), "other": (2.5, ALWAYS, 7)},
    "strong beside weak": {"strong": (4, ALWAYS, 1), "weak": (1, ALWAYS, 5)},
}


@pytest.mark.parametrize("skills", CASES.values(), ids=CASES)
@pytest.mark.parametrize("count", [8, 40, 150])
def test_on_fresh_questions_a_blend_is_no_worse_than_the_best_leg(skills, count):
    """Eight questions cannot tell each time: there, twice as much may be lost at most."""
    fresh = drawn(99, 200, **skills)
    best = max(mrr_alone(fresh, name) for name in skills)
    found = [calibrate(drawn(seed, count, **skills)) for seed in range(5)]
    gains = [mrr_of(fresh, one.blend) - best for one in found]
    assert sum(gains) / len(gains) >= -0.01
    for gain, one in zip(gains, found, strict=True):
        assert gain >= (-0.02 if count < 40 else -0.01), one.reason


@pytest.mark.parametrize("name", ["each knows one half", "both know a little"])
def test_legs_that_complement_one_another_gain(name):
    fresh = drawn(99, 200, **CASES[name])
    found = calibrate(drawn(1, 150, **CASES[name]))
    best = max(mrr_alone(fresh, leg) for leg in CASES[name])
    assert mrr_of(fresh, found.blend) > best + 0.1
    assert found.held_out is not None and found.held_out > max(found.alone.values())


def test_a_leg_that_is_silent_for_a_question_is_heard_softly_in_its_usual_spread():
    silent = {str(place): 0.001 * (place % 7) for place in range(20)}
    certain = {str(place): float(place == 3) for place in range(20)} | {"4": 0.9}
    legs = {"silent": silent, "certain": certain}
    assert fuse(legs, Blend(measure="usual", spreads={"silent": 1.0, "certain": 0.3}))[0][0] == "3"
    loud = dict(fuse(legs, Blend(spreads={"silent": 1.0})))
    soft = dict(fuse(legs, Blend(measure="usual", spreads={"silent": 1.0})))
    assert abs(soft["6"] - soft["0"]) < 0.01 < abs(loud["6"] - loud["0"])


def test_ranks_are_added_as_reciprocal_rank_fusion_does():
    one = {"a": 9.0, "b": 5.0, "c": 1.0}
    other = {"b": 0.9, "d": 0.8, "c": 0.1}
    found = dict(fuse({"one": one, "other": other}, Blend(measure="ranks")))
    expected: dict[str, float] = {}
    for leg in (one, other):
        for rank, id in enumerate(sorted(leg, key=lambda id: -leg[id]), start=1):
            expected[id] = expected.get(id, 0.0) + 1 / (60 + rank)
    assert found == pytest.approx(expected)
    tied = dict(fuse({"words": {"a": 2.0, "b": 0.0, "c": 0.0}}, Blend(measure="ranks")))
    assert tied == pytest.approx({"a": 1 / 61, "b": 0.0, "c": 0.0})


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4), st.sampled_from([1, 4, 25]))
@example(3408, 4, 5)  # the target is known only to a leg that gets no weight
def test_what_is_told_of_a_blend_is_what_it_does(seed, legs, count):
    draw = np.random.default_rng(seed)
    names = [f"leg {place}" for place in range(legs)]

    def asked():
        ids = [id for id in "abcdefgh" if draw.random() < 0.8] or ["a"]
        found = {
            name: {id: float(draw.normal()) for id in ids if draw.random() < 0.8} for name in names
        }
        return Known(found, str(draw.choice(list("abcdefgh"))))

    questions = [asked() for _ in range(count)]
    found = calibrate(questions)
    for name in names:
        assert found.alone[name] == pytest.approx(mrr_alone(questions, name))
    if found.reason.startswith("better") or "leads" in found.reason or "alone" in found.reason:
        assert found.mrr >= max(found.alone.values()) - 1e-12

    def fused(one):
        """Without what only legs of no weight know: it comes last, and counts as not found."""
        heard = {id for name, leg in one.legs.items() if found.weights[name] for id in leg}
        return [id for id, _ in fuse(one.legs, found.blend) if id in heard]

    assert found.mrr == pytest.approx(naive_mrr(questions, fused))


def test_few_questions_teach_no_weights():
    good = {"a": 3.0, "b": 1.0, "c": 2.0}
    bad = {"a": 0.0, "b": 9.0, "c": 5.0}
    few = calibrate([Known({"good": good, "bad": bad}, "a")])
    assert few.held_out is None and "few questions" in few.reason
    sure = calibrate([Known({"good": good, "bad": bad}, "a")] * 8)
    assert sure.weights == {"good": 1.0, "bad": 0.0} and "leads for certain" in sure.reason
    with pytest.raises(UsageError, match="no question"):
        calibrate([])
    with pytest.raises(UsageError, match="the same legs"):
        calibrate([Known({"one": good}, "a"), Known({"two": good}, "a")])


@pytest.mark.parametrize("measure", MEASURES)
def test_a_blend_survives_json(measure):
    blend = Blend({"words": 0.3, "text": 0.7}, measure, {"words": 2.5})
    assert Blend.from_json(blend.to_json()) == blend
    assert Blend.from_json({"words": 0.3}) == Blend({"words": 0.3})


def test_a_blend_that_cannot_be_is_refused():
    with pytest.raises(UsageError, match="measured by own, usual, ranks"):
        Blend(measure="loudness")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="spreads of legs"):
        Blend(spreads={"words": 0.0})


def test_questions_are_made_from_titles_and_from_sentences_alike():
    record = Record("r", title="the_red_kite", text="----\nIt lives in woods and eats mice. No.")
    asked = {question(record, random.Random(seed)) for seed in range(60)}
    titles = [one for one in asked if set(one.split()) <= {"the", "red", "kite"}]
    said = {"It", "lives", "in", "woods", "and", "eats", "mice"}
    bodies = [one for one in asked if set(one.split()) <= said]
    assert titles and bodies and len(titles) + len(bodies) == len(asked)
    assert question(Record("r", text="---- ----\n="), random.Random(0)) == ""


def test_questions_made_from_words_only_silence_what_is_no_use():
    legs = {"words": (9, ALWAYS, 1), "text": (2.5, ALWAYS, 1), "lots": (0, NEVER, 1)}
    known = drawn(0, 120, **legs)
    found = softened(calibrate(known), known)
    assert found.mrr == pytest.approx(mrr_of(known, found.blend)) and found.held_out is None
    assert found.weights == {"words": 0.5, "text": 0.5, "lots": 0.0}
    assert found.reason.endswith("without lots") and found.blend.measure == "own"
