"""Clouds into files."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from omni.errors import UsageError
from omni.values import Cloud

from . import formats
from .units import METRES


def write(cloud: Cloud, mime: str) -> bytes:
    """Bytes of a file of that MIME type.

    Raises:
        UsageError: if the type is not written, or cannot hold this cloud.
    """
    if mime not in _WRITERS:
        raise UsageError(f"points are not saved as {mime!r}; choose one of {', '.join(_WRITERS)}")
    return _WRITERS[mime](cloud)


def _faces(cloud: Cloud) -> np.ndarray:
    return np.empty((0, 3), np.int64) if cloud.faces is None else cloud.faces


def _ply(cloud: Cloud) -> bytes:
    columns = [(axis, "<f4") for axis in "xyz"]
    if cloud.rgb is not None:
        columns += [(colour, "u1") for colour in ("red", "green", "blue")]
    rows = np.empty(len(cloud.xyz), columns)
    for index, axis in enumerate("xyz"):
        rows[axis] = cloud.xyz[:, index]
    if cloud.rgb is not None:
        for index, colour in enumerate(("red", "green", "blue")):
            rows[colour] = cloud.rgb[:, index]
    faces = np.empty(len(_faces(cloud)), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, _faces(cloud)
    kinds = {"<f4": "float", "u1": "uchar"}
    header = ["ply", "format binary_little_endian 1.0"]
    header += [f"comment units: {cloud.units}"] if cloud.units else []
    header += [f"element vertex {len(rows)}"]
    header += [f"property {kinds[kind]} {name}" for name, kind in columns]
    if len(faces):
        header += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    header += ["end_header", ""]
    return "\n".join(header).encode() + rows.tobytes() + faces.tobytes()


def _rows(table: np.ndarray, form: str) -> str:
    text = io.StringIO()
    np.savetxt(text, table, fmt=form)
    return text.getvalue()


def _comment(cloud: Cloud) -> str:
    return f"# units: {cloud.units}\n" if cloud.units else ""


def _obj(cloud: Cloud) -> bytes:
    if cloud.rgb is None:
        points = _rows(cloud.xyz, "v %.9g %.9g %.9g")
    else:
        table = np.concatenate([cloud.xyz, cloud.rgb / 255.0], axis=1)
        points = _rows(table, "v %.9g %.9g %.9g %.4f %.4f %.4f")
    return (_comment(cloud) + points + _rows(_faces(cloud) + 1, "f %d %d %d")).encode()


def _off(cloud: Cloud) -> bytes:
    word = "OFF" if cloud.rgb is None else "COFF"
    if cloud.rgb is None:
        points = _rows(cloud.xyz, "%.9g %.9g %.9g")
    else:
        table = np.concatenate([cloud.xyz, cloud.rgb], axis=1)
        points = _rows(table, "%.9g %.9g %.9g %d %d %d 255")
    counts = f"{len(cloud.xyz)} {len(_faces(cloud))} 0\n"
    return f"{word}\n{_comment(cloud)}{counts}{points}{_rows(_faces(cloud), '3 %d %d %d')}".encode()


def _stl(cloud: Cloud) -> bytes:
    if cloud.faces is None:
        raise UsageError("an STL file holds faces, and this cloud has none: save it as PLY")
    corners = cloud.xyz[cloud.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    facets = np.zeros(len(corners), record)
    facets["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    facets["corners"] = corners
    header = f"binary STL, units: {cloud.units}" if cloud.units else "binary STL"
    return header.encode().ljust(80) + np.uint32(len(facets)).tobytes() + facets.tobytes()


def _glb(cloud: Cloud) -> bytes:
    """In metres, as glTF asks, where the unit is known."""
    import trimesh

    xyz = cloud.xyz * np.float32(METRES.get(cloud.units or "m", 1.0))
    if cloud.faces is None:
        shape = trimesh.PointCloud(xyz, colors=cloud.rgb)
    else:
        shape = trimesh.Trimesh(xyz, cloud.faces, vertex_colors=cloud.rgb, process=False)
    data = trimesh.Scene(shape).export(file_type="glb")
    assert isinstance(data, bytes)
    return data


def _xyz(cloud: Cloud) -> bytes:
    if cloud.rgb is None:
        return (_comment(cloud) + _rows(cloud.xyz, "%.9g %.9g %.9g")).encode()
    table = np.concatenate([cloud.xyz, cloud.rgb], axis=1)
    return (_comment(cloud) + _rows(table, "%.9g %.9g %.9g %d %d %d")).encode()


def _npy(cloud: Cloud) -> bytes:
    table = cloud.xyz
    if cloud.rgb is not None:
        table = np.concatenate([cloud.xyz, cloud.rgb.astype(np.float32)], axis=1)
    stream = io.BytesIO()
    np.save(stream, table, allow_pickle=False)
    return stream.getvalue()


_WRITERS: dict[str, Callable[[Cloud], bytes]] = {
    formats.PLY: _ply,
    formats.OBJ: _obj,
    formats.STL: _stl,
    formats.OFF: _off,
    formats.GLB: _glb,
    formats.XYZ: _xyz,
    formats.NPY: _npy,
}
