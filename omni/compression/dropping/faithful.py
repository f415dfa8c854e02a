"""How near a model that drops tokens stays to itself, on a few samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from omni.compression.anatomy import decoder, unwrapped
from omni.compression.budget import Budget
from omni.compression.dropping.build import drop
from omni.compression.dropping.schedule import Schedule
from omni.errors import UsageError


class Faithful:
    """The mean cosine between the last token's state with all tokens and with those left.

    It is what VFlowOpt maximises, on 30 samples or so, and it needs no answers. What the untouched
    model comes to is computed once.

    Attributes:
        depth: how many layers there are to cut before.

    Raises:
        UsageError: if there are no samples, or what they come to is not finite.
    """

    def __init__(self, model: nn.Module, samples: Sequence[Mapping[str, Any]], floor: int = 1):
        """Take a model and samples.

        Args:
            model: of transformers, which puts media into the place of tokens of its own.
            samples: its arguments, one a sample or a batch.
            floor: never fewer tokens of an item than this, unless none.
        """
        if not samples:
            raise UsageError("a schedule is found on samples: give at least one")
        self.model, self.samples, self.floor = model, samples, floor
        self._decoder: Any = decoder(unwrapped(model))
        self.depth = len(getattr(self._decoder, "layers", ()))
        self._whole = [self._last(sample) for sample in samples]
        if not all(bool(torch.isfinite(state).all()) for state in self._whole):
            raise UsageError("the untouched model comes to NaN or infinity on these samples")

    def __call__(self, schedule: Schedule) -> float:
        """At most 1, which is the untouched model's."""
        found = []
        with drop(self.model, "fastv", Budget(floor=self.floor), schedule=schedule):
            for sample, whole in zip(self.samples, self._whole, strict=True):
                found.append(cosine_similarity(self._last(sample), whole, dim=-1))
        return float(torch.cat(found).mean())

    def _last(self, sample: Mapping[str, Any]) -> Tensor:
        """The state of each row's last token behind the last layer: float32 `[B, D]`."""
        heard: list[Tensor] = []

        def note(module: nn.Module, args: Any, output: Any) -> None:
            heard.append(output[0] if isinstance(output, tuple) else output.last_hidden_state)

        handle = self._decoder.register_forward_hook(note)
        try:
            with torch.no_grad():
                self.model(**sample)
        finally:
            handle.remove()
        states = heard[-1]
        mask = sample.get("attention_mask")
        if not isinstance(mask, Tensor) or mask.dim() != 2:
            return states[:, -1].float()
        order = torch.arange(mask.shape[1], device=mask.device)
        last = (mask.bool() * order).argmax(1).to(states.device)
        return states[torch.arange(len(states), device=states.device), last].float()
