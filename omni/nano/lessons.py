"""Lessons for the language model: dialogues about cached things, written as token ids."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from omni.compression.budget import Grid
from omni.nano import absent, dialogue
from omni.nano.corpus import MODALITIES, Cache, Labels
from omni.nano.dialogue import Exchange
from omni.nano.lesson import Lesson
from omni.nano.questions import exercises, image, pairs, passages, smalltalk, wishes
from omni.nano.world import utterances
from omni.nano.writing import Codes, Writer

KINDS: Mapping[str, float] = {
    "image": 0.26,
    "audio": 0.1,
    "video": 0.08,
    "points": 0.04,
    "series": 0.1,
    "draw": 0.05,
    "say": 0.01,
    "talk": 0.05,
    "passages": 0.13,
    "exercises": 0.06,
    "pairs": 0.12,
}
"""Kinds of dialogue and how often each is had."""

MAKES: Mapping[str, float] = {"text": 0.84, "image": 0.09, "audio": 0.07}
"""What a question about a thing wants to be answered in."""

TURNS = (0.16, 0.2, 0.2, 0.18, 0.14, 0.12)
"""How often there are one, two, … turns about a thing: its tokens are dear, and read once."""

PROBES = 0.22
"""How often a question about a thing is one whose answer begins with yes or no: that two words
mean the same, or do not, is learned late."""

LISTED = 0.3
"""How often all things of a picture are listed in the end: no other answer binds as much."""

EARLIER = (0.8, 0.14, 0.06)
"""How often a dialogue begins with no, one or two exchanges about other things."""

MIXED = 0.35
"""How often what is asked about two things is a drawing: shape and colour of one and the other."""

TALKS = 0.3
"""How often later turns need the earlier ones to be understood."""

STRANGE = 0.5
"""How often talk is about what nobody here knows."""

EARLIER_MOST, PAIR_MOST = 24, 96
LONGEST = 440
"""Tokens of a dialogue; longer ones lose their last turns."""

_TRIES = 20


class Teacher(Writer):
    """Makes lessons: the same seed makes the same one."""

    def __init__(
        self,
        tokenizer: Any,
        config: Any,
        caches: Mapping[str, Cache],
        codes: Codes,
        lay: Callable[[str, int], Grid],
    ):
        super().__init__(tokenizer, config, codes, lay)
        self.caches = caches
        self._comparable = {
            name: [place for place in range(len(cache)) if pairs.known(name, cache.labels[place])]
            for name, cache in caches.items()
        }

    def lesson(self, rng: random.Random) -> Lesson:
        """One dialogue: perhaps earlier exchanges about other things, then the one that counts."""
        lesson = Lesson()
        for _ in range(rng.choices(range(len(EARLIER)), EARLIER)[0]):
            self._about(rng, lesson, rng.choice(MODALITIES), turns=1, most=EARLIER_MOST)
        kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
        if kind in MODALITIES:
            turns = rng.choices(range(1, len(TURNS) + 1), TURNS)[0]
            self._about(rng, lesson, kind, turns=turns)
        elif kind == "pairs":
            self._together(rng, lesson)
        elif kind == "passages":
            for exchange in self._passages(rng):
                self._turn(rng, lesson, exchange)
        else:
            for _ in range(rng.randint(1, 3)):
                self._turn(rng, lesson, self._wish(rng, kind))
        return lesson

    # What is talked about

    def _about(
        self, rng: random.Random, lesson: Lesson, kind: str, *, turns: int, most: int | None = None
    ) -> None:
        """Turns about one thing of a modality, of which at most so many tokens are kept."""
        tokens, labels = self._thing(rng, kind)
        item = self._item(rng, kind, tokens, most)
        exchanges = None
        if turns > 1 and rng.random() < TALKS:
            talk = dialogue.talk_over(rng, kind, labels, turns)
            exchanges = talk if talk and all(map(self._answerable, talk)) else None
        asked = exchanges or [self._question(rng, kind, labels) for _ in range(turns)]
        if kind == "image" and labels.get("objects") and rng.random() < LISTED:
            listed = image.everything(rng, labels["objects"])
            asked += [listed] if self._answerable(listed) else []
        for number, exchange in enumerate(asked):
            if len(lesson.ids) > LONGEST:
                return
            self._turn(rng, lesson, exchange, () if number else (item,), about=True)

    def _together(self, rng: random.Random, lesson: Lesson) -> None:
        """Some questions over two or three things of different modalities."""
        exchanges: list[Exchange] = []
        places: dict[str, int] = {}
        while not exchanges:
            names = rng.sample(MODALITIES, 2 if rng.random() < 0.7 else 3)
            places = self._matching(rng, names)
            labels = {name: self.caches[name].labels[at] for name, at in places.items()}
            asked = [self._pairing(rng, labels) for _ in range(rng.randint(1, 4))]
            exchanges = [one for one in asked if one is not None and self._answerable(one)]
        whole = [None if rng.random() < 0.6 else PAIR_MOST for _ in places]
        items = [
            self._item(rng, name, self.caches[name][at][0], most)
            for (name, at), most in zip(places.items(), whole, strict=True)
        ]
        for number, exchange in enumerate(exchanges):
            self._turn(rng, lesson, exchange, () if number else items, about=True)

    def _pairing(self, rng: random.Random, labels: Mapping[str, Labels]) -> Exchange | None:
        exchange = dialogue.pairing(rng, labels)
        tries = _TRIES if rng.random() < MIXED else 0
        while tries and exchange and exchange.makes != "image":
            exchange, tries = dialogue.pairing(rng, labels), tries - 1
        return exchange

    def _matching(self, rng: random.Random, names: Sequence[str]) -> dict[str, int]:
        """A thing of each modality; often of one colour, else nearly all would differ."""
        found: dict[str, int] = {}
        colour = None
        for name in names:
            places = self._comparable[name]
            place = rng.choice(places)
            for _ in range(_TRIES if colour and rng.random() < 0.5 else 0):
                if self._colour(name, place) == colour:
                    break
                place = rng.choice(places)
            found[name] = place
            colour = colour or self._colour(name, place)
        return found

    def _colour(self, name: str, place: int) -> str | None:
        return (pairs.known(name, self.caches[name].labels[place]) or {}).get("colour")

    def _thing(self, rng: random.Random, kind: str) -> tuple[Tensor, Labels]:
        cache = self.caches[kind]
        return cache[rng.randrange(len(cache))]

    def _question(self, rng: random.Random, kind: str, labels: Labels) -> Exchange:
        """A question about a thing whose answer may be learned."""
        tries = _TRIES if rng.random() < PROBES else 0
        while True:
            makes = rng.choices(tuple(MAKES), tuple(MAKES.values()))[0]
            exchange = absent.asking(rng, kind, labels, "text" if tries else makes)
            tries -= 1
            if tries > 0 and exchange and not exchange.answer.startswith(("Yes", "No")):
                continue
            if exchange is not None and self._answerable(exchange):
                return exchange

    def _passages(self, rng: random.Random) -> list[Exchange]:
        """Questions about one text: what is looked up often is soon looked up well."""
        while True:
            exchanges = passages.talk(rng, rng.randint(1, 6))
            if all(map(self._answerable, exchanges)):
                return exchanges

    def _wish(self, rng: random.Random, kind: str) -> Exchange:
        """Something asked for in words alone."""
        while True:
            if kind == "talk":
                exchange = smalltalk.talking(rng, STRANGE)
            elif kind == "exercises":
                exchange = exercises.exercise(rng)
            elif kind == "draw" or rng.random() < 0.5:
                exchange = dialogue.wish(rng, "image" if kind == "draw" else "audio")
            else:
                exchange = wishes.speaking(rng, self._phrase(rng))
            if self._answerable(exchange):
                return exchange

    def _phrase(self, rng: random.Random) -> str:
        """Words to be said: a sentence of the world, or some in no order."""
        words = rng.choices(utterances.VOCABULARY, k=rng.randint(1, 5))
        return " ".join(words)

    def _answerable(self, exchange: Exchange) -> bool:
        """Whether there are codes for what it makes, and nothing in it is held out."""
        if any(map(dialogue.names_held_out, (exchange.question, exchange.answer))):
            return False
        return exchange.makes == "text" or self.codes.of(exchange) is not None
