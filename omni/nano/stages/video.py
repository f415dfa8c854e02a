"""The video stage: on top of the trained picture encoder, teach what moves and how."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omni.modality import modality
from omni.nano.stages import films, image
from omni.nano.stages.films import ATTRIBUTES, Films
from omni.nano.stages.heads import Heads, accuracy
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import words

NAME = "video"
BATCH = 32
EXAMPLES = 512
FRAMES_AT_ONCE = 64
CACHE_SHARE = 0.5
"""Of the minutes, for drawing films and looking at them."""

FILMS_A_MINUTE, STEPS_A_MINUTE = 1230, 400
LEARNING_RATE = 1.5e-3
TRAIN, VALIDATION = 0, 1
REVERSED = {"left": "right", "up": "down", "growing": "shrinking"}
REVERSED |= {after: before for before, after in REVERSED.items()}
REVERSED |= {name: name for name in ("still", "turning", "bouncing", "colliding")}
"""What a film shows when it is played backwards; there is no word for vanishing."""


class Teacher(nn.Module):
    """The part of the encoder that is trained here, and the heads that teach it."""

    def __init__(self, encoder: Any):
        super().__init__()
        self.change, self.time, self.place = encoder.change, encoder.time, encoder.place
        self.layers, self.norm = encoder.layers, encoder.norm
        classes = {name: len(answers) for name, answers in ATTRIBUTES.items()}
        self.heads = Heads(encoder.width, classes)


Seen = tuple[Tensor, Tensor, dict[str, Tensor]]
"""What was seen of each frame of films, half precision; the frames' times; labels."""


def run(out: Path, *, minutes: float, seed: int = 0) -> dict[str, Any]:
    """Train for at most so many minutes, save `out/video.encoder.safetensors`, return figures.

    The image stage must have run before: its encoder looks at the frames, and is not changed.
    """
    torch.manual_seed(seed)
    encoder = begin(out)
    teacher = Teacher(encoder)
    if not (out / f"{NAME}.safetensors").exists():
        count = max(BATCH, round(minutes * CACHE_SHARE * FILMS_A_MINUTE))
        drawn = films.pieces(out / "corpus" / NAME, count, (TRAIN, seed))
        seen = look(encoder, drawn)

        def step(index: int) -> tuple[Tensor, dict[str, float]]:
            rng = np.random.default_rng((TRAIN, seed, index))
            frames, times, wanted = vary(seen, rng)
            absent = never_seen(wanted)
            return teacher.heads.loss(encoder.mix(frames, times), wanted, impossible=absent)

    else:  # a finished stage is only loaded

        def step(index: int) -> tuple[Tensor, dict[str, float]]:
            raise AssertionError("unreachable")

    rest = minutes * (1 - CACHE_SHARE)
    steps = max(1, round(rest * STEPS_A_MINUTE))
    schedule = Schedule(steps, rest, learning_rate=LEARNING_RATE, short=True)
    train(NAME, teacher, step, schedule, out)
    save_file(encoder.state_dict(), out / f"{NAME}.encoder.safetensors")
    figures = evaluate(encoder.eval(), teacher.heads.eval(), seed=seed)
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def begin(out: Path) -> Any:
    """A fresh encoder on top of the trained one of pictures.

    What was learned there about which spots show a thing tells which spots to notice here.
    """
    encoder: Any = modality(NAME).encoder()
    assert encoder is not None
    encoder.frame.load_state_dict(image.load(out).state_dict())
    encoder.frame.eval().requires_grad_(False)
    pictures = image.Teacher()
    pictures.load_state_dict(load_file(out / f"{image.NAME}.safetensors"))
    dense = pictures.dense
    rows = dict(zip(dense.sizes, dense.read.weight.split(list(dense.sizes.values())), strict=True))
    with torch.no_grad():
        encoder.notice.weight.copy_(rows["cover"] + rows["centre"])
    encoder.notice.requires_grad_(False)
    return encoder


