"""The stage that teaches forecasting, from synthetic processes alone.

Leaves `forecast.safetensors` in the run folder, which `load` reads.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from omni.modality import modality
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import processes

NAME = "forecast"
BATCH = 64
EXAMPLES = 60
"""Batches of the held-out figures."""

STEPS_A_MINUTE = 300
LEARNING_RATE = 2e-3
TRAIN, VALIDATION = 1, 2
SHORTEST, LONGEST = 10, 600
LEAST_AHEAD, MOST_AHEAD = 4, 96


def run(out: Path, *, minutes: float, seed: int = 0, steps: int | None = None) -> dict[str, Any]:
    """Train, keep the weights in `out`, and return (and write) the held-out figures."""
    began = time.monotonic()
    torch.manual_seed(seed)
    forecaster: Any = new_forecaster()

    def step(number: int) -> tuple[torch.Tensor, dict[str, float]]:
        # each batch is new: 588 steps so left 0.733 of the naive error on held-out processes, 1363
        # steps in which each batch was used three times left 0.739 (one run each)
        history, season, truth = batch(np.random.default_rng((seed, TRAIN, number)))
        return forecaster.loss(forecaster.prepare(history, season, truth.shape[1]), truth)

    steps = steps or max(1, round(minutes * STEPS_A_MINUTE))
    schedule = Schedule(steps, minutes, learning_rate=LEARNING_RATE, warmup=0.05)
    curve = train(NAME, forecaster, step, schedule, out)
    figures = evaluate(forecaster, seed=seed, batches=EXAMPLES if minutes > 1 else 2)
    figures |= {
        "parameters": sum(p.numel() for p in forecaster.parameters()),
        "steps": curve[-1]["step"],
        "minutes": (time.monotonic() - began) / 60,
    }
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def load(out: Path) -> nn.Module:
    """The trained forecaster, frozen."""
    forecaster = new_forecaster()
    forecaster.load_state_dict(load_file(out / f"{NAME}.safetensors"))
    return forecaster.eval().requires_grad_(False)


def new_forecaster() -> nn.Module:
    """The forecaster of series with fresh weights."""
    forecaster = modality("series").forecaster()
    assert forecaster is not None
    return forecaster


def batch(rng: np.random.Generator, rows: int = BATCH) -> tuple[np.ndarray, int, np.ndarray]:
    """Histories `[rows, time]`, the season that is named, and what follows `[rows, horizon]`.

    Short histories are as frequent as long ones by their logarithm; one in eight batches is told
    of no season.
    """
    season = processes.any_season(rng)
    least = max(SHORTEST, round(1.2 * season))
    length = round(np.exp(rng.uniform(np.log(least), np.log(LONGEST))))
    most = min(MOST_AHEAD, max(LEAST_AHEAD, length // 2))
    horizon = round(np.exp(rng.uniform(np.log(LEAST_AHEAD), np.log(most))))
    values = processes.sample(rng, rows, length + horizon, season)
    told = 1 if rng.random() < 1 / 8 else season
    return values[:, :length], told, values[:, length:]


@torch.inference_mode()
def evaluate(forecaster: Any, *, seed: int = 0, batches: int = EXAMPLES) -> dict[str, Any]:
    """Errors on processes of other seeds, as parts of the seasonal naive forecast's.

    Of each series the mean absolute error is divided by that of the seasonal naive forecast, which
    is the ratio of their scaled errors (MASE); `relative` is the geometric mean of the ratios,
    `median` their median, `better` the share below 1, and `covered` the share of values between
    the outer quantiles.
    """
    forecaster.eval()
    ratios, covered = [], []
    for number in range(batches):
        history, season, truth = batch(np.random.default_rng((seed, VALIDATION, number)))
        seen = forecaster.prepare(history, season, truth.shape[1])
        said = seen.unscaled(forecaster(seen))
        naive = seen.unscaled(seen.forecasts[:, 0])
        least = 1e-3 * history.std(1) + 1e-12
        own = np.abs(said[:, said.shape[1] // 2] - truth).mean(1) + least
        ratios.append(own / (np.abs(naive - truth).mean(1) + least))
        covered.append(((truth >= said[:, 0]) & (truth <= said[:, -1])).mean())
    every = np.concatenate(ratios)
    return {
        "relative": float(np.exp(np.log(every).mean())),
        "median": float(np.median(every)),
        "better": float((every < 1).mean()),
        "covered": float(np.mean(covered)),
        "examples": len(every),
    }
