"""The stage that teaches the series encoder: trend, season and its cycles, event and its place.

Leaves `series.encoder.safetensors` in the run folder, which `load` reads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omni.modality import modality
from omni.nano.stages.heads import Heads, accuracy
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import curves, words
from omni.nano.world.curves import Curve

NAME = "series"
WEIGHTS = f"{NAME}.encoder.safetensors"
BATCH = 64
EXAMPLES = 1000
STEPS_A_MINUTE = 500
LEARNING_RATE = 1.5e-3
TRAIN, VALIDATION = 1, 2
EVENTS = ("", *words.EVENTS)
PLACES = 12
"""The place of an event is taught as one of so many parts of the series."""

ATTRIBUTES = {
    "trend": len(words.TRENDS),
    "season": 2,
    "cycles": curves.MOST_CYCLES + 1,
    "event": len(EVENTS),
    "when": len(words.TIMES),
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
        features = modality(NAME).features
        return torch.stack(self.encoder([features(curve.series) for curve in drawn]))

    def loss(self, drawn: Sequence[Curve]) -> tuple[Tensor, dict[str, float]]:
        """How far the heads are from what is true of one-column series."""
        wanted = labels_of(drawn)
        absent = never_seen(wanted)
        for name, rows in absent.items():
            if name != "trend":  # which is guessed from the others where it may be
                rows[::2] = False
        return self.heads.loss(self.tokens(drawn), wanted, impossible=absent)


def run(out: Path, *, minutes: float, seed: int = 0, steps: int | None = None) -> dict[str, Any]:
    """Train, keep the encoder's weights in `out`, and return (and write) the held-out figures."""
    began = time.monotonic()
    torch.manual_seed(seed)
    reader = Reader(new_encoder())

    def step(number: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((seed, TRAIN, number))
        return reader.loss([curves.sample(rng) for _ in range(BATCH)])

    steps = steps or max(1, round(minutes * STEPS_A_MINUTE))
    schedule = Schedule(steps, minutes, learning_rate=LEARNING_RATE, warmup=0.05)
    curve = train(NAME, reader, step, schedule, out)
    save_file(reader.encoder.state_dict(), out / WEIGHTS)
    figures: dict[str, Any] = evaluate(reader, seed=seed, size=EXAMPLES if minutes > 1 else 32)
    figures |= {
        "parameters": sum(p.numel() for p in reader.encoder.parameters()),
        "steps": curve[-1]["step"],
        "minutes": (time.monotonic() - began) / 60,
    }
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def load(out: Path) -> nn.Module:
    """The trained encoder, frozen."""
    encoder = new_encoder()
    encoder.load_state_dict(load_file(out / WEIGHTS))
    return encoder.eval().requires_grad_(False)


def new_encoder() -> nn.Module:
    """The series encoder with fresh weights."""
    encoder = modality(NAME).encoder()
    assert encoder is not None
    return encoder


def labels_of(drawn: Sequence[Curve]) -> dict[str, Tensor]:
    """What the heads should say; −1 where there is nothing to say."""
    rows = {
        "trend": [words.TRENDS.index(curve.trend) for curve in drawn],
        "season": [int(curve.cycles > 0) for curve in drawn],
        "cycles": [curve.cycles for curve in drawn],
        "event": [EVENTS.index(curve.event or "") for curve in drawn],
        "when": [words.TIMES.index(curve.when) if curve.event else -1 for curve in drawn],
        "place": [int(curve.place * PLACES) if curve.event else -1 for curve in drawn],
    }
    return {name: torch.tensor(row) for name, row in rows.items()}


def never_seen(labels: dict[str, Tensor]) -> dict[str, Tensor]:
    """Answers that are never right beside the other two of trend, season and event.

    As with pictures, their absence is our doing and must not count as knowledge of the world. But
    a falling step without a season looks much like two waves: it must be told from those, too, so
    every other series is taught with its absent answers, all but that of the trend.
    """
    asked = ("trend", "season", "event", "cycles")
    absent = {
        name: torch.zeros(len(labels[name]), ATTRIBUTES[name], dtype=torch.bool) for name in asked
    }
    for trend, season, event in words.HELD_OUT_COURSES:
        answers = {
            "trend": words.TRENDS.index(trend),
            "season": int(season),
            "event": EVENTS.index(event),
        }
        same = {name: labels[name] == answer for name, answer in answers.items()}
        for name, answer in answers.items():
            others = [row for other, row in same.items() if other != name]
            absent[name][:, answer] |= others[0] & others[1]
        cycles = slice(1, None) if season else slice(0, 1)
        absent["cycles"][:, cycles] |= (same["trend"] & same["event"])[:, None]
    return absent


@torch.inference_mode()
def evaluate(reader: Reader, *, seed: int = 0, size: int = EXAMPLES) -> dict[str, Any]:
    """Share of right answers on series of other seeds, of trained courses and of held-out ones."""
    reader.eval()
    figures: dict[str, Any] = {}
    for name, held_out in (("seen courses", False), ("held-out courses", True)):
        rng = np.random.default_rng((seed, VALIDATION, int(held_out)))
        drawn = [curves.sample(rng, held_out=held_out) for _ in range(size)]
        parts = [drawn[start : start + BATCH] for start in range(0, size, BATCH)]
        tokens = torch.cat([reader.tokens(part) for part in parts])
        shares, every = accuracy(reader.heads, tokens, labels_of(drawn))
        figures[name] = shares | {"all": every.float().mean().item(), "examples": size}
    return figures
