"""What every single token of a picture is taught: whose its spot is, and what that thing is.

B pictures, T tokens of a picture (a square grid), N things at most in a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from omni.nano.stages.heads import NEVER
from omni.nano.world import group, words

ATTRIBUTES = {"colour": tuple(words.COLOURS), "shape": words.SHAPES, "size": words.SIZES}
OWNED = 0.25
"""Share of a token's spot that a thing has to cover for the token to be asked about it."""

WEIGHTS = {"colour": 1.0, "shape": 3.0, "size": 1.0}
"""Shapes are hardest: with the weight of the others they stay unlearned three times as long."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What the tokens of B pictures should say.

    Attributes:
        labels: name of an attribute → its class for each token `[B, T]`; −1 is not asked.
        weight: of each token's answers `[B, T]`; those about one thing together weigh as much as
            the square root of their number.
        centre: 1 where the middle of a thing lies in the token's spot, else 0: `[B, T]`.
        cover: share of the spot that things cover, `[B, T]`.
        offset: from the spot's middle to that of its thing, and its radius, in shares of the
            picture's side: `[B, T, 3]`.
        owned: where there is a thing to speak of, `[B, T]`.
        background: index in `group.BACKGROUNDS` of each picture `[B]`; −1 is not asked.
        present: which colours and which shapes a picture has, 0 or 1: `[B, 16]`.
        inside: which pictures are of the world, `[B]`; others are not asked about at all.
    """

    labels: dict[str, Tensor]
    weight: Tensor
    centre: Tensor
    cover: Tensor
    offset: Tensor
    owned: Tensor
    background: Tensor
    present: Tensor
    inside: Tensor


def targets(groups: Sequence[group.Group | None], side: int) -> Targets:
    """The targets for `side`×`side` tokens; `None` is a picture from outside the world."""
    shown = [found.things if found else () for found in groups]
    boxes = torch.zeros(len(groups), group.MOST, 3)
    classes = {name: torch.full((len(groups), group.MOST), -1) for name in ATTRIBUTES}
    raster = np.zeros((len(groups), group.RASTER, group.RASTER), np.uint8)
    for row, found in enumerate(groups):
        if not found:
            continue
        raster[row] = group.owners(found.things, found.resolution)
        for column, thing in enumerate(found.things):
            boxes[row, column] = torch.tensor(group.box(thing, found.resolution))
            for name, names in ATTRIBUTES.items():
                word = getattr(thing, name)
                classes[name][row, column] = names.index(word) if word else -1
    shares = _shares(torch.from_numpy(raster), side)
    owner = shares[..., 1:].argmax(-1)
    owned = shares[..., 1:].amax(-1) >= OWNED
    centre = torch.zeros_like(shares[..., 0])
    for row, things in enumerate(shown):
        for column in range(len(things)):
            across, down = (boxes[row, column, :2] * side).long().clamp(0, side - 1).tolist()
            spot = down * side + across
            owner[row, spot], owned[row, spot], centre[row, spot] = column, True, 1.0
    area = shares[..., 1:].sum(1).clamp(min=1).rsqrt().gather(1, owner)
    middle = (torch.arange(side * side).unsqueeze(1) // torch.tensor([1, side]) % side + 0.5) / side
    offset = boxes.gather(1, owner[..., None].expand(-1, -1, 3))
    offset = torch.cat([offset[..., :2] - middle, offset[..., 2:]], -1)
    present = [
        functional.one_hot(classes[name] + 1, len(ATTRIBUTES[name]) + 1).amax(1)[:, 1:]
        for name in ("colour", "shape")
    ]
    kinds = [group.BACKGROUNDS.index(found.background) if found else -1 for found in groups]
    return Targets(
        labels={name: torch.where(owned, c.gather(1, owner), -1) for name, c in classes.items()},
        weight=area * (1 + centre),
        centre=centre,
        cover=1 - shares[..., 0],
        offset=offset,
        owned=owned,
        background=torch.tensor(kinds),
        present=torch.cat(present, 1).float(),
        inside=torch.tensor([found is not None for found in groups]),
    )


class Dense(nn.Module):
    """Reads from each token alone what `Targets` says of it."""

    def __init__(self, width: int):
        super().__init__()
        self.sizes = {name: len(names) for name, names in ATTRIBUTES.items()}
        self.sizes |= {"centre": 1, "cover": 1, "offset": 3}
        self.sizes |= {"background": len(group.BACKGROUNDS)}
        self.sizes |= {"present": len(words.COLOURS) + len(words.SHAPES)}
        self.read = nn.Linear(width, sum(self.sizes.values()))

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        """What each token says, float32 `[B, T, classes]` by name."""
        parts = self.read(tokens).float().split(list(self.sizes.values()), -1)
        return dict(zip(self.sizes, parts, strict=True))

    def loss(
        self, tokens: Tensor, wanted: Targets, impossible: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss over the tokens, and how often those in the middle of a thing are right about it.

        Args:
            impossible: name → classes `[B, T, classes]` that must not count as wrong answers.
        """
        said, logs = self(tokens), {}
        total = tokens.new_zeros((), dtype=torch.float32)
        for name in ATTRIBUTES:
            label, logits = wanted.labels[name], said[name]
            if name in impossible:
                logits = logits.masked_fill(impossible[name], NEVER)
            each = functional.cross_entropy(
                logits.flatten(0, 1), label.flatten(), ignore_index=-1, reduction="none"
            ).view_as(label)
            asked = wanted.weight * (label >= 0)
            total = total + WEIGHTS[name] * (each * asked).sum() / asked.sum().clamp(min=1)
            middle = (wanted.centre > 0) & (label >= 0)
            if middle.any():
                right = (logits.argmax(-1) == label)[middle]
                logs[f"thing {name}"] = right.float().mean().item()
        inside = wanted.inside[:, None].float()
        spots = (inside.sum() * tokens.shape[1]).clamp(min=1)
        for name, truth in (("centre", wanted.centre), ("cover", wanted.cover)):
            each = functional.binary_cross_entropy_with_logits(
                said[name][..., 0], truth, reduction="none"
            )
            # Of 144 spots about three are the middle of a thing.
            total = total + (8 if name == "centre" else 1) * (each * inside).sum() / spots
        apart = (said["offset"] - wanted.offset).abs().sum(-1)
        total = total + 4 * (apart * wanted.owned).sum() / wanted.owned.sum().clamp(min=1)
        each = functional.binary_cross_entropy_with_logits(
            said["present"], wanted.present[:, None].expand_as(said["present"]), reduction="none"
        )
        total = total + (each.mean(-1) * inside).sum() / spots
        background = wanted.background.repeat_interleave(tokens.shape[1])
        if (background >= 0).any():
            named = said["background"].flatten(0, 1)
            total = total + 0.2 * functional.cross_entropy(named, background, ignore_index=-1)
        return total, logs


def _shares(raster: Tensor, side: int) -> Tensor:
    """Share of each token's spot that is nobody's or each thing's: `[B, T, 1 + N]`."""
    step = raster.shape[1] // side
    spots = raster.view(-1, side, step, side, step).transpose(2, 3).flatten(3).flatten(1, 2)
    return functional.one_hot(spots.long(), group.MOST + 1).float().mean(2)
