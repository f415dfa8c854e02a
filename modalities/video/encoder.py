"""Encoder of clips: the picture encoder on each frame, a 4×4 summary of it, attention over time."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor, nn

from omni.compression.budget import Grid
from omni.mixer import Mixer
from omni.modality import Features, modality
from omni.plugins import Component

SIDE = 4
FREQUENCIES = 6


class VideoEncoder(nn.Module):
    """Frames `[F, 3, 96, 96]` and their times → 16 tokens a frame, frame by frame, row by row.

    Each token also sees what changed at its spot since the frame before and since the first.

    Of the nine tokens of a picture that become one, their mean tells what is behind, and a second
    mean, in which `notice` weighs those that show a thing, keeps a small thing from drowning.

    Args:
        frame: encoder of one picture, with `width` and `encode`; that of the image modality, with
            fresh weights, where none is given.
        layers: transformer layers over all tokens of the clip.
    """

    def __init__(self, frame: nn.Module | None = None, layers: int = 2):
        super().__init__()
        self.frame = frame or modality("image").encoder()
        assert self.frame is not None
        width: int = self.frame.width  # type: ignore[assignment]
        self.width = width
        self.notice = nn.Linear(width, 1, bias=False)
        self.change = nn.Linear(6 * width, width)
        self.place = nn.Parameter(torch.zeros(SIDE**2, width))
        self.time = nn.Linear(4 * FREQUENCIES, width)
        self.layers = nn.Sequential(*(Mixer(width, expansion=1) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def grid(self, features: Features) -> Grid:
        return Grid(len(features["frames"]), SIDE, SIDE)

    def lay(self, count: int) -> Grid:
        """How so many tokens lie."""
        return Grid(count // (SIDE * SIDE), SIDE, SIDE)

    def look(self, frames: Tensor) -> Tensor:
        """Both means `[batch, 16, 2 * width]` of single frames `[batch, 3, 96, 96]`."""
        tokens = self.frame.encode(frames)  # type: ignore[operator]
        step = round(tokens.shape[1] ** 0.5) // SIDE
        split = tokens.unflatten(1, (SIDE, step, SIDE, step))
        spots = split.transpose(2, 3).flatten(3, 4).flatten(1, 2)
        noticed = (self.notice(spots).softmax(2) * spots).sum(2)
        return torch.cat([noticed, spots.mean(2)], -1)

    def mix(self, seen: Tensor, times: Tensor) -> Tensor:
        """Tokens `[batch, F * 16, width]` of frames already looked at, `[batch, F, 16, …]`."""
        before = torch.cat([seen[:, :1], seen[:, :-1]], 1)
        changes = torch.cat([seen, seen - before, seen - seen[:, :1]], -1)
        instants = self.time(waves(times).to(seen.dtype))
        tokens = self.change(changes) + instants[:, :, None] + self.place
        return self.norm(self.layers(tokens.flatten(1, 2)))

    def forward(self, batch: list[Features]) -> list[Tensor]:
        like = self.norm.weight
        groups: dict[int, list[int]] = defaultdict(list)
        for index, features in enumerate(batch):
            groups[len(features["frames"])].append(index)
        results: dict[int, Tensor] = {}
        for indices in groups.values():
            frames = torch.stack([batch[i]["frames"] for i in indices]).to(like.device)
            times = torch.stack([batch[i]["times"] for i in indices]).to(like.device)
            seen = self.look(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
            results.update(zip(indices, self.mix(seen, times), strict=True))
        return [results[index] for index in range(len(batch))]


def waves(times: Tensor) -> Tensor:
    """Sines and cosines `[batch, F, …]` of each frame's share of the span, and of its second."""
    times = times.float() - times[:, :1].float()
    share = times / times[:, -1:].clamp(min=1e-3)
    steps = torch.arange(FREQUENCIES, device=times.device)
    angles = torch.cat([share[..., None] * 2.0**steps, times[..., None] / 4.0**steps], -1)
    return torch.cat([angles.sin(), angles.cos()], -1)


COMPONENTS = (
    Component(
        kind="encoder",
        name="video",
        summary="The picture encoder on each frame, what changed, then attention over time.",
    ),
)
