"""Clouds from outside the world, so that it is learned what is not known."""

from __future__ import annotations

import numpy as np

from omni.nano.world import solid, words
from omni.values import Cloud

POINTS = (500, 2500)
RADII = (0.05, 20.0)
COLOURLESS = 0.1

BOXES = {
    "chair": (
        *((0, 0, 0.5, 0.5, 0.5, 0.05), (0, 0.45, 1.0, 0.5, 0.05, 0.5)),
        *((x, y, 0.22, 0.05, 0.05, 0.25) for x in (-0.4, 0.4) for y in (-0.4, 0.4)),
    ),
    "table": (
        (0, 0, 0.9, 1.0, 0.6, 0.05),
        *((x, y, 0.45, 0.06, 0.06, 0.45) for x in (-0.9, 0.9) for y in (-0.5, 0.5)),
    ),
    "car": ((0, 0, 0.3, 1.2, 0.5, 0.25), (-0.1, 0, 0.75, 0.6, 0.45, 0.22)),
    "stairs": tuple(
        (0.3 * step, 0, 0.15 * step, 0.15, 0.5, 0.15 * step + 0.05) for step in range(5)
    ),
    "cross": ((0, 0, 0, 1, 0.2, 0.2), (0, 0, 0.2, 0.2, 0.2, 1)),
    "letter": (
        (0, 0, 0, 0.2, 0.2, 1),
        (0.5, 0, -0.9, 0.5, 0.2, 0.15),
        (0.3, 0, 0.9, 0.3, 0.2, 0.15),
    ),
}
"""Things that are put together from boxes: middle and half lengths of each."""


def cloud(rng: np.random.Generator) -> Cloud:
    """Something that no word of the world says, in any pose, size and colours."""
    kinds = (_blob, _lump, _boxes, _boxes, _merged, _merged, _ground, _lines, _spiral, _tree, _room)
    xyz = kinds[int(rng.integers(len(kinds)))](rng, int(rng.integers(*POINTS)))
    xyz = (xyz - xyz.mean(0)) @ solid.rotation(rng)
    xyz = xyz / np.linalg.norm(xyz, axis=1).max()
    if rng.random() < 0.4:
        xyz = xyz + rng.normal(0, rng.uniform(0, 0.02), xyz.shape)
    low, high = np.log(RADII)
    rgb = None if rng.random() < COLOURLESS else paint(rng, xyz)
    return Cloud((xyz * np.exp(rng.uniform(low, high))).astype(np.float32), rgb)


def _blob(rng: np.random.Generator, count: int) -> np.ndarray:
    """Points without a surface, about one middle or several."""
    middles = rng.normal(0, 1, (int(rng.integers(1, 6)), 3))
    widths = rng.uniform(0.1, 0.8, (len(middles), 3))
    chosen = rng.integers(0, len(middles), count)
    return middles[chosen] + rng.normal(0, 1, (count, 3)) * widths[chosen]


