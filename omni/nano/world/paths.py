"""Ways that things go in a film: where each is, how large, how turned, how visible.

Positions are shares of the picture's width and height, radii shares of its shorter side, and F is
the number of frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TRAVEL = (0.22, 0.6)
"""How far a moving thing's centre goes."""

RADIUS = (0.09, 0.24)
"""Of a thing whose size stays what it is."""

GROWTH = (1.5, 2.8)
"""How many times larger a growing thing ends."""

SYMMETRY = {"square": 90.0, "cross": 90.0, "star": 72.0, "triangle": 120.0, "diamond": 180.0}
"""Degrees after which a turned shape looks as before; others need a full turn."""

UNTURNED = ("circle", "ring")
"""Shapes of which nobody sees that they turn."""

STEP = 0.4
"""What part of its symmetry a shape may turn between two of the frames that are looked at."""

LOOKED_AT = 8
"""Frames that are looked at, however many a film has."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pose:
    """A thing in one frame; `turn` is in degrees and `shown` is its opacity, 0…1."""

    centre: Point
    radius: float
    turn: float = 0.0
    shown: float = 1.0


Path = tuple[Pose, ...]
"""One thing's pose in each frame."""


def pace(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Progress 0…1 over F frames: steady, speeding up or slowing down, or with a pause."""
    steady = np.linspace(0, 1, frames)
    if rng.random() < 0.3:
        length = float(rng.uniform(0.12, 0.3))
        start = float(rng.uniform(0, 1 - length))
        steady = np.interp(
            steady, [0, start, start + length, 1], [0, *[start / (1 - length)] * 2, 1]
        )
    return steady ** float(rng.choice([1.0, 1.0, 0.7, 1.5]))


def straight(motion: str, progress: np.ndarray, rng: np.random.Generator) -> Path:
    """Across the picture: left, right, up or down, a little aslant."""
    radius, travel = float(rng.uniform(*RADIUS)), float(rng.uniform(*TRAVEL))
    margin = min(radius, 0.2)
    along = float(rng.uniform(margin, 1 - margin - travel)) + travel * progress
    across = rng.uniform(0.3, 0.7) + rng.uniform(-0.15, 0.15) * travel * progress
    if motion in ("left", "up"):
        along = 1 - along
    pair = (along, across) if motion in ("left", "right") else (across, along)
    return _poses(np.stack(pair, 1), radius)


def swelling(motion: str, progress: np.ndarray, rng: np.random.Generator) -> Path:
    """Growing or shrinking near the middle."""
    first = float(rng.uniform(0.09, 0.17))
    last = min(first * float(rng.uniform(*GROWTH)), 0.4)
    radii = first * (last / first) ** progress
    centre = 0.5 + rng.uniform(-0.08, 0.08, 2)
    return _poses(centre, radii[::-1] if motion == "shrinking" else radii)


def resting(progress: np.ndarray, rng: np.random.Generator) -> Path:
    """Where it is."""
    return _poses(rng.uniform(0.25, 0.75, 2), np.full(len(progress), rng.uniform(*RADIUS)))


def turning(shape: str, progress: np.ndarray, rng: np.random.Generator) -> Path:
    """On the spot, so far and so fast that it is seen in the frames that are looked at."""
    most = min(STEP * SYMMETRY.get(shape, 360.0) * (LOOKED_AT - 1), 420.0)
    degrees = float(rng.uniform(0.4, 1.0)) * most * float(rng.choice((-1, 1)))
    radius = np.full(len(progress), rng.uniform(0.11, 0.24))
    return _poses(rng.uniform(0.32, 0.68, 2), radius, degrees * progress)


def appearing(progress: np.ndarray, rng: np.random.Generator) -> Path:
    """Not there at first, fully there at last; it fades in or is there all at once."""
    time = np.linspace(0, 1, len(progress))
    start = float(rng.uniform(0.1, 0.65))
    length = 0.0 if rng.random() < 0.35 else float(rng.uniform(0.1, 0.95 - start))
    shown = (time > start) * 1.0 if not length else np.clip((time - start) / length, 0, 1)
    radius = np.full(len(progress), rng.uniform(*RADIUS))
    return _poses(rng.uniform(0.25, 0.75, 2), radius, shown=shown)


def bouncing(
    progress: np.ndarray, sides: np.ndarray, rng: np.random.Generator
) -> tuple[Path, tuple[Point, Point] | None]:
    """Against the border or a wall, and back; with the ends of that wall.

    Args:
        sides: the picture's width and height in units of its shorter side.
    """
    axis, mirrored = int(rng.integers(2)), rng.random() < 0.5
    radius = float(rng.uniform(0.09, 0.2))
    reach = radius / float(sides[axis])
    walled = rng.random() < 0.5
    turn = float(rng.uniform(0.55, 0.8)) if walled else 1 - reach * float(rng.uniform(0.8, 1.0))
    room = turn - min(reach, 0.2)
    away = float(rng.uniform(0.28, max(0.29, min(room, TRAVEL[1]))))
    back = min(away * float(rng.uniform(0.65, 1.15)), room)
    gone = progress * (away + back)
    along = turn - np.abs(away - gone)
    start, drift = rng.uniform(0.35, 0.65), rng.uniform(-0.25, 0.25)
    across = start + drift * gone / (away + back)
    wall = None
    if walled:
        place, middle = turn + reach, start + drift * away / (away + back)
        half = float(rng.uniform(0.12, 0.5))
        place = 1 - place if mirrored else place
        low, high = max(0.0, middle - half), min(1.0, middle + half)
        wall = ((place, low), (place, high)) if axis == 0 else ((low, place), (high, place))
    along = 1 - along if mirrored else along
    pair = (along, across) if axis == 0 else (across, along)
    return _poses(np.stack(pair, 1), radius), wall


def colliding(
    progress: np.ndarray, sides: np.ndarray, rng: np.random.Generator
) -> tuple[Path, Path]:
    """Two that approach one another, meet and fly apart, each to the side it came from.

    The first comes from the left, or from above where they meet vertically; so it does when the
    film is played backwards.
    """
    axis = int(rng.integers(2))
    radii = rng.uniform(0.09, 0.16, 2)
    touch = radii * float(rng.uniform(0.85, 1.0))
    spot = sides / 2 + rng.uniform(-0.08, 0.08, 2)
    instant = float(rng.uniform(0.38, 0.62))
    paths = []
    tilt = float(rng.uniform(-20, 20))
    for index, sign in enumerate((-1.0, 1.0)):
        meets = spot + sign * touch[index] * _direction(axis, tilt)
        room = float((sides[axis] / 2 - abs(meets[axis] - sides[axis] / 2)) - 0.06)
        before = min(float(rng.uniform(0.16, 0.36)), room)
        after = min(before * float(rng.uniform(0.6, 1.1)), room)
        bent = tilt + float(rng.uniform(-15, 15))
        come = meets + sign * before * _direction(axis, tilt)
        gone = meets + sign * after * _direction(axis, bent)
        knots = [0.0, instant, 1.0]
        centres = [np.interp(progress, knots, ends) for ends in zip(come, meets, gone, strict=True)]
        paths.append(_poses(np.stack(centres, 1) / sides, float(radii[index])))
    return paths[0], paths[1]


def _direction(axis: int, degrees: float) -> np.ndarray:
    along, across = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array((along, across) if axis == 0 else (across, along))


def _poses(
    centres: np.ndarray,
    radii: np.ndarray | float,
    turns: np.ndarray | float = 0.0,
    shown: np.ndarray | float = 1.0,
) -> Path:
    """Poses of what is given for each frame or once for all."""
    columns = np.broadcast_arrays(centres[..., 0], centres[..., 1], radii, turns, shown)
    rows = np.stack(columns, 1).astype(float).tolist()
    return tuple(Pose((x, y), radius, turn, seen) for x, y, radius, turn, seen in rows)
