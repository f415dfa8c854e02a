"""Which optimiser moves which weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

BETAS = (0.9, 0.98)
MOMENTUM = 0.95


class Optimisers:
    """Several optimisers that step as one, each over its own weights, at the same rate."""

    def __init__(self, *optimisers: Optimizer):
        self.optimisers = optimisers

    def rate(self, learning_rate: float) -> None:
        """Set the learning rate of all."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate

    def step(self) -> None:
        """Move all weights, and forget their gradients."""
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state(self, parameter: Tensor) -> dict[str, Tensor]:
        """What is remembered of a weight."""
        return next((o.state[parameter] for o in self.optimisers if parameter in o.state), {})

    def remember(self, parameter: Tensor, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        for optimiser in self.optimisers:
            if any(
                parameter is each for group in optimiser.param_groups for each in group["params"]
            ):
                optimiser.state[parameter] = state


def adamw(module: nn.Module, learning_rate: float, weight_decay: float) -> Optimisers:
    """AdamW for every weight that learns."""
    return Optimisers(_adamw([p for _, p in _learning(module)], learning_rate, weight_decay))


def muon(module: nn.Module, learning_rate: float, weight_decay: float, matrices: str) -> Optimisers:
    """Muon for the matrices of a part, AdamW for everything else.

    A matrix moves by its gradient made orthogonal, scaled so that its entries move as far as with
    AdamW: one rate serves both (Jordan et al., "Muon", 2024; Liu et al., "Muon is Scalable for LLM
    Training", arXiv 2502.16982, section 2.2).

    Args:
        module: what learns.
        learning_rate: of both, to begin with.
        weight_decay: of both.
        matrices: how the names of the part's weights begin.
    """
    turned, others = [], []
    for name, weight in _learning(module):
        (turned if name.startswith(matrices) and weight.dim() == 2 else others).append(weight)
    return Optimisers(
        torch.optim.Muon(
            turned,
            lr=learning_rate,
            weight_decay=weight_decay,
            momentum=MOMENTUM,
            adjust_lr_fn="match_rms_adamw",
        ),
        _adamw(others, learning_rate, weight_decay),
    )


def _adamw(weights: Sequence[Tensor], learning_rate: float, weight_decay: float) -> Optimizer:
    return torch.optim.AdamW(weights, lr=learning_rate, weight_decay=weight_decay, betas=BETAS)


def _learning(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, each) for name, each in module.named_parameters() if each.requires_grad]
