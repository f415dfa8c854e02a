"""Media of a prompt as items: how their tokens will lie, and how many each may keep.

Both are known before anything is encoded, so that a prompt can be laid out at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from omni.compression import allocation
from omni.compression.budget import Budget, Grid
from omni.errors import Unsupported, UsageError
from omni.modality import modality
from omni.model.item import MediaItem
from omni.model.parts import build_adapter
from omni.model.questions import TEXT


class Planner:
    """What knows the encoders and adapters of a model by their shapes alone.

    Attributes:
        modalities: as in `OmniConfig`.
    """

    modalities: dict[str, Any]

    def plan(
        self,
        media: Sequence[Any],
        budget: Budget | None = None,
        weights: Sequence[float] | None = None,
    ) -> list[MediaItem]:
        """Items of one prompt with what each may keep, before anything is encoded.

        Args:
            media: in any of the forms that `OmniProcessor` takes.
            budget: of all of them; texts are no part of it and are kept whole.
            weights: one for each item that is no text, at least 0: those that weigh more keep more.
                Where it is `None`, larger items keep more.

        Raises:
            UsageError: if the budget is too small, or there are not as many weights as items.
        """
        drafts = [self.item(entry) for entry in media]
        if budget is None:
            return drafts
        real = [draft for draft in drafts if draft.modality != TEXT]
        keeps = iter(_keeps(real, budget, weights))
        return [
            draft if draft.modality == TEXT else replace(draft, keep=next(keeps))
            for draft in drafts
        ]

    def item(self, entry: Any) -> MediaItem:
        """One item, from any form that `OmniProcessor` takes; it keeps all of its tokens."""
        if isinstance(entry, MediaItem):
            return entry
        if isinstance(entry, Mapping):
            name, handle = entry.get("type"), entry.get("handle", "")
            if entry.get("tokens") is not None:
                return self._encoded(str(name), entry)
            value = entry.get("features")
            if value is None:
                value = entry.get("value", entry.get(str(name)))
        else:
            (name, value), handle = entry, ""
        if value is None or not isinstance(name, str):
            raise UsageError(
                f"a media part has a type and a value, features or tokens; this one has type "
                f"{name!r} and nothing of these"
            )
        features = value if is_features(value) else modality(name).features(value)
        grid = self.grid(name, features)
        pinned = entry.get("pinned") if isinstance(entry, Mapping) else None
        return MediaItem(name, features, grid, grid.tokens, handle=handle, pinned=pinned)

    def _encoded(self, name: str, entry: Mapping[str, Any]) -> MediaItem:
        tokens: Tensor = entry["tokens"]
        lies = entry.get("grid") or self.lay(name, len(tokens))
        if lies.tokens != len(tokens):
            raise UsageError(
                f"this {name!r} part has {len(tokens)} encoder tokens, but a grid of {lies.tokens}"
            )
        grid = self._planner(name)[1].grid(lies)
        given = entry.get("handle", ""), entry.get("pinned")
        return MediaItem(name, None, grid, grid.tokens, tokens, given[0], pinned=given[1])

    def lay(self, name: str, count: int) -> Grid:
        """How so many encoder tokens of one item lie; in a row if they are no whole grid."""
        encoder = self._planner(name)[0]
        grid = encoder.lay(count) if hasattr(encoder, "lay") else Grid(width=count)
        return grid if grid.tokens == count else Grid(width=count)

    def encoded_grid(self, name: str, features: Mapping[str, Tensor]) -> Grid:
        """How the encoder tokens of an item will lie, from the shapes of its features alone."""
        encoder, _ = self._planner(name)
        if encoder is None:
            raise Unsupported(f"this model has no encoder for {name!r}: give encoder tokens")
        return encoder.grid(features)

    def grid(self, name: str, features: Mapping[str, Tensor]) -> Grid:
        """How the adapted tokens of an item will lie, from the shapes of its features alone."""
        lies = self.encoded_grid(name, features)
        return self._planner(name)[1].grid(lies)

    @cached_property
    def _planners(self) -> dict[str, tuple[Any, Any]]:
        return {}

    def _planner(self, name: str) -> tuple[Any, Any]:
        """Encoder and adapter of a modality as shells that know shapes; they hold no weights."""
        if name not in self.modalities:
            known = ", ".join(self.modalities) or "none"
            raise Unsupported(f"this model does not read {name!r}; it reads: {known}")
        if name not in self._planners:
            settings = self.modalities[name]
            adapter = dict(settings.get("adapter") or {"name": "mlp"})
            encoder = None
            with torch.random.fork_rng(devices=[]):
                if settings.get("encoder") is not None:
                    encoder = _shell(modality(name).encoder(**settings["encoder"]))
                # This width is divided by any usual number of heads.
                shell = _shell(build_adapter(adapter, 1, 840))
            self._planners[name] = (encoder, shell)
        return self._planners[name]


def _keeps(
    items: Sequence[MediaItem], budget: Budget, weights: Sequence[float] | None
) -> list[int]:
    """Tokens to keep of each; none falls below its pinned ones."""
    sizes = [item.grid.tokens for item in items]
    pins = [item.pins for item in items]
    if weights is not None and len(weights) != len(items):
        raise UsageError(f"{len(weights)} weights for {len(items)} media items: give one an item")
    if weights is None and not any(pins):
        return budget.plan(sizes)
    floors = [max(budget.floor, pinned) for pinned in pins]
    wanted = [
        min(size, max(floor, round(size * budget.keep)))
        for size, floor in zip(sizes, floors, strict=True)
    ]
    if budget.tokens is None:
        return wanted
    return allocation.allocate(wanted, budget.tokens, weights or wanted, floors)


def is_features(value: Any) -> bool:
    """Whether a value is what a modality's `features` answers."""
    return isinstance(value, Mapping) and all(isinstance(v, Tensor) for v in value.values())


def _shell(module: Any) -> Any:
    """The module with its weights given up: grids need only its settings."""
    return module.to("meta") if isinstance(module, torch.nn.Module) else module
