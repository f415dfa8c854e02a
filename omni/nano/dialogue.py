"""What people ask about the things of the world, and what is answered.

Each function takes the labels of one thing and gives `Exchange`s: a question in one of many
wordings and the one answer that is right. The wordings of the questions vary, the answers do not.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

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

WHAT = (
    "What is this?",
    "What's this?",
    "What is that?",
    "What is it?",
    "What do you see?",
    "What can you see?",
    "What is shown here?",
    "What is in the file?",
    "Describe this.",
    "Describe it.",
    "Tell me what this is.",
    "Can you tell me what this is?",
    "Please describe what you see.",
    "Explain this.",
)
WHAT_IMAGE = (
    "What is in the picture?",
    "What is in this image?",
    "What does the picture show?",
    "Describe the image.",
    "Describe this picture.",
    "Caption this image.",
    "What is on this photo?",
)
COLOUR = (
    "What colour is it?",
    "What color is it?",
    "Which colour does it have?",
    "What is its colour?",
    "What colour is this?",
    "Name the colour.",
    "Tell me the color.",
    "Which color is it?",
    "What colour is the {noun}?",
    "What color is the {noun}?",
)
SHAPE = (
    "What shape is it?",
    "Which shape is it?",
    "What is its shape?",
    "What shape is this?",
    "Name the shape.",
    "What form does it have?",
    "Which shape do you see?",
    "Tell me the shape.",
)
HOW_BIG = (
    "How big is it?",
    "Is it large or small?",
    "Is it small or large?",
    "What size is it?",
    "What is its size?",
    "Is it big or small?",
)
PLACE = (
    "Where is it?",
    "Where is the {noun}?",
    "In which place is it?",
    "Where in the picture is it?",
    "Which side is it on?",
    "Where does it stand?",
)
WHAT_AUDIO = (
    "What do you hear?",
    "What can you hear?",
    "What is this sound?",
    "What does it sound like?",
    "Describe the sound.",
    "Listen and tell me what it is.",
    "What is in the recording?",
)
SAID = (
    "What is said?",
    "What was said?",
    "What does the voice say?",
    "Which words are spoken?",
    "Transcribe this.",
    "Write down what is said.",
    "What does the person say?",
    "What is being said here?",
)
BEEPS = (
    "How many beeps are there?",
    "How many beeps do you hear?",
    "Count the beeps.",
    "How often does it beep?",
    "What is the number of beeps?",
)
WHAT_VIDEO = (
    "What happens?",
    "What happens in the video?",
    "What happens here?",
    "Describe the video.",
    "What is going on?",
    "What do you see in this clip?",
    "What does the video show?",
)
MOTION = (
    "Which way does it move?",
    "In which direction does it move?",
    "How does it move?",
    "Where does it go?",
    "What does the {noun} do?",
    "Does it move, and where to?",
    "What is the motion?",
)
WHAT_POINTS = (
    "What solid is this?",
    "Which solid is it?",
    "What object is this?",
    "What do the points show?",
    "What is this 3D shape?",
    "Describe the point cloud.",
    "Describe the mesh.",
)
WHAT_SERIES = (
    "Describe the series.",
    "What do the numbers show?",
    "What does the data show?",
    "Describe the curve.",
    "What does this table show?",
    "Summarise the data.",
    "How does the series behave?",
)
TREND = (
    "What is the trend?",
    "Is it rising or falling?",
    "Does it go up or down?",
    "Which way does the series go?",
    "How does it develop?",
    "Is there a trend?",
)
SEASON = (
    "Is there a season?",
    "Is it seasonal?",
    "Does it repeat?",
    "Is there a seasonal pattern?",
    "Does the series have a cycle?",
    "Is there a periodic pattern?",
)
EVENT = (
    "Is there a spike?",
    "Is there an outlier?",
    "Does anything unusual happen?",
    "Are there anomalies?",
    "Is there something strange in it?",
    "Is there a break in the series?",
)
DRAW = (
    "Draw {thing}.",
    "draw {thing}",
    "Draw me {thing}.",
    "Paint {thing}.",
    "Please draw {thing}.",
    "Make a picture of {thing}.",
    "Make an image of {thing}.",
    "Show me {thing}.",
    "Generate an image of {thing}.",
    "Can you draw {thing}?",
    "Create a picture of {thing}.",
    "I want a picture of {thing}.",
    "Sketch {thing}.",
)
SAY = (
    "Say {thing}.",
    "say {thing}",
    'Say "{thing}".',
    "Please say {thing}.",
    "Speak: {thing}",
    "Say the words {thing}.",
    "Read aloud: {thing}",
    "Pronounce {thing}.",
    "Say {thing} aloud.",
    "Can you say {thing}?",
    "Speak the words {thing}.",
    "Tell me aloud: {thing}",
)
SAY_THIS = (
    "Say what you see.",
    "Say what this is.",
    "Tell me aloud what this is.",
    "Say aloud what is in the picture.",
    "Speak: what is this?",
)
DRAW_THIS = (
    "Draw it.",
    "Draw this.",
    "Draw what you hear.",
    "Draw what is said.",
    "Make a picture of it.",
    "Paint it.",
    "Show it as a picture.",
)


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


def wordings() -> Iterable[str]:
    """Every wording of a question: for the tokeniser and for tests."""
    for name, value in globals().items():
        if name.isupper() and isinstance(value, tuple):
            yield from value
