"""The picture codec stage: train the autoencoder whose codes the language model will draw with."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from omni.modality import modality
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import scene, words

NAME = "image_codec"
BATCH = 16
STEPS_A_MINUTE = 240
TRAIN, VALIDATION = 0, 1
EXAMPLES = 640
EDGES = 3.0
"""How much more the loss weighs pixels at an edge."""


def run(out: Path, *, minutes: float, seed: int = 0) -> dict[str, Any]:
    """Train for at most so many minutes, leave `out/image_codec.safetensors`, return figures."""
    torch.manual_seed(seed)
    codec: Any = modality("image").decoder()
    assert codec is not None
    codec.learning = True

    def step(index: int) -> tuple[Tensor, dict[str, float]]:
        pictures = batch(np.random.default_rng((TRAIN, seed, index)), BATCH)
        return loss(codec, pictures)

    steps = max(1, round(minutes * STEPS_A_MINUTE))
    train(NAME, codec, step, Schedule(steps, minutes, learning_rate=3e-3, weight_decay=0.0), out)
    codec.learning = False
    figures = evaluate(codec)
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def load(out: Path) -> Any:
    """The trained codec, in evaluation mode."""
    codec = modality("image").decoder()
    assert codec is not None
    codec.load_state_dict(load_file(out / f"{NAME}.safetensors"))
    return codec.eval()


def loss(codec: Any, pictures: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Weighted distance between pictures `[batch, 3, 128, 128]` and what comes back of them."""
    made = codec(functional.avg_pool2d(pictures, 2))
    across = functional.pad((pictures[..., 1:] - pictures[..., :-1]).abs().sum(1), (0, 1))
    down = functional.pad((pictures[..., 1:, :] - pictures[..., :-1, :]).abs().sum(1), (0, 0, 0, 1))
    edges = functional.max_pool2d((across + down).clamp(max=1)[:, None], 5, 1, 2)
    weight = 1 + EDGES * edges
    apart = made - pictures
    total = ((apart.abs() + 2 * apart.square()) * weight).sum() / (3 * weight.sum())
    return total, {"psnr": -10 * apart.square().mean().log10().item()}


def batch(rng: np.random.Generator, size: int) -> Tensor:
    """Pictures `[batch, 3, 128, 128]` in 0…1: as they shall be drawn, a little off, and plain."""
    pictures = [np.asarray(scene.draw(_drawable(rng), 128, 128)) for _ in range(size)]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def _drawable(rng: np.random.Generator) -> scene.Scene:
    kind = rng.random()
    if kind < 0.15:
        plain = replace(scene.sample(rng), noise=0.0, quality=None)
        return replace(plain, background="flat" if rng.random() < 0.5 else "gradient")
    colour, shape = scene.pair(rng)
    size, place = rng.choice(words.SIZES), rng.choice(words.PLACES)
    exact = scene.clean(colour, shape, size, place)
    if kind < 0.65:
        return exact
    x, y = exact.centre + rng.uniform(-0.06, 0.06, 2)
    rgb = scene.shade(colour, rng) if rng.random() < 0.5 else exact.rgb
    radius = exact.radius * rng.uniform(0.8, 1.25)
    return replace(exact, centre=(x, y), radius=radius, rgb=rgb, rotation=rng.uniform(-8, 8))


@torch.inference_mode()
def evaluate(codec: Any) -> dict[str, Any]:
    """How near every drawable picture comes back, of trained pairs and of held-out ones.

    `colour` is the share of pictures whose object, measured on the pixels, is nearest to the centre
    of its own colour; `overlap` is the object's intersection over union.
    """
    codec.eval()
    rows: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
    used: set[int] = set()
    kinds = [*itertools.product(words.COLOURS, words.SHAPES, words.SIZES, words.PLACES)]
    for colour, shape, size, place in kinds[:: len(kinds) // EXAMPLES]:
        wanted = scene.draw(scene.clean(colour, shape, size, place), 256, 256)
        codes = codec.encode(wanted)
        used.update(codes.tolist())
        measured = _compare(wanted, codec.decode(codes), colour)
        rows[(colour, shape) in words.HELD_OUT].append(measured)
    names = ("psnr", "colour", "overlap")
    figures: dict[str, Any] = {
        label: dict(zip(names, np.mean(rows[held_out], 0).round(4).tolist(), strict=True))
        for label, held_out in (("seen pairs", False), ("held-out pairs", True))
    }
    return figures | {"codes used": len(used)}


def _compare(wanted: Image.Image, made: Image.Image, colour: str) -> tuple[float, float, float]:
    first, second = (np.asarray(picture, np.float32) for picture in (wanted, made))
    error = float(np.square(first - second).mean())
    covers = [np.abs(255 - pixels).sum(-1) > 120 for pixels in (first, second)]
    both = covers[0] & covers[1]
    middle = np.median(second[both], 0) if both.any() else np.full(3, 255.0)
    nearest = min(words.COLOURS, key=lambda c: float(np.linalg.norm(middle - words.COLOURS[c])))
    psnr = 10 * np.log10(255**2 / max(error, 1e-3))
    return float(psnr), float(nearest == colour), float(both.sum() / (covers[0] | covers[1]).sum())
