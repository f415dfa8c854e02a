"""Scenes of one object: what is seen is drawn from what is known, so that every label is true."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw

from omni.nano.world import backgrounds, words

COLOURS = tuple(words.COLOURS)
BACKGROUNDS = backgrounds.PLAIN
SUPERSAMPLING = 4

RADII = {"small": (0.09, 0.135), "large": (0.20, 0.30)}
"""Size → range of half the object's longer extent, as a share of the picture's shorter side."""

LARGEST = 0.42
"""A large object in the middle may be as big as this."""

SIDEWAYS = (0.17, 0.32)
"""How far from its edge the centre of an object at that edge is, as a share of the picture."""

MIDDLE = 0.07
"""How far from the middle line an object still counts as in the middle."""

CONTRAST = 80.0
"""Least distance in RGB between an object and each colour of its background."""

_ANCHORS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "red": ((255, 0, 0), (178, 20, 30)),
    "green": ((0, 128, 0), (50, 205, 60)),
    "blue": ((0, 0, 255), (30, 60, 150)),
    "yellow": ((255, 255, 0), (255, 220, 60)),
    "orange": ((255, 150, 0), (230, 110, 20)),
    "purple": ((128, 0, 128), (150, 80, 200)),
    "pink": ((255, 105, 180), (255, 182, 193)),
    "cyan": ((0, 240, 240), (30, 165, 185)),
}
"""What else is called by a colour's name: samples lie between these and its centre."""


class Outlined(Protocol):
    """What is painted: an outline in a colour, somewhere; see `Scene` for the units."""

    @property
    def centre(self) -> tuple[float, float]: ...
    @property
    def radius(self) -> float: ...
    @property
    def rgb(self) -> tuple[int, int, int]: ...
    @property
    def stretch(self) -> float: ...
    @property
    def rotation(self) -> float: ...
    @property
    def shading(self) -> float: ...
    def outline(self) -> list[np.ndarray]:
        """Polygons in the box −1…1."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """One object before a background; everything that its picture depends on.

    Attributes:
        colour: name of the object's colour, from `words.COLOURS`.
        shape: name of its outline, from `words.SHAPES`.
        size: `small` or `large`, which follows from `radius`.
        place: where its centre is, from `words.PLACES`, which follows from `centre`.
        centre: x and y of the middle of its box, as shares of the picture's width and height.
        radius: half the longer side of its box, as a share of the picture's shorter side.
        rgb: the colour it has.
        form: 0…1, what varies within a shape, such as how thick a ring is.
        stretch: width over height, before rotation.
        rotation: degrees, anticlockwise.
        background: one of `BACKGROUNDS`.
        backdrop: the two colours of the background.
        angle: degrees, direction of a gradient or of stripes.
        noise: standard deviation of the noise, in grey levels.
        quality: JPEG quality, or `None` where the picture was never compressed.
        shading: how much darker the object is at its lower side, 0…1.
        resolution: width and height in pixels, where `draw` is not told another.
        seed: of noise and texture.
    """

    colour: str
    shape: str
    size: str
    place: str
    centre: tuple[float, float]
    radius: float
    rgb: tuple[int, int, int]
    form: float = 0.5
    stretch: float = 1.0
    rotation: float = 0.0
    background: str = "flat"
    backdrop: tuple[tuple[int, int, int], tuple[int, int, int]] = ((255, 255, 255), (255, 255, 255))
    angle: float = 0.0
    noise: float = 0.0
    quality: int | None = None
    shading: float = 0.0
    resolution: tuple[int, int] = (96, 96)
    seed: int = 0

    def outline(self) -> list[np.ndarray]:
        """See `outline`."""
        return outline(self.shape, self.form)


def sample(seed: int | np.random.Generator, *, held_out: bool | None = False) -> Scene:
    """A scene of the world, the same for the same seed.

    Args:
        seed: a seed, or a generator to draw from.
        held_out: `False` for pairs of colour and shape that may be trained on, `True` for those
            that may not, `None` for any.
    """
    rng = np.random.default_rng(seed)
    colour, shape = pair(rng, held_out=held_out)
    size, place = _pick(rng, words.SIZES), _pick(rng, words.PLACES)
    rgb = shade(colour, rng)
    resolution = frame(rng)
    radius = float(rng.uniform(*RADII[size]))
    if size == "large" and place == "middle" and rng.random() < 0.5:
        radius = float(rng.uniform(RADII["large"][1], LARGEST))
    return Scene(
        colour=colour,
        shape=shape,
        size=size,
        place=place,
        centre=spot(place, radius, resolution, rng),
        radius=radius,
        rgb=rgb,
        form=float(rng.random()),
        stretch=float(rng.uniform(0.88, 1.14)),
        rotation=rotation(shape, rng),
        background=_pick(rng, BACKGROUNDS, (0.5, 0.2, 0.15, 0.15)),
        backdrop=backdrop(rgb, rng),
        angle=float(rng.uniform(0, 360)),
        noise=float(rng.uniform(2, 16)) if rng.random() < 0.4 else 0.0,
        quality=int(rng.integers(25, 90)) if rng.random() < 0.3 else None,
        shading=float(rng.uniform(0.05, 0.3)) if rng.random() < 0.3 else 0.0,
        resolution=resolution,
        seed=int(rng.integers(2**31)),
    )


def clean(colour: str, shape: str, size: str = "large", place: str = "middle") -> Scene:
    """The scene that stands for these words when they are drawn: exact, on plain white.

    Its places lie a whole number of eighths apart, so that a picture in patches has the same
    patches wherever its object stands.
    """
    sideways = 0.25
    near = {"left": (sideways, 0.5), "right": (1 - sideways, 0.5), "middle": (0.5, 0.5)}
    centre = near | {"top": (0.5, sideways), "bottom": (0.5, 1 - sideways)}
    radius = {"small": 0.125, "large": 0.22}[size]
    rgb = words.COLOURS[colour]
    return Scene(colour, shape, size, place, centre[place], radius, rgb)


def pair(rng: np.random.Generator, *, held_out: bool | None = False) -> tuple[str, str]:
    """A colour and a shape; see `sample` for `held_out`."""
    while True:
        found = _pick(rng, COLOURS), _pick(rng, words.SHAPES)
        if held_out is None or (found in words.HELD_OUT) == held_out:
            return found


def shade(colour: str, rng: np.random.Generator) -> tuple[int, int, int]:
    """An RGB value that anybody would call by the colour's name."""
    anchors = np.array((words.COLOURS[colour], *_ANCHORS[colour]), float)
    mixed = rng.dirichlet((0.7,) * len(anchors)) @ anchors + rng.normal(0, 5, 3)
    red, green, blue = np.clip(mixed, 0, 255).astype(int)
    return int(red), int(green), int(blue)


