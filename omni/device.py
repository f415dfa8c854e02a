"""One decision about device and number format, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omni.errors import UsageError

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model runs and in which number format."""

    device: torch.device
    dtype: torch.dtype
    reason: str


def place(device: str = "auto", dtype: str = "auto") -> Placement:
    """Decide where to run: `auto` takes the accelerator when there is one, else the CPU.

    Args:
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, …
        dtype: `auto` (bfloat16 on an accelerator that has it, else float32) or one of `DTYPES`.

    Raises:
        UsageError: if the device is not there or the number format is not known.
    """
    import torch

    if dtype != "auto" and dtype not in DTYPES:
        raise UsageError(f"unknown dtype {dtype!r}: wanted auto or one of {', '.join(DTYPES)}")
    if device == "auto":
        found = _accelerator()
        chosen = torch.device(found or "cpu")
        reason = f"{found} is available" if found else "no accelerator found"
    else:
        chosen = _check(device)
        reason = "asked for"
    if dtype != "auto":
        return Placement(chosen, getattr(torch, dtype), reason)
    half = chosen.type == "cuda" and torch.cuda.is_bf16_supported()
    return Placement(chosen, torch.bfloat16 if half else torch.float32, reason)


def _accelerator() -> str | None:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return None


def _check(device: str) -> torch.device:
    import torch

    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise UsageError(f"unknown device {device!r}: wanted auto, cpu, cuda or cuda:N") from None
    if chosen.type == "cuda":
        count = torch.cuda.device_count()
        if (chosen.index or 0) >= count:
            raise UsageError(
                f"device {device!r} was asked for, but {count} CUDA devices are visible: "
                "use --device cpu, or look at  omni doctor"
            )
    return chosen
