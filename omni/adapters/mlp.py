"""Two layers with a GELU between them: the usual bridge of vision-language models."""

from __future__ import annotations

from torch import nn

from omni.adapters.adapter import Adapter
from omni.plugins import Component


def build_mlp(encoder_width: int, language_width: int, hidden: int | None = None) -> Adapter:
    """An adapter of two layers; `hidden` is as wide as the language model unless it is given."""
    hidden = hidden or language_width
    project = nn.Sequential(
        nn.Linear(encoder_width, hidden), nn.GELU(), nn.Linear(hidden, language_width)
    )
    return Adapter(project=project, norm=nn.LayerNorm(encoder_width))


plugin = build_mlp

COMPONENTS = (
    Component(
        kind="adapter",
        name="mlp",
        summary="Two layers with a GELU, token by token.",
        paper="Improved Baselines with Visual Instruction Tuning (arXiv 2310.03744)",
    ),
)