def load(out: Path) -> Any:
    """The trained encoder, in evaluation mode."""
    encoder = modality(NAME).encoder()
    assert encoder is not None
    encoder.load_state_dict(load_file(out / f"{NAME}.encoder.safetensors"))
    return encoder.eval()


@torch.inference_mode()
def look(encoder: Any, drawn: Iterable[Films]) -> Seen:
    """Films as the picture encoder sees their frames."""
    parts: list[Films] = []
    device = encoder.norm.weight.device
    for piece in drawn:
        frames, seen = piece.frames.flatten(0, 1), []
        for some in frames.split(FRAMES_AT_ONCE):
            with torch.autocast(device.type, torch.bfloat16):
                seen.append(encoder.look(some.to(device).float() / 255).half())
        shape = piece.frames.shape[:2]
        parts.append(Films(torch.cat(seen).unflatten(0, shape), piece.times, piece.labels))
    return (
        torch.cat([part.frames for part in parts]),
        torch.cat([part.times for part in parts]),
        {name: torch.cat([part.labels[name] for part in parts]) for name in ATTRIBUTES},
    )


def never_seen(labels: dict[str, Tensor]) -> dict[str, Tensor]:
    """What `image.never_seen` says, of both things of a film."""
    other = {name: labels[f"other {name}"] for name in ("colour", "shape")}
    absent = {f"other {name}": rows for name, rows in image.never_seen(other).items()}
    return image.never_seen(labels) | absent


@torch.inference_mode()
def evaluate(encoder: Any, heads: Heads, *, seed: int = 0) -> dict[str, Any]:
    """Accuracy on unseen films, of trained pairs of colour and shape and of held-out ones."""
    figures: dict[str, Any] = {}
    for name, held_out in (("seen pairs", False), ("held-out pairs", True)):
        rng = np.random.default_rng((VALIDATION, seed, int(held_out)))
        seen = look(encoder, [films.draw(rng, EXAMPLES, held_out=held_out)])
        tokens = torch.cat([encoder.mix(*part) for part in _parts(seen)])
        shares, every = accuracy(heads, tokens, seen[2])
        asked = {name: share for name, share in shares.items() if (seen[2][name] >= 0).any()}
        figures[name] = asked | {"all": every.float().mean().item(), "examples": EXAMPLES}
    rng = np.random.default_rng((VALIDATION, seed, 2))
    seen = look(encoder, [films.draw(rng, max(1, EXAMPLES // 4), outside=1.0)])
    tokens = torch.cat([encoder.mix(*part) for part in _parts(seen)])
    unknown = heads(tokens)["known"].argmax(1) == 0
    figures["outside"] = {"unknown": unknown.float().mean().item(), "examples": len(unknown)}
    return figures


def _parts(seen: Seen) -> Iterable[tuple[Tensor, Tensor]]:
    frames, times, _ = seen
    return zip(frames.float().split(64), times.split(64), strict=True)


def vary(seen: Seen, rng: np.random.Generator) -> Seen:
    """A batch of films, all with the same number of frames, about half of them played backwards."""
    every, instants, wanted = seen
    rows = torch.from_numpy(rng.integers(0, len(every), BATCH))
    length = every.shape[1]
    count = int(rng.integers(4, length + 1)) if rng.random() < 0.3 else length
    kept = torch.from_numpy(np.sort(rng.choice(length, count, replace=False)))
    kept[0], kept[-1] = 0, length - 1
    frames, times = every[rows][:, kept].float(), instants[rows][:, kept]
    labels = {name: label[rows] for name, label in wanted.items()}
    index = [words.MOTIONS.index(REVERSED[n]) if n in REVERSED else -1 for n in words.MOTIONS]
    other = torch.tensor(index)[labels["motion"]]
    reversible = (other >= 0) | (labels["motion"] < 0)
    back = torch.from_numpy(rng.random(BATCH) < 0.5) & reversible
    frames = torch.where(back[:, None, None, None], frames.flip(1), frames)
    times = torch.where(back[:, None], times[:, -1:] - times.flip(1), times)
    labels["motion"] = torch.where(back & (labels["motion"] >= 0), other, labels["motion"])
    return frames, times, labels
