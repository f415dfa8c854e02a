"""The picture codec stage: fit the codebooks of colours and of patches.

Every patch of a picture that can be drawn has an entry of its own; the rest of the codebook is
fitted to any pictures by Lloyd's algorithm (k-means), begun from points drawn with a chance in
proportion to how badly they are still met (k-means++, Arthur and Vassilvitskii, 2007).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from omni.modality import modality
from omni.nano import drawing
from omni.nano.world import scene, strange_image
from omni.pixels import cut, letterbox

NAME = "image_codec"
SIDE, PATCH = 64, 8
"""Of the codec: pixels of a picture, and of a patch, across."""

GENERAL_PICTURES = 500
"""Any pictures that the codec is fitted to; half of them are of the world."""

COLOUR_PIXELS = 40
ROUNDS = 25
EXAMPLES = 200


def run(out: Path, *, minutes: float, seed: int = 0) -> dict[str, Any]:
    """Fit within so many minutes, leave `out/image_codec.safetensors`, return figures."""
    if (out / f"{NAME}.figures.json").exists() and (out / f"{NAME}.safetensors").exists():
        return json.loads((out / f"{NAME}.figures.json").read_text())
    began = time.monotonic()
    generator = torch.Generator().manual_seed(seed)
    codec = _new()
    pixels = torch.from_numpy(
        np.stack([letterbox(picture, SIDE) for picture in any_pictures((seed, 3))])
    )
    codec.rgb.data.copy_(_colours(pixels, codec.colours, generator, began + 15 * minutes))
    own = drawable_patches()
    rest = codec.patches - len(own)
    general = torch.cat([_mixtures(codec, each) for each in pixels])
    fitted = fit(general, rest, generator, began + 60 * minutes)
    codec.mixtures.data.copy_(torch.cat([own, fitted]))
    out.mkdir(parents=True, exist_ok=True)
    save_file(codec.state_dict(), out / f"{NAME}.safetensors")
    figures = evaluate(codec) | {"own patches": len(own)}
    figures |= {"minutes": round((time.monotonic() - began) / 60, 3)}
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def load(out: Path) -> Any:
    """The fitted codec, in evaluation mode."""
    codec = _new()
    codec.load_state_dict(load_file(out / f"{NAME}.safetensors"))
    return codec.eval()


def drawable_patches() -> Tensor:
    """Every patch `[n, 256]` of pictures that can be drawn, the empty one first."""
    first = next(iter(drawing.words.COLOURS))
    kinds = [key for key in drawing.shapes() if f" {first} " in key]
    kinds += [key for key in drawing.pairs() if key.count(f"{first} ") == 2]
    kinds += [key for key in drawing.solids() if key.startswith(first)] + drawing.courses()
    maps = torch.from_numpy(np.stack([drawing.labels(key)[0] for key in kinds]))
    patches = cut(maps.permute(0, 3, 1, 2), PATCH)
    unique, counts = torch.unique((patches * 255).round().byte(), dim=0, return_counts=True)
    return unique[counts.argsort(descending=True, stable=True)].float() / 255


def fit(points: Tensor, count: int, generator: torch.Generator, until: float) -> Tensor:
    """`count` centres `[count, width]` of points `[n, width]` in 0…1.

    Points that are often seen count by the square root of how often: the plain ones would
    otherwise take everything. Rounds stop when `time.monotonic()` passes `until`.
    """
    unique, times = torch.unique((points * 255).round().byte(), dim=0, return_counts=True)
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
        if chance.sum() <= 0:  # fewer different points than centres
            chance = weights
        pick = int(torch.multinomial(chance, 1, generator=generator))
        chosen.append(pick)
        apart = torch.minimum(apart, (points - points[pick]).square().sum(1))
    return points[chosen]


def _new() -> Any:
    codec = modality("image").decoder()
    assert codec is not None
    return codec


def any_pictures(seed: tuple[int, ...]) -> Iterator[Image.Image]:
    """Pictures of the world and of what is not in it, without end of their kinds."""
    rng = np.random.default_rng(seed)
    for number in range(GENERAL_PICTURES):
        yield scene.draw(scene.sample(rng, held_out=None)) if number % 2 else _strange(rng)


def _strange(rng: np.random.Generator) -> Image.Image:
    return strange_image.picture(rng)


def _colours(pixels: Tensor, count: int, generator: torch.Generator, until: float) -> Tensor:
    """`count` colours `[count, 3]` in 0…1: those that are drawn in, greys, and centres of any."""
    fixed = {*drawing.RGB.values(), *((grey, grey, grey) for grey in range(0, 256, 32))}
    named = torch.tensor(sorted(fixed, reverse=True), dtype=torch.float32) / 255
    flat = pixels.permute(0, 2, 3, 1).reshape(len(pixels), -1, 3)
    places = torch.randint(flat.shape[1], (COLOUR_PIXELS,), generator=generator)
    return torch.cat(
        [named, fit(flat[:, places].flatten(0, 1), count - len(named), generator, until)]
    )


def _mixtures(codec: Any, pixels: Tensor) -> Tensor:
    """Patches `[64, 256]` of pixels `[3, 64, 64]`, each a mixture of two of the colours."""
    colours = codec.rgb[codec.palette(pixels)]
    flat = pixels.permute(1, 2, 0).reshape(-1, 3)
    best = torch.full((len(flat),), torch.inf)
    labels = torch.zeros(len(flat), len(colours))
    for first in range(len(colours)):
        for second in range(first + 1, len(colours)):
            along = colours[second] - colours[first]
            share = (flat - colours[first]) @ along / along.square().sum().clamp(min=1e-9)
            share = share.clamp(0, 1)
            error = (flat - colours[first] - share[:, None] * along).square().sum(1)
            better = error < best - 1e-6
            best = torch.where(better, error, best)
            labels[better] = 0
            labels[better, first] = 1 - share[better]
            labels[better, second] = share[better]
    return cut(labels.T.reshape(1, len(colours), SIDE, SIDE), PATCH)


@torch.inference_mode()
def evaluate(codec: Any) -> dict[str, Any]:
    """How near pictures come back.

    `own codes` is the share of codes that a drawable picture, encoded from its pixels, has in
    common with the codes that it is drawn with; `judged` the share of drawn pictures that the judge
    takes for what they are. The other pictures are not those that the codec was fitted to.
    """
    every = drawing.keys()
    rng = np.random.default_rng(17)
    asked = [*drawing.solids(), *drawing.courses(), *rng.choice(every, EXAMPLES).tolist()]
    psnr, same, right = [], [], []
    for key in asked:
        wanted, codes = drawing.picture(key), drawing.codes(codec, key)
        made = codec.decode(codes)
        psnr.append(noise_ratio(wanted, made))
        same.append(float((codec.encode(wanted) == codes).float().mean()))
        right.append(drawing.judge(made, key))
    figures: dict[str, Any] = {"psnr": psnr, "own codes": same, "judged": right}
    rng = np.random.default_rng((17, 4))
    figures["psnr of scenes"] = [
        _returned(codec, scene.draw(scene.sample(rng, held_out=None))) for _ in range(EXAMPLES // 4)
    ]
    figures["psnr of strange pictures"] = [
        _returned(codec, _strange(rng)) for _ in range(EXAMPLES // 4)
    ]
    means = {name: round(float(np.mean(values)), 4) for name, values in figures.items()}
    return means | {"examples": len(asked)}


def _returned(codec: Any, value: Image.Image) -> float:
    """Signal to noise, in dB, of a picture at the codec's own resolution."""
    pixels = letterbox(value, SIDE).transpose(1, 2, 0)
    small = Image.fromarray((pixels * 255).round().astype(np.uint8))
    made = codec.decode(codec.encode(small)).resize((SIDE, SIDE), Image.Resampling.BOX)
    return noise_ratio(small, made)


def noise_ratio(wanted: Image.Image, made: Image.Image) -> float:
    """Peak signal to noise, in dB, of two pictures of one size."""
    first, second = (np.asarray(picture, np.float32) for picture in (wanted, made))
    return float(10 * np.log10(255**2 / max(float(np.square(first - second).mean()), 1e-2)))
