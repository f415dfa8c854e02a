"""What can be measured on a cloud or a mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from omni.values import Cloud

from .sampling import areas

MAX_MEASURED_FACES = 1_000_000


def facts(cloud: Cloud) -> dict[str, Any]:
    """Size, bounds and, for a mesh that is not huge, area, closedness and volume."""
    low, high = cloud.xyz.min(0).astype(np.float64), cloud.xyz.max(0).astype(np.float64)
    found: dict[str, Any] = {
        "kind": "point cloud" if cloud.faces is None else "mesh",
        "points": len(cloud.xyz),
        "faces": 0 if cloud.faces is None else len(cloud.faces),
        "size": dict(zip("xyz", _round(high - low), strict=True)),
        "bounds": [_round(low), _round(high)],
        "units": cloud.units,
        "coloured": cloud.rgb is not None,
    }
    if cloud.faces is not None and len(cloud.faces) <= MAX_MEASURED_FACES:
        found["area"] = _round([areas(cloud.xyz, cloud.faces).sum()])[0]
        found["watertight"] = watertight(cloud.xyz, cloud.faces)
        # Faces that wind either way cancel one another: that sum is no volume.
        if found["watertight"] and wound_alike(cloud.xyz, cloud.faces):
            found["volume"] = _round([volume(cloud.xyz, cloud.faces)])[0]
    return found


def watertight(xyz: np.ndarray, faces: np.ndarray) -> bool:
    """Whether every edge lies between exactly two faces; points of equal place count as one."""
    edges, base = _edges(xyz, faces)
    edges = np.sort(edges)
    _, counts = np.unique(edges[:, 0] * base + edges[:, 1], return_counts=True)
    return bool(len(counts)) and bool((counts == 2).all())


def wound_alike(xyz: np.ndarray, faces: np.ndarray) -> bool:
    """Whether no two neighbouring faces run along their edge in the same direction."""
    edges, base = _edges(xyz, faces)
    _, counts = np.unique(edges[:, 0] * base + edges[:, 1], return_counts=True)
    return bool((counts == 1).all())


def _edges(xyz: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, int]:
    """Edges `[edges, 2]` of the faces that are no line, by corner; and more than any corner."""
    keys = np.ascontiguousarray(xyz + np.float32(0)).view([("", xyz.dtype)] * 3).ravel()
    _, merged = np.unique(keys, return_inverse=True)
    corners = merged.reshape(-1)[faces]
    corners = corners[(corners != np.roll(corners, 1, axis=1)).all(axis=1)]
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    return edges, int(merged.max()) + 1


def volume(xyz: np.ndarray, faces: np.ndarray) -> float:
    """Volume inside a closed mesh, from the divergence theorem."""
    corners = (xyz - xyz.mean(0)).astype(np.float64)[faces]
    cross = np.cross(corners[:, 1], corners[:, 2])
    return abs(float(np.einsum("nd,nd->", corners[:, 0], cross))) / 6


def caption(cloud: Cloud) -> str:
    """One line such as `mesh of 8 points and 12 faces, 1 × 2 × 3 mm, watertight, volume 6 mm³`."""
    found = facts(cloud)
    unit = f" {found['units']}" if found["units"] else ""
    size = " × ".join(f"{length:.4g}" for length in found["size"].values())
    parts = [f"{found['kind']} of {found['points']:,} points", f"{size}{unit}"]
    if found["faces"]:
        parts[0] += f" and {found['faces']:,} faces"
    if found.get("watertight"):
        parts += ["watertight"]
    if "volume" in found:
        parts += [f"volume {found['volume']:.4g}{unit}{'³' if unit else ''}"]
    if found["coloured"]:
        parts += ["coloured"]
    return ", ".join(parts)


def _round(numbers: Any) -> list[float]:
    """Seven significant digits, which is what float32 coordinates are good for."""
    return [float(f"{number:.7g}") for number in numbers]
