"""Questions about two or three things of different modalities at once."""

from __future__ import annotations

import random
from collections.abc import Mapping

from omni.nano.asked import pairs as asked
from omni.nano.questions import image
from omni.nano.questions.audio import drawn
from omni.nano.questions.exchange import Exchange, Labels, sentence
from omni.nano.world.words import COLOURS, HELD_OUT, SHAPES, SOLIDS

NAMES = {
    "image": ("the picture", "the image"),
    "video": ("the video", "the film"),
    "points": ("the solid", "the 3D object"),
    "series": ("the series", "the data"),
    "audio": ("the recording", "the voice"),
}
_SAME_COLOUR = (
    *("Do {a} and {b} have the same colour?", "Is it the same colour in {a} and {b}?"),
    *("Are {a} and {b} of one colour?", "Does the colour of {a} agree with {b}?"),
    *asked.SAME_COLOUR,
)
_SAME_THING = (
    *("Do {a} and {b} agree?", "Do {a} and {b} mean the same thing?", "Does {a} fit {b}?"),
    *("Is it the same thing in {a} and {b}?", "Do {a} and {b} match?"),
    *asked.SAME_THING,
)
_WHICH = (
    *("Which one is {value}?", "Which of them is {value}: {options}?", "What is {value} here?"),
    *("Which of the files is {value}?", "Which one shows something {value}?"),
    *asked.WHICH,
)
_WHICH_SAYS = (
    *("Which one is about {value}?", "Where is {value} to be found: {options}?"),
    *("Which of the files has {value}?", "In which one is there {value}?"),
    *asked.WHICH_SAYS,
)
_COLOUR_IN = (
    *("What colour is it in {a}?", "Which colour does {a} show?", "What colour is named by {a}?"),
    *("And {a}: what colour?", "Tell me the colour of {a}."),
    *asked.COLOUR_IN,
)
_SHAPE_IN = (
    "What shape is it in {a}?",
    "Which shape does {a} show?",
    "Which thing is in {a}?",
    *asked.SHAPE_IN,
)
_DRAW_MIXED = (
    *("Draw the shape of {a} in the colour of {b}.", "Draw {a} in the colour of {b}."),
    *(
        "Paint the shape from {a} with the colour from {b}.",
        "Give the shape in {a} the colour of {b}.",
    ),
    *asked.DRAW_MIXED,
)
_SAY_BOTH = (
    "Say both colours.",
    "Name the colours of both aloud.",
    "Say the two colours.",
    *asked.SAY_BOTH,
)
_COURSE = ("Is {a} rising, falling or flat?", *asked.COURSE)


def ask(rng: random.Random, things: Mapping[str, Labels]) -> Exchange | None:
    """A question over things of two or three modalities; `None` if these have nothing in common.

    Args:
        rng: what is asked.
        things: modality → labels, in the order in which the things are attached.
    """
    facts = {name: found for name, labels in things.items() if (found := known(name, labels))}
    if len(facts) < len(things) or len(facts) < 2:
        return None
    kinds = [_one_of_them, _one_of_them]
    if sum("colour" in one for one in facts.values()) >= 2:
        kinds += [_same_colour, _which_colour, _draw_mixed, _draw_mixed]
        kinds += [_say_both] if sum("colour" in one for one in facts.values()) == 2 else []
        kinds += [_same_thing] if "audio" in facts else []
    if "series" in facts:
        kinds += [_which_course]
    rng.shuffle(kinds)
    for kind in kinds:
        if (found := kind(rng, facts)) is not None:
            return found
    return None


def known(name: str, labels: Labels) -> dict[str, str] | None:
    """Colour and shape of a thing, or the trend of a series; `None` where nothing single is."""
    if labels.get("outside"):
        return None
    if name == "image":
        return image.facts(labels) if len(labels["objects"]) == 1 else None
    if name == "video":
        if labels["motion"] == "colliding":
            return None
        return {"colour": labels["colour"], "shape": labels["shape"]}
    if name == "points":
        return {"colour": labels["colour"], "shape": labels["solid"]}
    if name == "series":
        return {"trend": labels["trend"]}
    if labels["kind"] != "speech" or drawn(labels["text"]) is None:
        return None
    spoken = labels["text"].split()
    return {
        "colour": next(word for word in spoken if word in COLOURS),
        "shape": next(word for word in spoken if word in (*SHAPES, *SOLIDS)),
    }


