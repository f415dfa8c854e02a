"""Pictures that differ from a first one in an attribute, in which is which, or in how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from omni.nano.facts import plain
from omni.nano.world import group, scene, words

KINDS = ("one attribute", "which is which", "how many")
"""In what the pictures of a family differ from its first."""

ALIKE = 8
"""Pictures of a family, the first among them."""

_COUNTS = {"one attribute": (2, 3, 4), "which is which": (3, 4), "how many": (3, 4)}
_TRIES = 200
_GAP = 1.05
_APART = 0.05
"""Of the picture: what lies nearer side by side has no clear order from left to right."""


def family(rng: np.random.Generator, kind: str) -> list[group.Group]:
    """A scene of two to four things, and seven that are told otherwise; none of them alike.

    Args:
        rng: of what is in it.
        kind: one of `KINDS`.

    Raises:
        RuntimeError: if no scene with so many others is found.
    """
    for _ in range(_TRIES):
        count = int(rng.choice(_COUNTS[kind]))
        first = group.sample(rng, count=count, held_out=False)
        others = [one for one in _CHANGED[kind](first, rng) if _is_fair(one)]
        kept = {told(first): first}
        for place in rng.permutation(len(others)):
            kept.setdefault(told(others[place]), others[place])
        if _is_fair(first) and len(kept) >= ALIKE:
            return list(kept.values())[:ALIKE]
    raise RuntimeError(f"no scene has {ALIKE - 1} others that differ in {kind}")


def told(one: group.Group) -> str:
    """The plain description that tells everything."""
    return plain("image", {"objects": group.describe(one)})


def _one_attribute(whole: group.Group, rng: np.random.Generator) -> Iterator[group.Group]:
    """A thing has another colour, shape or size."""
    for place, thing in enumerate(whole.things):
        for colour in words.COLOURS:
            if colour != thing.colour:
                yield _with(whole, place, colour=colour, rgb=scene.shade(colour, rng))
        for shape in words.SHAPES:
            if shape != thing.shape:
                yield _with(whole, place, shape=shape)
        size = next(one for one in words.SIZES if one != thing.size)
        radius = float(rng.uniform(*scene.RADII[size]))
        resized = _with(whole, place, size=size, radius=radius)
        if _is_free(resized.things, place, whole.resolution):
            yield resized


def _which_is_which(whole: group.Group, rng: np.random.Generator) -> Iterator[group.Group]:
    """Two things have changed colours, or shapes, or both: the words are the same, in other places.

    So a bag of words, or of what is seen, cannot tell them apart.
    """
    for one, other in combinations(range(len(whole.things)), 2):
        yield _swapped(whole, one, other, "colour", "rgb")
        yield _swapped(whole, one, other, "shape", "form")
        yield _swapped(whole, one, other, "colour", "rgb", "shape", "form")


def _how_many(whole: group.Group, rng: np.random.Generator) -> Iterator[group.Group]:
    """A thing is gone, or there is one more, perhaps like one that is there."""
    for place in range(len(whole.things)):
        yield replace(whole, things=whole.things[:place] + whole.things[place + 1 :])
    for _ in range(4 * ALIKE):
        like = whole.things[int(rng.integers(len(whole.things)))]
        spot = rng.uniform(0.15, 0.85, 2)
        radius = float(rng.uniform(*scene.RADII["small"]))
        more = replace(like, size="small", radius=radius, centre=(float(spot[0]), float(spot[1])))
        if rng.random() < 0.5:
            colour, shape = scene.pair(rng, held_out=False)
            more = replace(more, colour=colour, shape=shape, rgb=scene.shade(colour, rng))
        things = (*whole.things, replace(more, place=group.called(more.centre)))
        if _is_free(things, len(things) - 1, whole.resolution):
            yield replace(whole, things=things)


_CHANGED: dict[str, Callable[[group.Group, np.random.Generator], Iterator[group.Group]]] = {
    "one attribute": _one_attribute,
    "which is which": _which_is_which,
    "how many": _how_many,
}


def _with(whole: group.Group, place: int, **changes: Any) -> group.Group:
    things = list(whole.things)
    things[place] = replace(things[place], **changes)
    return replace(whole, things=tuple(things))


def _swapped(whole: group.Group, one: int, other: int, *names: str) -> group.Group:
    first, second = whole.things[one], whole.things[other]
    changed = _with(whole, one, **{name: getattr(second, name) for name in names})
    return _with(changed, other, **{name: getattr(first, name) for name in names})


def _is_free(things: tuple[group.Thing, ...], place: int, resolution: tuple[int, int]) -> bool:
    """Whether a thing lies within the picture and over no other."""
    sides, shorter = np.array(resolution, float), min(resolution)
    thing = things[place]
    margin = thing.radius * _GAP * shorter / sides
    if (thing.centre < margin).any() or (thing.centre > 1 - margin).any():
        return False
    for other in things[:place] + things[place + 1 :]:
        apart = np.abs((np.array(other.centre) - thing.centre) * sides / shorter).max()
        if apart < _GAP * (thing.radius + other.radius):
            return False
    return True


def _is_fair(one: group.Group) -> bool:
    """Whether it is of the world that is trained on, and nobody would order it in another way."""
    across = sorted(row["x"] for row in group.describe(one))
    apart = all(after - before >= _APART for before, after in pairwise(across))
    return apart and all((thing.colour, thing.shape) not in words.HELD_OUT for thing in one.things)