def _lump(rng: np.random.Generator, count: int) -> np.ndarray:
    """A closed surface with bumps, like a potato or an asteroid."""
    way = rng.normal(0, 1, (count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    bumps = rng.normal(0, rng.uniform(1.5, 3.5), (6, 3))
    heights = rng.uniform(0.08, 0.2, 6)
    radius = 1 + (np.sin(way @ bumps.T + rng.uniform(0, 6, 6)) * heights).sum(1)
    return way * radius[:, None] * rng.uniform(0.5, 1.5, 3)


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """Furniture, a car, stairs, a letter."""
    named = tuple(BOXES.values())
    boxes = np.array(named[int(rng.integers(len(named)))], float)
    boxes *= np.tile(rng.uniform(0.7, 1.4, 3), 2)
    return _on_boxes(rng, boxes, count)


def _on_boxes(rng: np.random.Generator, boxes: np.ndarray, count: int) -> np.ndarray:
    vertices, faces = solid.surface("cube")
    turn = np.pi / 4
    straight = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    corners = [vertices @ straight * box[3:] + box[:3] for box in boxes]
    triangles = [faces + index * len(vertices) for index in range(len(boxes))]
    return solid.scatter(np.concatenate(corners), np.concatenate(triangles), count, rng)


def _merged(rng: np.random.Generator, count: int) -> np.ndarray:
    """Two to four solids that stick in one another or stand apart."""
    parts = []
    pieces = int(rng.integers(2, 5))
    for _ in range(pieces):
        kind = words.SOLIDS[int(rng.integers(len(words.SOLIDS)))]
        vertices, faces = solid.surface(kind, float(rng.random()))
        size = rng.uniform(0.5, 1.0) * rng.uniform(0.5, 1.5, 3)
        away = rng.normal(0, 1, 3)
        away *= rng.uniform(0.9, 1.8) / np.linalg.norm(away)
        moved = vertices * size @ solid.rotation(rng) + away
        parts.append(solid.scatter(moved, faces, count // pieces, rng))
    return np.concatenate(parts)


def _ground(rng: np.random.Generator, count: int) -> np.ndarray:
    """Hills and hollows."""
    flat = rng.uniform(-1, 1, (count, 2))
    ways = rng.normal(0, rng.uniform(1.5, 4), (5, 2))
    height = np.sin(flat @ ways.T + rng.uniform(0, 6, 5)).sum(1) * rng.uniform(0.05, 0.2)
    return np.column_stack([flat, height])


def _lines(rng: np.random.Generator, count: int) -> np.ndarray:
    """Straight or broken wires."""
    ends = rng.uniform(-1, 1, (int(rng.integers(1, 9)), 2, 3))
    if rng.random() < 0.4:
        ends[1:, 0] = ends[:-1, 1]
    chosen, along = rng.integers(0, len(ends), count), rng.random((count, 1))
    thick = rng.normal(0, rng.uniform(0.005, 0.05), (count, 3))
    return ends[chosen, 0] * (1 - along) + ends[chosen, 1] * along + thick


def _spiral(rng: np.random.Generator, count: int) -> np.ndarray:
    """A spring, a snail or a ribbon."""
    along = rng.random(count)
    turn = along * 2 * np.pi * rng.uniform(1.5, 6)
    radius = 1 - along * rng.uniform(0, 0.9)
    rise = along * rng.uniform(0, 3)
    thick = rng.normal(0, rng.uniform(0.01, 0.06), (count, 3))
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn), rise]) + thick


def _tree(rng: np.random.Generator, count: int) -> np.ndarray:
    """A trunk and a crown of leaves, or a plant of several crowns."""
    trunk = np.array([[0, 0, 0, 0.08, 0.08, 1.0]])
    leaves = int(count * rng.uniform(0.5, 0.8))
    middles = rng.normal(0, 0.35, (int(rng.integers(1, 5)), 3)) + np.array([0, 0, 1.4])
    chosen = rng.integers(0, len(middles), leaves)
    crown = middles[chosen] + rng.normal(0, 0.3, (leaves, 3)) * rng.uniform(0.6, 1.4, 3)
    return np.concatenate([_on_boxes(rng, trunk, count - leaves), crown])


def _room(rng: np.random.Generator, count: int) -> np.ndarray:
    """A floor and two walls, with boxes and the like on the floor."""
    walls = np.array([(0, 0, 0, 1, 1, 0.01), (1, 0, 0.5, 0.01, 1, 0.5), (0, 1, 0.5, 1, 0.01, 0.5)])
    things = rng.uniform(0.08, 0.3, (int(rng.integers(1, 5)), 3))
    spots = rng.uniform(-0.7, 0.7, (len(things), 2))
    standing = np.column_stack([spots, things[:, 2], things])
    return _on_boxes(rng, np.concatenate([walls, standing]), count)


def paint(rng: np.random.Generator, xyz: np.ndarray) -> np.ndarray:
    """For points in a unit sphere one colour, a change from end to end, or patches of several."""
    ends = rng.integers(0, 256, (4, 3)).astype(float)
    kind = rng.random()
    if kind < 0.4:
        rgb = np.broadcast_to(ends[0], xyz.shape)
    elif kind < 0.7:
        share = (xyz @ solid.rotation(rng)[0] * 0.5 + 0.5).clip(0, 1)[:, None]
        rgb = ends[0] * share + ends[1] * (1 - share)
    else:
        seeds = rng.normal(0, 0.6, (4, 3))
        rgb = ends[np.linalg.norm(xyz[:, None] - seeds, axis=-1).argmin(1)]
    return np.clip(rgb + rng.normal(0, rng.uniform(0, 12), xyz.shape), 0, 255).astype(np.uint8)
