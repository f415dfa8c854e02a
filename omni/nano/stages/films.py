"""Films that the video stage trains on: drawn once, kept on disk in pieces, and their labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from omni.modality import modality
from omni.nano.world import motion, strange_films, words
from omni.nano.world.paths import LOOKED_AT

PIECE = 250
"""Films in one file."""

OUTSIDE = 0.06
"""Share of films from outside the world."""

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "colour": tuple(words.COLOURS),
    "shape": words.SHAPES,
    "motion": words.MOTIONS,
    "other colour": tuple(words.COLOURS),
    "other shape": words.SHAPES,
    "known": ("no", "yes"),
}
"""What is asked about a film, and the answers; only a collision has another colour and shape."""


@dataclass(frozen=True, slots=True)
class Films:
    """N films of F frames.

    Attributes:
        frames: uint8 `[N, F, 3, 96, 96]`.
        times: of the frames, seconds, `[N, F]`.
        labels: name of an attribute → answers `[N]`; −1 where it has none.
    """

    frames: Tensor
    times: Tensor
    labels: dict[str, Tensor]


def draw(
    rng: np.random.Generator,
    count: int,
    *,
    held_out: bool | None = False,
    outside: float = 0.0,
) -> Films:
    """Films of the world, and a share of others."""
    features = modality("video").features
    found, labels = [], []
    for _ in range(count):
        if rng.random() < outside:
            clip, known = strange_films.film(rng, LOOKED_AT), {"known": "no"}
        else:
            film = motion.sample(rng, held_out=held_out)
            chosen = np.linspace(0, film.frames - 1, LOOKED_AT).round().astype(int).tolist()
            clip, known = motion.render(film, chosen=chosen), motion.describe(film)
        found.append(features(clip))
        labels.append(classes(known))
    frames = torch.stack([one["frames"] for one in found])
    return Films(
        (frames * 255).round().to(torch.uint8),
        torch.stack([one["times"] for one in found]),
        {name: torch.tensor([label[name] for label in labels]) for name in ATTRIBUTES},
    )


def classes(labels: dict[str, Any]) -> dict[str, int]:
    """The number of each answer, from a film's labels in words."""
    other = labels.get("other", {})
    said = {"known": "yes"} | labels
    said |= {f"other {name}": word for name, word in other.items()}
    return {
        name: answers.index(said[name]) if name in said else -1
        for name, answers in ATTRIBUTES.items()
    }


def pieces(folder: Path, count: int, seed: tuple[int, ...]) -> Iterator[Films]:
    """At least so many films in pieces, read from the folder where they were drawn before."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(-(-count // PIECE)):
        path = folder / f"{'-'.join(map(str, seed))}.{PIECE}.{index:04}.safetensors"
        if not path.exists():
            _save(draw(np.random.default_rng((*seed, index)), PIECE, outside=OUTSIDE), path)
        stored = load_file(path)
        yield Films(stored["frames"], stored["times"], {name: stored[name] for name in ATTRIBUTES})


def _save(films: Films, path: Path) -> None:
    scratch = path.with_suffix(".tmp")
    save_file({"frames": films.frames, "times": films.times, **films.labels}, scratch)
    scratch.replace(path)
