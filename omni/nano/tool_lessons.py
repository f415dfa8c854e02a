"""Lessons with tools: when one is called and with what, and when none is needed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cached_property

from omni.chat.quoting import FAILED, readable
from omni.modality import modality
from omni.model.item import MediaItem
from omni.model.template import seal
from omni.model.tokens import ASSISTANT, CALL, CALL_END, END, SYSTEM, TOOL, USER
from omni.nano import absent, dialogue
from omni.nano.corpus import MODALITIES, Labels
from omni.nano.dialogue import Exchange
from omni.nano.lesson import Lesson
from omni.nano.lessons import EARLIER_MOST, Teacher
from omni.nano.questions import calls
from omni.nano.questions.exchange import vary
from omni.nano.synonyms import MEDIA

CALLS, IDLE = 0.15, 0.05
"""How often a tool is called, and how often there are some that are of no help."""

TALK = 0.3
"""How often it is talk, or a drawing, that needs none of them."""

SPEAKS = 0.15
"""Of calls: something is said aloud about a thing that is there."""

BEFORE = 0.35
"""How often the thing was already talked about, before a tool is needed."""

MADE_BEFORE = 0.12
"""How often it was made by the model itself."""

AGAIN = 0.3
"""How often what a tool made is changed once more."""

SEEN, SEEN_WHOLE = 32, 0.35
"""Most tokens of a thing that a tool is to look at, but now and then: that a tool is called must
not be read off how much there is to see."""

STRANGE = 0.5
"""How often a tool is to look at what the model has no words for: a page, a photograph, a song."""

RIVALS = {
    "image": ("read_text", "speak"),
    "audio": ("transcribe", "speak"),
    "video": ("cut_video", "speak"),
    "points": ("measure_points", "speak"),
    "series": ("analyse_series", "forecast", "speak"),
}
"""Modality → tools that one could call for a question that the model answers by itself."""

_PRONOUNS = ("it", "this", "that", "it", "this")
_FIRST = 8


class ToolTeacher(Teacher):
    """A teacher whose lessons have tools in them now and then."""

    @cached_property
    def _strange(self) -> dict[str, list[int]]:
        """Places of the things from outside the world."""
        return {
            name: [place for place, labels in enumerate(cache.labels) if labels.get("outside")]
            for name, cache in self.caches.items()
        }

    def lesson(self, rng: random.Random) -> Lesson:
        kind = rng.random()
        if kind < CALLS:
            lesson = _named(rng)
            (self._speaking if rng.random() < SPEAKS else self._errand)(rng, lesson)
            return lesson
        if kind < CALLS + IDLE:
            lesson = _named(rng)
            self._idle(rng, lesson)
            return lesson
        return super().lesson(rng)

    def _errand(self, rng: random.Random, lesson: Lesson) -> None:
        errand = calls.errand(rng)
        self._list(lesson, calls.listed(rng, needed=errand.tool))
        if errand.about and rng.random() < 0.2:
            self._about(rng, lesson, rng.choice(MODALITIES), turns=1, most=EARLIER_MOST)
        things = [self._seen(rng, kind) for kind in errand.about]
        handles, named, things = self._introduced(rng, lesson, things)
        called = errand.make(rng, handles, named)
        self._call(rng, lesson, called, things)
        while errand.tool == "edit_image" and rng.random() < AGAIN:
            made = self._result(rng, lesson, calls.failing(rng, called)) or handles
            called = errand.make(rng, made, [_calls(rng, "image", made[0], alone=True)])
            self._call(rng, lesson, called, ())

    def _speaking(self, rng: random.Random, lesson: Lesson) -> None:
        """What a thing is, or one says of it, is spoken by a tool."""
        kind = rng.choice(MODALITIES)
        tokens, labels = self._thing(rng, kind)
        while (exchange := self._spoken(rng, kind, labels)) is None:
            tokens, labels = self._thing(rng, kind)
        self._list(lesson, calls.listed(rng, needed="speak"))
        item = self._item(rng, kind, tokens)
        self._call(rng, lesson, calls.spoken(exchange.question, exchange.answer), (item,))

    def _idle(self, rng: random.Random, lesson: Lesson) -> None:
        """Tools are there, but what is asked needs none."""
        if rng.random() < TALK:
            kind = rng.choice(("draw", "talk", "talk"))
            # What is to be drawn is drawn, whatever else can be done with words.
            self._list(lesson, calls.listed(rng, without=("speak",) if kind == "draw" else ()))
            for _ in range(rng.randint(1, 2)):
                self._turn(rng, lesson, self._wish(rng, kind))
            return
        kind = rng.choice(MODALITIES)
        self._list(lesson, calls.listed(rng, without=RIVALS[kind]))
        tokens, labels = self._thing(rng, kind)
        item = self._item(rng, kind, tokens)
        for number in range(rng.randint(1, 3)):
            exchange = self._in_words(rng, kind, labels)
            self._turn(rng, lesson, exchange, () if number else (item,), about=True)

    def _introduced(
        self, rng: random.Random, lesson: Lesson, things: list[MediaItem]
    ) -> tuple[list[str], list[str], list[MediaItem]]:
        """Handles of things, what one calls them, and those that come with the question."""
        kinds = [item.modality for item in things]
        if kinds == ["image"] and rng.random() < MADE_BEFORE:
            handles = [self._drawn(rng, lesson)]
            return handles, [_calls(rng, "image", handles[0], alone=True)], []
        if things and rng.random() < BEFORE:
            first, *rest = things
            kind = first.modality
            self._turn(rng, lesson, self._in_words(rng, kind, self._thing(rng, kind)[1]), (first,))
            lesson.weights = [0.0] * len(lesson.weights)  # it is asked about another thing
            handles = [_last(lesson, first.modality), *_coming(lesson, rest)]
            things = rest
        else:
            handles = _coming(lesson, things)
        alone = len(kinds) == 1
        named = [
            _calls(rng, kind, handle, alone=alone)
            for kind, handle in zip(kinds, handles, strict=True)
        ]
        return handles, named, things

    def _call(
        self, rng: random.Random, lesson: Lesson, called: calls.Called, things: Sequence[MediaItem]
    ) -> None:
        """The question, and the call: what follows is not for the model to say."""
        question = _varied(rng, called)
        lesson.add(self._ids(USER))
        self._attach(lesson, things)
        self._hear(lesson, question)
        lesson.add(self._ids(question) + self._ids(END) + self._ids(ASSISTANT))
        lesson.add(self._ids(f"{CALL}{called.call()}{CALL_END}{END}"), 1.0)

    def _result(self, rng: random.Random, lesson: Lesson, called: calls.Called) -> list[str]:
        """What the tool answers, and that it is passed on; handles of what it made."""
        lesson.add(self._ids(TOOL) + self._ids(seal(called.result)))
        handles = []
        for kind in called.made:
            self._attach(lesson, [self._seen(rng, kind)])
            handles.append(_last(lesson, kind))
        said = f"{FAILED if called.failed else ''}{readable(called.result)}"
        lesson.add(self._ids(END) + self._ids(ASSISTANT) + self._ids(seal(said)) + self._ids(END))
        return handles

    def _list(self, lesson: Lesson, names: Sequence[str]) -> None:
        lesson.add(self._ids(SYSTEM) + self._ids("".join(map(calls.line, names))) + self._ids(END))

    def _drawn(self, rng: random.Random, lesson: Lesson) -> str:
        """A picture that the model drew when it was asked to, which is not learned here."""
        while True:
            wish = self._wish(rng, "draw")
            if wish.makes == "image":
                break
        start = len(lesson.ids)
        handle = lesson.handle("image")
        self._turn(rng, lesson, wish, handle=handle)
        lesson.weights[start:] = [0.0] * (len(lesson.ids) - start)
        return handle

    def _spoken(self, rng: random.Random, kind: str, labels: Labels) -> Exchange | None:
        """Something to be said about a thing, if it can be."""
        exchange = dialogue.asking(rng, kind, labels, "audio")
        return exchange if exchange is not None and self._answerable(exchange) else None

    def _in_words(self, rng: random.Random, kind: str, labels: Labels) -> Exchange:
        while True:
            exchange = absent.asking(rng, kind, labels)
            if exchange is not None and self._answerable(exchange):
                return exchange

    def _seen(self, rng: random.Random, kind: str) -> MediaItem:
        """Some thing, of which few tokens are read as a rule: a tool looks at it, not the model."""
        tokens = self._thing(rng, kind)[0]
        if self._strange[kind] and rng.random() < STRANGE:
            tokens = self.caches[kind][rng.choice(self._strange[kind])][0]
        return self._item(rng, kind, tokens, None if rng.random() < SEEN_WHOLE else SEEN)


def _named(rng: random.Random) -> Lesson:
    """A lesson in which media have names; some were there before, which is no longer read."""
    before = {name: rng.choice((0, 0, rng.randrange(_FIRST))) for name in MODALITIES}
    return Lesson(handles=before)


def _last(lesson: Lesson, kind: str) -> str:
    return f"{modality(kind).prefix}-{(lesson.handles or {})[kind]}"


def _coming(lesson: Lesson, things: Sequence[MediaItem]) -> list[str]:
    """The names that things will have once they are attached."""
    ahead = Lesson(handles=dict(lesson.handles or {}))
    return [ahead.handle(item.modality) for item in things]


def _calls(rng: random.Random, kind: str, handle: str, *, alone: bool) -> str:
    """What one calls a thing: its name, or anything if no other could be meant."""
    if not alone or rng.random() < 0.35:
        return handle
    if rng.random() < 0.5:
        return rng.choice(_PRONOUNS)
    return f"{rng.choice(('this', 'the', 'the', 'that', 'my'))} {rng.choice(MEDIA[kind])}"


def _varied(rng: random.Random, called: calls.Called) -> str:
    """The question in another manner, if what is to be copied from it stays as it is."""
    varied = vary(rng, called.question)
    copied = [value for value in map(str, called.arguments.values()) if value in called.question]
    return varied if all(value in varied for value in copied) else called.question
