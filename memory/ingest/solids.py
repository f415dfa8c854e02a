"""Point clouds and meshes by part, where parts lie clearly apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from omni.media import Media
from omni.modality import modality
from omni.values import Cloud

from .likeness import key_of_bytes
from .piece import Piece
from .plan import Plan

MOST_PARTS = 64
_LEAST_SHARE = 0.005
"""Of all points; less is dust."""

_APART = 3.0
"""Parts of a cloud lie so many usual distances between neighbours apart."""

_SAMPLED = 2000
_BY = "omni"

Indices = NDArray[np.int64]


def extract(media: Media, plan: Plan) -> Iterator[Piece]:
    """A cloud or mesh whole, and its parts where there are several."""
    kind = modality(media.modality)
    cloud = kind.load(media)
    found = parts(cloud)
    caption = kind.caption(cloud)
    count = f", {len(found)} separate parts" if len(found) > 1 else ""
    yield Piece(
        text=f"{caption}{count}",
        modality=media.modality,
        media=media,
        title=media.name,
        meta={"caption": caption, "parts": len(found)},
        bounds=bounds(cloud),
        extractor=_BY,
        key=key_of_bytes(media.digest),
    )
    if len(found) < 2:
        return
    for number, part in enumerate(found, 1):
        name = f"{media.name} part {number}"
        yield Piece(
            text=f"part {number} of {len(found)}: {kind.caption(part)}",
            modality=media.modality,
            media=kind.save(part, name=f"{name}.ply", mime="model/ply"),
            title=name,
            meta={"part": number},
            bounds=bounds(part),
            extractor=_BY,
        )


def bounds(cloud: Cloud) -> tuple[float, float, float, float, float, float]:
    """Least x, y, z and greatest x, y, z."""
    low, high = cloud.xyz.min(0).tolist(), cloud.xyz.max(0).tolist()
    return (low[0], low[1], low[2], high[0], high[1], high[2])


def parts(cloud: Cloud) -> list[Cloud]:
    """What hangs together: by faces in a mesh, by nearness in a cloud; the largest first.

    One part where nothing is clearly apart, or where it falls into more than 64 pieces.
    """
    labels = _by_faces(cloud) if cloud.faces is not None else _by_nearness(cloud.xyz)
    sizes = np.bincount(labels)
    large = np.flatnonzero(sizes >= max(4, _LEAST_SHARE * len(labels)))
    if not 1 < len(large) <= MOST_PARTS:
        return [cloud]
    order = large[np.argsort(-sizes[large], kind="stable")]
    return [_taken(cloud, labels == label) for label in order]


def _by_faces(cloud: Cloud) -> Indices:
    """A label for each vertex; vertices at the same place count as one."""
    assert cloud.faces is not None
    keys = np.ascontiguousarray(cloud.xyz + np.float32(0)).view([("", cloud.xyz.dtype)] * 3)
    _, same = np.unique(keys.ravel(), return_inverse=True)
    faces = same.reshape(-1)[cloud.faces]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    return _components(int(same.max()) + 1, edges)[same.reshape(-1)]


def _by_nearness(xyz: NDArray[np.float32]) -> Indices:
    """Points in boxes; boxes that touch hang together."""
    size = _APART * _usual_distance(xyz)
    if not size > 0:
        return np.zeros(len(xyz), np.int64)
    cells = np.floor((xyz - xyz.min(0)) / size).astype(np.int64)
    span = cells.max(0) + 3
    if float(span[0]) * float(span[1]) * float(span[2]) > 2**62:
        return np.zeros(len(xyz), np.int64)
    codes = ((cells[:, 0] + 1) * span[1] + cells[:, 1] + 1) * span[2] + cells[:, 2] + 1
    boxes, own = np.unique(codes, return_inverse=True)
    steps = [
        (x * span[1] + y) * span[2] + z
        for x in (-1, 0, 1)
        for y in (-1, 0, 1)
        for z in (-1, 0, 1)
        if (x, y, z) > (0, 0, 0)
    ]
    edges = []
    for step in steps:
        place = np.searchsorted(boxes, boxes + step).clip(max=len(boxes) - 1)
        near = boxes[place] == boxes + step
        edges.append(np.stack([np.flatnonzero(near), place[near]], 1))
    return _components(len(boxes), np.concatenate(edges))[own.reshape(-1)]


def _usual_distance(xyz: NDArray[np.float32]) -> float:
    """The median distance of a point to the one nearest to it, over a sample of points."""
    chance = np.random.default_rng(0)
    asked = chance.choice(len(xyz), min(len(xyz), _SAMPLED // 10), replace=False)
    found = []
    for place in asked:
        apart = ((xyz - xyz[place]) ** 2).sum(1)
        apart[place] = np.inf
        found.append(float(apart.min()))
    return float(np.sqrt(np.median(found))) if len(xyz) > 1 else 0.0


def _components(count: int, edges: Indices) -> Indices:
    """Labels 0, 1, … of what edges hold together."""
    labels = np.arange(count)
    one, other = edges[:, 0], edges[:, 1]
    while True:
        before = labels.copy()
        least = np.minimum(before[one], before[other])
        # The ends take the lesser label, and so do the ends' labels, which hold many more.
        for place in (one, other, before[one], before[other]):
            np.minimum.at(labels, place, least)
        labels = labels[labels]
        if np.array_equal(labels, before):
            return np.unique(labels, return_inverse=True)[1].reshape(-1)


def _taken(cloud: Cloud, mask: NDArray[np.bool_]) -> Cloud:
    faces = None
    if cloud.faces is not None:
        new = np.cumsum(mask) - 1
        faces = new[cloud.faces[mask[cloud.faces].all(1)]]
    rgb = None if cloud.rgb is None else cloud.rgb[mask]
    return Cloud(cloud.xyz[mask], rgb, faces, cloud.units)
