"""The judge of drawn pictures: it measures pixels, and knows nothing of codes or of the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from omni.nano import judging_plots
from omni.nano.world import icons
from omni.nano.world.words import COLOURS, SHAPES, SOLIDS

_SIDE = 48
_FOREGROUND_DISTANCE = 70.0
_LARGE_SHARE = 0.35
"""A thing whose longer side is above this share of the picture is large."""

_MIDDLE = 0.1
"""A centre within this share of the picture's middle, both ways, is in the middle."""

_LIKE = 0.68
"""A shape overlaps its template at least so much (intersection over union)."""

_PLAIN = 0.8
"""A flat shape is of one colour in at least this share of its inner pixels."""

_SAME_TONES = 0.7
"""An icon has the tones of its template in at least this share of the pixels of both."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be measured on a picture of one thing on a plain background."""

    colour: str
    shape: str
    size: str
    place: str


def shows(picture: Image.Image, key: str) -> bool:
    """Whether a picture shows what a key of `omni.nano.drawing` says."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float64)
    parts = key.replace(",", "").split()
    if "plot" in parts:
        return judging_plots.measure(pixels) == key
    if "," in key:
        return _two(pixels, parts)
    if len(parts) == 2:
        return solid(pixels) == tuple(parts)
    sight = measure(pixels)
    return sight is not None and [sight.size, sight.colour, sight.shape, sight.place] == parts


def judge_picture(picture: Image.Image) -> Sight | None:
    """Measure the one flat thing on a plain background; `None` if there is none on it."""
    return measure(np.asarray(picture.convert("RGB"), dtype=np.float64))


def measure(pixels: np.ndarray, like: float = _LIKE) -> Sight | None:
    """The same of pixels `[height, width, 3]` in 0…255."""
    distance = _from_background(pixels)
    mask = distance > max(_FOREGROUND_DISTANCE, distance.max() / 2)
    if mask.sum() < 0.002 * mask.size:
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = mask.shape
    share = max((bottom - top) / height, (right - left) / width)
    inner = pixels[distance > 0.7 * distance.max()]
    middle = np.median(inner, axis=0)
    shape, overlap = _shape(mask[top:bottom, left:right])
    plain = float((np.linalg.norm(inner - middle, axis=1) < 40).mean())
    if overlap < like or plain < _PLAIN:
        return None
    return Sight(
        colour=_colour(middle),
        shape=shape,
        size="large" if share > _LARGE_SHARE else "small",
        place=_place((left + right) / 2 / width - 0.5, (top + bottom) / 2 / height - 0.5),
    )


def solid(pixels: np.ndarray) -> tuple[str, str] | None:
    """Colour and name of the solid whose icon this is; `None` if it is none."""
    small = np.asarray(
        Image.fromarray(pixels.astype(np.uint8)).resize((64, 64), Image.Resampling.BOX), float
    )
    mask = _from_background(small) > _FOREGROUND_DISTANCE / 2
    if mask.sum() < 100:
        return None
    toned = {name: _tones(name) for name in COLOURS}
    every = np.concatenate([*toned.values()])
    apart = np.linalg.norm(small[mask][:, None] - every, axis=-1)
    votes = np.bincount(apart.argmin(1) // 3, minlength=len(toned))
    colour = list(toned)[int(votes.argmax())]
    seen = np.zeros((64, 64), int)
    own = np.linalg.norm(small[mask][:, None] - toned[colour], axis=-1)
    seen[mask] = own.argmin(1) + 1
    alike = {name: _agreement(seen, icons.icon(name).argmax(-1)) for name in SOLIDS}
    best = max(alike, key=lambda name: alike[name])
    if alike[best] < _SAME_TONES or votes.max() < 0.6 * mask.sum():
        return None
    return colour, best


def _tones(colour: str) -> np.ndarray:
    """Light, plain and dark, `[3, 3]`."""
    plain = np.array(COLOURS[colour], float)
    return np.stack([(plain + 255) / 2, plain, plain * 0.62])


def _agreement(seen: np.ndarray, template: np.ndarray) -> float:
    either = (seen > 0) | (template > 0)
    return float((seen == template)[either].mean())


def _two(pixels: np.ndarray, parts: list[str]) -> bool:
    """Whether there are two small shapes in two halves, each in the middle of its own."""
    height, width = pixels.shape[:2]
    across = parts[2] == "left"
    halves = (
        (pixels[:, : width // 2], pixels[:, width // 2 :])
        if across
        else (pixels[: height // 2], pixels[height // 2 :])
    )
    for half, (colour, shape, _) in zip(halves, (parts[:3], parts[3:]), strict=True):
        side = height // 4 if across else width // 4
        middle = half[side:-side] if across else half[:, side:-side]
        sight = measure(middle)
        ink = (_from_background(half) > _FOREGROUND_DISTANCE).sum()
        kept = (_from_background(middle) > _FOREGROUND_DISTANCE).sum()
        if sight is None or (sight.colour, sight.shape, sight.place) != (colour, shape, "middle"):
            return False
        if sight.size != "large" or kept < 0.9 * ink:  # small of the whole is large of a quarter
            return False
    return True


def _from_background(pixels: np.ndarray) -> np.ndarray:
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return np.linalg.norm(pixels - np.median(border, axis=0), axis=-1)


def _colour(middle: np.ndarray) -> str:
    return min(COLOURS, key=lambda name: float(np.linalg.norm(middle - np.array(COLOURS[name]))))


def _place(across: float, down: float) -> str:
    if max(abs(across), abs(down)) < _MIDDLE:
        return "middle"
    if abs(across) > abs(down):
        return "left" if across < 0 else "right"
    return "top" if down < 0 else "bottom"


def _shape(mask: np.ndarray) -> tuple[str, float]:
    """The shape whose template overlaps most (intersection over union) in the bounding box."""
    seen = np.asarray(Image.fromarray(mask).resize((_SIDE, _SIDE), Image.Resampling.BOX), bool)
    wide = mask.shape[1] / mask.shape[0]
    if not 0.6 < wide < 1.6:
        return "", 0.0

    def overlap(name: str) -> float:
        template = _template(name)
        return float((seen & template).sum() / (seen | template).sum())

    best = max(SHAPES, key=overlap)
    return best, overlap(best)


@cache
def _template(name: str) -> np.ndarray:
    """The shape filling its bounding box, drawn large and shrunk."""
    scale = 8 * _SIDE
    picture = Image.new("L", (scale, scale))
    draw = ImageDraw.Draw(picture)
    box = (0, 0, scale - 1, scale - 1)
    if name in ("circle", "ring"):
        draw.ellipse(box, fill=255)
        if name == "ring":
            inner = scale * 0.275
            draw.ellipse((inner, inner, scale - inner, scale - inner), fill=0)
    else:
        draw.polygon([(x * scale, y * scale) for x, y in _outline(name)], fill=255)
    cropped = picture.crop(picture.getbbox())
    return np.asarray(cropped.resize((_SIDE, _SIDE), Image.Resampling.BOX)) > 127


def _outline(name: str) -> Sequence[tuple[float, float]]:
    if name == "square":
        return ((0, 0), (1, 0), (1, 1), (0, 1))
    if name == "triangle":
        return ((0.5, 0), (1, 1), (0, 1))
    if name == "diamond":
        return ((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5))
    if name == "cross":
        a, b = 0.34, 0.66
        return (
            *((a, 0), (b, 0), (b, a), (1, a), (1, b), (b, b)),
            *((b, 1), (a, 1), (a, b), (0, b), (0, a), (a, a)),
        )
    if name == "star":
        radii = (0.5, 0.2)
        turns = [(radii[i % 2], math.pi * i / 5) for i in range(10)]
        return [(0.5 + r * math.sin(t), 0.5 - r * math.cos(t)) for r, t in turns]
    if name == "heart":
        turns = np.linspace(0, 2 * math.pi, 60)
        return [
            (
                0.5 + 0.5 * math.sin(t) ** 3,
                0.45
                - (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t))
                / 32,
            )
            for t in turns
        ]
    raise KeyError(name)
