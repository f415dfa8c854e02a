"""Dominant and contextual tokens by what tokens attend to among themselves, never by text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from omni.compression.selector import Question, Selection, Tokens
from omni.compression.visionzip import compress
from omni.errors import UsageError
from omni.plugins import Component


class VisionDrop:
    """One stage of VisionDrop: it keeps the tokens attended to and merges the rest into anchors.

    The rule is that of `VisionZip`: the rest goes into evenly spaced anchors, by the cosine of the
    keys, as means. `Signals.attention` is that of the class token after an encoder; between layers
    of a language model, where the method repeats this stage, it is the mean attention that tokens
    of the medium give each other. The question is not heard, which is the method's point. How many
    of the kept tokens are anchors is not in its abstract: a tenth here.

    Attributes:
        anchors: the share of kept tokens that are anchors.
    """

    needs: ClassVar = frozenset({"attention"})
    uses: ClassVar = frozenset({"keys"})

    def __init__(self, anchors: float = 0.1):
        if not 0 <= anchors < 1:
            raise UsageError(f"anchors is a share from 0 and below 1, not {anchors}")
        self.anchors = anchors

    @torch.no_grad()
    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        return compress(tokens, keep, "visiondrop", self.anchors)


plugin = VisionDrop

COMPONENTS = (
    Component(
        kind="selector",
        name="visiondrop",
        summary="Text-blind dominant tokens by attention, the rest merged into evenly spaced "
        "anchors.",
        system="VisionDrop",
        paper="Rethinking Visual Token Reduction in LVLMs under Cross-modal Misalignment",
    ),
)
