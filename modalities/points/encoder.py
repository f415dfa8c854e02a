"""Encoder of point clouds: patches of the surface, a small PointNet on each, a transformer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from omni.compression.budget import Grid
from omni.mixer import Mixer
from omni.modality import Features
from omni.plugins import Component

PATCHES = 32
NEIGHBOURS = 32
FREQUENCIES = 4


def farthest(xyz: Tensor, count: int) -> Tensor:
    """Indices `[batch, count]` of points far apart, the first of them farthest from the origin."""
    batch = torch.arange(len(xyz), device=xyz.device)
    chosen = [xyz.square().sum(-1).argmax(1)]
    nearest = torch.full(xyz.shape[:2], torch.inf, device=xyz.device)
    for _ in range(count - 1):
        apart = (xyz - xyz[batch, chosen[-1]][:, None]).square().sum(-1)
        nearest = torch.minimum(nearest, apart)
        chosen.append(nearest.argmax(1))
    return torch.stack(chosen, 1)


class PointsEncoder(nn.Module):
    """Points `[1024, 3]` with colours and a scale → 32 tokens, one for each patch of the surface.

    A patch is described in its own frame (the point's offset, and how far it lies along the
    directions in which the patch is wide, narrow and thin), which no rotation of the cloud changes,
    and by where it lies in the cloud.

    Args:
        width: of a token.
        hidden: width of the small PointNet.
        layers: transformer layers.
    """

    def __init__(self, width: int = 192, hidden: int = 64, layers: int = 3):
        super().__init__()
        self.width = width
        self.point = nn.Sequential(
            nn.Linear(11, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU()
        )
        self.patch = nn.Sequential(nn.Linear(2 * hidden, width), nn.GELU(), nn.Linear(width, width))
        self.place = nn.Sequential(nn.Linear(10, width), nn.GELU(), nn.Linear(width, width))
        self.scale = nn.Linear(2 * FREQUENCIES + 1, width)
        self.layers = nn.Sequential(*(Mixer(width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def grid(self, features: Features) -> Grid:
        return Grid(1, 1, PATCHES)

    def encode(self, xyz: Tensor, rgb: Tensor, scale: Tensor) -> Tensor:
        """Tokens `[batch, 32, width]` of stacked features."""
        points, patches, waves = (part.to(self._dtype) for part in describe(xyz, rgb, scale))
        hidden = self.point(points)
        pooled = torch.cat([hidden.amax(2), hidden.mean(2)], -1)
        tokens = self.patch(pooled) + self.place(patches) + self.scale(waves)[:, None]
        return self.norm(self.layers(tokens))

    def forward(self, batch: list[Features]) -> list[Tensor]:
        if not batch:
            return []
        device = self.norm.weight.device
        names = ("xyz", "rgb", "scale")
        stacked = (torch.stack([f[name] for f in batch]).to(device) for name in names)
        return list(self.encode(*stacked))

    @property
    def _dtype(self) -> torch.dtype:
        return self.norm.weight.dtype


@torch.no_grad()
def describe(xyz: Tensor, rgb: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What is known of each point of each patch, of each patch, and of the scale, in float32.

    Returns:
        `[batch, patches, neighbours, 11]`, `[batch, patches, 10]` and `[batch, frequencies]`.
    """
    xyz, rgb, scale = xyz.float(), rgb.float(), scale.float()
    batch = torch.arange(len(xyz), device=xyz.device)[:, None]
    centres = xyz[batch, farthest(xyz, PATCHES)]
    near = torch.cdist(centres, xyz).topk(NEIGHBOURS, largest=False).indices
    around = xyz[batch[..., None], near]
    offsets = around - centres[:, :, None]
    spread = offsets - offsets.mean(2, keepdim=True)
    reach = offsets.norm(dim=-1).amax(-1, keepdim=True).clamp(min=1e-4)
    covariance = spread.transpose(2, 3) @ spread / NEIGHBOURS / reach[..., None].square()
    widths, frame = torch.linalg.eigh(covariance)
    # A direction has no sign of its own: the one that points away from the middle is taken.
    outward = torch.einsum("bpdk,bpd->bpk", frame, centres).sign()
    frame = frame * torch.where(outward == 0, 1, outward)[:, :, None]
    own = offsets @ frame / reach[..., None]
    points = torch.cat(
        [
            own,
            offsets / reach[..., None],
            around.norm(dim=-1, keepdim=True),
            rgb[batch[..., None], near] * 2 - 1,
            offsets.norm(dim=-1, keepdim=True),
        ],
        -1,
    )
    facing = torch.einsum("bpdk,bpd->bpk", frame, centres)
    patches = torch.cat(
        [centres, centres.norm(dim=-1, keepdim=True), widths.clamp(min=0).sqrt(), facing], -1
    )
    angles = scale * 2.0 ** torch.arange(FREQUENCIES, device=scale.device)
    waves = torch.cat([scale, angles.sin(), angles.cos()], -1)
    return points, patches, waves


COMPONENTS = (
    Component(
        kind="encoder",
        name="points",
        summary="Groups of near points to 32 tokens, then a light transformer.",
        paper="PointNet: Deep Learning on Point Sets (arXiv 1612.00593)",
    ),
)
