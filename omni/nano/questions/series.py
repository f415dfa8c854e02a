"""Questions about series."""

from __future__ import annotations

import random

from omni.nano import wordings as w
from omni.nano.questions.exchange import Exchange, Labels, article, listing, sentence
from omni.nano.world.words import EVENTS, NUMBERS

WHEN = {"early": "early", "middle": "in the middle", "late": "late"}


def ask(rng: random.Random, labels: Labels) -> Exchange:
    """A question that is answered in words."""
    cycles, event = labels["cycles"], labels["event"]
    kind = rng.choices(
        ("what", "trend", "season", "cycles", "event", "when"), (5, 3, 2.5, 2, 3, 2)
    )[0]
    if kind == "trend":
        return Exchange(rng.choice(w.TREND), sentence(labels["trend"]))
    if kind == "season":
        answer = "Yes, it has a season." if cycles else "No, it has no season."
        return Exchange(rng.choice(w.SEASON), answer)
    if kind == "cycles":
        answer = sentence(NUMBERS[cycles - 1]) if cycles else "None, it has no season."
        return Exchange(rng.choice(w.CYCLES), answer)
    if kind == "event" and rng.random() < 0.3:
        return named(rng, event)
    if kind == "event":
        answer = f"Yes, there is {article(event)}." if event else "No, nothing unusual."
        return Exchange(rng.choice(w.EVENT), answer)
    if kind == "when":
        answer = sentence(WHEN[labels["when"]]) if event else "Nothing unusual happens."
        return Exchange(rng.choice(w.WHEN_EVENT), answer)
    return Exchange(rng.choice(w.WHAT + w.WHAT_SERIES), sentence(described(labels)))


def named(rng: random.Random, event: str) -> Exchange:
    """Is there this event? In half of the cases there is, if there is any."""
    asked = event if event and rng.random() < 0.5 else rng.choice(EVENTS)
    question = rng.choice(w.EVENT_NAMED[asked])
    if not event:
        return Exchange(question, "No, nothing unusual.")
    return Exchange(question, f"{'Yes' if asked == event else 'No'}, there is {article(event)}.")


def described(labels: Labels) -> str:
    """All of it: trend, season with its cycles, event with its time."""
    extras = []
    if labels["cycles"]:
        extras.append(f"a season of {NUMBERS[labels['cycles'] - 1]} cycles")
    if labels["event"]:
        extras.append(f"{article(labels['event'])} {WHEN[labels['when']]}")
    tail = f" with {listing(extras)}" if extras else ""
    return f"{article(labels['trend'])} series{tail}"


def short(labels: Labels, noun: str) -> str:
    """Trend, season and event in few words, as they are spoken and drawn."""
    season = " with season" if labels["cycles"] else ""
    event = f" with {labels['event']}" if labels["event"] else ""
    return f"{labels['trend']} {noun}{season}{event}"


def say(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to hear how it goes."""
    return Exchange(rng.choice(w.SAY_THIS + w.SAY_SERIES), short(labels, "series"), "audio")


def draw(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to see a sketch of it."""
    return Exchange(rng.choice(w.DRAW_THIS + w.DRAW_SERIES), short(labels, "plot"), "image")
