"""Questions about solids."""

from __future__ import annotations

import random

from omni.nano import wordings as w
from omni.nano.questions.exchange import Exchange, Labels, article, sentence
from omni.nano.questions.image import attribute, yes_no
from omni.nano.world.words import SOLIDS

NOUNS = ("object", "thing", "solid", "body", "model", "mesh", "shape")
"""What a solid is called if its kind is not."""


def ask(rng: random.Random, labels: Labels) -> Exchange:
    """A question that is answered in words."""
    colour, solid, size = labels["colour"], labels["solid"], labels["size"]
    kind = rng.choices(
        ("what", "colour", "solid", "size", "proportion", "yes-no"), (5, 3, 3, 2, 1.5, 2)
    )[0]
    if kind == "what":
        whole = article(f"{size} {shaped(labels)} {colour} {solid}".replace("  ", " "))
        return Exchange(rng.choice(w.WHAT + w.WHAT_POINTS), sentence(whole))
    if kind == "solid":
        return Exchange(rng.choice(w.SOLID), sentence(article(solid)))
    if kind == "proportion":
        answer = {"tall": "tall", "flat": "flat", "even": "neither"}[labels["proportion"]]
        return Exchange(
            rng.choice(w.PROPORTION).format(noun=rng.choice((solid, *NOUNS))), sentence(answer)
        )
    if kind == "yes-no":
        return yes_no(rng, colour, solid, SOLIDS)
    return attribute(rng, kind, colour, solid, size, nouns=NOUNS)


def shaped(labels: Labels) -> str:
    """The word for a proportion, or nothing where it is usual."""
    return "" if labels["proportion"] == "even" else labels["proportion"]


def say(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to hear what it is."""
    spoken = f"{labels['colour']} {labels['solid']}"
    return Exchange(rng.choice(w.SAY_THIS + w.SAY_POINTS), spoken, "audio")


def draw(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to see it as a picture."""
    key = f"{labels['colour']} {labels['solid']}"
    return Exchange(rng.choice(w.DRAW_THIS + w.DRAW_POINTS), key, "image")
