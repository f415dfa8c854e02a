"""Exercises: what nobody asks for, but what looking things up in a text is soon learned from."""

from __future__ import annotations

import random

from omni.nano.questions.exchange import Exchange, article, listing, sentence
from omni.nano.questions.passages import OBJECTS, OWNERS
from omni.nano.questions.wishes import pair
from omni.nano.world.words import COLOURS

_BACKWARDS = ("Say this backwards: {things}.", "Turn the list around: {things}.")
_WHOSE = ("{told} Now in this order: {names}.", "{told} Say it again for {names}.")


def exercise(rng: random.Random) -> Exchange:
    """One of them; its answer is all in the question, in another order."""
    return rng.choice((backwards, in_order))(rng)


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
