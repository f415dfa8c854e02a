"""What selection is judged by: questions of omni-nano's world that need some tokens and not others.

Nothing is printed in the pictures of that world. What comes nearest to reading, where every word
counts, is speech that is to be repeated: `spoken words`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from omni.nano import cases, dialogue
from omni.nano.cases import SEED, Case, Pool, Thing
from omni.nano.questions import image
from omni.nano.questions.exchange import Exchange

SMALL = 0.11
"""Radius, as a share of the picture's side, up to which a thing is a detail: 2 tokens across."""

TURNS = 3
"""Questions of a conversation, each about a thing of its own."""

_TRIES = 400

Asking = Callable[[random.Random, Sequence[Any]], Exchange | None]
Task = Callable[[Pool, int], list[Case]]


def pictures(pool: Pool, count: int, ask: Asking, *, least: int, small: bool = False) -> list[Case]:
    """A question about each of some pictures, of so many things or more.

    Args:
        pool: where pictures come from.
        count: how many questions.
        ask: makes the question, or says that there is none.
        least: things of a picture.
        small: whether all things are details.
    """
    rng = random.Random(f"{SEED} compression {least}")

    def case(thing: Thing) -> Case | None:
        things = thing.labels["objects"]
        if len(things) < least or (small and any(one["radius"] > SMALL for one in things)):
            return None
        exchange = ask(rng, things)
        return Case((exchange,), (thing,)) if exchange else None

    return _found(pool, "image", count, case)


def several_turns(pool: Pool, count: int) -> list[Case]:
    """About one of several things, then about others of the same picture."""
    rng = random.Random(f"{SEED} compression turns")

    def case(thing: Thing) -> Case | None:
        things = thing.labels["objects"]
        if len(things) < TURNS:
            return None
        turns = [image.attribute_of(rng, things) for _ in range(TURNS)]
        return Case(tuple(one for one in turns if one), (thing,)) if all(turns) else None

    return _found(pool, "image", count, case)


def spoken(pool: Pool, count: int) -> list[Case]:
    """What is said in a recording of speech, word for word."""
    rng = random.Random(f"{SEED} compression speech")

    def case(thing: Thing) -> Case | None:
        if thing.labels["kind"] != "speech":
            return None
        exchange = dialogue.asking(rng, "audio", thing.labels)
        whole = exchange is not None and thing.labels["text"] in exchange.answer
        return Case((exchange,), (thing,)) if exchange and whole else None

    return _found(pool, "audio", count, case)


def _found(
    pool: Pool, modality: str, count: int, case: Callable[[Thing], Case | None]
) -> list[Case]:
    found: list[Case] = []
    for place in range(_TRIES * count):
        one = case(pool.thing(modality, place))
        if one is not None:
            found.append(one)
            if len(found) == count:
                return found
    raise ValueError(f"{count} such questions are not to be had of {modality}")


def _alone(modality: str, pool: Pool, count: int) -> list[Case]:
    return cases.about_things(pool, modality, "text", count, held_out=False)


def _together(pool: Pool, count: int) -> list[Case]:
    return cases.together(pool, 2, "text", count)


TASKS: Mapping[str, Task] = {
    "one of several": partial(pictures, ask=image.attribute_of, least=3),
    "fine detail": partial(pictures, ask=image.attribute_of, least=3, small=True),
    "relations": partial(pictures, ask=image.relation_of, least=2),
    "counting": partial(pictures, ask=image.how_many, least=2),
    "video": partial(_alone, "video"),
    "audio": partial(_alone, "audio"),
    "spoken words": spoken,
    "two inputs": _together,
    "several turns": several_turns,
}
"""An attribute of the one thing that is named, among three to six; the same where all things are
small; how two named things lie to one another; how many there are of some kind; films; all sounds;
speech; things of two modalities at once; and three questions about one picture in turn."""

NAMED = ("one of several", "fine detail")
"""Those about the one thing of a picture that the question names."""

MULTI_OBJECT = (*NAMED, "relations")
"""Those about one or two of the things of a picture. Relations are hardly more than guessed by
omni-nano, however many tokens it reads, so that no selection can win or lose much by them."""

CHANGING = "several turns"
"""The one in which every turn selects again: right is who answers all turns after the first."""
