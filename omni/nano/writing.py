"""How a dialogue is written as token ids: turns, media, questions that are heard, codes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.modality import modality
from omni.model.item import MediaItem
from omni.model.positions import spots
from omni.model.questions import TEXT, is_short
from omni.model.tokens import ASSISTANT, CLOSE, END, MEDIA, OPEN, USER
from omni.nano import absent, dialogue
from omni.nano.asked.careless import hurried, thinned
from omni.nano.dialogue import Exchange
from omni.nano.lesson import Lesson
from omni.nano.questions.exchange import vary

WHOLE = 0.6
"""How often all tokens of a thing are kept."""

FEWEST = 8
GUIDED = 0.5
"""How often the selector sees all tokens of an item; else it sees a random part of them."""

HEARD: Mapping[str, float] = {"both": 0.45, "some": 0.15, "words": 0.1, "tower": 0.3}
"""What is left of a question about a thing: its words, what the text encoder reads, or both, with
all words or some. What asks in words that were never taught is only understood by the encoder."""

LOST = 0.35
"""How many of the words are left out where some are."""

CODE_WEIGHT = 0.35
"""A code counts less than a word, since one picture has as many codes as twenty answers words."""

MARK_WEIGHT = 4.0
"""The number of the passage that an answer is taken from is one token of ten, and the only one that
is not copied: it counts as several."""

SMUDGED = 0.6
"""How often the codes that a picture is continued from are not all its own. Else each picture is
learned by heart from its beginning on, and none is put together that was never seen."""

_CITED = re.compile(r"\[\d\]$")


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


class Writer:
    """Writes turns into lessons.

    Args:
        tokenizer: of words to ids.
        config: of the model, which knows where codes begin.
        codes: how things are drawn and said.
        lay: how many tokens of a modality lie, as the processor lays them.
    """

    def __init__(self, tokenizer: Any, config: Any, codes: Codes, lay: Callable[[str, int], Grid]):
        self.tokenizer, self.config, self.codes, self.lay = tokenizer, config, codes, lay
        self.features = modality(TEXT).features
        self._ids = lru_cache(100_000)(self._encode)

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
        handle: str = "",
    ) -> None:
        """What a user asks, and the answer.

        Args:
            about: whether it is about a thing, so that its words may be left out.
            handle: a name that what is made has since, if it is looked back at.
        """
        lesson.add(self._ids(USER))
        first = rng.random() < 0.85
        if first:
            self._attach(lesson, items)
        question = exchange.question if exchange.exact else vary(rng, exchange.question)
        heard = "both"
        if about:
            question = hurried(rng, question)
            heard = rng.choices(tuple(HEARD), tuple(HEARD.values()))[0]
        if heard != "words":
            self._hear(lesson, question)
        if heard != "tower":
            lesson.add(self._ids(thinned(rng, question, LOST) if heard == "some" else question))
        if not first:
            self._attach(lesson, items)
        lesson.add(self._ids(END) + self._ids(ASSISTANT))
        if exchange.makes == "text":
            self._say(lesson, exchange.answer, exchange.absent)
            if _CITED.search(exchange.answer):
                lesson.weights[-2] = MARK_WEIGHT
        else:
            others = [dialogue.announce(each) for each in _absent(exchange)]
            self._say(lesson, dialogue.announce(exchange), others)
            self._add_codes(rng, lesson, exchange, handle)
        lesson.add(self._ids(END), 1.0)

    def _say(self, lesson: Lesson, answer: str, spared: Sequence[str]) -> None:
        """Words; where those that are spared part from them, these are not taught as wrong."""
        start, ids = len(lesson.ids), self._ids(answer)
        lesson.add(ids, 1.0)
        for other in spared:
            lesson.absent += _parting(start, ids, self._ids(other))[:1]

    def _attach(self, lesson: Lesson, items: Sequence[MediaItem]) -> None:
        for item in items:
            if lesson.handles is not None and item.modality != TEXT:
                lesson.add(self._ids(lesson.handle(item.modality)))
            lesson.add(self._ids(OPEN) + self._ids(MEDIA) * item.keep + self._ids(CLOSE))
            lesson.media.append(item)

    def _hear(self, lesson: Lesson, question: str) -> None:
        if is_short(question):
            self._attach(lesson, [self._text_item(question)])

    def _text_item(self, question: str) -> MediaItem:
        features = self.features(question)
        grid = Grid(time=len(features["ids"]))
        return MediaItem(TEXT, features, grid, grid.tokens)

    def _add_codes(
        self, rng: random.Random, lesson: Lesson, exchange: Exchange, handle: str
    ) -> None:
        marks = self.config.codes[exchange.makes]
        codes = self.codes.of(exchange)
        assert codes is not None
        read = codes
        if exchange.makes == "image" and rng.random() < SMUDGED:
            read = self._smudge(rng, codes, exchange.answer)
        lesson.add(self._ids(handle))
        lesson.add([marks["begin"]], 1.0)
        self._spare(lesson, exchange, codes)
        lesson.add((read + marks["first"]).tolist(), CODE_WEIGHT, (codes + marks["first"]).tolist())
        lesson.add([marks["end"]], 1.0)

    def _spare(self, lesson: Lesson, exchange: Exchange, codes: Tensor) -> None:
        """Take care that no code of what is absent is taught as wrong."""
        first = self.config.codes[exchange.makes]["first"]
        for each in _absent(exchange):
            other = self.codes.of(each)
            if other is not None:
                parting = _parting(len(lesson.ids), codes.tolist(), other.tolist())
                # A picture is decided place by place, a word of speech by its first code.
                parting = parting if exchange.makes == "image" else parting[:1]
                lesson.absent += [(place, code + first) for place, code in parting]

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

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]


def _absent(exchange: Exchange) -> list[Exchange]:
    """What must not be taught as wrong, each as if it were made."""
    return [replace(exchange, answer=answer) for answer in absent.made(exchange.answer)]


def _parting(start: int, ids: Sequence[int], others: Sequence[int]) -> list[tuple[int, int]]:
    """Places, from `start` on, in which others differ, and what they have there."""
    both = enumerate(zip(ids, others, strict=False), start)
    return [(place, other) for place, (one, other) in both if one != other]
