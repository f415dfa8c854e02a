"""Scenes of one to six things, with clutter, over plain and busy backgrounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from omni.nano.world import backgrounds, nameless, scene, words
from omni.pixels import fitted

MOST = 6
COUNTS = (0.45, 0.14, 0.13, 0.11, 0.09, 0.08)
"""How often a scene holds one, two, … six things."""

LARGE = (0.5, 0.5, 0.35, 0.25, 0.15, 0.1)
"""How often a thing is large, by how many there are."""

HIDDEN = 0.3
"""How much of a thing may be hidden by those before it."""

RASTER = 48
"""Side of the square raster on which it is said whose each spot is."""

# How often a background is of which kind.
KINDS = {"flat": 0.36, "gradient": 0.14, "stripes": 0.1, "clouds": 0.1} | {
    "texture": 0.13,
    "photograph": 0.17,
}

BACKGROUNDS = tuple(KINDS)

RGB = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of a scene; what `scene.Scene` says of its only object holds for it too.

    Attributes:
        colour: its name, or empty where the colour has none.
        shape: its name, or empty where the outline has none; then `seed` fixes that outline.
        place: from `words.PLACES`, or empty where no one word is right.
    """

    colour: str
    shape: str
    size: str
    place: str
    centre: tuple[float, float]
    radius: float
    rgb: RGB
    form: float
    stretch: float
    rotation: float
    shading: float
    seed: int

    def outline(self) -> list[np.ndarray]:
        """Polygons in the box −1…1; the second is a hole in the first."""
        return scene.outline(self.shape, self.form) if self.shape else nameless.outline(self.seed)


@dataclass(frozen=True, slots=True)
class Group:
    """Things before a background, the front one last, and everything their picture depends on.

    Attributes:
        backdrop: three colours of the background.
        clutter: how many strokes and dots lie behind the things.
        resolution: width and height, pixels.
        seed: of noise, texture and clutter.
    """

    things: tuple[Thing, ...]
    background: str
    backdrop: tuple[RGB, ...]
    angle: float
    clutter: int
    noise: float
    quality: int | None
    resolution: tuple[int, int]
    seed: int


def sample(
    seed: int | np.random.Generator,
    *,
    count: int | None = None,
    held_out: bool | None = False,
    strange: float = 0.0,
) -> Group:
    """A scene of the world, the same for the same seed.

    Args:
        seed: a seed, or a generator to draw from.
        count: how many things, perhaps none; as often as `COUNTS` says where it is not given.
        held_out: see `scene.sample`; it holds for each thing.
        strange: how often a thing has a colour or a shape that no word of the world names.
    """
    rng = np.random.default_rng(seed)
    if count is None:
        count = 1 + int(rng.choice(MOST, p=COUNTS))
    resolution = scene.frame(rng)
    things = _look(rng, count, held_out, strange)
    things = _place(things, rng, resolution)
    return Group(
        things=things,
        background=BACKGROUNDS[int(rng.choice(len(KINDS), p=list(KINDS.values())))],
        backdrop=backdrop([thing.rgb for thing in things] or [nameless.colour(rng)], rng),
        angle=float(rng.uniform(0, 360)),
        clutter=int(rng.integers(1, 9)) if rng.random() < 0.3 else 0,
        noise=float(rng.uniform(2, 16)) if rng.random() < 0.4 else 0.0,
        quality=int(rng.integers(25, 90)) if rng.random() < 0.3 else None,
        resolution=resolution,
        seed=int(rng.integers(2**31)),
    )


def draw(group: Group) -> Image.Image:
    """The picture of a scene, RGB."""
    rng = np.random.default_rng(group.seed)
    width, height = group.resolution
    waves = 4 + group.seed % 10
    pixels = backgrounds.paint(
        group.background, group.backdrop, width, height, rng, angle=group.angle, waves=waves
    )
    pixels = _strewn(pixels, group, rng) if group.clutter else pixels.copy()
    for thing in group.things:
        scene.apply(pixels, thing)
    return scene.photograph(pixels, rng, group.noise, group.quality)


