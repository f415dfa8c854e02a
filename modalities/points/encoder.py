"""Encoder of point clouds: patches of the surface, each read alone and against all the others.

Shapes: `B` clouds of `N` points, 32 patches of `K` points, `S` spots, of which the patches are the
first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from omni.compression.budget import Grid
from omni.mixer import Mixer
from omni.modality import Features
from omni.plugins import Component

PATCHES = 32
SPOTS = 96
"""Places where it is known which way the surface faces; patches are compared with all of them."""

NEIGHBOURS = 32
FREQUENCIES = 4

WITNESSES = 256
"""Of the points, against which it is found whether a point lies astray."""

ASTRAY = 2.5
"""So many times the usual distance from its neighbours."""

DISTANCES, ANGLES = 4, 6
"""Bins, which overlap, into which the pairs of a patch and the spots are counted."""

POINT_FEATURES, PLACE_FEATURES, PAIR_FEATURES = 6, 14, 3 * DISTANCES * ANGLES


class Described(NamedTuple):
    """What no rotation of a cloud changes, before anything is learned.

    Attributes:
        points: of each patch, `[B, 32, K, 6]`: where each lies in the patch's own frame, its
            distance from the middle of the cloud and of the patch, and how far outwards it lies.
        pairs: how many spots lie and face how as seen from each patch, `[B, 32, 72]`.
        places: where each patch lies and how it faces, `[B, 32, 14]`.
        colours: mean and deviation of red, green and blue of each patch, `[B, 32, 6]`.
        scale: log10 of the radius in the cloud's own units, `[B, 1]`.
    """

    points: Tensor
    pairs: Tensor
    places: Tensor
    colours: Tensor
    scale: Tensor


class PointsEncoder(nn.Module):
    """Points `[1024, 3]` with colours and a scale → 32 tokens, one for each patch of the surface.

    A token knows its patch, and how all other spots lie and face as seen from there: a cone and a
    pyramid are alike in each patch, and differ in which normals there are at all.

    Args:
        width: of a token.
        hidden: width of the small PointNet.
        layers: transformer layers.
    """

    def __init__(self, width: int = 192, hidden: int = 64, layers: int = 3):
        super().__init__()
        self.width = width
        self.point = nn.Sequential(
            nn.Linear(POINT_FEATURES, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.patch = _perceptron(2 * hidden, width, width)
        self.pair = _perceptron(PAIR_FEATURES, width, width)
        self.place = _perceptron(PLACE_FEATURES, width, width)
        self.colour = _perceptron(6, width // 2, width)
        self.scale = nn.Linear(2 * FREQUENCIES + 1, width)
        self.layers = nn.Sequential(*(Mixer(width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def grid(self, features: Features) -> Grid:
        return Grid(1, 1, PATCHES)

    def lay(self, count: int) -> Grid:
        """How so many tokens lie."""
        return Grid(1, 1, count)

    def encode(self, xyz: Tensor, rgb: Tensor, scale: Tensor) -> Tensor:
        """Tokens `[B, 32, width]` of stacked features."""
        return self.read(describe(xyz, rgb, scale))

    def read(self, described: Described) -> Tensor:
        """Tokens `[B, 32, width]` of what `describe` has found."""
        kind = self.norm.weight.dtype
        points, pairs, places, colours, scale = (part.to(kind) for part in described)
        near = self.point(points)
        near = torch.cat([near.amax(2), near.mean(2)], -1)
        angles = scale * 2.0 ** torch.arange(FREQUENCIES, device=scale.device)
        waves = torch.cat([scale, angles.sin(), angles.cos()], -1).to(kind)
        tokens = self.patch(near) + self.pair(pairs) + self.place(places)
        tokens = tokens + self.colour(colours) + self.scale(waves)[:, None]
        return self.norm(self.layers(tokens))

    def forward(self, batch: list[Features]) -> list[Tensor]:
        if not batch:
            return []
        return list(self.encode(*stacked(batch, self.norm.weight.device)))


def _perceptron(inwards: int, hidden: int, outwards: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inwards, hidden), nn.GELU(), nn.Linear(hidden, outwards))


def stacked(batch: Sequence[Features], device: torch.device | str = "cpu") -> Iterator[Tensor]:
    """Places, colours and scales of clouds, each as one tensor."""
    for name in ("xyz", "rgb", "scale"):
        yield torch.stack([features[name] for features in batch]).to(device)


@torch.no_grad()
def describe(xyz: Tensor, rgb: Tensor, scale: Tensor) -> Described:
    """What is known of a cloud, its patches and their points, in float32.

    Args:
        xyz: `[B, N, 3]`.
        rgb: `[B, N, 3]` in 0…1.
        scale: `[B, 1]`, log10 of what `xyz` was divided by.
    """
    with torch.autocast(xyz.device.type, enabled=False):
        rgb = rgb.float() * 2 - 1
        astray = lonely(xyz.float())
        xyz, radius, spread = upright(xyz.float(), ~astray)
        batch = torch.arange(len(xyz), device=xyz.device)[:, None]
        centres = xyz[batch, farthest(xyz, SPOTS, astray)]
        near = torch.cdist(centres, xyz).topk(NEIGHBOURS, largest=False).indices
        around = xyz[batch[..., None], near]
        offsets = around - centres[:, :, None]
        reach = offsets.norm(dim=-1).amax(-1, keepdim=True).clamp(min=1e-4)
        frame, widths = frames(offsets, centres, reach)
        normals = frame[..., 0]
        counted = pairs(centres, normals)
        where = places(centres, normals, widths, spread)
        centres, offsets = centres[:, :PATCHES], offsets[:, :PATCHES]
        outward = centres / centres.norm(dim=-1, keepdim=True).clamp(min=1e-4)
        points = torch.cat(
            [
                offsets @ frame[:, :PATCHES] / reach[:, :PATCHES, None],
                around[:, :PATCHES].norm(dim=-1, keepdim=True),
                offsets.norm(dim=-1, keepdim=True),
                (offsets * outward[:, :, None]).sum(-1, keepdim=True),
            ],
            -1,
        )
        shown = rgb[batch[..., None], near[:, :PATCHES]]
        colours = torch.cat([shown.mean(2), shown.std(2)], -1)
        return Described(points, counted, where, colours, scale.float() + radius.log10())


@torch.no_grad()
def patch_of(xyz: Tensor, count: int = PATCHES) -> Tensor:
    """Which of the first `count` patches of a cloud `[N, 3]` each point is nearest to: `[N]`."""
    astray = lonely(xyz.float()[None])
    turned, _, _ = upright(xyz.float()[None], ~astray)
    centres = turned[0, farthest(turned, SPOTS, astray)[0, :count]]
    return torch.cdist(turned[0], centres).argmin(1)


def lonely(xyz: Tensor) -> Tensor:
    """Which points `[B, N]` lie much farther from their neighbours than is usual in the cloud."""
    # Features come in random order, so every so-manieth point stands for all of them.
    witnesses = xyz[:, :: max(1, xyz.shape[1] // WITNESSES)]
    apart = torch.cdist(xyz, witnesses).topk(4, largest=False).values[..., -1]
    return apart > ASTRAY * apart.median(1, keepdim=True).values


def upright(xyz: Tensor, kept: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The cloud along its principal axes, in a unit sphere about the mean of what is kept.

    Returns:
        points `[B, N, 3]`, the radius `[B, 1]`, and the deviations along the axes `[B, 3]`.
    """
    share = kept.float()[..., None]
    count = share.sum(1, keepdim=True).clamp(min=1)
    centred = xyz - (xyz * share).sum(1, keepdim=True) / count
    radius = (centred.norm(dim=-1) * share[..., 0]).amax(1).clamp(min=1e-6)
    centred = centred / radius[:, None, None]
    covariance = (centred * share).mT @ centred / count
    variances, axes = torch.linalg.eigh(covariance)
    return centred @ axes, radius[:, None], variances.clamp(min=0).sqrt()


