"""A cloud or a mesh as tensors for the encoder."""

from __future__ import annotations

import math

import numpy as np
import torch

from omni.values import Cloud

from .sampling import sample

POINTS = 1024
GREY = 0.5
LARGEST_SCALE = 6.0


def features(cloud: Cloud) -> dict[str, torch.Tensor]:
    """Tensors of a cloud, the same at every call.

    Returns:
        `xyz` float32 `[1024, 3]`, centred on its mean and scaled into the unit sphere; `rgb`
        float32 `[1024, 3]` in 0…1, mid-grey where there is no colour; `scale` float32 `[1]`, log10
        of the radius that was divided by, held in −6…6.
    """
    xyz, rgb = sample(cloud, POINTS)
    centred = xyz.astype(np.float64) - xyz.mean(0, dtype=np.float64)
    radius = float(np.linalg.norm(centred, axis=1).max())
    if radius > 0:
        centred /= radius
    colours = np.full_like(xyz, GREY) if rgb is None else rgb / np.float32(255)
    scale = math.log10(radius) if radius > 0 else 0.0
    scale = max(-LARGEST_SCALE, min(LARGEST_SCALE, scale))
    return {
        "xyz": torch.from_numpy(centred.astype(np.float32)),
        "rgb": torch.from_numpy(colours),
        "scale": torch.tensor([scale], dtype=torch.float32),
    }
