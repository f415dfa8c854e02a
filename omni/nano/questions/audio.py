"""Questions about sounds: spoken words, counted beeps, sweeps, noise."""

from __future__ import annotations

import random
from collections.abc import Iterable

from omni.nano import wordings as w
from omni.nano.questions.exchange import Exchange, Labels, sentence
from omni.nano.world.words import COLOURS, PLACES, SHAPES, SIZES, SOLIDS

MOST_REPEATED = 5
"""Words that are said again: more would not fit into four seconds."""


def ask(rng: random.Random, labels: Labels) -> Exchange:
    """A question that is answered in words."""
    return _speech(rng, labels["text"]) if labels["kind"] == "speech" else _sound(rng, labels)


def _speech(rng: random.Random, text: str) -> Exchange:
    spoken = text.split()
    colours = [word for word in spoken if word in COLOURS]
    things = [word for word in spoken if word in (*SHAPES, *SOLIDS)]
    if len(colours) == 1 and rng.random() < 0.18:
        return Exchange(rng.choice(w.COLOUR_NAMED), sentence(colours[0]))
    if len(things) == 1 and rng.random() < 0.12:
        return Exchange(rng.choice(w.SHAPE_NAMED), sentence(things[0]))
    return Exchange(rng.choice(w.SAID + w.WHAT_AUDIO + w.WHAT), f'Someone says "{text}".')


def _sound(rng: random.Random, labels: Labels) -> Exchange:
    kind, detail = labels["kind"], labels["detail"]
    if kind == "beep" and rng.random() < 0.5:
        return Exchange(rng.choice(w.BEEPS), sentence(detail))
    if kind == "sweep" and rng.random() < 0.4:
        return Exchange(rng.choice(w.SWEEP), sentence(detail))
    if rng.random() < 0.15:
        return Exchange(rng.choice(w.SAID), "Nothing is said.")
    whole = {
        "beep": f"{detail} beep{'' if detail == 'one' else 's'}",
        "sweep": f"a {detail} sweep",
        "noise": "noise",
    }[kind]
    return Exchange(rng.choice(w.WHAT_AUDIO + w.WHAT), sentence(whole))


def say(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to hear it again in our own voice."""
    if labels["kind"] == "speech":
        text = labels["text"]
        if len(text.split()) > MOST_REPEATED:
            return None
        return Exchange(rng.choice(w.REPEAT), text, "audio")
    if labels["kind"] == "beep":
        noun = "beep" if labels["detail"] == "one" else "beeps"
        return Exchange(rng.choice(w.SAY_THIS + w.SAY_COUNT), f"{labels['detail']} {noun}", "audio")
    spoken = "noise" if labels["kind"] == "noise" else f"{labels['detail']} sweep"
    return Exchange(rng.choice(w.SAY_THIS + w.SAY_SOUND), spoken, "audio")


def draw(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to see what was named; `None` where nothing was that can be drawn."""
    if labels["kind"] != "speech":
        return None
    key = drawn(labels["text"])
    return Exchange(rng.choice(w.DRAW_THIS + w.DRAW_SOUND), key, "image") if key else None


def drawn(spoken: str) -> str | None:
    """The key of what spoken words name, if it is one coloured thing."""
    found = spoken.split()
    colours = [word for word in found if word in COLOURS]
    shapes = [word for word in found if word in SHAPES]
    solids = [word for word in found if word in SOLIDS]
    if len(colours) != 1 or len(shapes) + len(solids) != 1:
        return None
    if solids:
        return f"{colours[0]} {solids[0]}"

    def said(options: Iterable[str], default: str) -> str:
        return next((word for word in found if word in options), default)

    place = "middle" if "moving" in found else said(PLACES, "middle")
    return f"{said(SIZES, 'large')} {colours[0]} {shapes[0]} {place}"
