"""The image stage: teach the image encoder what is in a scene, from the world's own attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omni.modality import modality
from omni.nano.stages.dense import Dense, Targets, targets
from omni.nano.stages.heads import Heads
from omni.nano.stages.loop import Schedule, train
from omni.nano.world import group, strange_image, words

NAME = "image"
BATCH = 32
EXAMPLES = 512
SIDE = 12
"""Tokens of a picture lie in a square of this side."""

STEPS_A_MINUTE = {f"{NAME}.close": 1000, NAME: 300}
LEARNING_RATE = 2.5e-3
CLOSE_SHARE = 0.12
CLOSE_SIDE = 48

COUNTING_FROM, COUNT_WEIGHT = 1206, 4.0
"""Things are told apart by this step; from then on the answer how many there are weighs more."""

OUTSIDE, EMPTY, STRANGE = 0.08, 0.02, 0.2
"""Share of pictures from outside the world, of those without a thing, and of nameless colours."""

TRAIN, VALIDATION = 0, 1
ATTRIBUTES = {
    "colour": tuple(words.COLOURS),
    "shape": words.SHAPES,
    "size": words.SIZES,
    "place": words.PLACES,
}
CLASSES = {name: len(names) for name, names in ATTRIBUTES.items()}
CLASSES |= {"count": group.MOST + 1, "known": 2}


@dataclass(frozen=True, slots=True)
class Lesson:
    """B pictures and what is true of them.

    Attributes:
        pixels: `[B, 3, 96, 96]` in 0…1.
        labels: name → class of each picture `[B]`; −1 is no label. The words for a thing are those
            of the only thing; a picture of several has none.
        targets: what each token should say.
        corner: row and column of the first token, where the pictures are a part of the square.
    """

    pixels: Tensor
    labels: dict[str, Tensor]
    targets: Targets
    corner: tuple[int, int] = (0, 0)


class Teacher(nn.Module):
    """The encoder and the heads that teach it."""

    def __init__(self):
        super().__init__()
        encoder = modality(NAME).encoder()
        assert encoder is not None
        self.encoder: Any = encoder
        self.heads = Heads(self.encoder.width, CLASSES)
        self.dense = Dense(self.encoder.width)

    def loss(
        self, lesson: Lesson, weights: Mapping[str, float] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss over pictures, of what all tokens say together and of what each one says.

        Args:
            weights: of what all say together; see `Heads.loss`.
        """
        tokens = self.encoder.encode(lesson.pixels, lesson.corner)
        absent = never_seen(lesson.labels)
        whole, logs = self.heads.loss(tokens, lesson.labels, impossible=absent, weights=weights)
        wanted = lesson.targets
        each, more = self.dense.loss(tokens, wanted, never_seen(wanted.labels))
        return 2 * whole + each, logs | more


