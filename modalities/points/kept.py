"""A cloud with the patches of it that a selector kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from omni.compression.overlay import tally
from omni.values import Cloud

from .encoder import SPOTS, patch_of
from .features import features
from .rendering import BACKGROUND, PLAIN, draw_points

if TYPE_CHECKING:
    from PIL import Image

_FAINT = 0.18


def kept_points(cloud: Cloud, count: int, places: Sequence[int], width: int) -> Image.Image:
    """The points that are encoded, in their colours; those of dropped patches are faint.

    Args:
        cloud: a cloud or a mesh.
        count: how many patches there are; more than the encoder knows are only counted below.
        places: of those that were kept.
        width: of the picture, which is three quarters as high, and a bar that counts patches.
    """
    tensors = features(cloud)
    xyz = tensors["xyz"].numpy()
    colours = np.tile(np.array(PLAIN, np.float32), (len(xyz), 1))
    if cloud.rgb is not None:
        colours = tensors["rgb"].numpy() * 255
    if count <= SPOTS:
        lost = ~np.isin(patch_of(tensors["xyz"], count).numpy(), list(places))
        faint = _FAINT * colours[lost] + (1 - _FAINT) * np.array(BACKGROUND, np.float32)
        colours[lost] = faint
    shown = Cloud(xyz, colours.round().astype(np.uint8))
    return tally(draw_points(shown, width, width * 3 // 4), count, places)
