"""Lessons for the language model: dialogues about cached things, written as token ids."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from omni.model.item import MediaItem
from omni.model.tokens import ASSISTANT, CLOSE, END, MEDIA, OPEN, USER
from omni.nano import dialogue
from omni.nano.corpus import MODALITIES, Cache, Labels, ask
from omni.nano.dialogue import Exchange
from omni.nano.smalltalk import talking
from omni.nano.world import words

KINDS: Mapping[str, float] = {
    "image": 0.19,
    "audio": 0.15,
    "video": 0.13,
    "points": 0.1,
    "series": 0.11,
    "draw": 0.16,
    "say": 0.11,
    "talk": 0.05,
}
"""Kinds of dialogue and how often each is had."""

EARLIER = (0.5, 0.25, 0.15, 0.1)
"""How often a dialogue begins with no, one, two or three exchanges about other things."""

SECOND_TURN = 0.3
FEWEST = 12
GUIDED = 0.5
"""How often the selector sees all tokens of an item; else it sees a random part of them."""

CODE_WEIGHT = 0.35
"""A code counts less than a word, since one picture has as many codes as twenty answers words."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of every picture that is drawn and every phrase that is said, by its words."""

    image: Mapping[str, Tensor]
    audio: Mapping[str, Tensor]


@dataclass(slots=True)
class Lesson:
    """One dialogue as ids; `weights` are 0 where nothing is to be learned."""

    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    media: list[MediaItem] = field(default_factory=list)

    def add(self, ids: Sequence[int], weight: float = 0.0) -> None:
        """Append ids that all count `weight`."""
        self.ids += ids
        self.weights += [weight] * len(ids)


