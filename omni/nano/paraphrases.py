"""Questions in words that people wrote and training never saw: `paraphrases.json`.

Each has an intent: what it asks, of what kind of thing. The answer is known from the thing alone.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni.nano import wordings as w
from omni.nano.alternatives import CLASSES
from omni.nano.cases import SEED, Case, Pool, Thing
from omni.nano.questions import series, video
from omni.nano.questions.exchange import Exchange, article, listing, sentence
from omni.nano.questions.image import PLACE_PHRASES
from omni.nano.questions.points import shaped
from omni.nano.world.words import NUMBERS

if TYPE_CHECKING:
    from omni.evaluation.answering import Said

FILE = Path(__file__).with_name("paraphrases.json")
_TRIES = 2000

Labels = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Intent:
    """What is asked.

    Attributes:
        answer: the answer of a thing with these labels; `None` if it cannot be asked of it.
        wordings: how training asks it.
    """

    answer: Callable[[Labels], str | None]
    wordings: Sequence[str]


def _single(labels: Labels) -> Labels | None:
    return labels["objects"][0] if len(labels["objects"]) == 1 else None


def _of_single(answer: Callable[[Labels], str]) -> Callable[[Labels], str | None]:
    def found(labels: Labels) -> str | None:
        only = _single(labels)
        return None if only is None else sentence(answer(only))

    return found


def _moving(answer: Callable[[Labels], str]) -> Callable[[Labels], str | None]:
    def found(labels: Labels) -> str | None:
        return None if labels["motion"] == "colliding" else sentence(answer(labels))

    return found


def _of_kind(kind: str, answer: Callable[[Labels], str]) -> Callable[[Labels], str | None]:
    return lambda labels: answer(labels) if labels["kind"] == kind else None


def _image(labels: Labels) -> str | None:
    things = labels["objects"]
    if len(things) > 3:
        return None
    if len(things) > 1:
        named = [article(f"{each['colour']} {each['shape']}") for each in things]
        return sentence(f"{NUMBERS[len(things) - 1]} things: {listing(named)}")
    only = things[0]
    shown = article(f"{only['size']} {only['colour']} {only['shape']}")
    return sentence(f"{shown} {PLACE_PHRASES[only['place']]}")


def _points(labels: Labels) -> str:
    words = (labels["size"], shaped(labels), labels["colour"], labels["solid"])
    return sentence(article(" ".join(word for word in words if word)))


INTENTS: Mapping[str, Intent] = {
    "image.what": Intent(_image, w.WHAT_IMAGE),
    "image.colour": Intent(_of_single(lambda one: one["colour"]), w.COLOUR),
    "image.shape": Intent(_of_single(lambda one: article(one["shape"])), w.SHAPE),
    "image.size": Intent(_of_single(lambda one: one["size"]), w.HOW_BIG),
    "image.place": Intent(_of_single(lambda one: PLACE_PHRASES[one["place"]]), w.PLACE),
    "image.count": Intent(lambda labels: sentence(NUMBERS[len(labels["objects"]) - 1]), w.HOW_MANY),
    "video.what": Intent(
        _moving(
            lambda one: (
                f"{article(one['colour'] + ' ' + one['shape'])} {video.PHRASES[one['motion']]}"
            )
        ),
        w.WHAT_VIDEO,
    ),
    "video.motion": Intent(_moving(lambda one: f"it {video.PHRASES[one['motion']]}"), w.MOTION),
    "video.colour": Intent(_moving(lambda one: one["colour"]), w.COLOUR),
    "video.shape": Intent(_moving(lambda one: article(one["shape"])), w.SHAPE),
    "points.what": Intent(_points, w.WHAT_POINTS),
    "points.colour": Intent(lambda labels: sentence(labels["colour"]), w.COLOUR),
    "points.solid": Intent(lambda labels: sentence(article(labels["solid"])), w.SOLID),
    "points.size": Intent(lambda labels: sentence(labels["size"]), w.HOW_BIG),
    "series.what": Intent(lambda labels: sentence(series.described(labels)), w.WHAT_SERIES),
    "series.trend": Intent(lambda labels: sentence(labels["trend"]), w.TREND),
    "series.season": Intent(
        lambda labels: "Yes, it has a season." if labels["cycles"] else "No, it has no season.",
        w.SEASON,
    ),
    "series.cycles": Intent(
        lambda labels: sentence(NUMBERS[labels["cycles"] - 1]) if labels["cycles"] else None,
        w.CYCLES,
    ),
    "series.event": Intent(
        lambda labels: (
            f"Yes, there is {article(labels['event'])}."
            if labels["event"]
            else "No, nothing unusual."
        ),
        w.EVENT,
    ),
    "series.when": Intent(
        lambda labels: sentence(series.WHEN[labels["when"]]) if labels["event"] else None,
        w.WHEN_EVENT,
    ),
    "audio.said": Intent(
        _of_kind("speech", lambda labels: f'Someone says "{labels["text"]}".'), w.SAID
    ),
    "audio.beeps": Intent(_of_kind("beep", lambda labels: sentence(labels["detail"])), w.BEEPS),
    "audio.sweep": Intent(_of_kind("sweep", lambda labels: sentence(labels["detail"])), w.SWEEP),
}
"""Intents are `modality.what is asked`."""


@cache
def written() -> tuple[tuple[str, str], ...]:
    """Intent and text of each."""
    if not FILE.is_file():
        return ()
    return tuple((each["intent"], each["text"]) for each in json.loads(FILE.read_text()))


def modalities() -> list[str]:
    """Modalities that there are paraphrases for."""
    return list(dict.fromkeys(intent.partition(".")[0] for intent, _ in written()))


def cases(pool: Pool, modality: str) -> list[Case]:
    """Each paraphrase of a modality, asked of a thing of which it can be asked."""
    return [
        Case((Exchange(text, answer),), (thing,))
        for _, text, answer, thing in _asked(pool, modality)
    ]


def templated(pool: Pool, modality: str) -> list[Case]:
    """The same things and intents, in a wording of the training."""
    rng = random.Random(f"{SEED} templated {modality}")
    return [
        Case((Exchange(_worded(rng, INTENTS[intent].wordings), answer),), (thing,))
        for intent, _, answer, thing in _asked(pool, modality)
    ]


def _worded(rng: random.Random, wordings: Sequence[str]) -> str:
    return rng.choice(wordings).format(noun="object")


def _asked(pool: Pool, modality: str) -> Iterator[tuple[str, str, str, Thing]]:
    texts = [each for each in written() if each[0].partition(".")[0] == modality]
    place = 0
    for intent, text in texts:
        answer = None
        while answer is None:
            thing = pool.thing(modality, place)
            answer = INTENTS[intent].answer(thing.labels)
            place = (place + 1) % _TRIES
            if answer is not None:
                yield intent, text, answer, thing


def right(case: Case, said: Sequence[Said]) -> bool:
    """The answer is the one of the templates, or tells the same in another form.

    It tells the same if, of every class of words in the right answer (colours, shapes, numbers, …),
    it names those words and no others, and says yes or no alike.
    """
    wanted, told = case.turns[-1].answer, said[-1].text
    return told == wanted or (bool(_named(wanted)) and _agree(_named(wanted), _named(told)))


def _agree(wanted: Mapping[int, set[str]], told: Mapping[int, set[str]]) -> bool:
    return all(told.get(number) == words for number, words in wanted.items())


def _named(text: str) -> dict[int, set[str]]:
    """Words of the world in a text, by the number of their class."""
    spoken = re.findall(r"[a-z]+", text.lower())
    classes = (*CLASSES, ("yes", "no"), tuple(_MOVES))
    found = {
        number: {word for word in spoken if word in members}
        for number, members in enumerate(classes)
    }
    return {number: words for number, words in found.items() if words}


_MOVES = ("moves", "grows", "shrinks", "stays", "turns", "appears", "bounces", "collide")
