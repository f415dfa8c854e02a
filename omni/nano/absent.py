"""Answers that are never right, and only because what they say was held out of training.

A model that never hears of purple stars learns that what is purple is no star. That is our doing
and no knowledge of the world, so such an answer is not taught to be wrong: it is taken out of the
softmax where it parts from the right one. What is held out is never taught to be right either.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from omni.nano import dialogue
from omni.nano.questions.exchange import Exchange, Labels
from omni.nano.world import words
from omni.nano.world.curves import MOST_CYCLES

_SOLIDS = words.HELD_OUT_SOLIDS
_EVENTS = "|".join(words.EVENTS)
_COURSE = re.compile(rf"(\w+) (plot|series)( with season)?(?: with ({_EVENTS}))?")
_KINDS: Mapping[str, tuple[str, frozenset[tuple[str, str]]]] = {
    "video": ("shape", words.HELD_OUT),
    "points": ("solid", words.HELD_OUT_SOLIDS),
}


def asking(
    rng: random.Random, modality: str, labels: Labels, makes: str = "text"
) -> Exchange | None:
    """A question as `dialogue.asking` has it, with the answers that must not be taught as wrong."""
    start = rng.getstate()
    exchange = dialogue.asking(rng, modality, labels, makes)
    if exchange is None or exchange.makes != "text" or labels.get("outside"):
        return exchange
    end = rng.getstate()
    found = []
    for other in neighbours(modality, labels):
        rng.setstate(start)
        asked = dialogue.asking(rng, modality, other, makes)
        if asked and asked.question == exchange.question and asked.answer not in exchange.right:
            found.append(asked.answer)
    rng.setstate(end)
    return replace(exchange, absent=tuple(dict.fromkeys(found))) if found else exchange


def made(answer: str) -> tuple[str, ...]:
    """The same of what is drawn or said: each answer with one word of what is held out in it."""
    said = answer.split(" ")
    found = []
    for place, (colour, shape) in enumerate(pairwise(said)):
        for held_out, kinds in ((words.HELD_OUT, words.SHAPES), (_SOLIDS, words.SOLIDS)):
            if colour in words.COLOURS and shape in kinds:
                for pair in _one_away((colour, shape), held_out):
                    found.append(" ".join((*said[:place], *pair, *said[place + 2 :])))
    course = _COURSE.fullmatch(answer)
    if course:
        trend, noun, season, event = course.groups()
        for other in _one_away((trend, bool(season), event or ""), words.HELD_OUT_COURSES):
            tail = " with season" * other[1] + f" with {other[2]}" * bool(other[2])
            found.append(f"{other[0]} {noun}{tail}")
    return tuple(found)


def neighbours(modality: str, labels: Labels) -> Iterator[Labels]:
    """Labels of what is held out and differs from a thing in one attribute."""
    if modality == "series":
        yield from _courses(labels)
    elif modality == "image":
        things = labels["objects"]
        for place, thing in enumerate(things):
            for other in _pairs(thing, "shape", words.HELD_OUT):
                yield {**labels, "objects": [*things[:place], other, *things[place + 1 :]]}
    elif modality in _KINDS:
        yield from _pairs(labels, *_KINDS[modality])


def _pairs(
    thing: Labels, kind: str, held_out: frozenset[tuple[str, str]]
) -> Iterator[dict[str, object]]:
    for colour, shape in _one_away((thing["colour"], thing[kind]), held_out):
        yield {**thing, "colour": colour, kind: shape}


def _courses(labels: Labels) -> Iterator[Labels]:
    course = labels["trend"], labels["cycles"] > 0, labels["event"]
    for trend, season, event in _one_away(course, words.HELD_OUT_COURSES):
        counts = [labels["cycles"]] if season == course[1] else _counts(season)
        times = [labels["when"]] if labels["event"] else words.TIMES
        for cycles in counts:
            for when in times:
                yield {**labels, "trend": trend, "cycles": cycles, "event": event, "when": when}


def _one_away(
    one: tuple[Any, ...], held_out: frozenset[tuple[Any, ...]]
) -> Iterator[tuple[Any, ...]]:
    """What is held out and differs in one of its parts."""
    for other in sorted(held_out):
        if sum(mine != its for mine, its in zip(one, other, strict=True)) == 1:
            yield other


def _counts(season: bool) -> tuple[int, ...]:
    return tuple(range(2, MOST_CYCLES + 1)) if season else (0,)