def describe(group: Group) -> list[dict[str, Any]]:
    """The words and the spot of each thing, from left to right: what `corpus` calls `objects`."""
    rows = []
    for thing in group.things:
        x, y, radius = (round(float(value), 4) for value in box(thing, group.resolution))
        row = {"colour": thing.colour, "shape": thing.shape, "size": thing.size}
        rows.append(row | {"place": thing.place, "x": x, "y": y, "radius": radius})
    return sorted(rows, key=lambda row: row["x"])


def box(thing: Thing, resolution: tuple[int, int]) -> tuple[float, float, float]:
    """Centre x, centre y and radius after the picture is letterboxed to a square of side 1."""
    longer = max(resolution)
    x, y = (
        0.5 + (c - 0.5) * side / longer for c, side in zip(thing.centre, resolution, strict=True)
    )
    return x, y, thing.radius * min(resolution) / longer


def owners(things: Sequence[Thing], resolution: tuple[int, int]) -> np.ndarray:
    """Whose each spot of the letterboxed square is, uint8 `[RASTER, RASTER]`.

    The thing at index i is written as i + 1, nobody as 0; a ring's hole belongs to the ring.
    """
    canvas = Image.new("L", (RASTER, RASTER))
    pen = ImageDraw.Draw(canvas)
    for index, thing in enumerate(things):
        _fill(pen, thing, resolution, index + 1)
    return np.asarray(canvas)


def hidden(things: Sequence[Thing], resolution: tuple[int, int]) -> list[float]:
    """How much of each thing lies behind others, 0…1."""
    visible = np.bincount(owners(things, resolution).ravel(), minlength=len(things) + 1)[1:]
    whole = [np.count_nonzero(owners([thing], resolution)) for thing in things]
    return [1 - seen / max(1, alone) for seen, alone in zip(visible.tolist(), whole, strict=True)]


def backdrop(colours: Sequence[RGB], rng: np.random.Generator) -> tuple[RGB, ...]:
    """Three colours for a background, all far from those of the things before it."""
    paint, attempt = np.array(colours, float), 0
    while True:
        distance = scene.CONTRAST * max(0.6, 1 - attempt / 150)
        first, second = scene.backdrop(colours[0], rng)
        third = np.array(first) + rng.uniform(-70, 70) + rng.normal(0, 15, 3)
        found = np.clip(np.array([first, second, third]), 0, 255).astype(int)
        mixed = np.concatenate([found, (found + found[[1, 2, 0]]) / 2])
        attempt += 1
        if np.linalg.norm(mixed[:, None] - paint, axis=-1).min() >= distance or attempt == 100:
            one, two, three = (tuple(colour) for colour in found.tolist())
            return one, two, three


def _look(rng: np.random.Generator, count: int, held_out: bool | None, share: float) -> list[Thing]:
    """Things with their colours, shapes and sizes, nowhere yet; some are alike in some way."""
    alike = rng.random() if count > 1 else 1.0
    first = scene.pair(rng, held_out=held_out)
    things: list[Thing] = []
    for index in range(count):
        colour, shape = scene.pair(rng, held_out=held_out) if index else first
        if rng.random() < 0.6:
            if alike < 0.15 and _allowed(first[0], shape, held_out):
                colour = first[0]
            elif 0.15 <= alike < 0.3 and _allowed(colour, first[1], held_out):
                shape = first[1]
        size = words.SIZES[int(rng.random() < LARGE[count - 1])]
        no_colour, no_shape = rng.random(2) < (share, share / 2)
        things.append(
            Thing(
                colour="" if no_colour else colour,
                shape="" if no_shape else shape,
                size=size,
                place="",
                centre=(0.5, 0.5),
                radius=float(rng.uniform(*scene.RADII[size])),
                rgb=nameless.colour(rng) if no_colour else scene.shade(colour, rng),
                form=float(rng.random()),
                stretch=float(rng.uniform(0.88, 1.14)),
                rotation=scene.rotation(shape, rng),
                shading=float(rng.uniform(0.05, 0.3)) if rng.random() < 0.3 else 0.0,
                seed=int(rng.integers(2**31)),
            )
        )
    return things


def _allowed(colour: str, shape: str, held_out: bool | None) -> bool:
    return held_out is None or ((colour, shape) in words.HELD_OUT) == held_out


