"""What is said in the world: its vocabulary, sentences about its things, and words in no order."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from omni.nano.world import words

SENTENCES = (
    *("what is this", "what is that", "what is there", "what do you see", "what is in the picture"),
    *("what colour is it", "which colour is it", "what shape is it", "which shape is it"),
    *("what size is it", "is it large or small", "how large is it", "where is it"),
    *("what colour is the {shape}", "what size is the {shape}", "where is the {shape}"),
    *("which shape is {colour}", "which object is {colour}", "is it {colour}", "is it a {shape}"),
    *("how many objects are there", "how many {colour} objects are there", "how many do you see"),
    *("there are {number} objects", "there is one object", "there are {number} {colour} objects"),
    *("how many beeps are there", "there are {number} beeps", "{number} beeps", "{number} objects"),
    *("what kind of sound is this", "what sound is it", "is it speech", "it is a beep"),
    *("a rising sweep", "a falling sweep", "noise", "it is noise", "no speech"),
    *("draw {a thing}", "draw {a thing}", "draw {a thing}", "draw {things}", "draw {course}"),
    *("draw {a thing} {where}", "draw {a thing} {where}", "draw it {colour}"),
    *("draw it", "draw this", "draw what you see", "draw the {shape}", "draw a picture of it"),
    *("show me {a thing}", "show me {course}", "show me the picture", "show {things}"),
    *("say {thing}", "say it", "say what you see", "say {number}", "say hello", "say {colour}"),
    *("it is {a thing}", "it is {a thing}", "this is {a thing}", "there is {a thing}", "{things}"),
    *("the {shape} is {colour}", "the {shape} is {size}", "it is {size} and {colour}"),
    *("it is {where}", "it is {where}", "{a thing} {where}"),
    *("{a thing} is {relation} {a thing}", "is {a thing} {relation} {a thing}"),
    *("{moving}", "{moving}", "the {shape} is {motion}", "is it {motion}", "what is it doing"),
    *("which way is it moving", "it is moving {direction}", "it is {motion}"),
    *("{course}", "{course}", "it is {course}", "is it rising or falling", "is there a season"),
    *("there is no season", "how many cycles are there", "{number} cycles", "there is {an event}"),
    *(
        "{an event}",
        "is there {an event}",
        "when is the {event}",
        "it is {time}",
        "what is the trend",
    ),
    *(
        "is it {trend}",
        "the trend is {trend}",
        "the series is {trend}",
        "it is a {proportion} {solid}",
    ),
    *("what is {number} plus {number}", "{number} plus {number}", "{number} minus {number}"),
    *("hello", "hello there", "goodbye", "yes", "no", "thanks", "yes it is", "no it is not"),
    *("thanks and goodbye", "yes there is", "no there is not", "{number}", "zero"),
)
"""Questions, orders and answers; what stands in braces is filled in, each time anew."""

VOCABULARY: tuple[str, ...] = tuple(
    dict.fromkeys(
        word
        for phrase in (
            *words.COLOURS,
            *words.SHAPES,
            *words.SIZES,
            *words.PLACES,
            *words.RELATIONS,
            *words.SOLIDS,
            *words.PROPORTIONS,
            *words.MOTIONS,
            *words.TRENDS,
            *words.EVENTS,
            *words.TIMES,
            *words.NUMBERS,
            *words.SOUNDS,
            "moving cycle cycles series season plot with and a an on at in the",
            *(re.sub(r"{[^}]*}", "", sentence) for sentence in SENTENCES),
        )
        for word in phrase.split()
    )
)
"""Every word that is spoken, once, in a fixed order."""

BARE: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *(*words.COLOURS, *words.SHAPES, *words.SIZES, *words.PLACES, *words.RELATIONS),
            *(*words.SOLIDS, *words.PROPORTIONS, *words.MOTIONS, *words.TRENDS, *words.EVENTS),
            *(*words.TIMES, *words.NUMBERS, *words.SOUNDS),
        )
    )
)
"""Names of the world, as they are said alone."""


def phrase(rng: np.random.Generator, *, held_out: bool = False) -> str:
    """A random utterance that means something in the world, all of `VOCABULARY`.

    Held-out pairs and courses are never in it; with `held_out` it is, on the contrary, always a
    phrase around one.
    """
    if held_out:
        return _held_out_phrase(rng)
    while True:
        text = re.sub(r"\bone (beep|object|cycle)s", r"one \1", _any_phrase(rng))
        if not holds_out(text):
            return text


def jumble(rng: np.random.Generator, most: int = 5) -> str:
    """Up to `most` words in no order, so that an ear has to listen and cannot guess."""
    while True:
        text = " ".join(_one(rng, VOCABULARY) for _ in range(rng.integers(1, most + 1)))
        if not holds_out(text):
            return text


def holds_out(text: str) -> bool:
    """Whether a combination that is never trained on is said in it."""
    spoken = text.split()
    kept_back = words.HELD_OUT | words.HELD_OUT_SOLIDS
    if any(pair in kept_back for pair in pairwise(spoken)):
        return True
    return any(
        trend in spoken and event in text and season == ("season" in spoken)
        for trend, season, event in words.HELD_OUT_COURSES
    )


def _held_out_phrase(rng: np.random.Generator) -> str:
    draw = rng.random()
    if draw < 0.65:
        return _thing(rng, *_one(rng, sorted(words.HELD_OUT)))
    if draw < 0.9:
        return _thing(rng, *_one(rng, sorted(words.HELD_OUT_SOLIDS)))
    return _course(rng, *_one(rng, sorted(words.HELD_OUT_COURSES)))


def _any_phrase(rng: np.random.Generator) -> str:
    draw = rng.random()
    if draw < 0.1:
        return _one(rng, BARE)
    if draw < 0.45:
        return _fill(rng, "{thing}" if rng.random() < 0.5 else "{a thing}")
    return _fill(rng, _one(rng, SENTENCES))


def _fill(rng: np.random.Generator, sentence: str) -> str:
    return re.sub(r"{([^}]*)}", lambda found: _filling(rng, found[1]), sentence)


def _filling(rng: np.random.Generator, name: str) -> str:
    """Random words for one pair of braces."""
    simple = {
        "colour": tuple(words.COLOURS),
        "shape": (*words.SHAPES, *words.SOLIDS),
        "solid": words.SOLIDS,
        "size": words.SIZES,
        "place": words.PLACES,
        "proportion": words.PROPORTIONS[:2],
        "relation": words.RELATIONS,
        "direction": words.MOTIONS[:4],
        "motion": words.MOTIONS[4:],
        "trend": words.TRENDS,
        "event": words.EVENTS,
        "time": words.TIMES,
        "number": words.NUMBERS,
    }
    if name in simple:
        return _one(rng, simple[name])
    if name == "where":
        place = _one(rng, words.PLACES)
        before = {"top": "at", "bottom": "at", "middle": "in"}.get(place, "on")
        return f"{before} the {place}"
    if name == "thing":
        return _thing(rng, _filling(rng, "colour"), _filling(rng, "shape"))
    if name == "a thing":
        return _article(_filling(rng, "thing").removeprefix("a ").removeprefix("an "))
    if name == "things":
        between = _one(rng, ("and", *words.RELATIONS))
        return f"{_filling(rng, 'a thing')} {between} {_filling(rng, 'a thing')}"
    if name == "moving":
        return _moving(rng)
    if name == "course":
        event = _one(rng, ("", *words.EVENTS))
        return _course(rng, _filling(rng, "trend"), bool(rng.random() < 0.5), event)
    if name == "an event":
        time = _one(rng, ("", *words.TIMES))
        return _article(f"{time} {_filling(rng, 'event')}".strip())
    raise KeyError(name)


def _thing(rng: np.random.Generator, colour: str, shape: str) -> str:
    draw = rng.random()
    if draw < 0.45:
        return f"{colour} {shape}"
    if draw < 0.6:
        return _article(f"{colour} {shape}")
    stretched = shape in words.SOLIDS and rng.random() < 0.4
    adjective = _one(rng, words.PROPORTIONS[:2] if stretched else words.SIZES)
    return f"{adjective} {colour} {shape}"


def _moving(rng: np.random.Generator) -> str:
    motion = _one(rng, words.MOTIONS)
    colour, shape = _filling(rng, "colour"), _one(rng, words.SHAPES)
    if motion == "colliding":
        other = f"{_filling(rng, 'colour')} {_one(rng, words.SHAPES)}"
        return f"{_article(f'{colour} {shape}')} and {_article(other)} colliding"
    start = f"{colour} {shape}" if rng.random() < 0.5 else _article(f"{colour} {shape}")
    return f"{start} {'moving ' if motion in words.MOTIONS[:4] else ''}{motion}"


def _course(rng: np.random.Generator, trend: str, season: bool, event: str) -> str:
    extras = [word for word in ("season" if season else "", event) if word]
    tail = f" with {' and '.join(extras)}" if extras else ""
    noun = _one(rng, ("series", "plot"))
    start = trend if rng.random() < 0.4 else f"a {trend}"
    return f"{start} {noun}{tail}"


def _article(words_after: str) -> str:
    return f"{'an' if words_after[0] in 'aeiou' else 'a'} {words_after}"


def _one(rng: np.random.Generator, options):
    return options[rng.integers(len(options))]