def backdrop(
    rgb: tuple[int, int, int], rng: np.random.Generator
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Two colours for a background, near one another and far from the object's."""
    while True:
        kind = _pick(rng, ("light", "dark", "grey", "pastel", "vivid"), (0.4, 0.15, 0.15, 0.2, 0.1))
        low, high = {"light": (225, 256), "dark": (0, 45), "grey": (60, 215)}.get(kind, (0, 0))
        if high:
            first = np.full(3, rng.integers(low, high)) + rng.normal(0, 3, 3)
        elif kind == "pastel":
            first = rng.uniform(185, 255, 3)
        else:
            first = rng.uniform(0, 255, 3)
        if kind == "light" and rng.random() < 0.4:
            first = np.full(3, 255.0)
        second = first + rng.uniform(-45, 45) + rng.normal(0, 8, 3)
        both = np.clip([first, second], 0, 255).astype(int)
        if np.linalg.norm(both - np.array(rgb), axis=1).min() >= CONTRAST:
            one, two = both.tolist()
            return tuple(one), tuple(two)


def spot(
    place: str, radius: float, resolution: tuple[int, int], rng: np.random.Generator
) -> tuple[float, float]:
    """A centre that a viewer would call by the place's name, with the object inside the picture."""
    shorter = min(resolution)
    across = rng.uniform(-MIDDLE, MIDDLE, 2) + 0.5
    axis = 0 if place in ("left", "right") else 1
    if place != "middle":
        extent = radius * 1.12 * shorter / resolution[axis]
        near = rng.uniform(max(SIDEWAYS[0], min(extent, SIDEWAYS[1])), SIDEWAYS[1] + 1e-6)
        across[axis] = near if place in ("left", "top") else 1 - near
    return float(across[0]), float(across[1])


def outline(shape: str, form: float = 0.5) -> list[np.ndarray]:
    """Polygons `[points, 2]` in the box −1…1, y downwards; a second one is a hole in the first."""
    if shape in ("circle", "ring"):
        disc = _around(72)
        return [disc] if shape == "circle" else [disc, disc * (0.45 + 0.25 * form)]
    if shape == "star":
        points = _around(10)
        points[1::2] *= 0.38 + 0.14 * form
        return [_boxed(points)]
    if shape == "heart":
        turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        high = 13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)
        return [_boxed(np.stack([16 * np.sin(turn) ** 3, -high], 1))]
    if shape == "cross":
        arm = 0.26 + 0.16 * form
        quarter = np.array([(arm, -1), (arm, -arm), (1, -arm)])
        turns = [quarter @ np.linalg.matrix_power([[0, 1], [-1, 0]], turn) for turn in range(4)]
        return [np.concatenate(turns)]
    if shape == "triangle":
        return [_boxed(np.array([(0, -0.7 - 0.35 * form), (1, 0.8), (-1, 0.8)]))]
    if shape == "diamond":
        width = 0.6 + 0.4 * form
        return [np.array([(0, -1), (width, 0), (0, 1), (-width, 0)], float)]
    if shape == "square":
        return [np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)]
    raise ValueError(f"{shape!r} is no shape of the world: {', '.join(words.SHAPES)}")


