"""An object that moves, grows, shrinks or stays: a short film of a scene."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from omni.nano.world import scene, words
from omni.values import Clip

FRAMES = 8
TRAVEL = (0.22, 0.6)
"""How far a moving object's centre goes, as a share of the picture."""

GROWTH = (1.5, 2.8)
"""How many times larger a growing object ends."""


@dataclass(frozen=True, slots=True)
class Motion:
    """A scene, and where its object is in each frame.

    Attributes:
        scene: the object and its background; its `size` and `place` are those of the first frame
            drawn and mean nothing here.
        motion: from `words.MOTIONS`.
        centres: x and y for each frame, as in a scene.
        radii: for each frame, as in a scene.
        seconds: length of the film.
        noise: standard deviation of noise that differs from frame to frame, in grey levels.
    """

    scene: scene.Scene
    motion: str
    centres: tuple[tuple[float, float], ...]
    radii: tuple[float, ...]
    seconds: float
    noise: float = 0.0


def sample(
    seed: int | np.random.Generator, *, held_out: bool | None = False, frames: int = FRAMES
) -> Motion:
    """A film of the world, the same for the same seed; see `scene.sample` for `held_out`."""
    rng = np.random.default_rng(seed)
    found = scene.sample(rng, held_out=held_out)
    motion = words.MOTIONS[int(rng.integers(len(words.MOTIONS)))]
    progress = _pace(frames, rng)
    if motion in ("growing", "shrinking"):
        first = float(rng.uniform(0.09, 0.17))
        last = min(first * float(rng.uniform(*GROWTH)), 0.4)
        radii = first * (last / first) ** progress
        radii = radii[::-1] if motion == "shrinking" else radii
        centres = np.full((frames, 2), 0.5) + rng.uniform(-0.08, 0.08, 2)
    else:
        radii = np.full(frames, rng.uniform(0.1, 0.24))
        centres = _path(motion, float(radii[0]), progress, rng)
    return Motion(
        scene=replace(found, noise=0.0),
        motion=motion,
        centres=tuple((float(x), float(y)) for x, y in centres),
        radii=tuple(float(radius) for radius in radii),
        seconds=float(rng.uniform(0.8, 4.0)),
        noise=found.noise / 2,
    )


def render(film: Motion, width: int | None = None, height: int | None = None) -> Clip:
    """The frames of a film, at its scene's resolution or at the one given."""
    rng = np.random.default_rng(film.scene.seed)
    frames = []
    for centre, radius in zip(film.centres, film.radii, strict=True):
        moved = replace(film.scene, centre=centre, radius=radius)
        pixels = np.asarray(scene.draw(moved, width, height))
        if film.noise:
            noisy = pixels + rng.standard_normal(pixels.shape, np.float32) * film.noise
            pixels = np.clip(noisy, 0, 255).astype(np.uint8)
        frames.append(pixels)
    count = len(frames)
    times = np.arange(count) * (film.seconds / count)
    return Clip(np.stack(frames), times, film.seconds, count / film.seconds)


def _pace(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Progress 0…1 over the frames: steady, speeding up or slowing down."""
    steady = np.linspace(0, 1, frames)
    return steady ** float(rng.choice([1.0, 1.0, 0.7, 1.5]))


def _path(motion: str, radius: float, progress: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if motion == "still":
        return np.tile(rng.uniform(0.25, 0.75, 2), (len(progress), 1))
    travel = float(rng.uniform(*TRAVEL))
    margin = min(radius, 0.2)
    start = float(rng.uniform(margin, 1 - margin - travel))
    along = start + travel * progress
    across = rng.uniform(0.3, 0.7) + rng.uniform(-0.15, 0.15) * travel * progress
    if motion in ("left", "up"):
        along = 1 - along
    pair = (along, across) if motion in ("left", "right") else (across, along)
    return np.stack(np.broadcast_arrays(*pair), 1)
