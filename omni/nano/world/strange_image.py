"""Pictures from outside the world, so that it is learned what is not known."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from omni.nano.world import backgrounds

SIDES = (72, 160)
"""Range of a picture's width and height, pixels."""


def picture(rng: np.random.Generator) -> Image.Image:
    """Something that no word of the world says: a view, a portrait, writing, a pattern."""
    width, height = (int(side) for side in rng.integers(*SIDES, 2))
    kinds = (_view, _portrait, _writing, _pattern, _heap, _grain, _scrawl, _panels)
    image = kinds[int(rng.integers(len(kinds)))](rng, width, height)
    if rng.random() < 0.5:
        noise = rng.normal(0, rng.uniform(2, 14), (height, width, 3))
        image = _image(np.asarray(image, np.float32) + noise)
    return image


def _view(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """A sky over ridges, each one darker and nearer."""
    high, low = _colour(rng, 120, 255), _colour(rng, 120, 255)
    fall = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    pixels = np.broadcast_to(high + (low - high) * fall, (height, width, 3))
    rows = np.arange(height)[:, None]
    for near in np.linspace(0.35, 0.85, int(rng.integers(1, 5))):
        profile = backgrounds.octaves(width, 1, rng, coarsest=3, levels=4)[0] - 0.5
        ridge = (rows > (near + profile * rng.uniform(0.1, 0.6)) * height)[..., None]
        grain = backgrounds.octaves(width, height, rng, coarsest=12, levels=3)[..., None]
        ground = _colour(rng, 10, 170) * (0.6 + 0.8 * grain)
        pixels = np.where(ridge, ground, pixels)
    return _image(pixels)


def _portrait(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """A head with hair, eyes and a mouth over shoulders."""
    colours = [_colour(rng) for _ in range(3)]
    image = _image(backgrounds.paint("photograph", colours, width, height, rng))
    pen = ImageDraw.Draw(image)
    skin = _colour(rng, 0, 1) * 25 + np.array((225, 175, 140)) * rng.uniform(0.35, 1.05)
    x, y = width * rng.uniform(0.4, 0.6), height * rng.uniform(0.3, 0.45)
    head = min(width, height) * rng.uniform(0.14, 0.26)

    def ellipse(across: float, down: float, wide: float, high: float, colour) -> None:
        box = (x + across - wide, y + down - high, x + across + wide, y + down + high)
        pen.ellipse(box, fill=_rgb(colour))

    ellipse(0, head * 2.9, head * rng.uniform(1.6, 2.4), head * 1.7, _colour(rng))
    ellipse(0, -head * 0.25, head * 1.1, head * 1.25, _colour(rng, 10, 120))
    ellipse(0, 0, head * 0.85, head * 1.12, skin)
    for side in (-1, 1):
        ellipse(side * head * 0.33, -head * 0.15, head * 0.13, head * 0.09, _colour(rng, 0, 60))
    ellipse(0, head * 0.55, head * 0.3, head * 0.08, skin * 0.6)
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.5))))


def _writing(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Lines of short strokes in words, as a page looks from afar."""
    paper, ink = _paper(rng)
    image = Image.new("RGB", (width, height), _rgb(paper))
    pen = ImageDraw.Draw(image)
    size = rng.uniform(4, 14)
    y = size
    while y < height - size:
        x, end = size, width - size * rng.uniform(1, 6)
        while x < end:
            for _ in range(int(rng.integers(2, 9))):
                points = np.array((x, y)) + rng.uniform(0, size * 0.7, (int(rng.integers(2, 5)), 2))
                pen.line([tuple(p) for p in points.tolist()], fill=_rgb(ink), width=1)
                x += size * 0.65
            x += size * 0.6
        y += size * rng.uniform(1.3, 1.8)
    return image


def _pattern(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Two gratings across one another, as cloth or tiles have."""
    pixels = np.broadcast_to(_colour(rng), (height, width, 3))
    for _ in range(int(rng.integers(2, 4))):
        along = backgrounds.slope(width, height, float(rng.uniform(0, 180)))
        wave = np.sin(along * rng.uniform(20, 90)) * rng.uniform(1, 6)
        pixels = pixels + (_colour(rng) - pixels) * (1 / (1 + np.exp(-wave)))[..., None] * 0.6
    return _image(pixels)


def _heap(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Many soft ellipses over one another, as leaves, pebbles or a crowd."""
    image = Image.new("RGB", (width, height), _rgb(_colour(rng)))
    pen = ImageDraw.Draw(image)
    base, spread = _colour(rng), rng.uniform(15, 90)
    for _ in range(int(rng.integers(40, 150))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        wide, high = rng.uniform(2, 16, 2)
        fill = _rgb(base + rng.normal(0, spread, 3))
        pen.ellipse((x - wide, y - high, x + wide, y + high), fill=fill)
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 2.5))))


def _grain(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Nothing in particular, unsharp."""
    colours = [_colour(rng) for _ in range(int(rng.integers(3, 7)))]
    return _image(backgrounds.paint("photograph", colours, width, height, rng))


def _scrawl(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """A drawing in lines that mean nothing."""
    paper, ink = _paper(rng)
    image = Image.new("RGB", (width, height), _rgb(paper))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 14))):
        steps = rng.normal(0, min(width, height) * 0.07, (int(rng.integers(4, 30)), 2))
        path = np.cumsum(steps, 0) + rng.uniform(0.2, 0.8, 2) * (width, height)
        pen.line([tuple(p) for p in path.tolist()], fill=_rgb(ink), width=int(rng.integers(1, 4)))
    return image


def _panels(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Rectangles in rectangles with writing in them: a screen, or houses."""
    image = _writing(rng, width, height)
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(4, 16))):
        x, y = rng.uniform(-0.1, 0.9) * width, rng.uniform(-0.1, 0.9) * height
        wide, high = rng.uniform(0.05, 0.6, 2) * (width, height)
        pen.rectangle((x, y, x + wide, y + high), _rgb(_colour(rng)), _rgb(_colour(rng)))
    return image


def _paper(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The colour of a page and that of its ink."""
    paper, ink = _colour(rng, 200, 256), _colour(rng, 0, 90)
    return (ink, paper) if rng.random() < 0.2 else (paper, ink)


def _colour(rng: np.random.Generator, low: float = 0, high: float = 256) -> np.ndarray:
    return rng.uniform(low, high, 3).astype(np.float32)


def _rgb(colour: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = np.clip(colour, 0, 255).astype(int).tolist()
    return red, green, blue


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
