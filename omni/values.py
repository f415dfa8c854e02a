"""Decoded media: what a modality's `load` returns and `save` takes.

An image is a `PIL.Image.Image` (mode RGB or RGBA, upright). The other kinds are the small records
below. A modality outside this distribution is free to use a type of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Waveform:
    """Sound: `samples` is float32 `[time, channels]` in −1…1; `notes` says what was mended."""

    samples: np.ndarray
    sample_rate: int
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Clip:
    """Some frames of a video, and its sound.

    Attributes:
        frames: uint8 `[frames, height, width, 3]`, the frames that were sampled.
        times: float64 `[frames]`, the second at which each sampled frame is shown.
        seconds: length of the whole video.
        frame_rate: frames a second of the whole video; 0 where it is not known.
        waveform: the audio track, or `None`.
        size: width and height of the video where its sampled frames were made smaller, else `None`.
    """

    frames: np.ndarray
    times: np.ndarray
    seconds: float
    frame_rate: float
    waveform: Waveform | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Cloud:
    """A point cloud or a mesh.

    Attributes:
        xyz: float32 `[points, 3]`; the vertices, where there are faces.
        rgb: uint8 `[points, 3]`, or `None`.
        faces: int64 `[faces, 3]`, or `None` for bare points.
        units: name of the length unit, where the file states one.
    """

    xyz: np.ndarray
    rgb: np.ndarray | None = None
    faces: np.ndarray | None = None
    units: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One or several measured columns over time or over an index.

    Attributes:
        values: float64 `[time, columns]`; NaN where nothing was measured.
        names: a name for each column.
        times: datetime64[ns] `[time]`, ascending, or `None` where there is no time column.
        frequency: pandas offset alias (`D`, `h`, `MS`, …), or `None` if irregular or unknown.
        notes: what was found and mended while reading, in plain words.
    """

    values: np.ndarray
    names: tuple[str, ...]
    times: np.ndarray | None = None
    frequency: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of text and the spot where it stands.

    Attributes:
        text: the words.
        page: page number from 1, or `None` where the format has no pages.
        box: left, top, right, bottom in points from the page's top left, or `None`.
    """

    text: str
    page: int | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture on a page.

    Attributes:
        page: page number from 1.
        box: left, top, right, bottom in points from the page's top left.
        draw: gives the picture as the page shows it; it may read the file again.
    """

    page: int
    box: tuple[float, float, float, float]
    draw: Callable[[], Image.Image] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """A document: passages in reading order, and pictures of its pages where it has pages.

    The pictures may be drawn only when one is asked for, and figures looked for only then.

    Attributes:
        sizes: width and height of each page in points, as it is shown.
        figures: of each page, those that are pictures in the file.
    """

    passages: tuple[Passage, ...]
    title: str = ""
    pages: Sequence[Image.Image] = field(default=(), repr=False)
    sizes: tuple[tuple[float, float], ...] = field(default=(), repr=False)
    figures: Sequence[Sequence[Figure]] = field(default=(), repr=False)

    @property
    def text(self) -> str:
        return "\n".join(passage.text for passage in self.passages)
