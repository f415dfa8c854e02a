"""Solids as points or meshes: pose, proportions, colour, noise, and what a scanner misses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from omni.nano.world import scene, words
from omni.values import Cloud

RADII = {"small": (0.05, 0.5), "large": (2.0, 20.0)}
"""Size → range of the radius around the middle of the solid, in its own units."""

STRETCHES = {"flat": (0.34, 0.55), "even": (0.9, 1.1), "tall": (1.8, 2.6)}
"""Proportion → range of the factor by which the height along the solid's axis is stretched.

Unstretched, each solid is about as high as it is wide (a torus: has a round tube).
"""

ACROSS = (0.93, 1.07)
"""Range of the other two factors: a tube is never quite round."""

MISSING = (0.08, 0.2)
"""Range of the share that a scanner does not see: what is tall must not look even."""

POINTS = (700, 2500)
SEGMENTS = 32


@dataclass(frozen=True, slots=True)
class Solid:
    """One solid; everything that its points depend on.

    Attributes:
        solid: from `words.SOLIDS`.
        colour: from `words.COLOURS`.
        size: `small` or `large`, which follows from `radius`.
        proportion: from `words.PROPORTIONS`, which follows from the third of `stretch`.
        radius: of the sphere around its middle.
        rgb: the colour it has.
        form: 0…1, what else may differ between two solids of a kind, such as how thick a torus is.
        stretch: factors along its own three axes, the third of which is its height.
        rotation: 3×3 matrix, row by row.
        points: how many.
        noise: standard deviation of each coordinate, as a share of the radius.
        outliers: share of points that lie anywhere around it.
        missing: share of points, all on one side, that a scanner has not seen.
        mesh: whether it is a mesh rather than points.
        seed: of the points.
    """

    solid: str
    colour: str
    size: str
    proportion: str
    radius: float
    rgb: tuple[int, int, int]
    form: float
    stretch: tuple[float, float, float]
    rotation: tuple[float, ...]
    points: int
    noise: float
    outliers: float
    missing: float
    mesh: bool
    seed: int


def sample(seed: int | np.random.Generator, *, held_out: bool | None = False) -> Solid:
    """A solid of the world, the same for the same seed.

    Args:
        seed: of everything that is chosen.
        held_out: whether its colour and solid are a pair of `words.HELD_OUT_SOLIDS`; `None` is
            either.
    """
    rng = np.random.default_rng(seed)
    colour, kind = _pair(rng, held_out)
    size = words.SIZES[int(rng.integers(2))]
    low, high = np.log(RADII[size])
    mesh = bool(rng.random() < 0.25)
    messy = not mesh and rng.random() < 0.5
    proportion = words.PROPORTIONS[int(rng.integers(len(words.PROPORTIONS)))]
    wide, deep = rng.uniform(*ACROSS, 2).tolist()
    return Solid(
        solid=kind,
        colour=colour,
        size=size,
        proportion=proportion,
        radius=float(np.exp(rng.uniform(low, high))),
        rgb=scene.shade(colour, rng),
        form=float(rng.random()),
        stretch=(wide, deep, float(rng.uniform(*STRETCHES[proportion]))),
        rotation=tuple(rotation(rng).ravel().tolist()),
        points=int(rng.integers(*POINTS)),
        noise=float(rng.uniform(0, 0.025)) if messy else 0.0,
        outliers=float(rng.uniform(0, 0.02)) if messy else 0.0,
        missing=float(rng.uniform(*MISSING)) if messy and rng.random() < 0.6 else 0.0,
        mesh=mesh,
        seed=int(rng.integers(2**31)),
    )


def describe(found: Solid) -> dict[str, str]:
    """What is true of it, in words."""
    return {name: getattr(found, name) for name in ("colour", "solid", "size", "proportion")}


def build(found: Solid) -> Cloud:
    """The points, or the mesh, of a solid."""
    rng = np.random.default_rng(found.seed)
    vertices, faces = surface(found.solid, found.form)
    vertices = vertices * found.stretch @ np.array(found.rotation).reshape(3, 3)
    vertices = vertices * (found.radius / np.linalg.norm(vertices, axis=1).max())
    if found.mesh:
        rgb = np.tile(np.array(found.rgb, np.uint8), (len(vertices), 1))
        return Cloud(vertices.astype(np.float32), rgb, faces)
    xyz = scatter(vertices, faces, found.points, rng)
    if found.missing:
        depth = xyz @ rotation(rng)[0]
        xyz = xyz[depth > np.quantile(depth, found.missing)]
    xyz = xyz + rng.normal(0, 1, xyz.shape) * found.noise * found.radius
    astray = rng.random(len(xyz)) < found.outliers
    xyz[astray] = rng.uniform(-0.8, 0.8, (int(astray.sum()), 3)) * found.radius
    shaded = np.array(found.rgb) * rng.uniform(0.92, 1.0, (len(xyz), 1))
    return Cloud(xyz.astype(np.float32), np.clip(shaded, 0, 255).astype(np.uint8))


def surface(solid: str, form: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Vertices `[n, 3]` around the origin, z upwards, and triangles of a closed solid."""
    height = 0.93 + 0.14 * form
    profiles = {
        "cone": [(0, -height), (1, -height), (0, height)],
        "pyramid": [(0, -height), (2**0.5, -height), (0, height)],
        "cylinder": [(0, -height), (1, -height), (1, height), (0, height)],
        "cube": [(0, -1), (2**0.5, -1), (2**0.5, 1), (0, 1)],
    }
    if solid in profiles:
        around = 4 if solid in ("cube", "pyramid") else SEGMENTS
        return revolve(np.array(profiles[solid], float), around)
    turn = np.linspace(-np.pi / 2, np.pi / 2, SEGMENTS // 2 + 1)
    if solid == "sphere":
        return revolve(np.stack([np.cos(turn), np.sin(turn)], 1), SEGMENTS)
    if solid == "torus":
        tube = 0.22 + 0.2 * form
        whole = np.linspace(0, 2 * np.pi, SEGMENTS // 2 + 1)
        return revolve(np.stack([1 + tube * np.cos(whole), tube * np.sin(whole)], 1), SEGMENTS)
    raise ValueError(f"{solid!r} is no solid of the world: {', '.join(words.SOLIDS)}")


def revolve(profile: np.ndarray, around: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn a profile of (distance from the axis, height) around the z axis."""
    turn = np.arange(around) * 2 * np.pi / around
    ring = np.stack([np.cos(turn), np.sin(turn)], 1)
    flat = profile[:, None, :1] * ring[None]
    tall = np.broadcast_to(profile[:, None, 1:], (*flat.shape[:2], 1))
    vertices = np.concatenate([flat, tall], -1).reshape(-1, 3)
    row, column = np.mgrid[: len(profile) - 1, :around]
    here, beside = row * around + column, row * around + (column + 1) % around
    low = np.stack([here, beside, here + around], -1).reshape(-1, 3)
    high = np.stack([beside, beside + around, here + around], -1).reshape(-1, 3)
    faces = np.concatenate([low, high])
    corners = vertices[faces]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    return vertices, faces[area > 1e-9]


def scatter(
    vertices: np.ndarray, faces: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """So many points on the triangles, by area, each anywhere on its own."""
    corners = vertices[faces]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    chosen = corners[np.searchsorted(np.cumsum(area), rng.random(count) * area.sum() * (1 - 1e-12))]
    first, second = rng.random((2, count, 1))
    root = np.sqrt(first)
    return (
        (1 - root) * chosen[:, 0]
        + root * (1 - second) * chosen[:, 1]
        + root * second * chosen[:, 2]
    )


def rotation(rng: np.random.Generator) -> np.ndarray:
    """A rotation, each as likely as any other."""
    found, triangle = np.linalg.qr(rng.normal(size=(3, 3)))
    found = found * np.sign(np.diag(triangle))
    return found if np.linalg.det(found) > 0 else -found


def _pair(rng: np.random.Generator, held_out: bool | None) -> tuple[str, str]:
    """A colour and a kind of solid."""
    while True:
        colour = scene.COLOURS[int(rng.integers(len(scene.COLOURS)))]
        kind = words.SOLIDS[int(rng.integers(len(words.SOLIDS)))]
        if held_out is None or held_out == ((colour, kind) in words.HELD_OUT_SOLIDS):
            return colour, kind
