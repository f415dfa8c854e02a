"""The stage that teaches the series encoder: trend, season and its cycles, event and its place.

Leaves `series_encoder.safetensors` in the run folder, which `load` reads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omni.modality import modality
from omni.nano.stages.heads import Heads
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import curves, words
from omni.nano.world.curves import Curve

WEIGHTS = "series_encoder.safetensors"
BATCH = 48
PLACES = 8  # the place of an event is taught as one of eight parts of the series
ATTRIBUTES = {
    "trend": len(words.TRENDS),
    "season": 2,
    "cycles": curves.MOST_CYCLES + 1,
    "event": len(words.EVENTS) + 1,
    "place": PLACES,
}


class Reader(nn.Module):
    """The encoder with the heads it is taught through."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.heads = Heads(int(encoder.width), ATTRIBUTES)  # type: ignore[arg-type]

    def tokens(self, drawn: Sequence[Curve]) -> Tensor:
        """Tokens `[columns, 16, width]` of one-column series."""
        features = modality("series").features
        return torch.stack(self.encoder([features(curve.series) for curve in drawn]))


def run(out: Path, *, minutes: float, seed: int = 0, steps: int = 3000) -> dict:
    """Train, keep the encoder's weights in `out`, and return (and write) the held-out figures."""
    began = time.monotonic()
    torch.manual_seed(seed)
    reader = Reader(new_encoder())

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((seed, 1, number))
        drawn = [curves.sample(rng) for _ in range(BATCH)]
        return reader.heads.loss(reader.tokens(drawn), labels_of(drawn))

    schedule = Schedule(steps=steps, minutes=minutes, learning_rate=1e-3, warmup=0.05)
    curve = train("series", reader, step, schedule, out)
    save_file(reader.encoder.state_dict(), out / WEIGHTS)
    figures = evaluate(reader, seed=seed, size=1000 if minutes > 1 else 32)
    figures |= {
        "parameters": sum(p.numel() for p in reader.encoder.parameters()),
        "steps": curve[-1]["step"],
        "minutes": (time.monotonic() - began) / 60,
    }
    (out / "series.figures.json").write_text(json.dumps(figures, indent=1))
    return figures


def load(out: Path) -> nn.Module:
    """The trained encoder, frozen."""
    encoder = new_encoder()
    encoder.load_state_dict(load_file(out / WEIGHTS))
    return encoder.eval().requires_grad_(False)


def new_encoder() -> nn.Module:
    """The series encoder with fresh weights."""
    encoder = modality("series").encoder()
    assert encoder is not None
    return encoder


def labels_of(drawn: Sequence[Curve]) -> dict[str, Tensor]:
    """What the heads should say; −1 where there is nothing to say."""
    events = (None, *words.EVENTS)
    rows = {
        "trend": [words.TRENDS.index(curve.trend) for curve in drawn],
        "season": [int(curve.cycles > 0) for curve in drawn],
        "cycles": [curve.cycles or -1 for curve in drawn],
        "event": [events.index(curve.event) for curve in drawn],
        "place": [int(curve.place * PLACES) if curve.event else -1 for curve in drawn],
    }
    return {name: torch.tensor(row) for name, row in rows.items()}


@torch.inference_mode()
def evaluate(reader: Reader, *, seed: int = 0, size: int = 1000) -> dict[str, float]:
    """Share of right answers on series of other seeds; cycles and place also within one."""
    reader.eval()
    rng = np.random.default_rng((seed, 2))
    drawn = [curves.sample(rng) for _ in range(size)]
    logits = reader.heads(reader.tokens(drawn))
    figures: dict[str, float] = {"n": size}
    for name, wanted in labels_of(drawn).items():
        known = wanted >= 0
        away = (logits[name].argmax(1) - wanted).abs()[known]
        figures[name] = (away == 0).float().mean().item()
        if name in ("cycles", "place"):
            figures[f"{name}_within_one"] = (away <= 1).float().mean().item()
    return figures
