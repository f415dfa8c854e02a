"""The training loop that every stage shares: seeded, budgeted, resumable, logged."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omni.errors import StoreError
from omni.nano.stages.optimisers import Optimisers, adamw

StepFunction = Callable[[int], tuple[Tensor, Mapping[str, float]]]
"""Given the step's number, the loss of that step and what to log; the step seeds its own data."""

CHECKPOINT_SECONDS = 60.0
LOG_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        steps: optimiser steps; with the seed and the device they fix the result.
        minutes: the run ends early after this long (the learning rate is annealed by whichever of
            steps and minutes is further along, so an early end is still an annealed one).
        learning_rate: the peak, after a linear warm-up over `warmup` of the run.
        short: compute in bfloat16 where that is safe (weights stay float32): on a CPU with matrix
            units a product is five times as fast.
    """

    steps: int
    minutes: float = math.inf
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warmup: float = 0.03
    clip: float = 1.0
    short: bool = False

    def rate(self, progress: float) -> float:
        """Learning rate at a progress in 0…1: linear warm-up, then a cosine to zero."""
        if progress < self.warmup:
            return self.learning_rate * max(progress, 1e-3) / self.warmup
        cosine = (progress - self.warmup) / (1 - self.warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(cosine, 1.0)))


def train(
    name: str,
    module: nn.Module,
    step: StepFunction,
    schedule: Schedule,
    out: Path,
    optimisers: Callable[[nn.Module, float, float], Optimisers] = adamw,
) -> list[dict[str, float]]:
    """Train `module` in place and return the logged curve, whose points are means since the last.

    Writes `out/<name>.log.jsonl` and, every minute, a checkpoint from which the same call goes on;
    a finished stage leaves `out/<name>.safetensors` and is not trained again but loaded.
    """
    out.mkdir(parents=True, exist_ok=True)
    finished, log = out / f"{name}.safetensors", out / f"{name}.log.jsonl"
    if finished.exists():
        _load(module, load_file(finished))
        return _curve(log)
    parameters = [p for p in module.parameters() if p.requires_grad]
    device = parameters[0].device.type
    optimiser = optimisers(module, schedule.learning_rate, schedule.weight_decay)
    partial = out / f"{name}.partial.safetensors"
    done, spent = _resume(partial, module, optimiser, parameters)
    if not done:
        log.write_text("")
    # Of a short run, too, there is a curve.
    log_seconds = min(LOG_SECONDS, 3 * schedule.minutes)
    began = saved = logged = time.monotonic()
    module.train()
    since: list[Mapping[str, float]] = []
    progress = 0.0
    while done < schedule.steps and progress < 1:
        elapsed = spent + time.monotonic() - began
        progress = max(done / schedule.steps, elapsed / 60 / schedule.minutes)
        optimiser.rate(schedule.rate(progress))
        with torch.autocast(device, torch.bfloat16, enabled=schedule.short):
            loss, logs = step(done)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, schedule.clip)
        optimiser.step()
        done += 1
        since.append({"loss": loss.item(), **logs})
        now = time.monotonic()
        if now - logged > log_seconds or done in (1, schedule.steps):
            logged = now
            row = {"step": done, "minutes": (spent + now - began) / 60, **_means(since)}
            since = []
            with log.open("a") as stream:
                stream.write(json.dumps(row) + "\n")
        if now - saved > CHECKPOINT_SECONDS:
            saved = now
            _save(partial, module, optimiser, parameters, done, spent + now - began)
    module.eval()
    save_file(_weights(module), finished)
    partial.unlink(missing_ok=True)
    return _curve(log)


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each value, over the rows that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: fmean(row[name] for row in rows if name in row) for name in names}


def _curve(log: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def _weights(module: nn.Module) -> dict[str, Tensor]:
    """The state with each tied weight once, as safetensors wants it."""
    seen: dict[int, str] = {}
    found = {}
    for name, value in module.state_dict().items():
        first = seen.setdefault(value.data_ptr(), name) if value.numel() else name
        if first == name:
            found[name] = value.contiguous()
    return found


def _load(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    expected = set(_weights(module))
    if expected != set(weights):
        raise StoreError(
            f"the checkpoint does not fit: {sorted(expected ^ set(weights))[:4]} differ; "
            "train into an empty folder"
        )
    module.load_state_dict(weights, strict=False)


def _save(path, module, optimiser, parameters, done: int, seconds: float) -> None:
    tensors = {f"module.{key}": value for key, value in _weights(module).items()}
    for index, parameter in enumerate(parameters):
        for key, value in optimiser.state(parameter).items():
            tensors[f"optimiser.{index}.{key}"] = value.reshape(-1) if value.dim() == 0 else value
    scratch = path.with_suffix(".tmp")
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    save_file(tensors, scratch, metadata={"step": str(done), "seconds": str(seconds)})
    scratch.replace(path)


def _resume(path: Path, module, optimiser, parameters) -> tuple[int, float]:
    """Load a checkpoint if there is one; return steps done and seconds spent."""
    if not path.exists():
        return 0, 0.0
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    prefix = "module."
    weights = {key[len(prefix) :]: tensors[key] for key in tensors if key.startswith(prefix)}
    _load(module, weights)
    for index, parameter in enumerate(parameters):
        start = f"optimiser.{index}."
        state = {
            key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)
        }
        if "step" in state:
            state["step"] = state["step"].reshape(())
        if state:
            optimiser.remember(parameter, state)
    return int(metadata["step"]), float(metadata["seconds"])
