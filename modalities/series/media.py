"""The series modality: what a table of measurements is, and who reads, draws and encodes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from omni.media import Media
from omni.modality import Features, Modality
from omni.values import Series

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from omni.compression.budget import Grid

TOKENS_PER_COLUMN = 16
MODEL_COLUMNS = 8


class SeriesModality(Modality):
    """One or several measured columns, decoded to a `Series`."""

    name = "series"
    prefix = "ser"
    words = ("data", "curve", "chart", "plot", "table", "column", "csv")
    mime_types = (
        "text/csv",
        "text/tab-separated-values",
        "application/json",
        "application/vnd.apache.parquet",
        "application/x-npy",
        "application/parquet",
        "application/x-parquet",
    )
    suffixes = (".csv", ".tsv", ".json", ".parquet", ".npy")
    block = "file"

    def sniff(self, head: bytes, name: str) -> str | None:
        from .sniffing import mime_of

        return mime_of(head, name)

    def load(self, media: Media) -> Series:
        from .files import read

        return read(media)

    def save(self, value: Series, *, name: str, mime: str | None = None) -> Media:
        from .files import write

        return write(value, name=name, mime=mime or self.mime_types[0])

    def facts(self, value: Series) -> dict[str, Any]:
        from .facts import facts

        return facts(value)

    def caption(self, value: Series) -> str:
        from .facts import caption

        return caption(value)

    def picture(self, value: Series, *, width: int = 640) -> Image.Image:
        from .drawing import picture

        return picture(value, width)

    def overlay(
        self, value: Series, grid: Grid, places: Sequence[int], *, width: int = 640
    ) -> Image.Image:
        """The plot with the spans of each column that were kept."""
        from .drawing import kept

        if grid.height > 1 or grid.time > value.values.shape[1]:
            return super().overlay(value, grid, places, width=width)
        return kept(value, grid, places, width)

    def sparkline(self, value: Series, *, width: int = 60) -> str:
        from .drawing import sparkline

        return sparkline(value, width)

    def example(self, seed: int = 0) -> Series:
        """Sixty days of two columns: a season with noise, and a random walk with a gap."""
        import numpy as np

        random = np.random.default_rng(seed)
        days = np.arange(60)
        season = 20 + 5 * np.sin(2 * np.pi * days / 7) + random.normal(0, 0.5, 60)
        walk = 100 + random.normal(0, 1, 60).cumsum()
        walk[20:23] = np.nan
        times = np.datetime64("2024-01-01", "ns") + days * np.timedelta64(1, "D")
        values = np.round(np.stack([season, walk], axis=1), 3)
        return Series(values, ("season", "walk"), times.astype("datetime64[ns]"), "D")

    def estimate_tokens(self, value: Series) -> int:
        return TOKENS_PER_COLUMN * max(1, min(value.values.shape[1], MODEL_COLUMNS))

    def features(self, value: Series) -> Features:
        from .features import features

        return features(value)

    def encoder(self, **config: Any) -> torch.nn.Module:
        from .encoder import SeriesEncoder

        return SeriesEncoder(**config)

    def forecaster(self, **config: Any) -> torch.nn.Module:
        from .forecaster import Forecaster

        return Forecaster(**config)
