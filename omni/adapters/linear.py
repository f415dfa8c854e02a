"""One projection: the smallest bridge that works."""

from __future__ import annotations

from torch import nn

from omni.adapters.adapter import Adapter
from omni.plugins import Component


def build_linear(encoder_width: int, language_width: int) -> Adapter:
    """An adapter that is a layer norm and one linear map."""
    return Adapter(
        project=nn.Linear(encoder_width, language_width), norm=nn.LayerNorm(encoder_width)
    )


plugin = build_linear

COMPONENTS = (
    Component(
        kind="adapter",
        name="linear",
        summary="One trained projection from encoder width to language width.",
        system="MiniGPT-4",
        paper="MiniGPT-4: Enhancing Vision-Language Understanding with Advanced Large Language "
        "Models (arXiv 2304.10592)",
    ),
)
