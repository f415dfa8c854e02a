"""What people ask about the things of the world, and what is answered.

Each function takes the labels of one thing and gives `Exchange`s: a question in one of many
wordings and the one answer that is right. The wordings of the questions vary, the answers do not.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from omni.nano.wordings import (
    BEEPS,
    COLOUR,
    DRAW,
    DRAW_THIS,
    EVENT,
    HOW_BIG,
    MOTION,
    PLACE,
    SAID,
    SAY,
    SAY_THIS,
    SEASON,
    SHAPE,
    TREND,
    WHAT,
    WHAT_AUDIO,
    WHAT_IMAGE,
    WHAT_POINTS,
    WHAT_SERIES,
    WHAT_VIDEO,
)
from omni.nano.world.words import COLOURS, PLACES, SHAPES, SIZES, SOLIDS


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer; `makes` names the modality that the answer is made in."""

    question: str
    answer: str
    makes: str = "text"


PLACE_PHRASES = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
    "middle": "in the middle",
}


def article(words: str) -> str:
    """The words with their indefinite article."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def sentence(words: str) -> str:
    """The words as a sentence."""
    return f"{words[0].upper()}{words[1:]}."


def about_image(rng: random.Random, colour: str, shape: str, size: str, place: str) -> Exchange:
    """One question about a picture of one thing."""
    kind = rng.choices(
        ("what", "colour", "shape", "size", "place", "yes-no", "say", "draw"),
        (5, 3, 3, 2, 2, 3, 0.8, 0.5),
    )[0]
    if kind == "what":
        whole = f"{article(f'{size} {colour} {shape}')} {PLACE_PHRASES[place]}"
        return Exchange(rng.choice(WHAT + WHAT_IMAGE), sentence(whole))
    if kind == "say":
        return Exchange(rng.choice(SAY_THIS), f"{colour} {shape}", "audio")
    if kind == "draw":
        return Exchange(rng.choice(DRAW_THIS), f"{size} {colour} {shape} {place}", "image")
    return about_attribute(rng, kind, colour, shape, size, place)


def about_attribute(
    rng: random.Random, kind: str, colour: str, shape: str, size: str = "", place: str = ""
) -> Exchange:
    """A question about one attribute of a thing of any modality."""
    noun = rng.choice((shape, "object", "thing", "shape"))
    if kind == "yes-no":
        return yes_no(rng, colour, shape)
    wordings, answer = {
        "colour": (COLOUR, sentence(colour)),
        "shape": (SHAPE, sentence(article(shape))),
        "size": (HOW_BIG, sentence(size) if size else ""),
        "place": (PLACE, sentence(PLACE_PHRASES[place]) if place else ""),
    }[kind]
    return Exchange(rng.choice(wordings).format(noun=noun), answer)


def yes_no(rng: random.Random, colour: str, shape: str) -> Exchange:
    """Is it of this colour, or of this shape? In half of the cases it is."""
    kinds = SOLIDS if shape in SOLIDS else SHAPES
    if rng.random() < 0.5:
        asked = colour if rng.random() < 0.5 else rng.choice([c for c in COLOURS if c != colour])
        question = rng.choice((f"Is it {asked}?", f"Is this {asked}?", f"Is the {shape} {asked}?"))
        return Exchange(question, f"{'Yes' if asked == colour else 'No'}, it is {colour}.")
    asked = shape if rng.random() < 0.5 else rng.choice([s for s in kinds if s != shape])
    named = article(asked)
    question = rng.choice((f"Is it {named}?", f"Is this {named}?", f"Is that {named}?"))
    return Exchange(question, f"{'Yes' if asked == shape else 'No'}, it is {article(shape)}.")


def about_video(rng: random.Random, colour: str, shape: str, motion: str) -> Exchange:
    """One question about a clip of one thing."""
    kind = rng.choices(("what", "motion", "colour", "shape", "yes-no", "say"), (5, 4, 2, 2, 1, 0.4))
    if kind[0] == "what":
        whole = f"{article(f'{colour} {shape}')} {_motion_phrase(motion)}"
        return Exchange(rng.choice(WHAT + WHAT_VIDEO), sentence(whole))
    if kind[0] == "motion":
        question = rng.choice(MOTION).format(noun=rng.choice((shape, "object", "thing")))
        return Exchange(question, sentence(f"it {_motion_phrase(motion)}"))
    if kind[0] == "say":
        return Exchange(rng.choice(SAY_THIS), f"{colour} {shape}", "audio")
    return about_attribute(rng, kind[0], colour, shape)


def _motion_phrase(motion: str) -> str:
    if motion == "still":
        return "stays still"
    return f"is {motion}" if motion.endswith("ing") else f"moves {motion}"


def about_points(rng: random.Random, colour: str, solid: str, size: str) -> Exchange:
    """One question about a solid."""
    kind = rng.choices(("what", "colour", "shape", "size", "yes-no", "say"), (5, 3, 3, 2, 2, 0.4))
    if kind[0] == "what":
        return Exchange(
            rng.choice(WHAT + WHAT_POINTS), sentence(article(f"{size} {colour} {solid}"))
        )
    if kind[0] == "say":
        return Exchange(rng.choice(SAY_THIS), f"{colour} {solid}", "audio")
    return about_attribute(rng, kind[0], colour, solid, size)


def about_speech(rng: random.Random, words: str) -> Exchange:
    """One question about spoken words."""
    named = [colour for colour in COLOURS if colour in words.split()]
    drawn = named and any(shape in words.split() for shape in SHAPES)
    if drawn and rng.random() < 0.08:
        return Exchange(rng.choice(DRAW_THIS), complete(words), "image")
    if named and rng.random() < 0.12:
        question = rng.choice(("Which colour is named?", "What colour is mentioned?"))
        return Exchange(question, sentence(named[0]))
    if rng.random() < 0.08:
        return Exchange(rng.choice(("Repeat it.", "Say it again.", "Repeat that.")), words, "audio")
    return Exchange(rng.choice(SAID + WHAT_AUDIO + WHAT), f'Someone says "{words}".')


def complete(spoken: str) -> str:
    """Size, colour, shape and place of what is drawn from spoken words: large, in the middle."""

    def named(options: Iterable[str], default: str) -> str:
        return next((word for word in spoken.split() if word in options), default)

    size, place = named(SIZES, "large"), named(PLACES, "middle")
    return f"{size} {named(COLOURS, 'red')} {named(SHAPES, 'circle')} {place}"


def about_sound(rng: random.Random, kind: str, detail: str) -> Exchange:
    """One question about a sound that is not speech.

    Args:
        kind: beep, sweep or noise.
        detail: the number of beeps as a word, `rising` or `falling` for a sweep, else empty.
    """
    if kind == "beep" and rng.random() < 0.5:
        return Exchange(rng.choice(BEEPS), sentence(detail))
    whole = {
        "beep": f"{detail} beep{'' if detail == 'one' else 's'}",
        "sweep": f"a {detail} sweep",
        "noise": "noise",
    }[kind]
    if kind == "sweep" and rng.random() < 0.3:
        question = rng.choice(("Does the tone rise or fall?", "Which way does the tone go?"))
        return Exchange(question, sentence(detail))
    return Exchange(rng.choice(WHAT_AUDIO + WHAT), sentence(whole))


def about_series(
    rng: random.Random, trend: str, *, season: bool, event: str, columns: int = 1
) -> Exchange:
    """One question about a series; `event` is empty where nothing happens."""
    kind = rng.choices(("what", "trend", "season", "event"), (5, 3, 3, 3))[0]
    if kind == "trend":
        return Exchange(rng.choice(TREND), sentence(trend))
    if kind == "season":
        return Exchange(
            rng.choice(SEASON),
            "Yes, it has a season." if season else "No, it has no season.",
        )
    if kind == "event":
        return Exchange(
            rng.choice(EVENT),
            f"Yes, there is {article(event)}." if event else "No, nothing unusual.",
        )
    extras = (["a season"] if season else []) + ([article(event)] if event else [])
    tail = f" with {' and '.join(extras)}" if extras else ""
    return Exchange(rng.choice(WHAT + WHAT_SERIES), sentence(f"{article(trend)} series{tail}"))


def drawing(rng: random.Random, colour: str, shape: str, size: str, place: str) -> Exchange:
    """A wish for a picture; what the wish leaves open is middle and large."""
    named_size = size if size == "small" or rng.random() < 0.4 else ""
    phrase = " ".join(word for word in (named_size, colour, shape) if word)
    where = PLACE_PHRASES[place] if place != "middle" or rng.random() < 0.2 else ""
    thing = f"{article(phrase)} {where}".strip()
    thing = thing if rng.random() < 0.85 else thing.partition(" ")[2]
    return Exchange(
        rng.choice(DRAW).format(thing=thing), f"{size} {colour} {shape} {place}", "image"
    )


def speaking(rng: random.Random, words: str) -> Exchange:
    """A wish for speech."""
    return Exchange(rng.choice(SAY).format(thing=words), words, "audio")


def announce(exchange: Exchange) -> str:
    """What is said before the made thing."""
    if exchange.makes == "image":
        size, colour, shape, *_ = exchange.answer.split()
        return f"Here is {article(f'{size} {colour} {shape}')}."
    return f'Here is "{exchange.answer}", spoken.'


def vary(rng: random.Random, question: str) -> str:
    """The question as careless people type it: sometimes lower case, or without its mark."""
    roll = rng.random()
    if roll < 0.25:
        question = question.lower()
    if roll > 0.7 or 0.1 < roll < 0.2:
        question = question.rstrip("?.")
    return question
