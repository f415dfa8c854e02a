"""The video stage: on top of the trained picture encoder, teach what moves and how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omni.modality import modality
from omni.nano.stages import image
from omni.nano.stages.heads import Heads, accuracy
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import motion, words

NAME = "video"
BATCH = 32
EXAMPLES = 256
CACHE_SHARE = 0.5
FILMS_A_MINUTE, STEPS_A_MINUTE = 900, 300
TRAIN, VALIDATION = 0, 1
ATTRIBUTES = {
    "colour": tuple(words.COLOURS),
    "shape": words.SHAPES,
    "motion": words.MOTIONS,
}
REVERSED = {"left": "right", "up": "down", "growing": "shrinking", "still": "still"}
REVERSED |= {after: before for before, after in REVERSED.items()}


class Teacher(nn.Module):
    """The part of the encoder that is trained here, and the heads that teach it."""

    def __init__(self, encoder: Any):
        super().__init__()
        self.change, self.time = encoder.change, encoder.time
        self.layers, self.norm = encoder.layers, encoder.norm
        classes = {name: len(names) for name, names in ATTRIBUTES.items()}
        self.heads = Heads(encoder.width, classes)


Films = tuple[Tensor, Tensor, dict[str, Tensor]]
"""Frames as the picture encoder sees them, half precision; their times; labels."""


def run(out: Path, *, minutes: float, seed: int = 0) -> dict[str, Any]:
    """Train for at most so many minutes, save `out/video.encoder.safetensors`, return figures.

    The image stage must have run before: its encoder looks at the frames, and is not changed.
    """
    torch.manual_seed(seed)
    encoder: Any = modality(NAME).encoder()
    assert encoder is not None
    encoder.frame.load_state_dict(image.load(out).state_dict())
    encoder.frame.eval()
    teacher = Teacher(encoder)
    if not (out / f"{NAME}.safetensors").exists():
        count = max(BATCH, round(minutes * CACHE_SHARE * FILMS_A_MINUTE))
        films = look(encoder, np.random.default_rng((TRAIN, seed)), count)

        def step(index: int) -> tuple[Tensor, dict[str, float]]:
            rng = np.random.default_rng((TRAIN, seed, index))
            seen, times, wanted = _vary(films, rng)
            absent = image.never_seen(wanted)
            return teacher.heads.loss(encoder.mix(seen, times), wanted, impossible=absent)

    else:  # a finished stage is only loaded

        def step(index: int) -> tuple[Tensor, dict[str, float]]:
            raise AssertionError("unreachable")

    rest = minutes * (1 - CACHE_SHARE)
    steps = max(1, round(rest * STEPS_A_MINUTE))
    train(NAME, teacher, step, Schedule(steps, rest, learning_rate=1e-3), out)
    save_file(encoder.state_dict(), out / f"{NAME}.encoder.safetensors")
    figures = evaluate(encoder.eval(), teacher.heads.eval(), seed=seed)
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def load(out: Path) -> Any:
    """The trained encoder, in evaluation mode."""
    encoder = modality(NAME).encoder()
    assert encoder is not None
    encoder.load_state_dict(load_file(out / f"{NAME}.encoder.safetensors"))
    return encoder.eval()


@torch.inference_mode()
def look(
    encoder: Any, rng: np.random.Generator, count: int, *, held_out: bool | None = False
) -> Films:
    """Films of the world as the picture encoder sees their frames."""
    features = modality(NAME).features
    seen, times, films = [], [], []
    for _ in range(count):
        films.append(motion.sample(rng, held_out=held_out))
        found = features(motion.render(films[-1]))
        seen.append(encoder.look(found["frames"]).half())
        times.append(found["times"])
    wanted = {
        name: torch.tensor([names.index(_word(film, name)) for film in films])
        for name, names in ATTRIBUTES.items()
    }
    return torch.stack(seen), torch.stack(times), wanted


@torch.inference_mode()
def evaluate(encoder: Any, heads: Heads, *, seed: int = 0) -> dict[str, Any]:
    """Accuracy on unseen films, of trained pairs of colour and shape and of held-out ones."""
    figures = {}
    for name, held_out in (("seen pairs", False), ("held-out pairs", True)):
        rng = np.random.default_rng((VALIDATION, seed, int(held_out)))
        seen, times, wanted = look(encoder, rng, EXAMPLES, held_out=held_out)
        shares, every = accuracy(heads, encoder.mix(seen.float(), times), wanted)
        figures[name] = shares | {"all": every.float().mean().item(), "examples": EXAMPLES}
    return figures


def _word(film: motion.Motion, attribute: str) -> str:
    return film.motion if attribute == "motion" else getattr(film.scene, attribute)


def _vary(films: Films, rng: np.random.Generator) -> Films:
    """A batch of films, all with the same number of frames, half of them played backwards."""
    seen, times, wanted = films
    rows = torch.from_numpy(rng.integers(0, len(seen), BATCH))
    length = seen.shape[1]
    count = int(rng.integers(4, length + 1)) if rng.random() < 0.3 else length
    kept = torch.from_numpy(np.sort(rng.choice(length, count, replace=False)))
    kept[0], kept[-1] = 0, length - 1
    frames, instants = seen[rows][:, kept].float(), times[rows][:, kept]
    back = torch.from_numpy(rng.random(BATCH) < 0.5)
    frames = torch.where(back[:, None, None, None], frames.flip(1), frames)
    flipped = instants[:, -1:] - instants.flip(1)
    instants = torch.where(back[:, None], flipped, instants)
    other = torch.tensor([words.MOTIONS.index(REVERSED[name]) for name in words.MOTIONS])
    labels = {name: label[rows] for name, label in wanted.items()}
    labels["motion"] = torch.where(back, other[labels["motion"]], labels["motion"])
    return frames, instants, labels