def _place(
    things: list[Thing], rng: np.random.Generator, resolution: tuple[int, int]
) -> tuple[Thing, ...]:
    """The things where one can see them all."""
    if not things:
        return ()
    if len(things) == 1:
        return (_alone(things[0], rng, resolution),)
    for attempt in range(60):
        if attempt % 6 == 5:  # too crowded: make one small
            index = max(range(len(things)), key=lambda i: things[i].radius)
            radius = float(rng.uniform(*scene.RADII["small"]))
            things[index] = replace(things[index], size="small", radius=radius)
        gap = 1.02 if rng.random() < 0.55 else 0.72
        centres = _spread(things, rng, resolution, gap)
        if centres is None:
            continue
        placed = [
            replace(thing, centre=centre, place=called(centre))
            for thing, centre in zip(things, centres, strict=True)
        ]
        if gap > 1 or max(hidden(placed, resolution)) <= HIDDEN:
            return tuple(placed)
    return _place(things[:-1], rng, resolution)


def _alone(thing: Thing, rng: np.random.Generator, resolution: tuple[int, int]) -> Thing:
    place = words.PLACES[int(rng.integers(len(words.PLACES)))]
    radius = thing.radius
    if thing.size == "large" and place == "middle" and rng.random() < 0.5:
        radius = float(rng.uniform(scene.RADII["large"][1], scene.LARGEST))
    centre = scene.spot(place, radius, resolution, rng)
    return replace(thing, place=place, radius=radius, centre=centre)


def _spread(
    things: Sequence[Thing], rng: np.random.Generator, resolution: tuple[int, int], gap: float
) -> list[tuple[float, float]] | None:
    """Centres at least `gap` of both radii apart, all within the picture, or none if that fails."""
    sides, shorter = np.array(resolution, float), min(resolution)
    found: list[tuple[float, float]] = []
    for index, thing in enumerate(things):
        margin = np.minimum(thing.radius * 1.05 * shorter / sides, 0.5)
        for _ in range(30):
            spot = rng.uniform(margin, 1 - margin)
            apart = (np.array(found).reshape(-1, 2) - spot) * sides / shorter
            reach = [gap * (thing.radius + other.radius) for other in things[:index]]
            distance = np.abs(apart).max(1) if gap > 1 else np.hypot(*apart.T)
            if (distance >= reach).all():
                found.append((float(spot[0]), float(spot[1])))
                break
        else:
            return None
    return found


def called(centre: tuple[float, float]) -> str:
    """The place a viewer would name without doubt, or nothing."""
    across, down = (value - 0.5 for value in centre)
    if max(abs(across), abs(down)) <= scene.MIDDLE:
        return "middle"
    if min(abs(across), abs(down)) > scene.MIDDLE:
        return ""
    if max(abs(across), abs(down)) < 0.5 - scene.SIDEWAYS[1]:
        return ""
    if abs(across) > abs(down):
        return "left" if across < 0 else "right"
    return "top" if down < 0 else "bottom"


def _fill(pen: ImageDraw.ImageDraw, thing: Thing, resolution: tuple[int, int], value: int) -> None:
    scale = RASTER / max(resolution)
    left, top, _, _ = fitted(*resolution, RASTER)
    points = scene.polygons(thing, *resolution)[0] * scale + (left - 0.5, top - 0.5)
    pen.polygon([tuple(point) for point in points.tolist()], fill=value)


def _strewn(pixels: np.ndarray, group: Group, rng: np.random.Generator) -> np.ndarray:
    """The background with strokes and dots on it that are too small to be things."""
    image = Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    shorter = min(group.resolution)
    for _ in range(group.clutter):
        spot = rng.uniform(0, 1, 2) * group.resolution
        fill = tuple(rng.integers(0, 256, 3).tolist())
        if rng.random() < 0.5:
            reach = max(1.0, shorter * rng.uniform(0.005, 0.025))
            pen.ellipse((*(spot - reach), *(spot + reach)), fill=fill)
        else:
            turn, length = rng.uniform(0, 2 * math.pi), shorter * rng.uniform(0.05, 0.3)
            end = spot + np.array((math.cos(turn), math.sin(turn))) * length
            pen.line((*spot, *end), fill=fill, width=int(rng.integers(1, 3)))
    return np.array(image, np.float32)
