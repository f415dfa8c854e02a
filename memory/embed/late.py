"""Several vectors an item for late interaction: tokens of words, and looks at parts of media.

Shapes: N tokens, V vectors of one item, W width of the space.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.compression.budget import Grid
from omni.modality import modality as plugin
from omni.plugins import Component

from ..contracts import Space, Vectors
from .grouping import TEXT, GroupedEmbedder, Progress, refuse_blank, unit
from .pooling import pool
from .shared import SharedEmbedder
from .weights import digest_of

if TYPE_CHECKING:
    from omni.device import Placement

NAME = "late"
VECTORS = 64
"""At most so many of one item, as ColPali's tokens are pooled to."""

_PARTS = (2, 4)
"""Time is looked at in so many equal parts, and so are rows and columns, where it has as many."""
_METHOD = 1


class LateEmbedder(GroupedEmbedder):
    """Multi-vectors in the assembled model's shared space.

    Of a text: the sentence as a whole and each of its word pieces in its context. Of media: the
    whole, and parts of it in time and place, each seen as if there were nothing else. All are
    vectors of the same space, so the best match may be a word or a corner of a picture; which kind
    a vector is of is told by the modality of its record.

    Args:
        model: `nano`, a folder of a saved model, or a `SharedEmbedder` that has it loaded.
        placement: device and number format; `omni.device.place()` decides if it is `None`.
        batch: most items that are read at once.
        most: vectors of an item at most; more are pooled, like with like.
        progress: told how many items are done, and of how many.
    """

    def __init__(
        self,
        model: str | Path | SharedEmbedder = "nano",
        *,
        placement: Placement | None = None,
        batch: int = 16,
        most: int = VECTORS,
        progress: Progress | None = None,
    ):
        shared = (
            model
            if isinstance(model, SharedEmbedder)
            else SharedEmbedder(model, placement=placement)
        )
        self._shared, self.most = shared, most
        self.batch, self.progress = batch, progress
        self.modalities = shared.modalities
        digest = digest_of({"space": shared.space.digest, "most": most, "method": _METHOD})
        self.space = Space(NAME, shared.space.width, digest, multi=True)

    def read(self, modality: str, items: Sequence[Any]) -> Sequence[Vectors]:
        if modality == TEXT:
            refuse_blank(items)
            return [pool(self._of_text(text), self.most) for text in items]
        kind = plugin(modality)
        return [pool(self._of_media(modality, kind.load(item)), self.most) for item in items]

    def _of_text(self, text: str) -> Vectors:
        import torch

        with self._shared.lock, torch.inference_mode():
            model = self._shared.loaded.model
            encoder: Any = model.encoders[TEXT]
            found = encoder.tokens(encoder.windows(text), model.device)
        wholes = [tokens.mean(0, keepdim=True) for tokens in found]
        words = [tokens[1:-1] for tokens in found]  # without the two end marks
        return unit(torch.cat([*wholes, *words]).float().cpu().numpy())

    def _of_media(self, modality: str, value: Any) -> Vectors:
        import torch

        features = plugin(modality).features(value)
        with self._shared.lock, torch.inference_mode():
            model: Any = self._shared.loaded.model
            encoder = model.encoders[modality]
            placed = {name: one.to(model.device) for name, one in features.items()}
            tokens = encoder([placed])[0]
            looks = [tokens[torch.as_tensor(part)] for part in parts(encoder.grid(features))]
            found = model.embed(modality, looks)
        return unit(found.float().cpu().numpy())


def parts(grid: Grid) -> Iterator[np.ndarray]:
    """Places of the tokens of a whole, and of equal parts of its time, rows and columns."""
    places = np.arange(grid.tokens).reshape(grid.time, grid.height, grid.width)
    seen: set[bytes] = set()
    looks = (1, *_PARTS)
    for divisions in itertools.product(looks, looks, looks):
        if any(1 < part > size for part, size in zip(divisions, places.shape, strict=True)):
            continue
        for part in _divided(places, divisions):
            found = part.ravel()
            if found.tobytes() not in seen:
                seen.add(found.tobytes())
                yield found


def _divided(places: np.ndarray, divisions: tuple[int, int, int]) -> Iterator[np.ndarray]:
    for slab in np.array_split(places, divisions[0], axis=0):
        for band in np.array_split(slab, divisions[1], axis=1):
            yield from np.array_split(band, divisions[2], axis=2)


COMPONENTS = (
    Component(
        kind="embedder",
        name="late",
        summary="Word pieces, and looks at parts of media, as pooled vectors for late interaction.",
        system="CLaMR",
        paper="ColPali (arXiv 2407.01449), CLaMR (arXiv 2506.06144)",
    ),
)