def farthest(xyz: Tensor, count: int, astray: Tensor | None = None) -> Tensor:
    """Indices `[B, count]` of points far apart, the first of them farthest from the origin.

    Args:
        xyz: `[B, N, 3]`.
        count: how many.
        astray: `[B, N]`, those that are not taken while there are others.
    """
    batch = torch.arange(len(xyz), device=xyz.device)
    barred = 0.0 if astray is None else astray.float() * 1e3
    chosen = [(xyz.square().sum(-1) - barred).argmax(1)]
    nearest = torch.full(xyz.shape[:2], torch.inf, device=xyz.device)
    for _ in range(count - 1):
        apart = (xyz - xyz[batch, chosen[-1]][:, None]).square().sum(-1)
        nearest = torch.minimum(nearest, apart)
        chosen.append((nearest - barred).argmax(1))
    return torch.stack(chosen, 1)


def frames(offsets: Tensor, centres: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Directions `[B, S, 3, 3]` in which patches are thin, narrow and wide; how much, `[B, S, 3]`.

    A direction has no sign of its own: the one that points away from the middle is taken.
    """
    spread = offsets - offsets.mean(2, keepdim=True)
    covariance = spread.mT @ spread / offsets.shape[2] / reach[..., None].square()
    variances, frame = torch.linalg.eigh(covariance)
    outward = torch.einsum("bpdk,bpd->bpk", frame, centres).sign()
    frame = frame * torch.where(outward == 0, 1, outward)[:, :, None]
    return frame, variances.clamp(min=0).sqrt()


def places(centres: Tensor, normals: Tensor, widths: Tensor, spread: Tensor) -> Tensor:
    """Where each patch lies and how it faces, with no regard to signs, `[B, 32, 14]`."""
    centre, normal, widths = (part[:, :PATCHES] for part in (centres, normals, widths))
    distance = centre.norm(dim=-1, keepdim=True)
    facing = (centre * normal).sum(-1, keepdim=True)
    whole = spread[:, None].expand_as(centre)
    return torch.cat([distance, facing, centre.abs(), normal.abs(), widths, whole], -1)


def pairs(centres: Tensor, normals: Tensor) -> Tensor:
    """How many spots lie how far and face how as seen from each patch, `[B, 32, 72]`.

    Counted are three cosines beside the distance: between the normals, and of each normal with the
    way from the patch to the spot.
    """
    way = centres[:, None] - centres[:, :PATCHES, None]
    distance = way.norm(dim=-1)
    way = way / distance[..., None].clamp(min=1e-4)
    mine, its = normals[:, :PATCHES, None], normals[:, None]
    far = _binned(distance, 0.3, 1.5, DISTANCES)
    counted = []
    for cosine in ((mine * its).sum(-1), (mine * way).sum(-1), (its * way).sum(-1)):
        counted.append(far.mT @ _binned(cosine, -1.0, 1.0, ANGLES) / far.shape[-2])
    return 4 * torch.cat([count.flatten(2) for count in counted], -1)


def _binned(values: Tensor, low: float, high: float, count: int) -> Tensor:
    """How much values belong to each of `count` bins, `[..., count]`: to the two nearest."""
    width = (high - low) / (count - 1)
    middles = torch.linspace(low, high, count, device=values.device)
    return (1 - (values.clamp(low, high)[..., None] - middles).abs() / width).clamp(min=0)


COMPONENTS = (
    Component(
        kind="encoder",
        name="points",
        summary="Patches of the surface, and how all others face from there, to 32 tokens.",
        paper="PointNet: Deep Learning on Point Sets (arXiv 1612.00593)",
    ),
)
