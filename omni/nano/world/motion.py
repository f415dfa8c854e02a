"""Things that move, turn, appear or meet: a short film of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import ImageDraw

from omni.nano.world import group, paths, scene, words
from omni.nano.world.paths import Path, Point, Pose
from omni.values import Clip

FRAMES = (8, 32)
"""Least and most frames of a film."""

COLLISIONS = 0.16
"""Share of films in which two things collide: there is twice as much to learn from them."""

SHAKEN = 0.25
"""Share of films that are taken with an unsteady hand."""


@dataclass(frozen=True, slots=True)
class Motion:
    """A scene, and where its things are in each frame.

    Attributes:
        group: the things and what is behind them; where they are in it means nothing here.
        motion: from `words.MOTIONS`.
        paths: of each thing, as many poses as there are frames.
        seconds: length of the film.
        shake: by how much each frame is displaced, shares of the shorter side; or empty.
        wall: ends of a line that something bounces off.
    """

    group: group.Group
    motion: str
    paths: tuple[Path, ...]
    seconds: float
    shake: tuple[Point, ...] = ()
    wall: tuple[Point, Point] | None = None

    @property
    def frames(self) -> int:
        return len(self.paths[0])


def sample(
    seed: int | np.random.Generator,
    *,
    held_out: bool | None = False,
    frames: int | None = None,
    motion: str | None = None,
) -> Motion:
    """A film of the world, the same for the same seed; see `scene.sample` for `held_out`."""
    rng = np.random.default_rng(seed)
    motion = motion or _motion(rng)
    frames = frames or int(rng.integers(FRAMES[0], FRAMES[1] + 1))
    found = _cast(motion, held_out, rng)
    progress = paths.pace(frames, rng)
    sides = np.array(found.resolution) / min(found.resolution)
    wall = None
    if motion == "colliding":
        ways = paths.colliding(progress, sides, rng)
    elif motion == "bouncing":
        way, wall = paths.bouncing(progress, sides, rng)
        ways = (way,)
    else:
        ways = (_alone(motion, found.things[0].shape, progress, rng),)
    shake = rng.normal(0, rng.uniform(0.003, 0.01), (frames, 2)).clip(-0.02, 0.02)
    return Motion(
        group=replace(found, noise=found.noise / 2),
        motion=motion,
        paths=ways,
        seconds=float(rng.uniform(0.8, 4.0)),
        shake=tuple(map(tuple, shake.tolist())) if rng.random() < SHAKEN else (),
        wall=wall,
    )


def describe(film: Motion) -> dict[str, Any]:
    """What happens in a film and to what: the labels that `corpus` speaks of."""
    first = film.group.things[0]
    labels: dict[str, Any] = {"colour": first.colour, "shape": first.shape, "motion": film.motion}
    if film.motion == "colliding":
        second = film.group.things[1]
        labels["other"] = {"colour": second.colour, "shape": second.shape}
    return labels


def render(
    film: Motion,
    width: int | None = None,
    height: int | None = None,
    *,
    chosen: Sequence[int] | None = None,
) -> Clip:
    """The frames of a film, at its scene's resolution or at the one given.

    Args:
        chosen: indices of the only frames to be drawn; all are, where it is not given.
    """
    width, height = width or film.group.resolution[0], height or film.group.resolution[1]
    pad = round(0.02 * min(width, height)) if film.shake else 0
    behind = _behind(film, width, height, pad)
    rng = np.random.default_rng((film.group.seed, 1))
    frames = []
    for index in range(film.frames) if chosen is None else chosen:
        right, down = np.multiply(film.shake[index], min(width, height)) if film.shake else (0, 0)
        left, top = pad - round(float(right)), pad - round(float(down))
        pixels = behind[top : top + height, left : left + width].copy()
        for thing, way in zip(film.group.things, film.paths, strict=True):
            pose = way[index]
            if pose.shown:
                x, y = pose.centre[0] + (pad - left) / width, pose.centre[1] + (pad - top) / height
                posed = _posed(thing, replace(pose, centre=(x, y)), width, height)
                scene.apply(pixels, posed, pose.shown)
        shot = scene.photograph(pixels, rng, film.group.noise, film.group.quality)
        frames.append(np.asarray(shot))
    times = np.arange(film.frames) * (film.seconds / film.frames)
    times = times if chosen is None else times[list(chosen)]
    return Clip(np.stack(frames), times, film.seconds, film.frames / film.seconds)


def _motion(rng: np.random.Generator) -> str:
    if rng.random() < COLLISIONS:
        return "colliding"
    others = [name for name in words.MOTIONS if name != "colliding"]
    return others[int(rng.integers(len(others)))]


def _cast(motion: str, held_out: bool | None, rng: np.random.Generator) -> group.Group:
    """Things to which this can happen, and what is behind them."""
    while True:
        found = group.sample(rng, count=2 if motion == "colliding" else 1, held_out=held_out)
        named = [(thing.colour, thing.shape) for thing in found.things]
        if motion == "colliding" and (len(named) < 2 or named[0] == named[1]):
            continue
        if motion != "turning" or named[0][1] not in paths.UNTURNED:
            return found


def _alone(motion: str, shape: str, progress: np.ndarray, rng: np.random.Generator) -> Path:
    if motion in ("growing", "shrinking"):
        return paths.swelling(motion, progress, rng)
    if motion == "turning":
        return paths.turning(shape, progress, rng)
    if motion == "appearing":
        return paths.appearing(progress, rng)
    if motion == "still":
        return paths.resting(progress, rng)
    return paths.straight(motion, progress, rng)


def _behind(film: Motion, width: int, height: int, pad: int) -> np.ndarray:
    """What is behind the things, with a margin: float32 `[height + 2 pad, width + 2 pad, 3]`."""
    size = (width + 2 * pad, height + 2 * pad)
    empty = replace(film.group, things=(), noise=0.0, quality=None, resolution=size)
    image = group.draw(empty)
    if film.wall:
        ends = [(x * width + pad, y * height + pad) for x, y in film.wall]
        rng = np.random.default_rng(film.group.seed)
        grey = int(rng.choice((0, 60, 200, 255)))
        thickness = max(1, round(min(width, height) * float(rng.uniform(0.012, 0.03))))
        ImageDraw.Draw(image).line([*ends[0], *ends[1]], fill=(grey,) * 3, width=thickness)
    return np.array(image, np.float32)


def _posed(thing: group.Thing, pose: Pose, width: int, height: int) -> group.Thing:
    """The thing in its pose: it turns about its centre of mass, and its box changes size."""
    there = replace(thing, centre=pose.centre, radius=pose.radius)
    if not pose.turn:
        return there
    turned = replace(there, rotation=thing.rotation + pose.turn)
    (before, size), (after, now) = _box(there), _box(turned)
    shift = (after - before) / size * pose.radius * min(width, height) / (width, height)
    x, y = (np.array(pose.centre) + shift).tolist()
    return replace(turned, centre=(x, y), radius=pose.radius * now / size)


def _box(thing: group.Thing) -> tuple[np.ndarray, float]:
    """Middle of a thing's box, seen from its centre of mass, and half its longer side."""
    outline = scene.turned(thing)[0]
    following = np.roll(outline, -1, 0)
    weight = outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]
    mass = ((outline + following) * weight[:, None]).sum(0) / (3 * weight.sum())
    low, high = outline.min(0), outline.max(0)
    return (low + high) / 2 - mass, float((high - low).max() / 2)
