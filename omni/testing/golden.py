"""Compare media that were made with media that are kept: by what they show, not by their bytes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from omni.media import Media
from omni.modality import modality, open_media

UPDATE = "OMNI_UPDATE_GOLDEN"
"""Set to 1, what is made is kept in place of being compared."""

_PAIRS = 1 << 20


class Golden:
    """A folder of kept media.

    In a test, `Golden(Path(__file__).with_name("golden")).check(made, "red-circle")` compares with
    `golden/red-circle.png`. Run with `OMNI_UPDATE_GOLDEN=1` to keep what is made, and look at it
    before it is committed.

    Args:
        folder: where they are.
        decibels: how much stronger the signal has to be than its difference; see
            `assert_same_media`.
    """

    def __init__(self, folder: Path, *, decibels: float = 30.0):
        self.folder = folder
        self.decibels = decibels

    def check(self, made: Media, name: str) -> None:
        """Fail unless it is the same as what is kept under the name."""
        path = self.folder / f"{name}{modality(made.modality).suffixes[0]}"
        if os.environ.get(UPDATE) == "1":
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made.read())
            return
        if not path.exists():
            raise AssertionError(f"{path} is not kept yet: run once with {UPDATE}=1 and look at it")
        try:
            assert_same_media(made, open_media(path), decibels=self.decibels)
        except AssertionError as error:
            folder = Path(tempfile.mkdtemp(prefix="golden-"))
            shown = folder / path.name
            shown.write_bytes(made.read())
            raise AssertionError(f"{error}\nmade: {shown}\nkept: {path}") from None


def assert_same_media(made: Media, kept: Media, *, decibels: float = 30.0) -> None:
    """Fail unless two media items show the same.

    Pictures, films, sounds and series are compared by their signal: the power of the difference
    has to lie so many decibels under the peak (pictures, films) or the power (sounds, series) of
    what is kept. Points and solids are compared as sets, with their diagonal as the peak; words
    have to be equal.

    >>> from omni.modality import modality
    >>> image = modality("image")
    >>> one, other = (image.save(image.example(seed), name="x.png") for seed in (1, 2))
    >>> assert_same_media(one, one)
    >>> assert_same_media(one, other)
    Traceback (most recent call last):
    AssertionError: x.png differs from x.png: ... dB, wanted 30 dB
    """
    if made.modality != kept.modality:
        raise AssertionError(f"{made.name} is {made.modality}, wanted {kept.modality}")
    plugin = modality(made.modality)
    ours, theirs = plugin.load(made), plugin.load(kept)
    if made.modality == "text":
        same = plugin.text(ours) == plugin.text(theirs)
        assert same, f"the words of {made.name} are not those of {kept.name}"
        return
    if made.modality == "points":
        found = _of_points(_positions(ours), _positions(theirs))
    else:
        one, two = _signal(made.modality, ours), _signal(made.modality, theirs)
        if one.shape != two.shape:
            raise AssertionError(f"{made.name} is of shape {one.shape}, wanted {two.shape}")
        if made.modality == "series":
            found = _of_series(one, two)
        else:
            found = _decibels(one, two, None if made.modality == "audio" else 255.0)
    if found < decibels:
        raise AssertionError(
            f"{made.name} differs from {kept.name}: {found:.1f} dB, wanted {decibels:g} dB"
        )


def _signal(name: str, value: Any) -> np.ndarray:
    if name == "image":
        return np.asarray(value.convert("RGBA"), np.float64)
    if name == "video":
        return np.asarray(value.frames, np.float64)
    if name == "audio":
        return np.asarray(value.samples, np.float64)
    return np.asarray(value.values, np.float64)


def _decibels(made: np.ndarray, kept: np.ndarray, peak: float | None) -> float:
    noise = float(np.mean((made - kept) ** 2)) if kept.size else 0.0
    if noise == 0.0:
        return np.inf
    power = peak**2 if peak else float(np.mean(kept**2))
    return 10 * np.log10(power / noise) if power else -np.inf


def _of_series(made: np.ndarray, kept: np.ndarray) -> float:
    """Each column beside its own variation; gaps have to be where they were."""
    if not np.array_equal(np.isnan(made), np.isnan(kept)):
        return -np.inf
    spread = np.nanstd(kept, axis=0)
    spread = np.where(spread > 0, spread, np.abs(np.nanmean(kept, axis=0)))
    scale = np.where(spread > 0, spread, 1.0)
    return _decibels(np.nan_to_num(made / scale), np.nan_to_num(kept / scale), 1.0)


def _positions(value: Any) -> np.ndarray:
    return np.asarray(value.xyz, np.float64)[:, :3]


def _of_points(made: np.ndarray, kept: np.ndarray) -> float:
    """Distances to the nearest point of the other set, both ways, beside the diagonal."""
    noise = (np.mean(_nearest(made, kept)) + np.mean(_nearest(kept, made))) / 2
    diagonal = float(np.linalg.norm(np.ptp(kept, axis=0)))
    return np.inf if noise == 0 else 10 * np.log10(diagonal**2 / noise)


def _nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The squared distance of each point to the nearest of the others."""
    found = [
        ((some[:, None] - others[None]) ** 2).sum(-1).min(1)
        for some in np.array_split(points, max(1, len(points) * len(others) // _PAIRS))
    ]
    return np.concatenate(found)
