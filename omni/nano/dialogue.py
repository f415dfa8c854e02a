"""What is asked about things of every modality, in one place: questions, wishes, follow-ups.

The questions' wordings vary, the answers do not: `omni.nano.questions` has a file for each kind.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Mapping
from typing import Any

from omni.nano.questions import (
    audio,
    image,
    pairs,
    passages,
    points,
    series,
    smalltalk,
    turns,
    video,
    wishes,
)
from omni.nano.questions.exchange import OUTSIDE, Exchange, Labels, article
from omni.nano.questions.image import PLACE_PHRASES
from omni.nano.world.words import COLOURS, HELD_OUT, HELD_OUT_SOLIDS, SHAPES, SOLIDS

ABOUT: Mapping[str, Any] = {
    "image": image,
    "video": video,
    "audio": audio,
    "points": points,
    "series": series,
}
"""Modality → the module with its `ask`, `say` and `draw`."""


def asking(
    rng: random.Random, modality: str, labels: Labels, makes: str = "text"
) -> Exchange | None:
    """A question about a thing whose answer is of the modality `makes`; `None` if there is none."""
    about = ABOUT[modality]
    if labels.get("outside"):
        if makes != "text":
            return None
        return Exchange(_any_question(rng, modality), OUTSIDE)
    ways = {"text": about.ask, "audio": about.say, "image": about.draw}
    return ways[makes](rng, labels)


def wish(rng: random.Random, makes: str, held_out: bool = False) -> Exchange:
    """Something asked for in words alone.

    Args:
        rng: what is asked for.
        makes: `text`, `image` or `audio`.
        held_out: whether it is about a held-out pair of colour and shape, or about none.
    """
    if makes == "image":
        return wishes.drawing(rng, held_out=held_out)
    if makes == "audio":
        return wishes.speaking(rng, spoken(rng, held_out=held_out))
    return passages.ask(rng) if rng.random() < 0.6 else smalltalk.talking(rng)


def spoken(rng: random.Random, *, held_out: bool = False) -> str:
    """Words that may be asked to be said: a coloured thing."""
    while True:
        pair = rng.choice(tuple(COLOURS)), rng.choice((*SHAPES, *SOLIDS))
        if (pair in HELD_OUT or pair in HELD_OUT_SOLIDS) == held_out:
            return " ".join(pair)


def pairing(rng: random.Random, things: Mapping[str, Labels]) -> Exchange | None:
    """A question over things of two or three modalities; `None` if there is none."""
    return pairs.ask(rng, things)


def talk_over(
    rng: random.Random, modality: str, labels: Labels, count: int = 2
) -> list[Exchange] | None:
    """Turns about one thing; those after the first are only clear from the ones before."""
    if labels.get("outside"):
        return None
    both = turns.other(rng, labels)
    found = both if both and rng.random() < 0.7 else [ABOUT[modality].ask(rng, labels)]
    while len(found) < count:
        more = turns.follow(rng, modality, labels)
        if more is None or rng.random() < 0.3:
            about = ABOUT[modality]
            wished = about.say(rng, labels) if rng.random() < 0.5 else about.draw(rng, labels)
            more = turns.again(rng, wished) or ABOUT[modality].ask(rng, labels)
        found.append(more)
    return found


def _any_question(rng: random.Random, modality: str) -> str:
    from omni.nano import wordings as w

    own = {
        "image": (w.WHAT_IMAGE, w.COLOUR, w.HOW_MANY),
        "video": (w.WHAT_VIDEO, w.MOTION),
        "audio": (w.WHAT_AUDIO, w.SAID),
        "points": (w.WHAT_POINTS, w.SOLID, w.COLOUR),
        "series": (w.WHAT_SERIES,),
    }
    several = rng.choice((w.WHAT, *own[modality], own[modality][0]))
    return rng.choice(several).format(noun="thing")


def announce(exchange: Exchange) -> str:
    """What is said before the made thing."""
    if exchange.makes == "audio":
        return f'Here is "{exchange.answer}", spoken.'
    return f"Here is {shown(exchange.answer)}."


def shown(key: str) -> str:
    """What a drawing's key shows, in words, and where.

    All that the picture depends on is said before it is drawn: then the codes are drawn from
    words, and what the words are is decided once.
    """
    parts = []
    for part in key.split(", "):
        thing, _, place = part.rpartition(" ")
        phrase = PLACE_PHRASES.get(place)
        parts.append(f"{article(thing)} {phrase}" if phrase else article(part))
    return " and ".join(parts)


def held_out(exchange: Exchange) -> bool:
    """Whether what is made shows or names a held-out pair of colour and thing."""
    return names_held_out(exchange.answer)


def names_held_out(text: str) -> bool:
    """Whether a colour and a thing are named side by side that are never trained on together."""
    said = re.findall(r"[a-z]+", text.lower())
    return bool(set(itertools.pairwise(said)) & (HELD_OUT | HELD_OUT_SOLIDS))
