"""What work costs besides time: memory, launches, waits, and what a graph would save."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_LAUNCHES = ("cudaLaunchKernel", "cuLaunchKernel", "cudaMemcpyAsync", "cudaMemsetAsync")
_WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "cudaMemcpy")


def peak_bytes(work: Callable[[], Any], device: torch.device | str) -> int | None:
    """How much more memory is in use at the peak of some work; `None` where nobody knows."""
    if "cuda" in str(device):
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    try:
        _RESET.write_text("5")  # Linux forgets the highest mark of this process
    except OSError:
        return None
    before = _status("VmRSS")
    work()
    return max(_status("VmHWM") - before, 0)


def _status(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


def calls(work: Callable[[], Any]) -> dict[str, int]:
    """How often an accelerator was given work, and how often it was waited for."""
    kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=kinds) as profile:
        work()
    counts = {event.key: event.count for event in profile.key_averages()}

    def total(names: tuple[str, ...], exact: bool) -> int:
        return sum(
            count
            for key, count in counts.items()
            if (key in names if exact else key.startswith(names))
        )

    # Profiling itself waits once, at its end.
    return {"launches": total(_LAUNCHES, False), "waits": max(total(_WAITS, True) - 1, 0)}


def graph_seconds(work: Callable[[], Any], repeats: int) -> float:
    """Least seconds of some work replayed as a CUDA graph, which launches everything at once."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(2):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    times = []
    for _ in range(repeats + 1):
        torch.cuda.synchronize()
        began = time.perf_counter()
        graph.replay()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times)
