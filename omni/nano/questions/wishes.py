"""Wishes without media: a picture of something that is named, words to be spoken."""

from __future__ import annotations

import random

from omni.nano.asked import wishes as asked
from omni.nano.questions.exchange import Exchange, article
from omni.nano.questions.image import PLACE_PHRASES
from omni.nano.world.words import (
    COLOURS,
    EVENTS,
    HELD_OUT,
    HELD_OUT_COURSES,
    HELD_OUT_SOLIDS,
    PLACES,
    SHAPES,
    SOLIDS,
    TRENDS,
)

DRAW = (
    *(
        "Draw {thing}.",
        "draw {thing}",
        "Draw me {thing}.",
        "Paint {thing}.",
        "Please draw {thing}.",
    ),
    *("Make a picture of {thing}.", "Make an image of {thing}.", "Show me {thing}."),
    *("Generate an image of {thing}.", "Can you draw {thing}?", "Create a picture of {thing}."),
    *("I want a picture of {thing}.", "Sketch {thing}.", "I would like to see {thing}."),
    *("Could you paint {thing} for me?", "Give me an image with {thing}.", "Picture {thing}."),
    *("Produce a drawing of {thing}.", "I need a drawing of {thing}.", "Illustrate {thing}."),
    *asked.DRAW,
)
PLOT = (
    *("Plot {thing}.", "Draw {thing}.", "Sketch {thing}.", "Show me {thing}.", "Chart {thing}."),
    *("Make a plot of {thing}.", "Draw the curve of {thing}.", "I want to see {thing}."),
    *asked.PLOT,
)
SAY = (
    *("Say {thing}.", "say {thing}", 'Say "{thing}".', "Please say {thing}.", "Speak: {thing}"),
    *("Say the words {thing}.", "Read aloud: {thing}", "Pronounce {thing}.", "Say {thing} aloud."),
    *("Can you say {thing}?", "Speak the words {thing}.", "Tell me aloud: {thing}"),
    *("Let me hear you say {thing}.", 'Read this to me: "{thing}".', "Voice this: {thing}"),
    *("I want to hear {thing}.", "Utter {thing}.", "Say out loud {thing}."),
    *asked.SAY,
)


def drawing(rng: random.Random, *, held_out: bool | None = False) -> Exchange:
    """A wish for a picture of one thing, two things, a solid or a curve.

    Args:
        rng: what is wished, and how.
        held_out: `True` for a wish with a held-out pair, `False` without one, `None` for any.
    """
    kind = rng.choices((one, both, solid, plot), (5, 2, 2, 1.5))[0]
    return kind(rng, held_out)


def one(rng: random.Random, held_out: bool | None = False) -> Exchange:
    """A wish for one shape; what the wish leaves open is middle and large."""
    colour, shape = pair(rng, held_out)
    size = "large" if rng.random() < 0.6 else "small"
    place = "middle" if rng.random() < 0.4 else rng.choice(PLACES)
    named_size = size if size == "small" or rng.random() < 0.5 else ""
    size_word = rng.choice(_SIZE_WORDS[named_size]) if named_size else ""
    phrase = " ".join(word for word in (size_word, colour, shape) if word)
    where = PLACE_PHRASES[place] if place != "middle" or rng.random() < 0.25 else ""
    thing = f"{article(phrase)} {where}".strip()
    thing = thing if rng.random() < 0.85 else thing.partition(" ")[2]
    return Exchange(
        rng.choice(DRAW).format(thing=thing), f"{size} {colour} {shape} {place}", "image"
    )


_SIZE_WORDS = {
    "small": ("small", "small", "small", "little", "tiny"),
    "large": ("large", "large", "large", "big", "huge"),
}


def both(rng: random.Random, held_out: bool | None = False) -> Exchange:
    """A wish for two shapes beside or above one another; the first named may be either."""
    first, second = pair(rng, held_out), pair(rng, False if held_out is False else None)
    a, b = (article(" ".join(thing)) for thing in (first, second))
    places = rng.choice((("left", "right"), ("top", "bottom")))
    key = f"{' '.join(first)} {places[0]}, {' '.join(second)} {places[1]}"
    near, far = ("left of", "right of") if places[0] == "left" else ("above", "below")
    ways = [
        f"{a} {near} {b}",
        f"{b} {far} {a}",
        f"{a} {PLACE_PHRASES[places[0]]} and {b} {PLACE_PHRASES[places[1]]}",
        f"{b} {PLACE_PHRASES[places[1]]} and {a} {PLACE_PHRASES[places[0]]}",
    ]
    if places[0] == "left":
        ways.append(f"{a} and {b}")
    return Exchange(rng.choice(DRAW).format(thing=rng.choice(ways)), key, "image")


def solid(rng: random.Random, held_out: bool | None = False) -> Exchange:
    """A wish for a picture of a solid."""
    while True:
        found = rng.choice(tuple(COLOURS)), rng.choice(SOLIDS)
        if held_out is None or (found in HELD_OUT_SOLIDS) == held_out:
            break
    named = " ".join(found)
    return Exchange(rng.choice(DRAW).format(thing=article(named)), named, "image")


def plot(rng: random.Random, held_out: bool | None = False) -> Exchange:
    """A wish for the sketch of a curve."""
    while True:
        course = rng.choice(TRENDS), rng.random() < 0.5, rng.choice(("", *EVENTS))
        if held_out is None or (course in HELD_OUT_COURSES) == held_out:
            break
    trend, season, event = course
    extras = (["a season"] if season else []) + ([article(event)] if event else [])
    tail = f" with {' and '.join(extras)}" if extras else ""
    noun = rng.choice(("series", "curve", "line"))
    key = f"{trend} plot{' with season' if season else ''}{f' with {event}' if event else ''}"
    return Exchange(
        rng.choice(PLOT).format(thing=f"{article(f'{trend} {noun}')}{tail}"), key, "image"
    )


def speaking(rng: random.Random, words: str) -> Exchange:
    """A wish for speech."""
    return Exchange(rng.choice(SAY).format(thing=words), words, "audio")


def pair(rng: random.Random, held_out: bool | None = False) -> tuple[str, str]:
    """A colour and a flat shape."""
    while True:
        found = rng.choice(tuple(COLOURS)), rng.choice(SHAPES)
        if held_out is None or (found in HELD_OUT) == held_out:
            return found
