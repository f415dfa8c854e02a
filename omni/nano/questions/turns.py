"""Several turns about one thing: follow-up questions that only the earlier turns make clear."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from omni.nano import wordings as w
from omni.nano.asked import turns as asked
from omni.nano.questions import image, video
from omni.nano.questions.exchange import Exchange, Labels, article, sentence

_MORE = asked.MORE
_OTHER = (
    "And the other one?",
    "And the other?",
    "What about the other one?",
    "And the second one?",
    *asked.OTHER,
)
_SAY_MORE = (
    "Say it aloud.",
    "And say it.",
    "Now say it.",
    "Now by voice.",
    "Speak it.",
    *asked.SAY_MORE,
)
_DRAW_MORE = ("Now draw it.", "And draw it.", "Draw that.", "Now as a picture.", *asked.DRAW_MORE)
_PLOT_MORE = ("Now plot it.", "And plot it.", *asked.PLOT_MORE)


def follow(rng: random.Random, modality: str, labels: Labels) -> Exchange | None:
    """A short question after an earlier one about the same thing; `None` if there is none."""
    answers = _answers(modality, labels)
    if not answers:
        return None
    attribute = rng.choice(tuple(answers))
    return Exchange(rng.choice(_MORE[attribute]), answers[attribute])


def other(rng: random.Random, labels: Labels) -> list[Exchange] | None:
    """Two turns: about one of two things, and then about the other one."""
    things = labels.get("objects", ())
    if len(things) != 2:
        return None
    first, second = rng.sample(list(things), 2)
    ways: list[Callable[[], list[Exchange]]] = []
    if first["shape"] != second["shape"]:
        question = rng.choice(w.COLOUR_OF).format(noun=first["shape"])
        ways.append(lambda: _pair(rng, question, first["colour"], second["colour"]))
    if first["colour"] != second["colour"]:
        asked = rng.choice(w.SHAPE_OF).format(colour=first["colour"])
        shapes = article(first["shape"]), article(second["shape"])
        ways.append(lambda: _pair(rng, asked, *shapes))
    return rng.choice(ways)() if ways else None


def again(rng: random.Random, exchange: Exchange | None) -> Exchange | None:
    """The same wish, made as a second turn: `now say it`, `now draw it`."""
    if exchange is None:
        return None
    wordings = _SAY_MORE if exchange.makes == "audio" else _DRAW_MORE
    if exchange.makes == "image" and " plot" in exchange.answer:
        wordings += _PLOT_MORE
    return replace(exchange, question=rng.choice(wordings))


def _pair(rng: random.Random, question: str, first: str, second: str) -> list[Exchange]:
    return [
        Exchange(question, sentence(first)),
        Exchange(rng.choice(_OTHER), sentence(second)),
    ]


def _answers(modality: str, labels: Labels) -> dict[str, str]:
    """What can be asked shortly, and the answers."""
    if modality == "image" and len(labels["objects"]) == 1:
        only = labels["objects"][0]
        return {
            "colour": sentence(only["colour"]),
            "shape": sentence(article(only["shape"])),
            "size": sentence(only["size"]),
            "place": sentence(image.PLACE_PHRASES[only["place"]]),
        }
    if modality == "video" and labels["motion"] != "colliding":
        return {
            "colour": sentence(labels["colour"]),
            "shape": sentence(article(labels["shape"])),
            "motion": sentence(f"it {video.PHRASES[labels['motion']]}"),
        }
    if modality == "points":
        return {
            "colour": sentence(labels["colour"]),
            "shape": sentence(article(labels["solid"])),
            "size": sentence(labels["size"]),
        }
    if modality == "series":
        event = labels["event"]
        season = "Yes, it has a season." if labels["cycles"] else "No, it has no season."
        unusual = f"Yes, there is {article(event)}." if event else "No, nothing unusual."
        return {"trend": sentence(labels["trend"]), "season": season, "event": unusual}
    return {}
