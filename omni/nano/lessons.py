"""Lessons for the language model: dialogues about cached things, written as token ids."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.modality import modality
from omni.model.item import MediaItem
from omni.model.positions import spots
from omni.model.questions import TEXT, is_short
from omni.model.template import seal
from omni.model.tokens import ASSISTANT, CALL, CALL_END, CLOSE, END, MEDIA, OPEN, SYSTEM, TOOL, USER
from omni.nano import dialogue
from omni.nano.asked.careless import hurried, thinned
from omni.nano.corpus import MODALITIES, Cache, Labels
from omni.nano.dialogue import Exchange
from omni.nano.lesson import Lesson
from omni.nano.questions import calls, exercises, image, pairs, passages, smalltalk, wishes
from omni.nano.questions.exchange import vary
from omni.nano.world import utterances

KINDS: Mapping[str, float] = {
    "image": 0.25,
    "audio": 0.13,
    "video": 0.1,
    "points": 0.05,
    "series": 0.08,
    "draw": 0.05,
    "say": 0.01,
    "talk": 0.05,
    "passages": 0.13,
    "exercises": 0.02,
    "pairs": 0.12,
    "calls": 0.01,
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

TALKS = 0.3
"""How often later turns need the earlier ones to be understood."""

WHOLE = 0.6
"""How often all tokens of a thing are kept."""

STRANGE = 0.5
"""How often talk is about what nobody here knows."""

FEWEST, EARLIER_MOST, PAIR_MOST = 8, 24, 96
GUIDED = 0.5
"""How often the selector sees all tokens of an item; else it sees a random part of them."""

HEARD: Mapping[str, float] = {"both": 0.45, "some": 0.15, "words": 0.1, "tower": 0.3}
"""What is left of a question about a thing: its words, what the text encoder reads, or both, with
all words or some. What asks in words that were never taught is only understood by the encoder."""

LOST = 0.35
"""How many of the words are left out where some are."""

CODE_WEIGHT = 0.35
"""A code counts less than a word, since one picture has as many codes as twenty answers words."""

SMUDGED = 0.6
"""How often the codes that a picture is continued from are not all its own. Else each picture is
learned by heart from its beginning on, and none is put together that was never seen."""

LONGEST = 440
"""Tokens of a dialogue; longer ones lose their last turns."""

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Codes:
    """How things are drawn and said: words to the codes of a picture or of speech.

    Attributes:
        image: a key of `omni.nano.drawing` to its codes.
        audio: a phrase to its codes; `None` if it is too long to be said.
    """

    image: Callable[[str], Tensor | None]
    audio: Callable[[str], Tensor | None]

    def of(self, exchange: Exchange) -> Tensor | None:
        """The codes that answer an exchange which makes something."""
        return (self.image if exchange.makes == "image" else self.audio)(exchange.answer)


class Teacher:
    """Makes lessons: the same seed makes the same one."""

    def __init__(
        self,
        tokenizer: Any,
        config: Any,
        caches: Mapping[str, Cache],
        codes: Codes,
        lay: Callable[[str, int], Grid],
    ):
        self.tokenizer, self.config, self.lay = tokenizer, config, lay
        self.caches, self.codes = caches, codes
        self.features = modality(TEXT).features
        self._ids = lru_cache(100_000)(self._encode)
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
        elif kind == "calls":
            self._calling(lesson, calls.calling(rng))
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
            asked = [dialogue.pairing(rng, labels) for _ in range(rng.randint(1, 4))]
            exchanges = [one for one in asked if one is not None and self._answerable(one)]
        whole = [None if rng.random() < 0.6 else PAIR_MOST for _ in places]
        items = [
            self._item(rng, name, self.caches[name][at][0], most)
            for (name, at), most in zip(places.items(), whole, strict=True)
        ]
        for number, exchange in enumerate(exchanges):
            self._turn(rng, lesson, exchange, () if number else items, about=True)

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
            exchange = dialogue.asking(rng, kind, labels, "text" if tries else makes)
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

    # How it is written

    def _item(
        self, rng: random.Random, kind: str, tokens: Tensor, most: int | None = None
    ) -> MediaItem:
        """A thing of which all or, at times, a few tokens are kept.

        Then the selector chooses among all of them or among a random part, which is cheaper and
        teaches the model to read what any selector leaves.
        """
        count = len(tokens)
        where = spots(self.lay(kind, count))
        keep = count
        if rng.random() >= WHOLE and count > FEWEST:
            keep = min(count, round(FEWEST * (count / FEWEST) ** rng.random()))
        keep = min(keep, most or keep)
        if keep < count and rng.random() >= GUIDED:
            seen = rng.randint(keep, min(count, 2 * keep))
            left = sorted(rng.sample(range(count), seen))
            tokens, where = tokens[left], where[left]
        return MediaItem.encoded(kind, tokens, keep=keep, spots=where)

    def _turn(
        self,
        rng: random.Random,
        lesson: Lesson,
        exchange: Exchange,
        items: Sequence[MediaItem] = (),
        *,
        about: bool = False,
    ) -> None:
        """What a user asks, and the answer.

        Args:
            about: whether it is about a thing, so that its words may be left out.
        """
        lesson.add(self._ids(USER))
        first = rng.random() < 0.85
        if first:
            self._attach(lesson, items)
        question = vary(rng, exchange.question)
        heard = "both"
        if about:
            question = hurried(rng, question)
            heard = rng.choices(tuple(HEARD), tuple(HEARD.values()))[0]
        if heard != "words" and is_short(question):
            self._attach(lesson, [self._text_item(question)])
        if heard != "tower":
            lesson.add(self._ids(thinned(rng, question, LOST) if heard == "some" else question))
        if not first:
            self._attach(lesson, items)
        lesson.add(self._ids(END) + self._ids(ASSISTANT))
        if exchange.makes == "text":
            lesson.add(self._ids(exchange.answer), 1.0)
        else:
            lesson.add(self._ids(dialogue.announce(exchange)), 1.0)
            self._add_codes(rng, lesson, exchange)
        lesson.add(self._ids(END), 1.0)

    def _attach(self, lesson: Lesson, items: Sequence[MediaItem]) -> None:
        for item in items:
            lesson.add(self._ids(OPEN) + self._ids(MEDIA) * item.keep + self._ids(CLOSE))
            lesson.media.append(item)

    def _text_item(self, question: str) -> MediaItem:
        features = self.features(question)
        grid = Grid(time=len(features["ids"]))
        return MediaItem(TEXT, features, grid, grid.tokens)

    def _add_codes(self, rng: random.Random, lesson: Lesson, exchange: Exchange) -> None:
        marks = self.config.codes[exchange.makes]
        codes = self.codes.of(exchange)
        assert codes is not None
        read = codes
        if exchange.makes == "image" and rng.random() < SMUDGED:
            read = self._smudge(rng, codes, exchange.answer)
        lesson.add([marks["begin"]], 1.0)
        lesson.add((read + marks["first"]).tolist(), CODE_WEIGHT, (codes + marks["first"]).tolist())
        lesson.add([marks["end"]], 1.0)

    def _smudge(self, rng: random.Random, codes: Tensor, key: str) -> Tensor:
        """The codes of a picture, some of them changed for those of another one of its kind."""
        while True:
            other = dialogue.wish(rng, "image").answer
            if (" plot" in other) == (" plot" in key):
                break
        strange = self.codes.image(other)
        assert strange is not None
        share = rng.random() * 0.8
        taken = torch.tensor([rng.random() < share for _ in range(len(codes))])
        return torch.where(taken, strange, codes)

    def _calling(self, lesson: Lesson, called: calls.Called) -> None:
        """A tool is called, and what it says is passed on, as the chat template writes it."""
        listed = "".join(f"{json.dumps(tool)}\n" for tool in called.tools)
        lesson.add(self._ids(SYSTEM) + self._ids(listed) + self._ids(END) + self._ids(USER))
        self._attach(lesson, [self._text_item(called.question)])
        lesson.add(self._ids(called.question) + self._ids(END) + self._ids(ASSISTANT))
        lesson.add(self._ids(f"{CALL}{called.call()}{CALL_END}{END}"), 1.0)
        lesson.add(self._ids(TOOL) + self._ids(seal(called.result)) + self._ids(END))
        lesson.add(self._ids(ASSISTANT))
        lesson.add(self._ids(called.answer) + self._ids(END), 1.0)

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]
