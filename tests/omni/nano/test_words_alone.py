"""What is asked in words alone: passages, scenes that are told, talk, calls of tools."""

import random
import re

import pytest
from hypothesis import strategies as st

from omni.nano import dialogue
from omni.nano.questions import exercises, passages, smalltalk
from omni.nano.questions.exchange import article
from omni.nano.questions.prose import prose
from omni.nano.world import words

MODALITIES = tuple(dialogue.ABOUT)
MAKES = ("text", "image", "audio")
PAIRS = words.HELD_OUT | words.HELD_OUT_SOLIDS
seeds = st.integers(0, 2**32)


def test_passages_hold_the_answer_that_is_cited():
    unsaid = 0
    for seed in range(600):
        (exchange,) = passages.retrieved(random.Random(seed))
        lines = exchange.question.splitlines()
        listed = {line[1]: line[4:] for line in lines if re.match(r"\[\d\] ", line)}
        (question,) = [line for line in lines if line and line[0] != "[" and line != "Passages:"]
        assert "{" not in exchange.question
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", exchange.question)
        owner = next(name for name in passages.OWNERS if re.search(rf"\b{name}\b", question))
        about = [number for number, text in listed.items() if re.search(rf"\b{owner}\b", text)]
        if not about:
            assert exchange.answer == passages.UNSAID
            unsaid += 1
            continue
        (number,) = about
        told, cited = exchange.answer.split(". ")
        value = told.split()[-1] if " is " in told else told.split()[2]
        assert told.startswith(owner) and cited == f"[{number}]"
        assert value in re.findall("[a-z]+", listed[number].lower())
        (thing,) = [each for each in passages.OBJECTS if re.search(rf"\b{each}s?\b", question)]
        assert re.search(rf"\b{thing}s?\b", listed[number])
    assert 60 < unsaid < 200


def test_scenes_in_words_are_understood():
    relations = "|".join(words.RELATIONS)
    kinds = set()
    for seed in range(600):
        (exchange,) = passages.told(random.Random(seed))
        scene, question = re.split(r"(?<=\.) ", exchange.question)
        found = re.search(rf"(\w+) (\w+)(?: is| stands)? ({relations}) an? (\w+) (\w+)", scene)
        assert found, scene
        one, other, relation = found.group(1, 2), found.group(4, 5), found[3]
        assert not dialogue.names_held_out(exchange.question)
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", exchange.question.lower())
        if question.startswith("What colour"):
            colour, shape = next(each for each in (one, other) if f" {each[1]}?" in question)
            wanted = f"the {shape} is {colour}"
        elif question.startswith("Which shape"):
            wanted = f"the {' '.join(next(each for each in (one, other) if each[0] in question))}"
        elif question.startswith("How many"):
            wanted = "two"
        elif question.startswith("Is there"):
            there = any(f" {' '.join(thing)}?" in question for thing in (one, other))
            wanted = "yes, there is" if there else "no, there is none"
        else:
            asked, _, name = question[8:-1].partition(" the ")
            assert (asked == relation) == (name == other[1])
            found_there = article(" ".join(one if name == other[1] else other))
            wanted = f"{asked} the {name} is {found_there}"
        assert exchange.answer == f"{wanted[0].upper()}{wanted[1:]}."
        kinds.add(exchange.answer.partition(",")[0] if "," in exchange.answer else question[:10])
    assert {"Yes", "No", "What colou", "Which shap", "How many t"} <= kinds


def test_smalltalk_answers_are_few_and_questions_many():
    found = [smalltalk.talking(random.Random(seed)) for seed in range(500)]
    assert len({exchange.answer for exchange in found}) <= 8
    assert len({exchange.question for exchange in found}) > 60


_SAID = {"s", "the", "is", "has", "a", "an", "above", "below", "left", "right", "of"}


