"""Exercises: what nobody asks for, but what looking things up in a text is soon learned from."""

from __future__ import annotations

import random

from omni.nano.questions import results
from omni.nano.questions.exchange import Exchange, article, listing, sentence
from omni.nano.questions.passages import OBJECTS, OWNERS, UNSAID
from omni.nano.questions.wishes import pair
from omni.nano.world.words import COLOURS

_BACKWARDS = ("Say this backwards: {things}.", "Turn the list around: {things}.")
_WHOSE = ("{told} Now in this order: {names}.", "{told} Say it again for {names}.")
_REPEAT = (
    *("Repeat: {words}", "Repeat this: {words}", "Repeat after me: {words}", "Copy this: {words}"),
    *("Write this again: {words}", "Type this once more: {words}", "Copy: {words}"),
    *("What I have just written is {words}. What is it?", "{words}\nCopy the line above."),
)
_FACTS = ("code", "number", "key", "price", "date", "street", "name", "room", "address", "size")
_FACT_STATED = (
    *("The {fact} of {owner} is {value}.", "{owner} has the {fact} {value}.", "{owner}: {value}"),
    *("{value} is the {fact} of {owner}.", "{owner} | {fact} | {value}"),
)
_FACT_ASKED = (
    *("What is the {fact} of {owner}?", "Which {fact} has {owner}?", "{owner}'s {fact}?"),
    *("Tell me the {fact} of {owner}.", "What {fact} does {owner} have?"),
)


def exercise(rng: random.Random) -> Exchange:
    """One of them; its answer is all in the question, in another order or as it stands there."""
    return rng.choices((backwards, in_order, repeated, looked_up), (1, 1, 3, 3))[0](rng)


def repeated(rng: random.Random) -> Exchange:
    """Words, numbers and signs that nobody knows, letter by letter."""
    words = " ".join(results.phrase(rng) for _ in range(rng.randint(1, 3)))
    return Exchange(rng.choice(_REPEAT).format(words=words), words, exact=True)


def looked_up(rng: random.Random) -> Exchange:
    """A value that nobody knows, found where a name that nobody knows stands."""
    owners = list(dict.fromkeys(results.name(rng) for _ in range(rng.randint(2, 6))))
    fact, stated = rng.choice(_FACTS), rng.choice(_FACT_STATED)
    values = [results.phrase(rng, most=2) for _ in owners]
    told = [
        stated.format(fact=fact, owner=owner, value=value)
        for owner, value in zip(owners, values, strict=True)
    ]
    place = rng.randrange(len(owners))
    numbered = rng.random() < 0.5
    if numbered:
        told = [f"[{number}] {line}" for number, line in enumerate(told, 1)]
    if rng.random() < 0.15:
        asked, answer = results.name(rng), UNSAID
        if asked in owners:
            return looked_up(rng)
    else:
        asked = owners[place]
        answer = f"The {fact} of {asked} is {values[place]}."
        answer += f" [{place + 1}]" if numbered else ""
    question = rng.choice(_FACT_ASKED).format(fact=fact, owner=asked)
    whole = "\n".join((*told, question))
    return Exchange(whole, answer, exact=True)


def backwards(rng: random.Random) -> Exchange:
    """Coloured things in the other order."""
    count = rng.randint(2, 6)
    while True:
        things = [pair(rng) for _ in range(count)]
        if len({colour for colour, _ in things}) == count:
            break
    named = [article(" ".join(thing)) for thing in things]
    question = rng.choice(_BACKWARDS).format(things=listing(named))
    return Exchange(question, sentence(listing(named[::-1])))


def in_order(rng: random.Random) -> Exchange:
    """What people have, told again for the same people in another order."""
    owners = rng.sample(OWNERS, rng.randint(2, 6))
    has = {
        owner: article(f"{rng.choice(tuple(COLOURS))} {rng.choice(OBJECTS)}") for owner in owners
    }
    told = " ".join(f"{owner} has {thing}." for owner, thing in has.items())
    again = rng.sample(owners, len(owners))
    question = rng.choice(_WHOSE).format(told=told, names=listing(again))
    return Exchange(question, " ".join(f"{owner} has {has[owner]}." for owner in again))
