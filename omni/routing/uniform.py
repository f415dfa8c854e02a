"""Every expert sees every token with the same weight: what a router has to beat."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from omni.plugins import Component
from omni.routing.router import Batch, Routing, expert_load


class UniformRouter(nn.Module):
    """Mixes all experts evenly; has no weights and no losses."""

    def __init__(self, *, modalities: tuple[str, ...], experts: int):
        super().__init__()
        self.modalities = modalities
        self.experts = experts
        self._chosen: tuple[Tensor, Tensor] | None = None

    def forward(self, batch: Batch) -> Routing:
        count = len(batch.tokens)
        everyone = torch.arange(self.experts, device=batch.tokens.device).expand(count, -1)
        self._chosen = (batch.modality[batch.owner], everyone)
        zero = torch.zeros((), device=batch.tokens.device)
        weights = torch.full(everyone.shape, 1 / self.experts, device=batch.tokens.device)
        return Routing(everyone, weights, balance_loss=zero + 1, z_loss=zero)

    def load(self) -> dict[str, list[float]]:
        """Share of each expert in the last forward, by modality: all the same."""
        return expert_load(self._chosen, self.modalities, self.experts)


def build_uniform(
    width: int, modalities: tuple[str, ...], experts: int, **ignored: object
) -> UniformRouter:
    """A uniform mixer; the settings of a learned router, such as `top_k`, do not matter to it."""
    return UniformRouter(modalities=modalities, experts=experts)


plugin = build_uniform

COMPONENTS = (
    Component(
        kind="router",
        name="uniform",
        summary="Even mixing of all experts: the ablation of routing.",
    ),
)