class Teacher:
    """Makes lessons: the same seed makes the same one."""

    def __init__(self, tokenizer, config, caches: Mapping[str, Cache], codes: Codes):
        self.tokenizer, self.config = tokenizer, config
        self.caches, self.codes = caches, codes
        self.phrases = sorted(codes.audio)
        self._known: dict[str, list[int]] = {}

    def lesson(self, rng: random.Random) -> Lesson:
        """One dialogue: perhaps earlier exchanges about other things, then one or two turns."""
        lesson = Lesson()
        for _ in range(rng.choices(range(len(EARLIER)), EARLIER)[0]):
            self._exchange(rng, lesson, most=24)
        thing = self._exchange(rng, lesson)
        if thing and rng.random() < SECOND_TURN:
            self._turn(rng, lesson, self._answerable(rng, *thing), None)
        return lesson

    def _exchange(
        self, rng: random.Random, lesson: Lesson, most: int | None = None
    ) -> tuple[str, Labels] | None:
        """A turn of any kind; if it is about a thing, its modality and labels.

        Args:
            most: at most so many tokens of the thing are kept.
        """
        kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
        if kind not in MODALITIES:
            self._turn(rng, lesson, self._wish(rng, kind), None)
            return None
        cache = self.caches[kind]
        tokens, labels = cache[rng.randrange(len(cache))]
        keep = min(self._keep(rng, len(tokens)), most or len(tokens))
        item = MediaItem.encoded(kind, self._some(rng, tokens, keep), keep=keep)
        self._turn(rng, lesson, self._answerable(rng, kind, labels), item)
        return kind, labels

    def _wish(self, rng: random.Random, kind: str) -> Exchange:
        if kind == "talk":
            return talking(rng)
        if kind == "say":
            return dialogue.speaking(rng, rng.choice(self.phrases))
        while True:
            colour, shape = rng.choice(tuple(words.COLOURS)), rng.choice(words.SHAPES)
            if (colour, shape) not in words.HELD_OUT:
                break
        size = "large" if rng.random() < 0.65 else "small"
        place = "middle" if rng.random() < 0.5 else rng.choice(words.PLACES)
        return dialogue.drawing(rng, colour, shape, size, place)

    def _answerable(self, rng: random.Random, kind: str, labels) -> Exchange:
        """A question whose answer there are codes for."""
        while True:
            exchange = ask(rng, kind, labels)
            if exchange.makes == "text":
                return exchange
            drawn = tuple(exchange.answer.split()[1:3]) if exchange.makes == "image" else ()
            if drawn not in words.HELD_OUT and exchange.answer in getattr(
                self.codes, exchange.makes
            ):
                return exchange

    def _keep(self, rng: random.Random, tokens: int) -> int:
        """How many tokens are kept: from a few to all, few more often, since that is cheap."""
        if rng.random() < 0.2:
            return tokens
        return min(tokens, round(FEWEST * (64 / FEWEST) ** rng.random()))

    def _some(self, rng: random.Random, tokens: Tensor, keep: int) -> Tensor:
        """At times a random part of the tokens, from which the selector then takes its `keep`.

        That is cheaper than all of them, and teaches the model to read what any selector leaves.
        """
        if rng.random() < GUIDED or len(tokens) <= keep:
            return tokens
        count = rng.randint(keep, min(len(tokens), 2 * keep))
        return tokens[sorted(rng.sample(range(len(tokens)), count))]

    def _turn(
        self, rng: random.Random, lesson: Lesson, exchange: Exchange, item: MediaItem | None
    ) -> None:
        lesson.add(self._ids(USER))
        question = self._ids(dialogue.vary(rng, exchange.question))
        if item is None:
            lesson.add(question)
        else:
            placeholders = self._ids(OPEN) + self._ids(MEDIA) * item.keep + self._ids(CLOSE)
            first = rng.random() < 0.8
            lesson.add(placeholders + question if first else question + placeholders)
            lesson.media.append(item)
        lesson.add(self._ids(END) + self._ids(ASSISTANT))
        if exchange.makes == "text":
            lesson.add(self._ids(exchange.answer), 1.0)
        else:
            lesson.add(self._ids(dialogue.announce(exchange)), 1.0)
            self._add_codes(lesson, exchange)
        lesson.add(self._ids(END), 1.0)

    def _add_codes(self, lesson: Lesson, exchange: Exchange) -> None:
        marks = self.config.codes[exchange.makes]
        codes = getattr(self.codes, exchange.makes)[exchange.answer]
        lesson.add([marks["begin"]], 1.0)
        lesson.add((codes + marks["first"]).tolist(), CODE_WEIGHT)
        lesson.add([marks["end"]], 1.0)

    def _ids(self, text: str) -> list[int]:
        if text not in self._known:
            self._known[text] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return self._known[text]


def collate(lessons: Sequence[Lesson], pad: int) -> dict:
    """Right-padded `input_ids`, `attention_mask`, `weights` `[B, L]`, and the media in order."""
    longest = max(len(lesson.ids) for lesson in lessons)
    ids = torch.full((len(lessons), longest), pad)
    weights = torch.zeros(len(lessons), longest)
    for row, lesson in enumerate(lessons):
        ids[row, : len(lesson.ids)] = torch.tensor(lesson.ids)
        weights[row, : len(lesson.ids)] = torch.tensor(lesson.weights)
    media = [item for lesson in lessons for item in lesson.media]
    return {
        "input_ids": ids,
        "attention_mask": (ids != pad).long(),
        "weights": weights,
        "media": media,
    }


def picture_codes(decoder) -> dict[str, Tensor]:
    """Codes of the clean picture of every size, colour, shape and place."""
    from omni.nano.world import scene

    found = {}
    for colour in words.COLOURS:
        for shape in words.SHAPES:
            for size in words.SIZES:
                for place in words.PLACES:
                    picture = scene.draw(scene.clean(colour, shape, size, place), 192, 192)
                    found[f"{size} {colour} {shape} {place}"] = decoder.encode(picture).cpu()
    return found


def speech_codes(decoder, phrases: Sequence[str]) -> dict[str, Tensor]:
    """Codes of each phrase in the house voice, of those that fit the decoder's length."""
    from omni.nano.world import speech

    found = {}
    for phrase in phrases:
        codes = decoder.encode(speech.speak_house(phrase))
        if len(codes) <= decoder.max_length:
            found[phrase] = codes.cpu()
    return found
