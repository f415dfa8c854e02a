"""The image stage: teach the image encoder what is in a scene, from the world's own attributes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from omni.modality import modality
from omni.nano.stages.heads import NEVER, Heads, accuracy
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import scene, words

NAME = "image"
BATCH = 32
EXAMPLES = 512
CLOSE_SHARE = 0.4
CLOSE_STEPS_A_MINUTE, STEPS_A_MINUTE = 400, 110
CLOSE_SIDE = 48
FADED = 0.3
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
        self,
        pixels: Tensor,
        labels: dict[str, Tensor],
        boxes: Tensor,
        corner: tuple[int, int] = (0, 0),
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss over pictures; `boxes` are those in the whole of which they are a part."""
        tokens = self.encoder.encode(pixels, corner)
        absent = never_seen(labels)
        total, logs = self.heads.loss(tokens, labels, boxes, absent)
        side = round(tokens.shape[1] ** 0.5)
        distance = _distances(boxes, self.encoder.place.shape[0])
        rows, columns = (slice(start, start + side) for start in corner)
        distance = distance[:, rows, columns].flatten(1)
        return total + 0.5 * self._local_loss(tokens, labels, distance, absent), logs

    def _local_loss(
        self,
        tokens: Tensor,
        labels: dict[str, Tensor],
        distance: Tensor,
        absent: dict[str, Tensor],
    ) -> Tensor:
        """Each token names the colour and shape that lie under it, or the background."""
        colours, shapes = self.local(tokens).split(
            (len(words.COLOURS) + 1, len(words.SHAPES) + 1), -1
        )
        total = tokens.new_zeros(())
        for name, logits in (("colour", colours), ("shape", shapes)):
            label, mask = labels[name], functional.pad(absent[name], (1, 0))
            logits = logits.masked_fill(mask[:, None], NEVER)
            inside = torch.where(label < 0, -1, label + 1)[:, None]
            wanted = torch.where(distance < 0.85, inside, -1)
            wanted = torch.where(distance > 1.5, 0, wanted)
            total = total + functional.cross_entropy(
                logits.flatten(0, 1), wanted.flatten(), ignore_index=-1
            )
        return total / 2


def run(out: Path, *, minutes: float, seed: int = 0) -> dict[str, Any]:
    """Train for at most so many minutes, save `out/image.encoder.safetensors`, return figures.

    Close-ups come first: they cost a quarter of a whole scene and hold the same object.
    """
    torch.manual_seed(seed)
    teacher = Teacher()
    teacher.encoder.learning = True

    def close(index: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((TRAIN, seed, index))
        pixels, wanted, boxes, corner = close_ups(rng, BATCH)
        return teacher.loss(*_fade(pixels, wanted, rng), boxes, corner)

    def whole(index: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((TRAIN, seed + 1, index))
        pixels, wanted, boxes = batch(rng, BATCH)
        return teacher.loss(*_fade(pixels, wanted, rng), boxes)

    first, second = minutes * CLOSE_SHARE, minutes * (1 - CLOSE_SHARE)
    steps = max(1, round(first * CLOSE_STEPS_A_MINUTE))
    train(f"{NAME}.close", teacher, close, Schedule(steps, first, learning_rate=2.5e-3), out)
    steps = max(1, round(second * STEPS_A_MINUTE))
    train(NAME, teacher, whole, Schedule(steps, second, learning_rate=1.5e-3), out)
    teacher.encoder.learning = False
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


def close_ups(
    rng: np.random.Generator, size: int
) -> tuple[Tensor, dict[str, Tensor], Tensor, tuple[int, int]]:
    """A quarter of a scene, filled by its object: pixels, labels, boxes in the whole, the corner.

    The words for size and place are not labelled.
    """
    scenes = [_close(scene.sample(rng), rng) for _ in range(size)]
    pixels = np.stack([np.asarray(scene.draw(found)) for found in scenes])
    hidden = torch.full((size,), -1)
    top, left = (int(start) for start in rng.integers(0, 7, 2))
    boxes = np.stack([scene.box(found) for found in scenes]) / 2
    boxes[:, :2] += np.array([left, top], np.float32) / 12
    return (
        torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255,
        labels(scenes) | {"size": hidden, "place": hidden},
        torch.from_numpy(boxes),
        (top, left),
    )


def _fade(
    pixels: Tensor, wanted: dict[str, Tensor], rng: np.random.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Take the colour out of some pictures, so that shape is not guessed from it."""
    faded = torch.from_numpy(rng.random(len(pixels)) < FADED)
    grey = pixels.mean(1, keepdim=True).expand_as(pixels)
    pixels = torch.where(faded[:, None, None, None], grey, pixels)
    return pixels, wanted | {"colour": wanted["colour"].masked_fill(faded, -1)}


def _close(found: scene.Scene, rng: np.random.Generator) -> scene.Scene:
    x, y = rng.uniform(0.43, 0.57, 2)
    radius = float(rng.uniform(0.19, 0.42))
    return replace(found, centre=(x, y), radius=radius, resolution=(CLOSE_SIDE, CLOSE_SIDE))


def labels(scenes: Sequence[scene.Scene]) -> dict[str, Tensor]:
    """Index of each attribute's word, for each scene."""
    return {
        name: torch.tensor([names.index(getattr(found, name)) for found in scenes])
        for name, names in ATTRIBUTES.items()
    }


def never_seen(labels: dict[str, Tensor]) -> dict[str, Tensor]:
    """Colours that are never seen with an item's shape, and shapes never with its colour.

    Their absence is our doing and says nothing about the world: if they counted as wrong answers,
    the encoder would learn that a purple thing is no star, from there being no purple stars.
    """
    held_out = torch.zeros(len(words.COLOURS), len(words.SHAPES), dtype=torch.bool)
    for colour, shape in words.HELD_OUT:
        held_out[ATTRIBUTES["colour"].index(colour), words.SHAPES.index(shape)] = True
    known = (labels["colour"] >= 0)[:, None]
    shapes = held_out[labels["colour"].clamp(min=0)] & known
    return {"shape": shapes, "colour": held_out.T[labels["shape"]]}


@torch.inference_mode()
def evaluate(teacher: Teacher, *, seed: int = 0) -> dict[str, Any]:
    """Accuracy on unseen scenes, of trained pairs of colour and shape and of held-out ones."""
    teacher.eval()
    figures = {}
    for name, held_out in (("seen pairs", False), ("held-out pairs", True)):
        rng = np.random.default_rng((VALIDATION, seed, int(held_out)))
        pixels, wanted, _ = batch(rng, EXAMPLES, held_out=held_out)
        tokens = torch.cat([teacher.encoder.encode(part) for part in pixels.split(64)])
        shares, every = accuracy(teacher.heads, tokens, wanted)
        figures[name] = shares | {"all": every.float().mean().item(), "examples": EXAMPLES}
    return figures


def _distances(boxes: Tensor, side: int) -> Tensor:
    """From each token's centre to the object's, in radii: `[batch, side, side]`."""
    middle = (torch.arange(side) + 0.5) / side
    across, down = boxes[:, 0, None, None] - middle, boxes[:, 1, None, None] - middle[:, None]
    return torch.hypot(across, down) / boxes[:, 2, None, None]
