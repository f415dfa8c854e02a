"""What can be drawn: keys, and the picture that each of them stands for, in labels and codes.

A key is one of

- `{size} {colour} {shape} {place}`
- `{colour} {shape} left, {colour} {shape} right` (or `top`, `bottom`)
- `{colour} {solid}`
- `{trend} plot[ with season][ with {event}]`

and its picture is 64×64 labels of four colours: a background and three more.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.nano.world import icons, plots, scene, words
from omni.pixels import enlarged

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

SIDE = 64
PICTURE = 256
MIDDLES = {"left": (16, 32), "right": (48, 32), "top": (32, 16), "bottom": (32, 48)}
MIDDLES |= {"middle": (32, 32)}
"""Place → x and y of a shape's middle, in pixels: corners of patches."""

RADII = {"small": 8, "large": 14}
SIDES = (("left", "right"), ("top", "bottom"))

WHITE, PALE, GREY = "white", "pale", "grey"
TONES = {"light": (255, 0.5), "dark": (0, 0.38)}
"""Tone → the grey that is mixed into a colour, and how much of it."""

RGB: dict[str, tuple[int, int, int]] = {
    WHITE: (255, 255, 255),
    PALE: (222, 229, 240),
    GREY: (112, 112, 112),
    **words.COLOURS,
}


def _toned(colour: str, tone: str) -> tuple[int, int, int]:
    grey, share = TONES[tone]
    red, green, blue = (round(part + (grey - part) * share) for part in words.COLOURS[colour])
    return red, green, blue


RGB |= {f"{t} {c}": _toned(c, t) for t, c in itertools.product(TONES, words.COLOURS)}
"""Every colour that a picture is drawn in."""

Labels = tuple[np.ndarray, tuple[str, str, str, str]]


def keys() -> tuple[str, ...]:
    """Every key."""
    return (*shapes(), *pairs(), *solids(), *courses())


def shapes() -> list[str]:
    """Keys of one flat shape."""
    every = itertools.product(words.SIZES, words.COLOURS, words.SHAPES, words.PLACES)
    return [" ".join(parts) for parts in every]


def pairs() -> list[str]:
    """Keys of two flat shapes."""
    things = [" ".join(thing) for thing in itertools.product(words.COLOURS, words.SHAPES)]
    every = itertools.product(SIDES, things, things)
    return [f"{one} {sides[0]}, {two} {sides[1]}" for sides, one, two in every]


def solids() -> list[str]:
    """Keys of a solid's icon."""
    return [" ".join(parts) for parts in itertools.product(words.COLOURS, words.SOLIDS)]


def courses() -> list[str]:
    """Keys of a plot."""
    every = itertools.product(words.TRENDS, (False, True), ("", *words.EVENTS))
    return [
        f"{trend} plot{' with season' if season else ''}{f' with {event}' if event else ''}"
        for trend, season, event in every
    ]


def labels(key: str) -> Labels:
    """How much of each pixel each of four colours is, `[64, 64, 4]`, and their names in `RGB`.

    Raises:
        ValueError: if this is no key.
    """
    parts = key.split()
    if "plot" in parts:
        return plots.plot(*course(key)), (WHITE, "blue", GREY, PALE)
    if "," in key:
        one, two = (thing.split() for thing in key.split(", "))
        layers = [(1, cover(one[1], "small", one[2])), (2, cover(two[1], "small", two[2]))]
        return icons.flatten(layers), (WHITE, one[0], two[0], WHITE)
    if len(parts) == 4:
        size, colour, shape, place = parts
        return icons.flatten([(1, cover(shape, size, place))]), (WHITE, colour, WHITE, WHITE)
    if len(parts) == 2:
        colour, solid = parts
        return icons.icon(solid), (WHITE, f"light {colour}", colour, f"dark {colour}")
    raise ValueError(f"{key!r} cannot be drawn; {keys()[0]!r} or {pairs()[0]!r} can, for example")


def course(key: str) -> tuple[str, bool, str]:
    """Trend, whether there is a season, and event of the key of a plot."""
    trend, _, tail = key.partition(" plot")
    extras = [extra for extra in tail.split(" with ") if extra]
    event = next((extra for extra in extras if extra != "season"), "")
    return trend, "season" in extras, event


@cache
def cover(shape: str, size: str, place: str) -> np.ndarray:
    """How much of each pixel a flat shape covers, `[64, 64]`; do not write to it."""
    outline = scene.outline(shape)
    low, high = outline[0].min(0), outline[0].max(0)
    scale = RADII[size] / ((high - low).max() / 2)
    placed = [(polygon - (low + high) / 2) * scale + MIDDLES[place] for polygon in outline]
    return icons.filled(*placed)


def picture(key: str) -> Image.Image:
    """The picture, 256×256, as no codec has touched it."""
    mixture, names = labels(key)
    return enlarged(mixture @ np.array([RGB[name] for name in names], np.float32) / 255, PICTURE)


def codes(decoder: Any, key: str) -> Tensor:
    """The codes, int64 `[68]`, with which a fitted decoder draws this key."""
    mixture, names = labels(key)
    return decoder.encode_labels(mixture, [RGB[name] for name in names])


def judge(made: Image.Image, key: str) -> bool:
    """Whether a picture, measured on its pixels, shows what the key says."""
    from omni.nano.judging_pictures import shows

    return shows(made, key)
