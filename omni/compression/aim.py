"""The first stage of AIM: tokens are merged in pairs, each weighing as much as any other."""

from __future__ import annotations

from omni.compression.tome import ToMe
from omni.plugins import Component


def build_aim(share: float = 0.5) -> ToMe:
    """Bipartite merging by the tokens themselves; halving is what AIM does twice."""
    return ToMe(sized=False, by_keys=False, share=share)


plugin = build_aim

COMPONENTS = (
    Component(
        kind="selector",
        name="aim",
        summary="Merging before the language model: bipartite, by the tokens, all of one weight.",
        system="AIM",
        paper="AIM: Adaptive Inference of Multi-Modal LLMs via Token Merging and Pruning",
    ),
)
