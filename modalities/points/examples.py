"""A small mesh for tests and documentation."""

from __future__ import annotations

import numpy as np

from omni.values import Cloud

_FACES = (
    *((0, 2, 1), (0, 3, 2), (4, 5, 6), (4, 6, 7), (0, 1, 5), (0, 5, 4)),
    *((1, 2, 6), (1, 6, 5), (2, 3, 7), (2, 7, 6), (3, 0, 4), (3, 4, 7)),
)


def box(seed: int = 0) -> Cloud:
    """A closed, coloured box in millimetres; its edges and colours depend on the seed."""
    rng = np.random.default_rng(seed)
    corners = np.array(
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]]
    )
    xyz = (corners * rng.uniform(10, 40, 3)).astype(np.float32)
    rgb = rng.integers(40, 256, (8, 3), dtype=np.uint8)
    return Cloud(xyz, rgb, np.array(_FACES, dtype=np.int64), "mm")
