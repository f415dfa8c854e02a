"""Things of the world made to order: with the labels that somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from omni.nano import corpus
from omni.nano.corpus import Labels, Seen
from omni.nano.facts import facts, wanted
from omni.nano.world import group, hearing, motion, scene, solid, speech
from omni.values import Waveform

TRIES = 20_000


def staged(rng: np.random.Generator, modality: str, labels: Labels) -> Seen:
    """A thing of which these labels are true; what they leave out is as chance has it.

    Raises:
        ValueError: if the world holds no such thing.
    """
    if labels.get("kind") == "speech":
        clean = speech.speak(labels["text"], speech.random_voice(rng)).samples[:, 0]
        heard = hearing.disturb(rng, clean)
        return Seen(Waveform(heard[:, None], hearing.SAMPLE_RATE), labels)
    asked = wanted(modality, labels)
    for _ in range(TRIES):
        found = _MAKERS.get(modality, _anything)(rng, modality, labels)
        if found is not None and asked <= facts(modality, found.labels):
            return found
    raise ValueError(f"the world holds no {modality} that is {dict(labels)}")


def _anything(rng: np.random.Generator, modality: str, labels: Labels) -> Seen:
    return corpus.SOURCES[modality](rng, False)


def _picture(rng: np.random.Generator, modality: str, labels: Labels) -> Seen | None:
    """A picture with as many things; they are painted as they are asked for."""
    objects = labels["objects"]
    found = group.sample(rng, count=len(objects), held_out=None)
    painted = _painted(rng, found, objects)
    if painted is None or not _fits(painted, objects):
        return None
    return Seen(group.draw(painted), {"objects": group.describe(painted)})


def _fits(found: group.Group, objects: Sequence[Labels]) -> bool:
    """Whether things have the sizes and the places asked for, before they are drawn."""
    return all(
        all(getattr(thing, key) == value for key, value in each.items())
        for thing, each in zip(found.things, objects, strict=True)
    )


def _film(rng: np.random.Generator, modality: str, labels: Labels) -> Seen | None:
    found = motion.sample(rng, held_out=None, motion=labels["motion"])
    cast = [labels, labels["other"]] if "other" in labels else [labels]
    painted = _painted(rng, found.group, cast)
    if painted is None:
        return None
    film = replace(found, group=painted)
    return Seen(motion.render(film), motion.describe(film))


def _solid(rng: np.random.Generator, modality: str, labels: Labels) -> Seen | None:
    """A solid, which is built only if it is the right one."""
    found = solid.sample(rng, held_out=None)
    told = solid.describe(found)
    return Seen(solid.build(found), told) if labels.items() <= told.items() else None


def _painted(
    rng: np.random.Generator, found: group.Group, cast: Sequence[Labels]
) -> group.Group | None:
    """The scene in other colours; `None` if its shapes are not those of the cast."""
    if [thing.shape for thing in found.things] != [each["shape"] for each in cast]:
        return None
    things: list[Any] = [
        replace(thing, colour=each["colour"], rgb=scene.shade(each["colour"], rng))
        for thing, each in zip(found.things, cast, strict=True)
    ]
    backdrop = group.backdrop([thing.rgb for thing in things], rng)
    return replace(found, things=tuple(things), backdrop=backdrop)


_MAKERS = {"image": _picture, "video": _film, "points": _solid}
