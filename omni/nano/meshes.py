"""Solids that another library builds, as a test of what was learned from our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from omni.nano.corpus import Seen
from omni.nano.world import scene, solid
from omni.values import Cloud


def _kinds() -> Mapping[str, Callable[[float], Any]]:
    """Solid → how trimesh builds one about as high as wide, of a form in 0…1."""
    from trimesh import creation

    return {
        "sphere": lambda form: creation.icosphere(subdivisions=2 + round(form)),
        "cube": lambda form: creation.box(extents=(2, 2, 2)),
        "cone": lambda form: creation.cone(1, 1.9 + 0.2 * form, sections=24 + round(16 * form)),
        "cylinder": lambda form: creation.cylinder(1, 1.9 + 0.2 * form),
        "pyramid": lambda form: creation.cone(2**0.5, 1.9 + 0.2 * form, sections=4),
        "torus": lambda form: creation.torus(1, 0.24 + 0.16 * form),
    }


def mesh(rng: np.random.Generator) -> Seen:
    """A mesh from `trimesh.creation` in a colour of the world, turned and scaled at random."""
    kinds = _kinds()
    kind = tuple(kinds)[rng.integers(len(kinds))]
    colour = scene.COLOURS[rng.integers(len(scene.COLOURS))]
    built = kinds[kind](float(rng.random()))
    xyz = (built.vertices - built.vertices.mean(0)) @ solid.rotation(rng)
    xyz = xyz * rng.uniform(0.5, 2) / np.linalg.norm(xyz, axis=1).max()
    rgb = np.tile(np.array(scene.shade(colour, rng), np.uint8), (len(xyz), 1))
    cloud = Cloud(xyz.astype(np.float32), rgb, np.asarray(built.faces))
    return Seen(cloud, {"colour": colour, "solid": kind})
