import random
import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from omni.nano.asked.careless import hurried, thinned
from omni.nano.wordings import wordings
from omni.nano.world import words

QUESTION = "Please tell me what colour the circle in the centre has."


def test_mostly_a_question_stays_as_it_is_and_else_it_is_varied():
    typed = Counter(hurried(random.Random(seed), QUESTION) for seed in range(2000))
    assert 0.55 < typed[QUESTION] / 2000 < 0.8
    assert len(typed) > 20
    assert "Please tell me what color the circle in the center has." in typed
    assert "Pls tell me what colour the circle in the centre has." in typed
    assert "Please tell me what colour the circle in centre has." in typed
    assert any("  " in one for one in typed) and any(one.endswith("??") for one in typed)


@given(st.integers(0, 2**32), st.sampled_from(sorted(set(wordings()))[::9]))
def test_hurry_changes_no_word_of_the_world(seed, question):
    """What is asked about stays: colours, shapes, places, and what is filled in later."""
    typed = hurried(random.Random(seed), question)
    kept = (*words.COLOURS, *words.SHAPES, *words.SOLIDS, *words.TRENDS, "left", "right")
    told = [
        [w for w in re.findall(r"[a-z]+", text.lower()) if w in kept] for text in (question, typed)
    ]
    assert told[0] == told[1]
    assert re.findall(r"{\w+}", question) == re.findall(r"{\w+}", typed)
    assert typed == hurried(random.Random(seed), question)


@given(st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 30))
def test_thinning_keeps_words_in_their_order_and_never_loses_all(seed, lost, count):
    question = " ".join(f"w{number}" for number in range(count))
    kept = thinned(random.Random(seed), question, lost).split()
    assert kept and kept == sorted(kept, key=lambda word: int(word[1:]))
    assert set(kept) <= set(question.split())
    assert thinned(random.Random(seed), question, 0.0) == question


def test_about_as_many_words_are_lost_as_was_said():
    rng = random.Random(0)
    question = " ".join(["word"] * 20)
    kept = [len(thinned(rng, question, 0.35).split()) for _ in range(300)]
    assert 12 < sum(kept) / 300 < 14