@pytest.mark.parametrize("kind", [passages.retrieved, passages.told])
def test_more_is_asked_about_the_same_text_without_saying_it_again(kind):
    for seed in range(100):
        first, *more = kind(random.Random(seed), 5)
        assert len(more) == 4
        for later in more:
            assert len(later.question) < 60 and "[" not in later.question
            if later.answer == passages.UNSAID:
                continue
            said = set(re.findall("[a-z]+", later.answer.lower()))
            if not said & {"yes", "no"} and later.answer != "Two.":
                assert (
                    said
                    <= set(re.findall("[a-z]+", f"{first.question} {later.question}".lower()))
                    | _SAID
                )


def test_where_somebody_is_spoken_of_is_asked_later_and_cited_rightly():
    asked = 0
    for seed in range(60):
        first, *more = passages.retrieved(random.Random(seed), 5)
        for later in more:
            cited = re.fullmatch(r"\[(\d)\]", later.answer)
            if cited:
                line = re.search(rf"\[{cited[1]}\] (.*)", first.question)
                (owner,) = [name for name in passages.OWNERS if name in later.question]
                assert line and owner in line[1]
                asked += 1
    assert 60 < asked < 140


def test_prose_is_various_and_about_nothing_of_the_world():
    every = [prose(random.Random(seed)) for seed in range(500)]
    assert len(set(every)) == 500
    of_the_world = {*words.COLOURS, *words.SHAPES, *words.SOLIDS}
    for text in every:
        assert text[0].isupper() and text[-1] in ".?" and "{" not in text
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text.lower())
        assert 3 <= len(text.split()) <= 36
        assert not of_the_world & set(re.findall("[a-z]+", text.lower()))


def test_talk_is_strange_as_often_as_is_wished():
    rng = random.Random(0)
    found = [smalltalk.talking(rng, 0.5) for _ in range(400)]
    known = {question for several in smalltalk.TALK.values() for question in several}
    strange = [
        one
        for one in found
        if one.answer == smalltalk.UNKNOWN
        and one.question.rstrip("!.") not in known
        and one.question not in known
    ]
    assert 100 < len(strange) < 250


def test_exercises_are_answered_with_their_own_words_in_another_order():
    for seed in range(200):
        rng = random.Random(seed)
        exchange = rng.choice((exercises.backwards, exercises.in_order))(rng)
        asked = exchange.question.lower()
        assert not dialogue.names_held_out(exchange.question)
        for word in set(re.findall("[a-z]+", exchange.answer.lower())) - {"and"}:
            assert exchange.answer.lower().count(word) <= asked.count(word)
    few = exercises.backwards(random.Random(3))
    things = re.findall(r"an? \w+ \w+", few.question)
    assert re.findall(r"[Aa]n? \w+ \w+", few.answer)[1:] == things[::-1][1:]


def test_what_is_repeated_or_looked_up_stands_in_the_question_as_it_is_answered():
    unsaid = 0
    for seed in range(300):
        rng = random.Random(seed)
        exchange = exercises.repeated(rng)
        assert exchange.exact and exchange.answer in exchange.question
        exchange = exercises.looked_up(rng)
        *lines, question = exchange.question.split("\n")
        assert exchange.exact
        if exchange.answer == passages.UNSAID:
            unsaid += 1
            assert not any(
                len(name) > 3 and name in question for line in lines for name in strange(line)
            )
            continue
        found = LOOKED_UP.fullmatch(exchange.answer)
        assert found
        fact, owner, value, place = found.groups()
        told = [line for line in lines if owner in line and value in line]
        assert told and owner in question and fact in question
        assert place is None or lines[int(place) - 1] in told
    assert 20 < unsaid < 80


LOOKED_UP = re.compile(r"The (\w+) of (\w+) is (.+)\.(?: \[(\d)])?")


def strange(line):
    """Capitalised words of a line which stand at its beginning, or before its end."""
    return re.findall(r"(?:of |^(?:\[\d] )?)([A-Z][a-z]+)(?=\.$|:| has| \|)", line)
