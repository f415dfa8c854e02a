"""The image stage: teach the image encoder what is in a scene, from the world's own attributes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from omni.modality import modality
from omni.nano.stages.heads import Heads, accuracy
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import scene, words

NAME = "image"
BATCH = 32
STEPS_A_MINUTE = 150
TRAIN, VALIDATION = 0, 1
ATTRIBUTES = {
    "colour": tuple(words.COLOURS),
    "shape": words.SHAPES,
    "size": words.SIZES,
    "place": words.PLACES,
}


class Teacher(nn.Module):
    """The encoder and the heads that teach it."""

    def __init__(self):
        super().__init__()
        encoder = modality(NAME).encoder()
        assert encoder is not None
        self.encoder: Any = encoder
        width = self.encoder.width
        self.heads = Heads(width, {name: len(names) for name, names in ATTRIBUTES.items()}, 3)
        self.local = nn.Linear(width, len(words.COLOURS) + len(words.SHAPES) + 2)

    def loss(
        self, pixels: Tensor, labels: dict[str, Tensor], boxes: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        tokens = self.encoder.encode(pixels)
        total, logs = self.heads.loss(tokens, labels, boxes)
        return total + 0.5 * self._local_loss(tokens, labels, boxes), logs

    def _local_loss(self, tokens: Tensor, labels: dict[str, Tensor], boxes: Tensor) -> Tensor:
        """Each token names the colour and shape that lie under it, or the background."""
        distance = _distances(boxes, round(tokens.shape[1] ** 0.5))
        colours, shapes = self.local(tokens).split((len(words.COLOURS) + 1, len(words.SHAPES) + 1), -1)
        total = tokens.new_zeros(())
        for logits, label in ((colours, labels["colour"]), (shapes, labels["shape"])):
            wanted = torch.where(distance < 0.85, label[:, None] + 1, -1)
            wanted = torch.where(distance > 1.5, 0, wanted)
            total = total + functional.cross_entropy(
                logits.flatten(0, 1), wanted.flatten(), ignore_index=-1
            )
        return total / 2


def run(out: Path, *, minutes: float, seed: int = 0) -> dict[str, Any]:
    """Train for at most so many minutes, save `out/image.encoder.safetensors`, return figures."""
    torch.manual_seed(seed)
    teacher = Teacher()

    def step(index: int) -> tuple[Tensor, dict[str, float]]:
        return teacher.loss(*batch(np.random.default_rng((TRAIN, seed, index)), BATCH))

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


def batch(
    rng: np.random.Generator, size: int, *, held_out: bool | None = False
) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """Pixels, labels and boxes of fresh scenes."""
    scenes = [scene.sample(rng, held_out=held_out) for _ in range(size)]
    features = modality(NAME).features
    pixels = torch.stack([features(scene.draw(found))["pixels"] for found in scenes])
    return pixels, labels(scenes), torch.from_numpy(np.stack([scene.box(s) for s in scenes]))


def labels(scenes: Sequence[scene.Scene]) -> dict[str, Tensor]:
    """Index of each attribute's word, for each scene."""
    return {
        name: torch.tensor([names.index(getattr(found, name)) for found in scenes])
        for name, names in ATTRIBUTES.items()
    }


@torch.inference_mode()
def evaluate(teacher: Teacher, *, seed: int = 0, examples: int = 512) -> dict[str, Any]:
    """Accuracy on unseen scenes, of trained pairs of colour and shape and of held-out ones."""
    teacher.eval()
    figures = {}
    for name, held_out in (("seen pairs", False), ("held-out pairs", True)):
        rng = np.random.default_rng((VALIDATION, seed, int(held_out)))
        pixels, wanted, _ = batch(rng, examples, held_out=held_out)
        tokens = torch.cat([teacher.encoder.encode(part) for part in pixels.split(64)])
        shares, every = accuracy(teacher.heads, tokens, wanted)
        figures[name] = shares | {"all": every.float().mean().item(), "examples": examples}
    return figures


def _distances(boxes: Tensor, side: int) -> Tensor:
    """From each token's centre to the object's, in radii: `[batch, side * side]`."""
    middle = (torch.arange(side) + 0.5) / side
    spots = torch.cartesian_prod(middle, middle).flip(1)
    return (boxes[:, None, :2] - spots).norm(dim=-1) / boxes[:, None, 2]
