"""From a decoded clip to the tensors that its encoder takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omni.modality import Features
from omni.pixels import letterbox
from omni.values import Clip

if TYPE_CHECKING:
    import numpy as np

SIZE = 96
FRAMES = 8
TOKENS_A_FRAME = 16


def evenly(times: np.ndarray, count: int) -> np.ndarray:
    """Indices, ascending, of at most `count` frames spread evenly over the time span.

    At each of `count` instants from the first frame to the last, the frame that is nearest in time
    is taken; a frame is taken once.
    """
    import numpy as np

    if len(times) <= count:
        return np.arange(len(times))
    instants = np.linspace(times[0], times[-1], count)
    distances = np.abs(np.asarray(times)[None, :] - instants[:, None])
    return np.unique(distances.argmin(axis=1))


def video_features(clip: Clip, *, frames: int = FRAMES, size: int = SIZE) -> Features:
    """`frames [F, 3, size, size]` in 0…1, letterboxed on mid-grey, and `times [F]` in seconds."""
    import numpy as np
    import torch
    from PIL import Image

    chosen = evenly(clip.times, frames)
    pixels = np.stack([letterbox(Image.fromarray(clip.frames[i]), size) for i in chosen])
    times = np.asarray(clip.times, dtype=np.float32)[chosen]
    return {"frames": torch.from_numpy(pixels), "times": torch.from_numpy(times)}
