"""Questions about films."""

from __future__ import annotations

import random

from omni.nano import wordings as w
from omni.nano.questions.exchange import Exchange, Labels, article, sentence
from omni.nano.questions.image import NOUNS, attribute

PHRASES = {
    **{name: f"moves {name}" for name in ("left", "right", "up", "down")},
    **{"growing": "grows", "shrinking": "shrinks", "still": "stays still", "turning": "turns"},
    **{"appearing": "appears", "bouncing": "bounces"},
}
SPOKEN = {name: f"moving {name}" for name in ("left", "right", "up", "down")} | {"still": "still"}


def ask(rng: random.Random, labels: Labels) -> Exchange:
    """A question that is answered in words."""
    if labels["motion"] == "colliding":
        return _collision(rng, labels)
    colour, shape, phrase = labels["colour"], labels["shape"], PHRASES[labels["motion"]]
    kind = rng.choices(
        ("what", "motion", "colour", "shape", "yes-no", "still"), (5, 4, 2, 2, 1, 1)
    )[0]
    if kind == "what":
        whole = f"{article(f'{colour} {shape}')} {phrase}"
        return Exchange(rng.choice(w.WHAT + w.WHAT_VIDEO), sentence(whole))
    if kind == "motion":
        question = rng.choice(w.MOTION).format(noun=rng.choice((shape, *NOUNS)))
        return Exchange(question, sentence(f"it {phrase}"))
    if kind == "still":
        question = rng.choice(w.DOES_MOVE).format(noun=rng.choice((shape, *NOUNS)))
        answer = "No, it stays still." if labels["motion"] == "still" else f"Yes, it {phrase}."
        return Exchange(question, answer)
    return attribute(rng, kind, colour, shape)


def _collision(rng: random.Random, labels: Labels) -> Exchange:
    first, second = _both(labels)
    kind = rng.choices(("what", "count", "hits", "colour"), (4, 1, 2, 2))[0]
    if kind == "count":
        return Exchange(rng.choice(w.HOW_MANY), "Two.")
    if kind == "hits":
        return Exchange(rng.choice(w.COLLIDE), "Yes, they collide.")
    other = labels["other"]
    if kind == "colour" and other["shape"] != labels["shape"]:
        thing = rng.choice((labels, other))
        question = rng.choice(w.COLOUR_OF).format(noun=thing["shape"])
        return Exchange(question, sentence(thing["colour"]))
    whole, also = (
        sentence(f"{article(one)} and {article(two)} collide")
        for one, two in ((first, second), (second, first))
    )
    return Exchange(rng.choice(w.WHAT + w.WHAT_VIDEO), whole, also=(also,))


def say(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to hear what happens."""
    first, second = _both(labels)
    motion, also = labels["motion"], ()
    if second:
        spoken = f"{first} and {second} colliding"
        also = (f"{second} and {first} colliding",)
    else:
        spoken = f"{first} {SPOKEN.get(motion, motion)}"
    return Exchange(rng.choice(w.SAY_THIS + w.SAY_VIDEO), spoken, "audio", also)


def draw(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to see what the film was about."""
    first, second = _both(labels)
    key = f"{first} left, {second} right" if second else f"large {first} middle"
    return Exchange(rng.choice(w.DRAW_THIS + w.DRAW_VIDEO), key, "image")


def _both(labels: Labels) -> tuple[str, str]:
    other = labels.get("other")
    first = f"{labels['colour']} {labels['shape']}"
    return first, f"{other['colour']} {other['shape']}" if other else ""