def run(out: Path, *, minutes: float, seed: int = 0) -> dict[str, Any]:
    """Train for at most so many minutes, save `out/image.encoder.safetensors`, return figures.

    Close-ups come first: they cost a quarter of a whole scene, and what tells shapes apart, which
    is what is learned last, is found on them in a minute.
    """
    torch.manual_seed(seed)
    teacher = Teacher()
    teacher.encoder.learning = True

    def close(index: int) -> tuple[Tensor, dict[str, float]]:
        return teacher.loss(close_ups(np.random.default_rng((TRAIN, seed, index)), BATCH))

    def whole(index: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((TRAIN, seed + 1, index))
        weights = {"count": COUNT_WEIGHT} if index >= COUNTING_FROM else {}
        return teacher.loss(lesson(mixed(rng, BATCH), rng), weights)

    phases = ((f"{NAME}.close", close, CLOSE_SHARE), (NAME, whole, 1 - CLOSE_SHARE))
    for name, step, share in phases:
        steps = max(1, round(share * minutes * STEPS_A_MINUTE[name]))
        schedule = Schedule(steps, share * minutes, learning_rate=LEARNING_RATE, short=True)
        train(name, teacher, step, schedule, out)
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


def mixed(rng: np.random.Generator, size: int) -> list[group.Group | None]:
    """Scenes as they are trained on; `None` stands for a picture from outside the world."""
    found: list[group.Group | None] = []
    for kind in rng.random(size).tolist():
        if kind < OUTSIDE:
            found.append(None)
        else:
            count = 0 if kind < OUTSIDE + EMPTY else None
            found.append(group.sample(rng, count=count, strange=STRANGE))
    return found


def lesson(groups: Sequence[group.Group | None], rng: np.random.Generator) -> Lesson:
    """The pictures of scenes, and all that is to be said of them."""
    features = modality(NAME).features
    pictures = [group.draw(found) if found else strange_image.picture(rng) for found in groups]
    pixels = torch.stack([features(picture)["pixels"] for picture in pictures])
    return Lesson(pixels, labels(groups), targets(groups, SIDE))


def close_ups(rng: np.random.Generator, size: int) -> Lesson:
    """A quarter of the square, filled by one thing; its size and place are not asked about."""
    groups = [_close(group.sample(rng, count=1, strange=STRANGE), rng) for _ in range(size)]
    pixels = np.stack([np.asarray(group.draw(found)) for found in groups])
    hidden = torch.full((size,), -1)
    wanted = targets(groups, SIDE // 2)
    wanted = replace(
        wanted,
        labels=wanted.labels | {"size": torch.full_like(wanted.labels["size"], -1)},
        offset=wanted.offset / 2,
    )
    top, left = (int(start) for start in rng.integers(0, SIDE // 2 + 1, 2))
    return Lesson(
        torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255,
        labels(groups) | {name: hidden for name in ("size", "place", "count", "known")},
        wanted,
        (top, left),
    )


def _close(found: group.Group, rng: np.random.Generator) -> group.Group:
    x, y = rng.uniform(0.43, 0.57, 2).tolist()
    radius = float(rng.uniform(0.17, 0.42))
    thing = replace(found.things[0], centre=(x, y), radius=radius)
    return replace(found, things=(thing,), resolution=(CLOSE_SIDE, CLOSE_SIDE))


def labels(groups: Sequence[group.Group | None]) -> dict[str, Tensor]:
    """Class of each picture for each of `CLASSES`; −1 is no label."""
    rows = {name: [] for name in CLASSES}
    for found in groups:
        things = found.things if found else ()
        for name, names in ATTRIBUTES.items():
            word = getattr(things[0], name) if len(things) == 1 else ""
            rows[name].append(names.index(word) if word else -1)
        rows["count"].append(len(things) if found else -1)
        named = len(things) > 0 and all(thing.colour and thing.shape for thing in things)
        rows["known"].append(0 if found is None else 1 if named else -1)
    return {name: torch.tensor(row) for name, row in rows.items()}


def never_seen(labels: dict[str, Tensor]) -> dict[str, Tensor]:
    """Colours that are never seen with an item's shape, and shapes never with its colour.

    Their absence is our doing and says nothing about the world: if they counted as wrong answers,
    the encoder would learn that a purple thing is no star, from there being no purple stars.
    """
    held_out = torch.zeros(len(words.COLOURS), len(words.SHAPES), dtype=torch.bool)
    for colour, shape in words.HELD_OUT:
        held_out[ATTRIBUTES["colour"].index(colour), words.SHAPES.index(shape)] = True
    found = {}
    for name, other, table in (("shape", "colour", held_out), ("colour", "shape", held_out.T)):
        known = (labels[other] >= 0)[..., None]
        found[name] = table[labels[other].clamp(min=0)] & known
    return found


@torch.inference_mode()
def evaluate(teacher: Teacher, *, seed: int = 0) -> dict[str, Any]:
    """Accuracy on unseen scenes, of trained pairs of colour and shape and of held-out ones.

    The figures of several things are of the token in the middle of each.
    """
    teacher.eval()
    figures: dict[str, Any] = {}
    for name, held_out in (("seen pairs", False), ("held-out pairs", True)):
        rng = np.random.default_rng((VALIDATION, seed, int(held_out)))
        one = [group.sample(rng, count=1, held_out=held_out) for _ in range(EXAMPLES)]
        several = [
            group.sample(rng, count=2 + index % (group.MOST - 1), held_out=held_out)
            for index in range(EXAMPLES)
        ]
        shown, tokens = _look(teacher, [*one, *several], rng)
        first = {key: label[:EXAMPLES] for key, label in shown.labels.items() if key in ATTRIBUTES}
        heads = teacher.heads(tokens)
        right = {key: heads[key][:EXAMPLES].argmax(1) == first[key] for key in first}
        every = torch.stack(list(right.values())).all(0)
        figures[name] = {key: row.float().mean().item() for key, row in right.items()}
        figures[name] |= {"all": every.float().mean().item(), "examples": EXAMPLES}
        figures[f"several, {name}"] = _several(teacher, shown, tokens)
    outside = [None] * (EXAMPLES // 2)
    shown, tokens = _look(teacher, outside, np.random.default_rng((VALIDATION, seed, 2)))
    unknown = teacher.heads(tokens)["known"].argmax(1) == 0
    figures["outside"] = {"unknown": unknown.float().mean().item(), "examples": len(outside)}
    return figures


def _look(
    teacher: Teacher, groups: Sequence[group.Group | None], rng: np.random.Generator
) -> tuple[Lesson, Tensor]:
    shown = lesson(groups, rng)
    return shown, torch.cat([teacher.encoder.encode(part) for part in shown.pixels.split(64)])


def _several(teacher: Teacher, shown: Lesson, tokens: Tensor) -> dict[str, float]:
    """Share of right answers about each thing of scenes of several, and of right counts."""
    wanted, said = shown.targets, teacher.dense(tokens)
    count = shown.labels["count"]
    several = count > 1
    middle = (wanted.centre > 0) & several[:, None]
    found: dict[str, float] = {}
    every = torch.ones(int(middle.sum()), dtype=torch.bool)
    for name in ("colour", "shape", "size"):
        right = (said[name].argmax(-1) == wanted.labels[name])[middle]
        found[name] = right.float().mean().item()
        every &= right
    heads = teacher.heads(tokens)
    counted, known = heads["count"].argmax(1) == count, heads["known"].argmax(1) == 1
    found |= {"all": every.float().mean().item(), "things": len(every)}
    found |= {"count": counted[several].float().mean().item(), "known": known.float().mean().item()}
    return found | {"examples": int(several.sum())}
