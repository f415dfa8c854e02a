"""One media item on its way into the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.errors import UsageError
from omni.model.positions import spots


@dataclass(frozen=True, slots=True)
class MediaItem:
    """Features of one item, or its encoder tokens, and how many tokens it may take.

    Attributes:
        modality: name of the modality plug-in.
        features: tensors for the encoder; `None` where `tokens` are given.
        grid: how the item's tokens lie once encoded and adapted.
        keep: how many of them the text has placeholders for, in 1…`grid.tokens`.
        tokens: encoder tokens `[N, encoder width]`, for those who encode beforehand.
        handle: how the item is called in reports.
        spots: where its tokens lie, `[N, 3]`, if they are not a whole grid; see
            `omni.model.positions`.
        pinned: bool `[N]`, tokens that must be kept, such as a line's end; they lie on the host.
    """

    modality: str
    features: Mapping[str, Tensor] | None = field(repr=False)
    grid: Grid
    keep: int
    tokens: Tensor | None = field(default=None, repr=False)
    handle: str = ""
    spots: Tensor | None = field(default=None, repr=False)
    pinned: Tensor | None = field(default=None, repr=False)

    def __post_init__(self):
        if (self.features is None) == (self.tokens is None):
            raise UsageError(
                f"a media item holds either features or encoder tokens; this {self.modality!r} "
                f"item holds {'both' if self.tokens is not None else 'neither'}"
            )
        if self.pinned is not None and len(self.pinned) != self.grid.tokens:
            raise UsageError(
                f"this {self.modality!r} item has {self.grid.tokens} tokens, but "
                f"{len(self.pinned)} flags of which are pinned"
            )
        if not 1 <= self.keep <= self.grid.tokens:
            raise UsageError(
                f"this {self.modality!r} item has {self.grid.tokens} tokens, so it can keep 1 to "
                f"{self.grid.tokens}, not {self.keep}"
            )

    @classmethod
    def encoded(
        cls,
        modality: str,
        tokens: Tensor,
        *,
        keep: int | None = None,
        handle: str = "",
        grid: Grid | None = None,
        spots: Tensor | None = None,
    ) -> MediaItem:
        """An item whose encoder tokens `[N, encoder width]` are there already.

        It keeps all of them unless `keep` says otherwise, and they lie in a row unless `grid` or
        `spots` does. (For adapters that answer with another number of tokens, such as the
        resampler, write the item out.)
        """
        grid = grid or Grid(width=len(tokens))
        return cls(modality, None, grid, keep or len(tokens), tokens, handle, spots)

    @property
    def pins(self) -> int:
        """How many of its tokens must be kept."""
        return 0 if self.pinned is None else int(self.pinned.sum())

    def where(self) -> Tensor:
        """Time, row and column of each token, float32 `[N, 3]` in 0…1."""
        return spots(self.grid) if self.spots is None else self.spots

    def to(self, *args: Any, **kwargs: Any) -> MediaItem:
        """The same item with its tensors elsewhere, as `Tensor.to`; whole numbers stay whole."""
        if self.tokens is not None:
            return replace(self, tokens=self.tokens.to(*args, **kwargs))
        assert self.features is not None
        moved = {name: _move(value, args, kwargs) for name, value in self.features.items()}
        return replace(self, features=moved)


def _move(value: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    if value.is_floating_point():
        return value.to(*args, **kwargs)
    places = [arg for arg in args if not isinstance(arg, torch.dtype)]
    return value.to(*places, **{key: kwargs[key] for key in kwargs if key != "dtype"})
