"""The picture codec stage: fit the codebook whose patches the language model will draw with.

Lloyd's algorithm (k-means) on patches of the world, begun from patches drawn with a chance in
proportion to how badly they are still met (k-means++, Arthur and Vassilvitskii, 2007). Each colour
has a share of the codebook of its own, so that no patch is a blend of two.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from omni.modality import modality
from omni.nano.world import scene, words
from omni.pixels import letterbox

NAME = "image_codec"
SIDE, PATCH = 64, 8
GENERAL = 64
"""Codes for patches of any picture: plain surfaces and edges of other colours."""

GENERAL_PICTURES = 400
ROUNDS = 30
EXAMPLES = 640
KINDS = [*itertools.product(words.COLOURS, words.SHAPES, words.SIZES, words.PLACES)]


def run(out: Path, *, minutes: float, seed: int = 0) -> dict[str, Any]:
    """Fit within so many minutes, leave `out/image_codec.safetensors`, return figures."""
    began = time.monotonic()
    generator = torch.Generator().manual_seed(seed)
    codec = _new()
    drawn = {colour: _patches(_clean(colour)) for colour in words.COLOURS}
    share = (codec.codes - GENERAL) // len(drawn)
    centres = [fit(patches, share, generator, _left(began, minutes)) for patches in drawn.values()]
    general = _patches(_any_pictures(seed))
    rest = codec.codes - share * len(drawn)
    centres.append(fit(general, rest, generator, _left(began, minutes)))
    codec.codebook.data.copy_(torch.cat(centres))
    out.mkdir(parents=True, exist_ok=True)
    save_file(codec.state_dict(), out / f"{NAME}.safetensors")
    figures = evaluate(codec) | {"minutes": (time.monotonic() - began) / 60}
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def load(out: Path) -> Any:
    """The fitted codec, in evaluation mode."""
    codec = _new()
    codec.load_state_dict(load_file(out / f"{NAME}.safetensors"))
    return codec.eval()


def fit(patches: Tensor, count: int, generator: torch.Generator, until: float) -> Tensor:
    """`count` centres `[count, 192]` of patches `[n, 192]`.

    Patches that are often seen count by the square root of how often: the plain ones would
    otherwise take everything. Rounds stop when `time.monotonic()` passes `until`.
    """
    unique, times = torch.unique((patches * 255).round().byte(), dim=0, return_counts=True)
    points, weights = unique.float() / 255, times.float().sqrt()
    centres = _begin(points, weights, count, generator)
    for _ in range(ROUNDS):
        nearest = torch.cdist(points, centres).argmin(1)
        total = torch.zeros_like(centres).index_add_(0, nearest, points * weights[:, None])
        weight = torch.zeros(len(centres)).index_add_(0, nearest, weights)[:, None]
        centres = torch.where(weight > 0, total / weight.clamp(min=1e-9), centres)
        if time.monotonic() > until:
            break
    return centres


def _begin(points: Tensor, weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    first = int(weights.argmax())
    chosen = [first]
    apart = (points - points[first]).square().sum(1)
    while len(chosen) < count:
        chance = apart * weights
        if chance.sum() <= 0:  # fewer different patches than centres
            chance = weights
        pick = int(torch.multinomial(chance, 1, generator=generator))
        chosen.append(pick)
        apart = torch.minimum(apart, (points - points[pick]).square().sum(1))
    return points[chosen]


def _new() -> Any:
    codec = modality("image").decoder()
    assert codec is not None
    return codec


def _left(began: float, minutes: float) -> float:
    return began + 60 * minutes


def _clean(colour: str) -> Iterable[Image.Image]:
    """Every picture of a colour as it shall be drawn."""
    for kind in KINDS:
        if kind[0] == colour:
            yield scene.draw(scene.clean(*kind), 4 * SIDE, 4 * SIDE)


def _any_pictures(seed: int) -> Iterable[Image.Image]:
    """Pictures of the world without noise, for the patches that any picture needs."""
    rng = np.random.default_rng((seed, 3))
    for _ in range(GENERAL_PICTURES):
        plain = replace(scene.sample(rng, held_out=None), noise=0.0, quality=None)
        yield scene.draw(plain)


def _patches(pictures: Iterable[Image.Image]) -> Tensor:
    """Patches `[n, 192]` of pictures, letterboxed as the codec does."""
    pixels = torch.from_numpy(np.stack([letterbox(picture, SIDE) for picture in pictures]))
    return functional.pixel_unshuffle(pixels, PATCH).permute(0, 2, 3, 1).flatten(0, 2)


@torch.inference_mode()
def evaluate(codec: Any) -> dict[str, Any]:
    """How near drawable pictures come back; all of them were there when the codec was fitted.

    `colour` is the share of pictures whose object, measured on the pixels, is nearest to the centre
    of its own colour; `overlap` is the object's intersection over union.
    """
    rows: list[tuple[float, float, float]] = []
    used: set[int] = set()
    for colour, shape, size, place in KINDS[:: max(1, len(KINDS) // EXAMPLES)]:
        wanted = scene.draw(scene.clean(colour, shape, size, place), 256, 256)
        codes = codec.encode(wanted)
        used.update(codes.tolist())
        rows.append(_compare(wanted, codec.decode(codes), colour))
    means = np.mean(rows, 0).round(4).tolist()
    names = ("psnr", "colour", "overlap")
    return {**dict(zip(names, means, strict=True)), "examples": len(rows), "codes used": len(used)}


def _compare(wanted: Image.Image, made: Image.Image, colour: str) -> tuple[float, float, float]:
    first, second = (np.asarray(picture, np.float32) for picture in (wanted, made))
    error = float(np.square(first - second).mean())
    covers = [np.abs(255 - pixels).sum(-1) > 120 for pixels in (first, second)]
    both = covers[0] & covers[1]
    middle = np.median(second[both], 0) if both.any() else np.full(3, 255.0)
    nearest = min(words.COLOURS, key=lambda c: float(np.linalg.norm(middle - words.COLOURS[c])))
    psnr = 10 * np.log10(255**2 / max(error, 1e-3))
    return float(psnr), float(nearest == colour), float(both.sum() / (covers[0] | covers[1]).sum())
