"""Points on a cloud or a mesh, drawn by area with a fixed seed."""

from __future__ import annotations

import numpy as np

from omni.values import Cloud


def areas(xyz: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area of each triangle, float64 `[faces]`."""
    corners = xyz[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return 0.5 * np.linalg.norm(normals, axis=1)


def sample(cloud: Cloud, count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray | None]:
    """Exactly `count` points of a cloud and their colours.

    A mesh is sampled uniformly over its surface, with colours interpolated between the corners of
    a face; a mesh without any area, like a bare cloud, gives its own points: each at least
    `count // points` times, the rest chosen at random.

    Returns:
        xyz float32 `[count, 3]`, and rgb float32 `[count, 3]` in 0…255 or `None`.
    """
    rng = np.random.default_rng(seed)
    if cloud.faces is not None and len(cloud.faces):
        weights = areas(cloud.xyz, cloud.faces)
        if weights.sum() > 0:
            return _surface(cloud, cloud.faces, weights, count, rng)
    chosen = _choose(len(cloud.xyz), count, rng)
    rgb = None if cloud.rgb is None else cloud.rgb[chosen].astype(np.float32)
    return cloud.xyz[chosen].astype(np.float32), rgb


def _surface(
    cloud: Cloud, faces: np.ndarray, weights: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    edges = np.cumsum(weights)
    # One draw in each of `count` equal shares of the area: as uniform, with less clumping. They are
    # shuffled, so that the order of the points says nothing of the order of the faces.
    draws = (rng.permutation(count) + rng.random(count)) * (edges[-1] / count)
    chosen = np.minimum(np.searchsorted(edges, draws, side="right"), len(edges) - 1)
    first, second = rng.random((2, count, 1))
    root = np.sqrt(first)
    corners = np.concatenate([1 - root, root * (1 - second), root * second], axis=1)
    picked = faces[chosen]
    xyz = np.einsum("nk,nkd->nd", corners, cloud.xyz[picked].astype(np.float64))
    rgb = None
    if cloud.rgb is not None:
        rgb = np.einsum("nk,nkd->nd", corners, cloud.rgb[picked].astype(np.float64))
        rgb = rgb.astype(np.float32)
    return xyz.astype(np.float32), rgb


def _choose(points: int, count: int, rng: np.random.Generator) -> np.ndarray:
    whole, rest = divmod(count, points)
    chosen = np.concatenate([*[np.arange(points)] * whole, rng.choice(points, rest, replace=False)])
    return rng.permutation(chosen)
