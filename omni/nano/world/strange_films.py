"""Films from outside the world, so that it is learned what is not known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from omni.nano.world import strange_image
from omni.values import Clip

FRAMES = (8, 32)
"""Least and most frames of a film."""


def film(rng: np.random.Generator, frames: int | None = None) -> Clip:
    """Something that no word of the world says: a view passed by, a crowd, changing pictures."""
    frames = frames or int(rng.integers(FRAMES[0], FRAMES[1] + 1))
    kinds = (_pan, _pan, _show, _crowd, _waves)
    images = kinds[int(rng.integers(len(kinds)))](rng, frames)
    noise = float(rng.uniform(1, 8)) if rng.random() < 0.5 else 0.0
    shots = [np.asarray(image, np.float32) for image in images]
    if noise:
        shots = [shot + rng.standard_normal(shot.shape, np.float32) * noise for shot in shots]
    seconds = float(rng.uniform(0.8, 4.0))
    pixels = np.clip(np.stack(shots) + 0.5, 0, 255).astype(np.uint8)
    return Clip(pixels, np.arange(frames) * (seconds / frames), seconds, frames / seconds)


def _pan(rng: np.random.Generator, frames: int) -> Iterator[Image.Image]:
    """A camera that passes over a still picture, or goes nearer."""
    still = strange_image.picture(rng)
    size = np.array(still.size)
    first, last = rng.uniform(0.45, 1.0, 2) if rng.random() < 0.5 else [rng.uniform(0.45, 0.95)] * 2
    begin, end = rng.random((2, 2))
    for progress in np.linspace(0, 1, frames):
        window = size * (first + (last - first) * progress)
        corner = (size - window) * (begin + (end - begin) * progress)
        box = (*corner, *(corner + window))
        yield still.resize(still.size, Image.Resampling.BILINEAR, box=box)


def _show(rng: np.random.Generator, frames: int) -> Iterator[Image.Image]:
    """Pictures one after another, cut or faded into one another."""
    stills = [strange_image.picture(rng) for _ in range(int(rng.integers(2, 5)))]
    stills = [still.resize(stills[0].size) for still in stills]
    hard = rng.random() < 0.5
    for place in np.linspace(0, len(stills) - 1, frames):
        index = min(int(place), len(stills) - 2)
        share = round(place - index) if hard else place - index
        yield Image.blend(stills[index], stills[index + 1], share)


def _crowd(rng: np.random.Generator, frames: int) -> Iterator[Image.Image]:
    """Many specks that each go their own way before a still picture."""
    still = strange_image.picture(rng)
    count = int(rng.integers(15, 60))
    places = rng.uniform(0, 1, (count, 2)) * still.size
    speeds = rng.normal(0, rng.uniform(5, 40), (count, 2)) + rng.normal(0, 20, 2)
    sizes, colours = rng.uniform(1, 7, count), rng.integers(0, 256, (count, 3))
    for progress in np.linspace(0, 1, frames):
        image = still.copy()
        pen = ImageDraw.Draw(image)
        spots = (places + speeds * progress) % still.size
        for spot, size, colour in zip(spots, sizes, colours.tolist(), strict=True):
            pen.ellipse((*(spot - size), *(spot + size)), fill=tuple(colour))
        yield image


def _waves(rng: np.random.Generator, frames: int) -> Iterator[Image.Image]:
    """A still picture as if seen through moving water, or one that becomes lighter and darker."""
    pixels = np.asarray(strange_image.picture(rng), np.float32)
    height = len(pixels)
    length, reach = rng.uniform(8, 60), rng.uniform(1, 8)
    dim = float(rng.uniform(0.2, 0.7)) if rng.random() < 0.5 else 0.0
    for time in np.linspace(0, 2 * np.pi * float(rng.uniform(0.5, 2)), frames):
        rows = np.arange(height) + np.sin(np.arange(height) / length + time) * reach
        light = 1 - dim * (0.5 - 0.5 * np.cos(time))
        shown = pixels[rows.round().astype(int).clip(0, height - 1)] * light
        yield Image.fromarray(shown.astype(np.uint8))
