"""Things from outside the world, for the test alone: photographs, pages, songs, surfaces, prose.

Training sees other ones, which are made by procedures of `omni.nano.world`. Photographs are those
that scikit-image and scikit-learn carry; without these packages there are only documents.
"""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from omni.values import Clip, Cloud, Waveform

_FOLDERS = (("skimage", "data"), ("sklearn", "datasets/images"))
_PHOTOGRAPHS = (
    *("astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png"),
    *("coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png"),
    *("motorcycle_left.png", "page.png", "retina.jpg", "rocket.jpg", "text.png"),
    *("china.jpg", "flower.jpg"),
)
_RATE = 16_000


def picture(rng: np.random.Generator) -> Image.Image:
    """A part of a photograph, or a page of text."""
    found = _photographs()
    if not found or rng.random() < 0.2:
        return _page(rng)
    return _part(rng, found[rng.integers(len(found))])


def film(rng: np.random.Generator) -> Clip:
    """A camera that moves over a photograph or a page."""
    scene = picture(rng)
    count = int(rng.integers(8, 25))
    begin, end = rng.uniform(0, 0.3, (2, 2))
    frames = []
    for share in np.linspace(0, 1, count):
        left, top = ((begin + share * (end - begin)) * scene.size).tolist()
        box = (left, top, left + 0.7 * scene.width, top + 0.7 * scene.height)
        frames.append(np.asarray(scene.resize((128, 128), box=box)))
    return Clip(np.stack(frames), np.arange(count) / 8, count / 8, 8.0)


def sound(rng: np.random.Generator) -> Waveform:
    """A song: a melody over chords and a drum."""
    beat = int(_RATE * rng.uniform(0.25, 0.45))
    beats = int(_RATE * rng.uniform(2.0, 3.6)) // beat
    scale = 220 * 2 ** (np.array((0, 2, 4, 5, 7, 9, 11, 12)) / 12) * 2 ** rng.uniform(-0.5, 0.5)
    samples = np.zeros((beats + 2) * beat)
    for place in range(beats):
        parts = [(rng.choice(scale) * 2, 0.5, 1)]
        if place % 2 == 0:
            root = int(rng.integers(3))
            parts += [(scale[root + step] / 2, 0.25, 2) for step in (0, 2, 4)]
        for pitch, loudness, length in parts:
            tone = loudness * _note(rng, pitch, length * beat)
            samples[place * beat : place * beat + len(tone)] += tone
        drum = rng.standard_normal(beat // 3) * np.exp(-np.linspace(0, 9, beat // 3))
        samples[place * beat : place * beat + len(drum)] += 0.3 * drum
    samples = samples[: beats * beat]
    return Waveform((0.7 * samples / np.abs(samples).max())[:, None].astype(np.float32), _RATE)


def cloud(rng: np.random.Generator) -> Cloud:
    """A landscape whose heights are a photograph's brightness, or rings that are interlocked."""
    found = _photographs()
    count = 2048
    if found and rng.random() < 0.6:
        part = np.asarray(_part(rng, found[rng.integers(len(found))]).resize((64, 64)))
        rows, columns = rng.uniform(0, 63, (2, count))
        colours = part[rows.astype(int), columns.astype(int)]
        height = colours.mean(1) * rng.uniform(0.05, 0.25)
        positions = np.stack([columns, rows, height], 1)
        return Cloud(_turned(rng, positions), colours)
    links = int(rng.integers(3, 6))
    turn = rng.uniform(0, 2 * np.pi, count)
    link = rng.integers(0, links, count)
    circle = np.stack([np.cos(turn), np.sin(turn), 0 * turn], 1)
    circle[link % 2 == 1] = circle[link % 2 == 1][:, [0, 2, 1]]
    circle[:, 0] += 1.4 * link
    noise = rng.normal(0, 0.06, circle.shape)
    shades = rng.integers(0, 255, (links, 3), dtype=np.uint8)
    return Cloud(_turned(rng, circle + noise), shades[link])


def prose(rng: np.random.Generator) -> str:
    """A sentence of a licence or of a manual."""
    sentences = _sentences()
    return sentences[rng.integers(len(sentences))]


@cache
def _photographs() -> tuple[Image.Image, ...]:
    found = []
    for package, folder in _FOLDERS:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for name in _PHOTOGRAPHS:
            path = Path(spec.origin).parent / folder / name
            if path.is_file():
                found.append(Image.open(path).convert("RGB"))
    return tuple(found)


def _part(rng: np.random.Generator, photograph: Image.Image) -> Image.Image:
    """A part of at least half of either side, at times mirrored."""
    width, height = (np.array(photograph.size) * rng.uniform(0.5, 1.0, 2)).astype(int)
    left = int(rng.integers(0, photograph.width - width + 1))
    top = int(rng.integers(0, photograph.height - height + 1))
    part = photograph.crop((left, top, left + int(width), top + int(height)))
    part.thumbnail((256, 256))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else part


def _page(rng: np.random.Generator) -> Image.Image:
    page = Image.new("RGB", (220, int(rng.integers(150, 300))), (252, 251, 247))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=float(rng.integers(9, 14)))
    words = " ".join(prose(rng) for _ in range(8)).split()
    line, top = "", 10.0
    for word in words:
        if draw.textlength(f"{line} {word}", font=font) > 200:
            draw.text((10, top), line, fill=(20, 20, 30), font=font)
            line, top = "", top + 16
        line = f"{line} {word}".strip()
        if top > page.height - 20:
            break
    return page


def _note(rng: np.random.Generator, pitch: float, length: int) -> np.ndarray:
    time = np.arange(length) / _RATE
    overtones = sum(
        np.sin(2 * np.pi * pitch * number * time) / number**1.3 for number in range(1, 6)
    )
    return overtones * np.exp(-2.5 * time) * np.minimum(1, time / 0.01)


def _turned(rng: np.random.Generator, positions: np.ndarray) -> np.ndarray:
    axes, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return ((positions - positions.mean(0)) @ axes).astype(np.float32)


@cache
def _sentences() -> tuple[str, ...]:
    """Sentences of this distribution's licence and of Python's manual."""
    from pydoc_data.topics import topics

    texts = [" ".join(topics.values())]
    licence = next(
        (path for path in metadata.files("omni-agent") or () if path.name == "LICENSE"), None
    )
    if licence is not None:
        texts.append(licence.read_text())
    found: list[str] = []
    for text in texts:
        plain = re.sub(r"\s+", " ", text)
        for match in re.finditer(r"(?<=[.:] )[A-Z][a-z]+ [a-zA-Z ,']{30,160}\.", plain):
            if len(match[0].split()) <= 35:
                found.append(match[0])
    return tuple(dict.fromkeys(found))
