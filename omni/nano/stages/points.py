"""The points stage: teach the point encoder to tell solids, their colour and their size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omni.modality import modality
from omni.nano.stages.heads import Heads, accuracy
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import solid, words

NAME = "points"
BATCH = 32
EXAMPLES = 512
STEPS_A_MINUTE = 240
TRAIN, VALIDATION = 0, 1
ATTRIBUTES = {"solid": words.SOLIDS, "colour": tuple(words.COLOURS), "size": words.SIZES}

Batch = tuple[Tensor, Tensor, Tensor]


class Teacher(nn.Module):
    """The encoder and the heads that teach it."""

    def __init__(self):
        super().__init__()
        encoder = modality(NAME).encoder()
        assert encoder is not None
        self.encoder: Any = encoder
        classes = {name: len(names) for name, names in ATTRIBUTES.items()}
        self.heads = Heads(self.encoder.width, classes)


def run(out: Path, *, minutes: float, seed: int = 0) -> dict[str, Any]:
    """Train for at most so many minutes, save `out/points.encoder.safetensors`, return figures."""
    torch.manual_seed(seed)
    teacher = Teacher()

    def step(index: int) -> tuple[Tensor, dict[str, float]]:
        inputs, wanted = batch(np.random.default_rng((TRAIN, seed, index)), BATCH)
        return teacher.heads.loss(teacher.encoder.encode(*inputs), wanted)

    steps = max(1, round(minutes * STEPS_A_MINUTE))
    train(NAME, teacher, step, Schedule(steps, minutes, learning_rate=1.5e-3), out)
    save_file(teacher.encoder.state_dict(), out / f"{NAME}.encoder.safetensors")
    figures = evaluate(teacher, seed=seed)
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def load(out: Path) -> Any:
    """The trained encoder, in evaluation mode."""
    encoder = modality(NAME).encoder()
    assert encoder is not None
    encoder.load_state_dict(load_file(out / f"{NAME}.encoder.safetensors"))
    return encoder.eval()


def batch(rng: np.random.Generator, size: int) -> tuple[Batch, dict[str, Tensor]]:
    """Features and labels of fresh solids."""
    solids = [solid.sample(rng) for _ in range(size)]
    describe = modality(NAME).features
    features = [describe(solid.build(found)) for found in solids]
    wanted = {
        name: torch.tensor([names.index(getattr(found, name)) for found in solids])
        for name, names in ATTRIBUTES.items()
    }
    xyz, rgb, scale = (torch.stack([f[name] for f in features]) for name in ("xyz", "rgb", "scale"))
    return (xyz, rgb, scale), wanted


@torch.inference_mode()
def evaluate(teacher: Teacher, *, seed: int = 0) -> dict[str, Any]:
    """Accuracy on unseen solids."""
    teacher.eval()
    inputs, wanted = batch(np.random.default_rng((VALIDATION, seed)), EXAMPLES)
    tokens = teacher.encoder.encode(*inputs)
    shares, every = accuracy(teacher.heads, tokens, wanted)
    return {"unseen": shares | {"all": every.float().mean().item(), "examples": EXAMPLES}}
