"""Which arithmetic runs: kernels written in Triton, or the same in plain torch.

Plain torch is the truth, and runs everywhere. `auto` takes Triton on CUDA where it is installed.
The choice is made once a process for each device, told at level INFO of the log `omni.kernels`, and
can be forced: by the environment variable `OMNI_KERNELS`, or for a while with `using`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from omni.errors import UsageError
from omni.extras import available

if TYPE_CHECKING:
    import torch

VARIABLE = "OMNI_KERNELS"
NAMES = ("auto", "torch", "triton")

_log = logging.getLogger("omni.kernels")
_forced: ContextVar[str | None] = ContextVar("kernels", default=None)


def chosen(device: torch.device | str) -> str:
    """`torch` or `triton`, for tensors on this device.

    Raises:
        UsageError: if what was asked for is not known, or cannot run there.
    """
    wish = _forced.get() or os.environ.get(VARIABLE) or "auto"
    return _decide(_known(wish), str(getattr(device, "type", device)).partition(":")[0])


@contextmanager
def using(name: str) -> Iterator[None]:
    """Force the choice while the context lasts, in this thread or task."""
    token = _forced.set(_known(name))
    try:
        yield
    finally:
        _forced.reset(token)


def _known(name: str) -> str:
    if name not in NAMES:
        raise UsageError(f"unknown kernels {name!r}: wanted {', '.join(NAMES)}")
    return name


@cache
def _decide(wish: str, kind: str) -> str:
    installed = available("triton")
    if wish == "triton" and not installed:
        raise UsageError(
            f"{VARIABLE}=triton was asked for, but Triton is not installed: "
            'run  pip install "omni-agent[kernels]",  or use torch'
        )
    if wish == "triton" and kind != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
        raise UsageError(
            f"Triton kernels do not run on {kind}: use cuda, or torch, or set TRITON_INTERPRET=1 "
            "before anything imports Triton, which is slow"
        )
    name = "triton" if wish == "triton" or (wish == "auto" and kind == "cuda" and installed) else ""
    name = name or "torch"
    _log.info("kernels on %s: %s (%s was asked for)", kind, name, wish)
    return name