Facts = Mapping[str, Mapping[str, str]]


def _one_of_them(rng: random.Random, facts: Facts) -> Exchange | None:
    """An attribute of the one that is named."""
    name = rng.choice(tuple(facts))
    called = rng.choice(NAMES[name])
    if name == "series":
        question = rng.choice(_COURSE).format(a=called)
        return Exchange(question, sentence(facts[name]["trend"]))
    if rng.random() < 0.5:
        return Exchange(rng.choice(_COLOUR_IN).format(a=called), sentence(facts[name]["colour"]))
    shape = image.article(facts[name]["shape"])
    return Exchange(rng.choice(_SHAPE_IN).format(a=called), sentence(shape))


def _same_colour(rng: random.Random, facts: Facts) -> Exchange | None:
    first, second = _two(rng, facts, "colour")
    question = rng.choice(_SAME_COLOUR).format(
        a=rng.choice(NAMES[first]), b=rng.choice(NAMES[second])
    )
    one, other = facts[first]["colour"], facts[second]["colour"]
    if one == other:
        return Exchange(question, f"Yes, both are {one}.")
    return Exchange(question, "No, they differ.")


def _same_thing(rng: random.Random, facts: Facts) -> Exchange | None:
    others = [name for name in facts if name != "audio" and "colour" in facts[name]]
    other = rng.choice(others)
    said, shown = facts["audio"], facts[other]
    question = rng.choice(_SAME_THING).format(a=NAMES["audio"][1], b=rng.choice(NAMES[other]))
    same = all(said[key] == shown[key] for key in ("colour", "shape"))
    return Exchange(question, "Yes, they agree." if same else "No, they differ.")


def _which_colour(rng: random.Random, facts: Facts) -> Exchange | None:
    coloured = [name for name in facts if "colour" in facts[name]]
    name = rng.choice(coloured)
    value = facts[name]["colour"]
    if sum(facts[other]["colour"] == value for other in coloured) > 1:
        return None
    options = _options(rng, facts)
    question = rng.choice(_WHICH).format(value=value, options=options)
    return Exchange(question, sentence(NAMES[name][0]))


def _which_course(rng: random.Random, facts: Facts) -> Exchange | None:
    value = f"a {facts['series']['trend']} trend"
    question = rng.choice(_WHICH_SAYS).format(value=value, options=_options(rng, facts))
    return Exchange(question, sentence(NAMES["series"][0]))


def _draw_mixed(rng: random.Random, facts: Facts) -> Exchange | None:
    first, second = _two(rng, facts, "colour")
    shape, colour = facts[first]["shape"], facts[second]["colour"]
    if shape not in SHAPES or (colour, shape) in HELD_OUT:
        return None
    a, b = rng.choice(NAMES[first]), rng.choice(NAMES[second])
    question = rng.choice(_DRAW_MIXED).format(a=a, b=b)
    return Exchange(question, f"large {colour} {shape} middle", "image")


def _say_both(rng: random.Random, facts: Facts) -> Exchange | None:
    one, other = (each["colour"] for each in facts.values() if "colour" in each)
    spoken, also = f"{one} and {other}", f"{other} and {one}"
    return Exchange(rng.choice(_SAY_BOTH), spoken, "audio", (also,))


def _two(rng: random.Random, facts: Facts, attribute: str) -> tuple[str, str]:
    names = [name for name in facts if attribute in facts[name]]
    first, second = rng.sample(names, 2)
    return first, second


def _options(rng: random.Random, facts: Facts) -> str:
    return " or ".join(rng.choice(NAMES[name]) for name in facts)
