"""Formats that are tables of numbers: OBJ, OFF, rows of coordinates, NPY and STL."""

from __future__ import annotations

import io

import numpy as np

from omni.values import Cloud

from . import formats
from .scenes import cloud_of, read_scene

_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read_off(data: bytes) -> Cloud:
    """Read OFF and COFF; trimesh drops the colours of the points."""
    words = [line for line in (row.split(b"#")[0].split() for row in data.splitlines()) if line]
    kind = words[0][0].removesuffix(b"OFF")
    counts, start = (words[0][1:], 1) if words[0][1:] else (words[1], 2)
    points, faces = int(counts[0]), int(counts[1])
    if len(words) < start + points + faces:
        raise ValueError(
            f"its header declares {points:,} points and {faces:,} faces, but "
            f"{len(words) - start:,} lines follow"
        )
    rows = words[start : start + points]
    xyz = np.array([row[:3] for row in rows], dtype=np.float64).reshape(-1, 3)
    rgb = None
    if b"C" in kind:
        skip = 6 if b"N" in kind else 3
        rgb = _as_bytes(np.array([row[skip : skip + 3] for row in rows], dtype=np.float64))
    polygons = [_polygon(row) for row in words[start + points : start + points + faces]]
    return cloud_of(xyz, rgb, _fans(polygons))


def _polygon(words: list[bytes]) -> list[int]:
    """The corners of a face that is given as their number and then each."""
    count = int(words[0])
    corners = [int(word) for word in words[1 : 1 + count]]
    if len(corners) != count:
        raise ValueError(f"a face of {count} corners has {len(corners)}")
    return corners


def _fans(polygons: list[list[int]]) -> np.ndarray:
    """Triangles of polygons."""
    triangles = [
        (corners[0], corners[index], corners[index + 1])
        for corners in polygons
        for index in range(1, len(corners) - 1)
    ]
    return np.array(triangles, dtype=np.int64).reshape(-1, 3)


def read_obj(data: bytes) -> Cloud:
    """Read OBJ; trimesh takes indices that count backwards for wrong ones."""
    points: list[list[bytes]] = []
    faces: list[list[int]] = []
    for line in data.replace(b"\\\n", b" ").replace(b"\\\r\n", b" ").splitlines():
        words = line.split()
        if words and words[0] == b"v":
            points.append(words[1:7])
        elif words and words[0] == b"f":
            corners = (int(word.partition(b"/")[0]) for word in words[1:])
            faces.append([at - 1 if at > 0 else len(points) + at for at in corners])
    xyz = np.array([row[:3] for row in points], dtype=np.float64).reshape(-1, 3)
    rgb = None
    if points and all(len(row) == 6 for row in points):
        rgb = _as_bytes(np.array([row[3:] for row in points], dtype=np.float64))
    return cloud_of(xyz, rgb, _fans(faces))


def read_columns(data: bytes) -> Cloud:
    """Read rows of x y z, then maybe an intensity, then maybe red green blue."""
    lines = data.decode("latin-1").splitlines()
    heading = 0
    while heading < len(lines) and not _is_row(lines[heading]):
        heading += 1
    lines = lines[heading:]
    if not lines:
        raise ValueError("no line of it begins with three numbers")
    for mark in ",;":
        if mark in lines[0]:
            lines = [line.replace(mark, " ") for line in lines]
    table = np.loadtxt(lines, comments=["#", "//"], ndmin=2, dtype=np.float64)
    colours = table[:, 4:7] if table.shape[1] == 7 else table[:, 3:6]
    return cloud_of(table[:, :3], _colours_of(colours), None)


def _is_row(line: str) -> bool:
    try:
        return len([float(word) for word in formats.columns(line)]) >= 3
    except ValueError:
        return False


def read_npy(data: bytes) -> Cloud:
    """Read an array of three columns, or of six with red, green and blue."""
    table = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return cloud_of(table[:, :3], _colours_of(table[:, 3:6]), None)


def _colours_of(table: np.ndarray) -> np.ndarray | None:
    """Bytes of red, green and blue; `None` where the columns cannot be colours, but normals."""
    if table.shape[1] != 3 or not len(table):
        return None
    if not np.isfinite(table).all() or table.min() < 0 or table.max() > 255:
        return None
    return _as_bytes(table)


def _as_bytes(table: np.ndarray) -> np.ndarray:
    scale = 255.0 if table.size and table.max() <= 1 else 1.0
    return np.clip(np.rint(table * scale), 0, 255).astype(np.uint8)


def read_stl(data: bytes) -> Cloud:
    """Read binary or ASCII STL; corners of equal place become one point."""
    if not formats.is_binary_stl(data):
        return _merge(read_scene(data, "stl"))
    facets = np.frombuffer(data, _FACET, offset=formats.STL_HEADER_BYTES)
    corners = facets["corners"].reshape(-1, 3)
    return _merge(cloud_of(corners, _facet_colours(data, facets), np.arange(len(corners))))


def _facet_colours(data: bytes, facets: np.ndarray) -> np.ndarray | None:
    """Colours in the spare bytes of each facet, five bits each, marked by the highest bit."""
    words = facets["attribute"].astype(np.int64)
    if b"COLOR=" in data[:80] or not len(words) or not (words >> 15).all():
        return None
    levels = np.stack([words >> 10 & 31, words >> 5 & 31, words & 31], axis=1)
    return np.repeat(np.rint(levels * (255 / 31)).astype(np.uint8), 3, axis=0)


def _merge(cloud: Cloud) -> Cloud:
    """Join points of equal place and colour."""
    if cloud.faces is None:
        return cloud
    rows = (cloud.xyz + np.float32(0)).view(np.uint32)  # Adding 0 makes -0 equal to 0.
    if cloud.rgb is not None:
        rows = np.concatenate([rows, cloud.rgb.astype(np.uint32)], axis=1)
    keys = np.ascontiguousarray(rows).view([("", rows.dtype)] * rows.shape[1]).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rgb = None if cloud.rgb is None else cloud.rgb[first]
    return Cloud(cloud.xyz[first], rgb, inverse.reshape(-1)[cloud.faces], cloud.units)
