"""Formats that trimesh reads, joined into one cloud in the scene's own coordinates."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.values import Cloud

if TYPE_CHECKING:
    import trimesh

MAX_TEXTURE_PIXELS = 32_000_000
_GREY = 128
_OPTIONS: dict[str, dict[str, Any]] = {"ply": {"skip_materials": True}}


def cloud_of(xyz: np.ndarray, rgb: np.ndarray | None, faces: np.ndarray | None) -> Cloud:
    """A cloud with the types that it promises; no faces at all are `None`."""
    with np.errstate(over="ignore"):
        xyz = np.ascontiguousarray(xyz, dtype=np.float32).reshape(-1, 3)
    if faces is not None:
        faces = np.ascontiguousarray(faces, dtype=np.int64).reshape(-1, 3) if len(faces) else None
    return Cloud(xyz, rgb, faces)


def read_scene(data: bytes, kind: str) -> Cloud:
    """Read a format by trimesh's name for it; without a resolver it opens no other file."""
    import trimesh

    scene = trimesh.load_scene(
        io.BytesIO(data), file_type=kind, resolver=None, process=False, **_OPTIONS.get(kind, {})
    )
    pieces = list(_pieces(scene))
    if not pieces:
        return cloud_of(np.empty((0, 3)), None, None)
    starts = np.cumsum([0, *(len(piece.xyz) for piece in pieces)])
    faces = [
        piece.faces + start
        for piece, start in zip(pieces, starts, strict=False)
        if piece.faces is not None
    ]
    return cloud_of(
        np.concatenate([piece.xyz for piece in pieces]),
        _join_colours(pieces),
        np.concatenate(faces) if faces else None,
    )


def _join_colours(pieces: list[Cloud]) -> np.ndarray | None:
    """Colours of all pieces, mid-grey for those without, or `None` if none has any."""
    if all(piece.rgb is None for piece in pieces):
        return None
    return np.concatenate(
        [
            np.full((len(piece.xyz), 3), _GREY, np.uint8) if piece.rgb is None else piece.rgb
            for piece in pieces
        ]
    )


def _pieces(scene: trimesh.Scene) -> Iterator[Cloud]:
    """A cloud for each node of the scene, its transform applied."""
    import trimesh

    for node in scene.graph.nodes_geometry:
        transform, key = scene.graph[node]
        shape = scene.geometry[key]
        if isinstance(shape, trimesh.PointCloud | trimesh.Trimesh):
            xyz = np.asarray(shape.vertices, dtype=np.float64)
            xyz = trimesh.transform_points(xyz, transform)
            if isinstance(shape, trimesh.PointCloud):
                yield cloud_of(xyz, _bytes(shape.colors, len(xyz)), None)
            else:
                mirrored = np.linalg.det(transform[:3, :3]) < 0
                yield _mesh(shape, xyz, mirrored)


def _mesh(shape: trimesh.Trimesh, xyz: np.ndarray, mirrored: bool) -> Cloud:
    faces = np.asarray(shape.faces, dtype=np.int64)
    if mirrored:
        faces = faces[:, ::-1]
    if len(faces) and (faces.min() < 0 or faces.max() >= len(xyz)):
        raise ValueError(f"a face names a point that is not among its {len(xyz):,} points")
    visual: Any = shape.visual
    if visual.defined and visual.kind == "face":
        # A colour for each face: give every face three points of its own.
        rgb = _bytes(visual.face_colors, len(faces))
        rgb = None if rgb is None else np.repeat(rgb, 3, axis=0)
        return cloud_of(xyz[faces.ravel()], rgb, np.arange(faces.size))
    return cloud_of(xyz, _vertex_colours(shape), faces)


def _vertex_colours(shape: trimesh.Trimesh) -> np.ndarray | None:
    visual: Any = shape.visual
    material = getattr(visual, "material", None)
    if material is not None:
        image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
        if image is not None and visual.uv is not None:
            if image.width * image.height > MAX_TEXTURE_PIXELS:
                return None
            return _bytes(visual.to_color().vertex_colors, len(shape.vertices))
        if getattr(material, "baseColorFactor", None) is None:
            return None
        return _bytes([material.main_color] * len(shape.vertices), len(shape.vertices))
    return _bytes(visual.vertex_colors, len(shape.vertices)) if visual.defined else None


def _bytes(colours: Any, count: int) -> np.ndarray | None:
    """Red, green and blue as bytes, if there is one colour for each of `count` points."""
    colours = np.asarray(colours)
    if colours.ndim != 2 or len(colours) != count or not count:
        return None
    return np.ascontiguousarray(colours[:, :3], dtype=np.uint8)
