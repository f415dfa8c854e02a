"""What the embedded model is asked when it is measured: fresh things, questions, right answers.

Things come from seeds that no training uses, and no question is looked at before the model is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from omni.nano import corpus, dialogue
from omni.nano.dialogue import Exchange
from omni.nano.questions import pairs
from omni.nano.questions.exchange import article, sentence

SEED = 20_000
OUTSIDE = ("image", "video", "audio", "points", "text")
"""What there are things of that are not of the world."""

_TRIES = 200

Encode = Callable[[str, Sequence[Any]], list[Tensor]]
Labels = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of the world as the model sees it, and what is true of it."""

    modality: str
    tokens: Tensor
    labels: Labels


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation with the right answers; things are attached to its first turn."""

    turns: tuple[Exchange, ...]
    things: tuple[Thing, ...] = ()

    @property
    def makes(self) -> tuple[str, ...]:
        """What each turn asks for."""
        return tuple(turn.makes for turn in self.turns)

    def message(self, turn: int) -> dict[str, Any]:
        """What the user says in this turn."""
        parts = [{"type": one.modality, "tokens": one.tokens} for one in self.things if not turn]
        question = {"type": "text", "text": self.turns[turn].question}
        return {"role": "user", "content": [*parts, question]}


class Pool:
    """Fresh things of every modality, encoded once and used by many cases.

    Args:
        encode: decoded values of a modality to encoder tokens.
        batch: how many are made at a time.
    """

    def __init__(self, encode: Encode, batch: int = 32):
        self.encode, self.batch = encode, batch
        self._found: dict[tuple[str, bool], list[Thing]] = {}
        self._streams: dict[tuple[str, bool], np.random.Generator] = {}

    def thing(self, modality: str, place: int, *, held_out: bool = False) -> Thing:
        """The thing number `place` of a modality: always the same, none from outside the world.

        Args:
            modality: its name.
            place: from 0 on, without end.
            held_out: whether it has a combination that was held out of training, or has none.
        """
        found = self._found.setdefault((modality, held_out), [])
        while place >= len(found):
            found += self._more(modality, held_out)
        return found[place]

    def _more(self, modality: str, held_out: bool) -> list[Thing]:
        key = modality, held_out
        if key not in self._streams:
            number = corpus.MODALITIES.index(modality)
            self._streams[key] = np.random.default_rng((SEED, held_out, number))
        seen = [corpus.SOURCES[modality](self._streams[key], held_out) for _ in range(self.batch)]
        seen = [one for one in seen if not one.labels.get("outside")]
        tokens = self.encode(modality, [one.value for one in seen])
        return [Thing(modality, each, one.labels) for each, one in zip(tokens, seen, strict=True)]


def about_things(
    pool: Pool, modality: str, makes: str, count: int, *, held_out: bool
) -> list[Case]:
    """Questions about one thing each, all answered in one modality."""
    rng = random.Random(f"{SEED} {modality} {makes} {held_out}")
    cases: list[Case] = []
    for place in range(_TRIES * count):
        thing = pool.thing(modality, place, held_out=held_out)
        exchange = dialogue.asking(rng, modality, thing.labels, makes)
        if exchange is not None:
            cases.append(Case((exchange,), (thing,)))
            if len(cases) == count:
                return cases
    raise ValueError(f"nothing of {modality} can be asked for as {makes}")


def wishes(makes: str, count: int, *, held_out: bool) -> list[Case]:
    """Wishes in words alone."""
    rng = random.Random(f"{SEED} wish {makes} {held_out}")
    return [Case((dialogue.wish(rng, makes, held_out),)) for _ in range(count)]


def conversations(pool: Pool, count: int) -> list[Case]:
    """Two or three turns about one thing of any modality."""
    rng = random.Random(f"{SEED} turns")
    cases: list[Case] = []
    place = 0
    while len(cases) < count:
        modality = corpus.MODALITIES[place % len(corpus.MODALITIES)]
        thing = pool.thing(modality, place // len(corpus.MODALITIES))
        turns = dialogue.talk_over(rng, modality, thing.labels, rng.choice((2, 2, 3)))
        if turns is not None:
            cases.append(Case(tuple(turns), (thing,)))
        place += 1
    return cases


def together(pool: Pool, inputs: int, makes: str, count: int) -> list[Case]:
    """Questions over two or three things of different modalities at once."""
    rng = random.Random(f"{SEED} {inputs} {makes}")
    known = {name: _speakable(pool, name) for name in corpus.MODALITIES}
    cases: list[Case] = []
    for _ in range(_TRIES * count):
        names = rng.sample(corpus.MODALITIES, inputs)
        things = _matching(rng, [known[name] for name in names])
        labels = {thing.modality: thing.labels for thing in things}
        exchange = dialogue.pairing(rng, labels)
        if exchange is not None and exchange.makes == makes:
            cases.append(Case((exchange,), tuple(things)))
            if len(cases) == count:
                return cases
    raise ValueError(f"{inputs} things cannot be asked about for {makes}")


def _speakable(pool: Pool, modality: str, count: int = 200) -> list[Thing]:
    """Things of a modality that can be compared with things of others."""

    def suited() -> Iterator[Thing]:
        for place in range(_TRIES * count):
            thing = pool.thing(modality, place)
            if pairs.known(modality, thing.labels):
                yield thing

    return [thing for thing, _ in zip(suited(), range(count), strict=False)]


def _matching(rng: random.Random, known: Sequence[Sequence[Thing]]) -> list[Thing]:
    """One of each; in half of the cases they share a colour where they can.

    Else nearly all would differ, and "they differ" would nearly always be right.
    """
    first = rng.choice(known[0])
    colour = (pairs.known(first.modality, first.labels) or {}).get("colour")
    things = [first]
    for others in known[1:]:
        alike = [
            other
            for other in others
            if (pairs.known(other.modality, other.labels) or {}).get("colour") == colour
        ]
        things.append(rng.choice(alike if colour and alike and rng.random() < 0.5 else others))
    return things


def meshes(encode: Encode, count: int) -> list[Case]:
    """Which solid it is, of meshes that another library builds."""
    from omni.nano import meshes as built
    from omni.nano import wordings

    numbers, rng = np.random.default_rng((SEED, 6)), random.Random(f"{SEED} meshes")
    seen = [built.mesh(numbers) for _ in range(count)]
    tokens = encode("points", [one.value for one in seen])
    found = []
    for one, each in zip(seen, tokens, strict=True):
        answer = sentence(article(one.labels["solid"]))
        question = rng.choice(wordings.SOLID).format(noun="thing")
        found.append(Case((Exchange(question, answer),), (Thing("points", each, one.labels),)))
    return found


def outside(encode: Encode, name: str, count: int) -> list[Case]:
    """Questions about what is not of the world; text is asked by itself."""
    from omni.nano import outside as strange

    numbers = np.random.default_rng((SEED, 5, OUTSIDE.index(name)))
    rng = random.Random(f"{SEED} outside {name}")
    if name == "text":
        return [Case((Exchange(strange.prose(numbers), ""),)) for _ in range(count)]
    make = {
        "image": strange.picture,
        "video": strange.film,
        "audio": strange.sound,
        "points": strange.cloud,
    }[name]
    labels = {"outside": True}
    found: list[Case] = []
    while len(found) < count:
        values = [make(numbers) for _ in range(min(32, count - len(found)))]
        for tokens in encode(name, values):
            exchange = dialogue.asking(rng, name, labels)
            assert exchange is not None
            found.append(Case((exchange,), (Thing(name, tokens, labels),)))
    return found
