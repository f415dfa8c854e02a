"""The modality of 3D points and meshes; the work is in the files beside this one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from omni.media import Media
from omni.modality import Features, Modality

from .formats import MIME_TYPES, SUFFIXES, sniff

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from omni.compression.budget import Grid
    from omni.values import Cloud

    from .encoder import Described

TOKENS = 32


class PointsModality(Modality):
    """Point clouds and meshes, decoded to `omni.values.Cloud`."""

    name: ClassVar[str] = "points"
    prefix: ClassVar[str] = "pts"
    words: ClassVar[tuple[str, ...]] = ("3d", "solid", "mesh", "cloud", "scan", "model")
    mime_types: ClassVar[tuple[str, ...]] = MIME_TYPES
    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    block: ClassVar[Literal["text", "image", "audio", "video", "file"]] = "file"

    def sniff(self, head: bytes, name: str) -> str | None:
        return sniff(head, name)

    def load(self, media: Media) -> Cloud:
        from .reading import read

        return read(media)

    def save(self, value: Cloud, *, name: str, mime: str | None = None) -> Media:
        from .writing import write

        mime = mime or self.mime_types[0]
        return Media.from_bytes(write(value, mime), modality=self.name, mime=mime, name=name)

    def facts(self, value: Cloud) -> dict[str, Any]:
        from .measures import facts

        return facts(value)

    def caption(self, value: Cloud) -> str:
        from .measures import caption

        return caption(value)

    def picture(self, value: Cloud, *, width: int = 640) -> Image.Image:
        from .rendering import render

        return render(value, width)

    def overlay(
        self, value: Cloud, grid: Grid, places: Sequence[int], *, width: int = 640
    ) -> Image.Image:
        """The points that the encoder reads; those nearest to a dropped patch are faint."""
        from .kept import kept_points

        if grid.tokens != grid.width:
            return super().overlay(value, grid, places, width=width)
        return kept_points(value, grid.width, places, width)

    def example(self, seed: int = 0) -> Cloud:
        from .examples import box

        return box(seed)

    def estimate_tokens(self, value: Cloud) -> int:
        return TOKENS

    def features(self, value: Cloud) -> Features:
        from .features import features

        return features(value)

    def described(self, batch: Sequence[Features]) -> Described:
        """What the encoder knows of clouds before it has learned anything: it learns from that."""
        from .encoder import describe, stacked

        return describe(*stacked(batch))

    def encoder(self, **config: Any) -> torch.nn.Module:
        from .encoder import PointsEncoder

        return PointsEncoder(**config)
