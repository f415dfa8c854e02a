"""Clouds that the points stage trains on: described once, kept on disk in pieces, with labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from omni.modality import modality
from omni.nano.world import solid, strange_solids, words
from omni.values import Cloud

PIECE = 256
"""Clouds in one file."""

BATCH = 32

OUTSIDE, ODD = 0.12, 0.1
"""Share of clouds from outside the world, and of solids that have no word for their colour or size.

From the latter it is learned that an unheard-of size or colour makes no solid unknown.
"""

BETWEEN = (0.4, 2.5)
"""Range of radii that are neither small nor large."""

PARTS = ("points", "pairs", "places", "colours", "scale")
"""Names of the parts of a description, in the order in which the encoder reads them."""

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "solid": words.SOLIDS,
    "colour": tuple(words.COLOURS),
    "size": words.SIZES,
    "proportion": words.PROPORTIONS,
    "known": ("no", "yes"),
}
"""What is asked about a cloud, and the answers."""


@dataclass(frozen=True, slots=True)
class Clouds:
    """N clouds.

    Attributes:
        described: what the encoder knows of them before it has learned anything: `PARTS`.
        labels: name of an attribute → answers `[N]`; −1 where it has none.
    """

    described: tuple[Tensor, ...]
    labels: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.described[-1])

    def take(self, rows: Tensor | slice) -> Clouds:
        """Some of them, in float32."""
        parts = tuple(part[rows].float() for part in self.described)
        return Clouds(parts, {name: row[rows] for name, row in self.labels.items()})


def draw(
    rng: np.random.Generator,
    count: int,
    *,
    held_out: bool | None = False,
    outside: float = 0.0,
    odd: float = 0.0,
) -> Clouds:
    """Solids of the world, and a share of other clouds."""
    made = [_one(rng, held_out, outside, odd) for _ in range(count)]
    points: Any = modality("points")
    parts = []
    for start in range(0, count, BATCH):
        some = [points.features(cloud) for cloud, _ in made[start : start + BATCH]]
        parts.append(points.described(some))
    labels = {
        name: torch.tensor([answers.index(said[name]) if name in said else -1 for _, said in made])
        for name, answers in ATTRIBUTES.items()
    }
    return Clouds(joined(parts), labels)


def joined(parts: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """One after another."""
    return tuple(torch.cat(part) for part in zip(*parts, strict=True))


def _one(
    rng: np.random.Generator, held_out: bool | None, outside: float, odd: float
) -> tuple[Cloud, Mapping[str, str]]:
    """A cloud and its labels in words."""
    if rng.random() < outside:
        return strange_solids.cloud(rng), {"known": "no"}
    found = solid.sample(rng, held_out=held_out)
    labels = solid.describe(found) | {"known": "yes"}
    if rng.random() < odd:
        found = replace(found, radius=float(np.exp(rng.uniform(*np.log(BETWEEN)))))
        del labels["size"]
    cloud = solid.build(found)
    if rng.random() < odd:
        painted = strange_solids.paint(rng, cloud.xyz / found.radius)
        cloud = replace(cloud, rgb=painted if rng.random() < 0.5 else None)
        del labels["colour"]
    return cloud, labels


def pieces(folder: Path, count: int, seed: tuple[int, ...]) -> Iterator[Clouds]:
    """At least so many clouds in pieces, in half precision, read where they were drawn before."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(-(-count // PIECE)):
        path = folder / f"{'-'.join(map(str, seed))}.{PIECE}.{index:04}.safetensors"
        if not path.exists():
            rng = np.random.default_rng((*seed, index))
            _save(draw(rng, PIECE, outside=OUTSIDE, odd=ODD), path)
        stored = load_file(path)
        described = tuple(stored[name] for name in PARTS)
        yield Clouds(described, {name: stored[f"label {name}"] for name in ATTRIBUTES})


def _save(clouds: Clouds, path: Path) -> None:
    scratch = path.with_suffix(".tmp")
    tensors = {name: part.half() for name, part in zip(PARTS, clouds.described, strict=True)}
    labels = {f"label {name}": row for name, row in clouds.labels.items()}
    save_file(tensors | labels, scratch)
    scratch.replace(path)
