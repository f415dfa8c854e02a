"""Questions that text answers: scenes told in words, and retrieved passages with their numbers.

Answers are whole sentences that say again what was asked about: what is looked up then stands right
before what is found, as it does in the text.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from omni.nano.questions.exchange import Exchange, article, sentence
from omni.nano.questions.wishes import pair
from omni.nano.world.words import COLOURS, HELD_OUT_SOLIDS, NUMBERS, SOLIDS

UNSAID = "The passages do not say."
OWNERS = (
    *("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jonas"),
    *("Karin", "Leo", "Maria", "Noah", "Olga", "Paul", "Rosa", "Simon", "Tessa", "Viktor"),
)
OBJECTS = (
    *("lamp", "door", "boat", "hat", "car", "house", "flag", "chair", "coat", "kite"),
    *("bike", "cup", "tent", "bag", "roof", "scarf", "train", "book", "wall", "clock"),
)
_STATED = (
    *("The {thing} of {owner} is {colour}.", "{owner} has {a} {thing}."),
    *("{owner} painted the {thing} {colour}.", "{owner}'s {thing} is {colour}."),
)
_ASKED = (
    *("What colour is the {thing} of {owner}?", "Which colour has {owner}'s {thing}?"),
    *("What is the colour of {owner}'s {thing}?", "Tell me the colour of the {thing} of {owner}."),
)
_COUNTED = (
    *("{owner} owns {number} {thing}s.", "There are {number} {thing}s in the room of {owner}."),
    *("{owner} bought {number} {thing}s.", "{number} {thing}s belong to {owner}."),
)
_COUNT_ASKED = (
    *("How many {thing}s does {owner} have?", "How many {thing}s are there with {owner}?"),
    *("What number of {thing}s has {owner}?", "Tell me how many {thing}s {owner} has."),
)
_IS, _HAS = "{owner}'s {thing} is {colour}.", "{owner} has {number} {thing}s."
_WHICH = (
    *("Which passage is about {owner}?", "Where is {owner} spoken of?", "Which number is {owner}?"),
    *("Where does it say so of {owner}?", "In which passage does {owner} occur?"),
    *("Which line names {owner}?", "Cite what is said of {owner}.", "Where do I find {owner}?"),
)
_WHICH_OFTEN = 0.4
_SCENE = (
    *(
        "There is {a} {relation} {b}.",
        "{a} is {relation} {b}.",
        "A picture shows {a} {relation} {b}.",
    ),
    *("Imagine {a} {relation} {b}.", "Suppose that {a} stands {relation} {b}."),
)
_INVERSE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}


def ask(rng: random.Random) -> Exchange:
    """A text with a question about it."""
    return talk(rng, 1)[0]


def talk(rng: random.Random, turns: int) -> list[Exchange]:
    """A text with a question about it, and then more questions about the same text."""
    return rng.choices((retrieved, told), (3, 2))[0](rng, turns)


def retrieved(rng: random.Random, turns: int = 1) -> list[Exchange]:
    """Numbered passages as retrieval gives them; an answer cites the one that it is taken from."""
    count = rng.randint(2, 4)
    owners, things = rng.sample(OWNERS, count), [rng.choice(OBJECTS) for _ in range(count)]
    passages, exchanges = [], []
    for owner, thing in zip(owners, things, strict=True):
        if rng.random() < 0.6:
            value = rng.choice(tuple(COLOURS))
            stated, asked, told = rng.choice(_STATED), rng.choice(_ASKED), _IS
        else:
            value = rng.choice(NUMBERS[1:])
            stated, asked, told = rng.choice(_COUNTED), rng.choice(_COUNT_ASKED), _HAS
        words = {"owner": owner, "thing": thing, "colour": value, "number": value}
        words["a"] = article(value)
        passages.append(sentence(stated.format(**words)[:-1]))
        exchanges.append((asked.format(**words), told.format(**words)))
    asked = [_asked_of(rng, owners, exchanges)]
    for _ in range(turns - 1):
        which = rng.random() < _WHICH_OFTEN
        asked.append(_place_of(rng, owners) if which else _asked_of(rng, owners, exchanges))
    listed = "\n".join(f"[{number}] {passage}" for number, passage in enumerate(passages, 1))
    ways = ("{listed}\n{question}", "Passages:\n{listed}\n\n{question}", "{question}\n{listed}")
    whole = rng.choice(ways).format(listed=listed, question=asked[0].question)
    return [Exchange(whole, asked[0].answer), *asked[1:]]


def _asked_of(
    rng: random.Random, owners: Sequence[str], exchanges: Sequence[tuple[str, str]]
) -> Exchange:
    """A question that one of the passages answers, or that none does."""
    wanted = rng.randrange(len(owners))
    question, answer = exchanges[wanted]
    if rng.random() < 0.2:
        stranger = rng.choice([owner for owner in OWNERS if owner not in owners])
        return Exchange(question.replace(owners[wanted], stranger), UNSAID)
    return Exchange(question, f"{answer} [{wanted + 1}]")


def _place_of(rng: random.Random, owners: Sequence[str]) -> Exchange:
    """Where somebody is spoken of: all that is hard in a citation, and nothing else."""
    wanted = rng.randrange(len(owners))
    return Exchange(rng.choice(_WHICH).format(owner=owners[wanted]), f"[{wanted + 1}]")


def told(rng: random.Random, turns: int = 1) -> list[Exchange]:
    """A scene in words, and questions about it."""
    first, second, third = pair(rng), pair(rng), pair(rng)
    if rng.random() < 0.25:
        first = first[0], rng.choice(SOLIDS)
    if (
        first in HELD_OUT_SOLIDS
        or third in (first, second)
        or first[1] == second[1]
        or first[0] == second[0]
    ):
        return told(rng, turns)
    relation = rng.choice(tuple(_INVERSE))
    a, b = article(" ".join(first)), article(" ".join(second))
    scene = rng.choice(_SCENE).format(a=a, b=b, relation=relation)
    questions = (
        (f"What colour is the {first[1]}?", f"The {first[1]} is {first[0]}."),
        (f"What colour is the {second[1]}?", f"The {second[1]} is {second[0]}."),
        (f"Which shape is {first[0]}?", f"The {first[0]} {first[1]}."),
        (f"Which shape is {second[0]}?", f"The {second[0]} {second[1]}."),
        (f"What is {relation} the {second[1]}?", sentence(f"{relation} the {second[1]} is {a}")),
        (
            f"What is {_INVERSE[relation]} the {first[1]}?",
            sentence(f"{_INVERSE[relation]} the {first[1]} is {b}"),
        ),
        ("How many things are there?", "Two."),
        (f"Is there {a}?", "Yes, there is."),
        (f"Is there {article(' '.join(third))}?", "No, there is none."),
    )
    asked = [Exchange(*rng.choice(questions)) for _ in range(turns)]
    whole = f"{scene[0].upper()}{scene[1:]} {asked[0].question}"
    return [Exchange(whole, asked[0].answer), *asked[1:]]
