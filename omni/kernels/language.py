"""The one place where Triton is imported; kernels take their language from here.

Files whose names begin with `triton_` import this, and only `omni.kernels.backend` and the
functions that it chooses for import them: without Triton nothing else breaks.
"""

from __future__ import annotations

import os
from typing import Any

from omni.extras import need

triton: Any = need("triton", extra="kernels")
tl: Any = need("triton.language", extra="kernels")

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
"""Whether kernels run in Triton's interpreter, on a CPU; decided when this is imported."""


def block(count: int, least: int = 16) -> int:
    """The power of two that `count` values fit in."""
    return max(triton.next_power_of_2(count), least)


def warps(size: int) -> int:
    """How many warps a program of so many values a step gets: about eight values a thread."""
    return min(max(size // 256, 1), 16)
