"""A shaded three-quarter view of a cloud or a mesh, drawn with numpy and Pillow."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from omni.values import Cloud

from .sampling import sample

MAX_DRAWN_FACES = 20_000
MAX_DRAWN_POINTS = 400_000
BACKGROUND = (244, 244, 246)
PLAIN = (150, 168, 196)
_AZIMUTH, _ELEVATION = math.radians(40), math.radians(24)
_LIGHT = np.array([-0.45, 0.65, 0.61])


def render(cloud: Cloud, width: int) -> Image.Image:
    """An RGB picture, `width` pixels wide and three quarters as high, z upwards."""
    height = max(1, width * 3 // 4)
    if cloud.faces is not None and len(cloud.faces) <= MAX_DRAWN_FACES:
        return _draw_faces(cloud, cloud.faces, width, height)
    return draw_points(cloud, width, height)


def _view(xyz: np.ndarray) -> np.ndarray:
    """Coordinates as seen: right, up, and towards the eye."""
    east, north, up = xyz.astype(np.float64).T
    right = math.cos(_AZIMUTH) * east + math.sin(_AZIMUTH) * north
    away = -math.sin(_AZIMUTH) * east + math.cos(_AZIMUTH) * north
    above = math.cos(_ELEVATION) * up + math.sin(_ELEVATION) * away
    near = math.sin(_ELEVATION) * up - math.cos(_ELEVATION) * away
    return np.stack([right, above, near], axis=1)


def _place(seen: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixel coordinates: the whole thing in the middle, with a margin."""
    low, high = seen[:, :2].min(0), seen[:, :2].max(0)
    extent = np.maximum(high - low, 1e-30)
    scale = min(0.88 * width / extent[0], 0.88 * height / extent[1])
    spot = (seen[:, :2] - (low + high) / 2) * scale
    return np.stack([width / 2 + spot[:, 0], height / 2 - spot[:, 1]], axis=1)


def _draw_faces(cloud: Cloud, faces: np.ndarray, width: int, height: int) -> Image.Image:
    """Far faces first, each in one shade; drawn twice as large for smooth edges."""
    seen = _view(cloud.xyz)
    spots = _place(seen, 2 * width, 2 * height)[faces].reshape(-1, 6)
    corners = seen[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    normals *= np.where(normals[:, 2:] < 0, -1, 1)  # Both sides of a face are seen alike.
    shades = 0.35 + 0.65 * np.clip(normals @ _LIGHT, 0, 1)
    base = np.array([PLAIN]) if cloud.rgb is None else cloud.rgb[faces].mean(axis=1)
    colours = np.clip(base * shades[:, None], 0, 255).astype(np.uint8)
    picture = Image.new("RGB", (2 * width, 2 * height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    for index in np.argsort(corners[:, :, 2].mean(axis=1)):
        colour = tuple(colours[index].tolist())
        draw.polygon(spots[index].tolist(), fill=colour, outline=colour)
    return picture.resize((width, height), Image.Resampling.BOX)


def draw_points(cloud: Cloud, width: int, height: int) -> Image.Image:
    """Nearest point of each pixel, fainter with distance; few points are drawn larger."""
    count = len(cloud.xyz) if cloud.faces is None else MAX_DRAWN_POINTS
    xyz, rgb = cloud.xyz, cloud.rgb
    if cloud.faces is not None or count > MAX_DRAWN_POINTS:
        xyz, rgb = sample(cloud, MAX_DRAWN_POINTS)
    seen = _view(xyz)
    spots = _place(seen, width, height).astype(np.int64)
    near = seen[:, 2]
    depth = (near - near.min()) / max(float(np.ptp(near)), 1e-30)
    base = np.array([PLAIN]) if rgb is None else rgb.astype(np.float64)
    fog = 0.5 * (1 - depth[:, None])
    colours = base * (1 - fog) + np.array(BACKGROUND) * fog
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
    order = np.argsort(near)  # The nearest is written last and stays.
    radius = min(4, max(0, round(width / 5 / math.sqrt(len(xyz)) - 0.5)))
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            x = np.clip(spots[order, 0] + right, 0, width - 1)
            y = np.clip(spots[order, 1] + down, 0, height - 1)
            canvas[y, x] = colours[order].astype(np.uint8)
    return Image.fromarray(canvas)
