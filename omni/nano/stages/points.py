"""The points stage: teach the point encoder solids, their colour, size and proportion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omni.modality import modality
from omni.nano.stages import clouds
from omni.nano.stages.clouds import ATTRIBUTES, Clouds
from omni.nano.stages.heads import Heads, accuracy
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import words

NAME = "points"
BATCH = 64
EXAMPLES = 768
CACHE_SHARE = 0.25
"""Of the minutes, for drawing clouds and describing them."""

CLOUDS_A_MINUTE, STEPS_A_MINUTE = 7000, 300
LEARNING_RATE = 1.5e-3
TRAIN, VALIDATION = 0, 1


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
    drawn: list[Clouds] = []
    if not (out / f"{NAME}.safetensors").exists():
        count = max(BATCH, round(minutes * CACHE_SHARE * CLOUDS_A_MINUTE))
        drawn.append(together(list(clouds.pieces(out / "corpus" / NAME, count, (TRAIN, seed)))))

    def step(index: int) -> tuple[Tensor, dict[str, float]]:
        (every,) = drawn
        rng = np.random.default_rng((TRAIN, seed, index))
        some = every.take(torch.from_numpy(rng.integers(0, len(every), BATCH)))
        tokens = teacher.encoder.read(some.described)
        return teacher.heads.loss(tokens, some.labels, impossible=never_seen(some.labels))

    rest = minutes * (1 - CACHE_SHARE)
    steps = max(1, round(rest * STEPS_A_MINUTE))
    schedule = Schedule(steps, rest, learning_rate=LEARNING_RATE, short=True)
    train(NAME, teacher, step, schedule, out)
    save_file(teacher.encoder.state_dict(), out / f"{NAME}.encoder.safetensors")
    figures = evaluate(teacher.eval(), seed=seed)
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def load(out: Path) -> Any:
    """The trained encoder, in evaluation mode."""
    encoder = modality(NAME).encoder()
    assert encoder is not None
    encoder.load_state_dict(load_file(out / f"{NAME}.encoder.safetensors"))
    return encoder.eval()


def together(pieces: list[Clouds]) -> Clouds:
    """All pieces as one."""
    labels = {name: torch.cat([piece.labels[name] for piece in pieces]) for name in ATTRIBUTES}
    return Clouds(clouds.joined([piece.described for piece in pieces]), labels)


def never_seen(labels: dict[str, Tensor]) -> dict[str, Tensor]:
    """Colours that are never seen with an item's solid, and solids never with its colour.

    As with pictures, their absence is our doing and must not count as knowledge of the world.
    """
    held_out = torch.zeros(len(words.COLOURS), len(words.SOLIDS), dtype=torch.bool)
    for colour, kind in words.HELD_OUT_SOLIDS:
        held_out[ATTRIBUTES["colour"].index(colour), words.SOLIDS.index(kind)] = True
    found = {}
    for name, other, table in (("solid", "colour", held_out), ("colour", "solid", held_out.T)):
        known = (labels[other] >= 0)[:, None]
        found[name] = table[labels[other].clamp(min=0)] & known
    return found


@torch.inference_mode()
def evaluate(teacher: Teacher, *, seed: int = 0) -> dict[str, Any]:
    """Accuracy on unseen clouds, of trained pairs of colour and solid and of held-out ones."""
    figures: dict[str, Any] = {}
    for name, held_out in (("seen pairs", False), ("held-out pairs", True)):
        rng = np.random.default_rng((VALIDATION, seed, int(held_out)))
        shown = clouds.draw(rng, EXAMPLES, held_out=held_out)
        shares, every = accuracy(teacher.heads, _tokens(teacher, shown), shown.labels)
        figures[name] = shares | {"all": every.float().mean().item(), "examples": EXAMPLES}
    rng = np.random.default_rng((VALIDATION, seed, 2))
    shown = clouds.draw(rng, max(1, EXAMPLES // 4), outside=1.0)
    unknown = teacher.heads(_tokens(teacher, shown))["known"].argmax(1) == 0
    figures["outside"] = {"unknown": unknown.float().mean().item(), "examples": len(unknown)}
    return figures


def _tokens(teacher: Teacher, shown: Clouds) -> Tensor:
    parts = (slice(start, start + BATCH) for start in range(0, len(shown), BATCH))
    return torch.cat([teacher.encoder.read(shown.take(part).described) for part in parts])
