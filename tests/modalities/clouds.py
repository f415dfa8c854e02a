"""Clouds and meshes for the tests of points: from trimesh, and read from bytes."""

from typing import Any

import numpy as np
import trimesh

from omni.modality import media_from_bytes, modality
from omni.values import Cloud

POINTS = modality("points")


def cloud_of(mesh: trimesh.Trimesh) -> Cloud:
    return Cloud(mesh.vertices.astype(np.float32), None, np.asarray(mesh.faces, np.int64))


def exported(shape: Any, kind: str) -> bytes:
    """What trimesh writes."""
    data = shape.export(file_type=kind)
    return data if isinstance(data, bytes) else data.encode()


def load(data: bytes | str, name: str) -> Cloud:
    media = media_from_bytes(data.encode() if isinstance(data, str) else data, name)
    assert media.modality == "points"
    return POINTS.load(media)
