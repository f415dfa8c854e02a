"""Judges of what the model makes that are not the model: pixels, and a speech recogniser."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from omni.extras import need
from omni.nano.world.words import COLOURS, SHAPES

if TYPE_CHECKING:
    from omni.values import Waveform

_SIDE = 48
_FOREGROUND_DISTANCE = 70.0
_LARGE_SHARE = 0.35
"""A thing whose longer side is above this share of the picture is large."""
_MIDDLE = 0.1
"""A centre within this share of the picture's middle, both ways, is in the middle."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be measured on a picture of one thing on a plain background."""

    colour: str
    shape: str
    size: str
    place: str


def judge_picture(picture: Image.Image) -> Sight | None:
    """Measure the one thing on a plain background; `None` if there is nothing on it."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float64)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    distance = np.linalg.norm(pixels - np.median(border, axis=0), axis=-1)
    mask = distance > _FOREGROUND_DISTANCE
    if mask.sum() < 12:
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = mask.shape
    share = max((bottom - top) / height, (right - left) / width)
    return Sight(
        colour=_colour(pixels[distance > 0.7 * distance.max()]),
        shape=_shape(mask[top:bottom, left:right]),
        size="large" if share > _LARGE_SHARE else "small",
        place=_place((left + right) / 2 / width - 0.5, (top + bottom) / 2 / height - 0.5),
    )


def _colour(pixels: np.ndarray) -> str:
    mean = np.median(pixels, axis=0)
    return min(COLOURS, key=lambda name: float(np.linalg.norm(mean - np.array(COLOURS[name]))))


def _place(across: float, down: float) -> str:
    if max(abs(across), abs(down)) < _MIDDLE:
        return "middle"
    if abs(across) > abs(down):
        return "left" if across < 0 else "right"
    return "top" if down < 0 else "bottom"


def _shape(mask: np.ndarray) -> str:
    """The shape whose template overlaps most (intersection over union) in the bounding box."""
    seen = np.asarray(Image.fromarray(mask).resize((_SIDE, _SIDE), Image.Resampling.BOX), bool)

    def overlap(name: str) -> float:
        template = _template(name)
        return float((seen & template).sum() / (seen | template).sum())

    return max(SHAPES, key=overlap)


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


_HISS = 1e-3


def judge_speech(waveform: Waveform, phrases: Sequence[str]) -> str:
    """Which of the phrases an independent recogniser (pocketsphinx) hears; empty if none.

    Raises:
        MissingExtra: if pocketsphinx is not installed.
    """
    import soxr

    decoder = _recogniser()
    samples = waveform.samples.mean(axis=1) if waveform.samples.ndim == 2 else waveform.samples
    samples = soxr.resample(samples, waveform.sample_rate, 16_000)
    samples = np.pad(samples * min(0.7 / max(np.abs(samples).max(), 1e-4), 20.0), 4_800)
    # In perfect silence it hears nothing more: one in five last words was lost.
    samples = samples + _HISS * np.random.default_rng(0).standard_normal(len(samples))
    alternatives = " | ".join(sorted(set(phrases)))
    decoder.add_jsgf_string("world", f"#JSGF V1.0;\ngrammar world;\npublic <s> = {alternatives};\n")
    decoder.activate_search("world")
    decoder.start_utt()
    decoder.process_raw((samples.clip(-1, 1) * 32_767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    return decoder.hyp().hypstr if decoder.hyp() else ""


@cache
def _recogniser() -> Any:
    """The recogniser, which takes longer to load than to listen.

    It normalises each utterance by itself: what it heard before does not matter.
    """
    pocketsphinx = need("pocketsphinx", extra="offline")
    decoder = pocketsphinx.Decoder(samprate=16_000, lm=None, cmn="batch", loglevel="FATAL")
    decoder.add_word("torus", "T AO R AH S")  # its dictionary has every other word of the world
    return decoder