def turned(found: Outlined) -> list[np.ndarray]:
    """The outline `[points, 2]`, stretched and rotated, around the origin and in no unit."""
    turn = math.radians(-found.rotation)
    cosine, sine = math.cos(turn), math.sin(turn)
    return [
        polygon
        * (min(found.stretch, 1.0), min(1 / found.stretch, 1.0))
        @ ((cosine, sine), (-sine, cosine))
        for polygon in found.outline()
    ]


def polygons(found: Outlined, width: int, height: int) -> list[np.ndarray]:
    """Corners `[points, 2]` in a picture of this size; a second polygon is a hole in the first."""
    placed = turned(found)
    low, high = placed[0].min(0), placed[0].max(0)
    scale = found.radius * min(width, height) / ((high - low).max() / 2)
    middle = np.array(found.centre) * (width, height)
    return [(polygon - (low + high) / 2) * scale + middle for polygon in placed]


def cover(found: Outlined, width: int, height: int) -> tuple[tuple[slice, slice], np.ndarray]:
    """Rows and columns of an object's box, and how much of each pixel there it covers, 0…1."""
    placed = polygons(found, width, height)
    low = np.floor(placed[0].min(0)).astype(int).clip(0)
    high = (np.ceil(placed[0].max(0)).astype(int) + 1).clip(max=(width, height))
    high = np.maximum(high, low + 1)
    across, down = ((high - low) * SUPERSAMPLING).tolist()
    canvas = Image.new("L", (across, down))
    pen = ImageDraw.Draw(canvas)
    for polygon, fill in zip(placed, (255, 0), strict=False):
        points = (polygon - low) * SUPERSAMPLING - 0.5
        pen.polygon([tuple(point) for point in points.tolist()], fill=fill)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    share = np.asarray(canvas.reduce(SUPERSAMPLING), np.float32) / 255
    return (slice(top, bottom), slice(left, right)), share


def draw(scene: Scene, width: int | None = None, height: int | None = None) -> Image.Image:
    """The picture of a scene, RGB, at its own resolution or at the one given."""
    width, height = width or scene.resolution[0], height or scene.resolution[1]
    rng = np.random.default_rng(scene.seed)
    waves = 4 + scene.seed % 10
    behind = backgrounds.paint(
        scene.background, scene.backdrop, width, height, rng, angle=scene.angle, waves=waves
    )
    pixels = behind.copy()
    apply(pixels, scene)
    return photograph(pixels, rng, scene.noise, scene.quality)


def apply(pixels: np.ndarray, found: Outlined, opacity: float = 1.0) -> None:
    """Paint an object onto `[height, width, 3]` grey levels, in place."""
    height, width, _ = pixels.shape
    (rows, columns), share = cover(found, width, height)
    paint = np.array(found.rgb, np.float32)
    if found.shading:
        fall = np.linspace(1, 1 - found.shading, height, dtype=np.float32)
        paint = paint * fall[rows, None, None]
    under = pixels[rows, columns]
    under += (paint - under) * (share * opacity)[..., None]


def photograph(
    pixels: np.ndarray, rng: np.random.Generator, noise: float, quality: int | None
) -> Image.Image:
    """The picture of grey levels, with noise, and compressed as JPEG if a quality is given."""
    if noise:
        pixels = pixels + rng.standard_normal(pixels.shape, np.float32) * noise
    image = Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
    if quality is None:
        return image
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def box(scene: Scene, width: int | None = None, height: int | None = None) -> np.ndarray:
    """Centre x, centre y and radius after the picture is letterboxed to a square of side 1."""
    width, height = width or scene.resolution[0], height or scene.resolution[1]
    longer = max(width, height)
    across = 0.5 + (scene.centre[0] - 0.5) * width / longer
    down = 0.5 + (scene.centre[1] - 0.5) * height / longer
    return np.array([across, down, scene.radius * min(width, height) / longer], np.float32)


def _around(points: int) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([np.sin(turn), -np.cos(turn)], 1)


def _boxed(points: np.ndarray) -> np.ndarray:
    low, high = points.min(0), points.max(0)
    return (points - (low + high) / 2) / ((high - low).max() / 2)


def rotation(shape: str, rng: np.random.Generator) -> float:
    """Degrees by which a shape may be turned and still be called by its name."""
    limit = {"diamond": 6.0, "square": 10.0, "heart": 15.0}.get(shape, 15.0)
    tilt = float(rng.uniform(-limit, limit))
    if shape == "cross" and rng.random() < 0.15:
        return 45 + tilt / 2
    if shape in ("triangle", "star") and rng.random() < 0.2:
        return float(rng.uniform(0, 360))
    return tilt


def frame(rng: np.random.Generator) -> tuple[int, int]:
    """Width and height of a picture, pixels; most are square."""
    if rng.random() < 0.6:
        return 96, 96
    side, aspect = rng.integers(72, 200), rng.uniform(1.0, 1.5)
    longer, shorter = round(side * aspect**0.5), round(side / aspect**0.5)
    return (longer, shorter) if rng.random() < 0.6 else (shorter, longer)


def _pick(rng: np.random.Generator, options, weights=None) -> str:
    if weights is None:
        return options[int(rng.integers(len(options)))]
    return options[int(rng.choice(len(options), p=weights))]
