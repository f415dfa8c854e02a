"""Decoder of pictures: 68 codes ⇄ a picture in four indexed colours.

Four codes name colours: the background and three more. Then come the 8×8 patches of a picture of
64×64 pixels, each as the number of an entry of a codebook (vector quantisation; Gray, 1984) which
says how much of each pixel is which of the four. So a shape has the same codes in every colour, and
can be drawn in one that it was never met in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from omni.errors import UsageError
from omni.pixels import cut, enlarged, join, letterbox
from omni.plugins import Component

if TYPE_CHECKING:
    from PIL import Image

SIDE = 8
PATCH = 8
INPUT = SIDE * PATCH
PICTURE = 256
PALETTE = 4
"""Colours of a picture; the first is its background."""

VIVID = 0.15
"""A colour whose brightest and darkest channels are less than this apart is a grey."""

WORTH = 0.12
"""A further colour is taken if it mends at least so much squared error, summed over pixels."""

UNREST = 0.1
"""How much a pixel beside an edge counts; it may be a mixture."""

ALIKE = 0.995
"""Of colours that mend nearly as much as the best one, the first is taken."""

SPARE = 0.05
"""Squared error, summed over a patch, that is given up for an earlier entry of the codebook: the
early ones are those that are drawn with, and scaling blurs their edges a little."""

NOWHERE = 9.0
"""The value of colours which are not in the palette: far from every pixel."""


class ImageDecoder(nn.Module):
    """Pictures of 64×64 pixels ⇄ 4 codes of colours and 8×8 codes of patches.

    Codes of patches come first in the vocabulary, codes of colours after them.

    Args:
        patches: size of the codebook of patches.
        colours: size of the codebook of colours.
    """

    def __init__(self, patches: int = 1024, colours: int = 128):
        super().__init__()
        self.patches, self.colours = patches, colours
        self.codes = patches + colours
        self.length = self.max_length = PALETTE + SIDE * SIDE
        mixtures = torch.rand(patches, PALETTE, PATCH * PATCH)
        mixtures = (mixtures / mixtures.sum(1, keepdim=True)).flatten(1)
        self.mixtures = nn.Parameter(mixtures, requires_grad=False)
        self.rgb = nn.Parameter(torch.rand(colours, 3), requires_grad=False)

    @torch.no_grad()
    def encode(self, value: Image.Image) -> Tensor:
        """Codes, int64 `[68]`, of a picture, which is letterboxed to 64×64."""
        pixels = torch.from_numpy(letterbox(value, INPUT)).to(self.rgb.device)
        found = self.palette(pixels)
        colours = self.rgb.float()[found]
        for place in range(1, PALETTE):
            if found[place] == found[0]:
                colours[place] = NOWHERE
        mixtures = self.mixtures.float().view(self.patches, PALETTE, -1)
        drawn = torch.einsum("kcp,cr->krp", mixtures, colours).flatten(1)
        patches = nearest(cut(pixels[None], PATCH), drawn, spare=SPARE)
        return torch.cat([found + self.patches, patches]).cpu()

    @torch.no_grad()
    def encode_labels(self, labels: np.ndarray, palette: Sequence[Sequence[float]]) -> Tensor:
        """Codes, int64 `[68]`, of how much of each pixel each of four colours is.

        Args:
            labels: `[64, 64, 4]`, in 0…1.
            palette: the four colours, in 0…255.
        """
        device = self.rgb.device
        colours = torch.tensor(palette, dtype=torch.float32, device=device) / 255
        found = nearest(colours, self.rgb.float())
        mixtures = torch.from_numpy(np.ascontiguousarray(labels, np.float32)).to(device)
        patches = nearest(cut(mixtures.permute(2, 0, 1)[None], PATCH), self.mixtures.float())
        return torch.cat([found + self.patches, patches]).cpu()

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Image.Image:
        """The picture, 256×256, of 68 codes; one of the wrong kind is read modulo its codebook.

        Raises:
            UsageError: if the codes are not 68 numbers of the vocabulary.
        """
        if (
            codes.shape != (self.length,)
            or not 0 <= int(codes.min()) <= int(codes.max()) < self.codes
        ):
            raise UsageError(
                f"a picture is made of {self.length} codes in 0…{self.codes - 1}, "
                f"not of {codes.numel()} codes in {_range(codes)}"
            )
        codes = codes.to(self.rgb.device).long()
        shifted = (codes[:PALETTE] - self.patches) % self.codes
        palette = self.rgb.float()[shifted % self.colours]
        mixtures = join(self.mixtures.float()[codes[PALETTE:] % self.patches], PATCH, SIDE)[0]
        pixels = torch.einsum("chw,cr->hwr", mixtures, palette)
        return enlarged(pixels.cpu().numpy(), PICTURE)

    def palette(self, pixels: Tensor) -> Tensor:
        """Numbers `[4]` of a picture's colours; those it does not need repeat the background.

        The background is the most frequent colour of the border. Each further one is that which
        mends most of the error, where the pixels of an edge count as mixtures of what is there.
        Vivid colours come first, in the order in which their middles lie along the falling
        diagonal; then greys from dark to light.
        """
        rgb = self.rgb.float()
        flat = pixels.permute(1, 2, 0).reshape(-1, 3)
        apart = torch.cdist(flat, rgb).square()
        frame = torch.ones(INPUT, INPUT, dtype=torch.bool, device=flat.device)
        frame[1:-1, 1:-1] = False
        first = int(apart[frame.flatten()].argmin(1).bincount().argmax())
        calm, chosen = _calm(pixels), [first]
        for _ in range(PALETTE - 1):
            best = self._next(flat, apart, calm, chosen)
            if best is None:
                break
            chosen.append(best)
            for old in chosen[1:]:  # each again, now that there are others
                rest = [kept for kept in chosen if kept != old]
                again = self._next(flat, apart, calm, rest)
                chosen = rest if again is None else [*rest, again]
        owner = torch.where(calm, apart[:, chosen].argmin(1), 0)
        order = sorted(range(1, len(chosen)), key=lambda n: self._rank(rgb[chosen[n]], owner == n))
        ranked = [first, *(chosen[place] for place in order)]
        ranked += [first] * (PALETTE - len(ranked))
        return torch.tensor(ranked, device=flat.device)

    def _next(self, flat: Tensor, apart: Tensor, calm: Tensor, chosen: list[int]) -> int | None:
        """The colour that mends most, or the first that does so as good as it; `None` if few."""
        error = torch.where(
            calm, apart[:, chosen].amin(1), _between(flat, self.rgb[chosen].float())
        )
        gain = (error[:, None] - apart).clamp(min=0)
        gain = torch.where(calm[:, None], gain, gain * UNREST).sum(0)
        most = float(gain.max())
        return int((gain >= ALIKE * most).int().argmax()) if most >= WORTH else None

    @staticmethod
    def _rank(colour: Tensor, owned: Tensor) -> tuple[bool, float]:
        if float(colour.max() - colour.min()) < VIVID:
            return True, float(colour.mean())
        places = owned.nonzero()[:, 0]
        along = (places // INPUT + places % INPUT).float()
        return False, float(along.mean()) if len(along) else 0.0


def nearest(points: Tensor, book: Tensor, spare: float = 0.0) -> Tensor:
    """The first entry, int64 `[n]`, whose squared distance is within `spare` of the least."""
    distance = book.square().sum(1) - 2 * points.to(book.device).float() @ book.T
    least = distance.amin(1, keepdim=True)
    return (distance <= least + spare).int().argmax(1)


def _calm(pixels: Tensor) -> Tensor:
    """Which pixels `[h * w]` have neighbours of nearly their own colour above and beside them."""
    padded = functional.pad(pixels[None], (1, 1, 1, 1), mode="replicate")
    highest = functional.max_pool2d(padded, 3, stride=1)
    lowest = -functional.max_pool2d(-padded, 3, stride=1)
    return ((highest - lowest).amax(1) < 0.12).flatten()


def _between(points: Tensor, colours: Tensor) -> Tensor:
    """Squared distance `[n]` of points to the nearest mixture of two colours."""
    found = (points[:, None] - colours).square().sum(-1).amin(1)
    for first in range(len(colours)):
        for second in range(first):
            along = colours[second] - colours[first]
            share = (points - colours[first]) @ along / along.square().sum().clamp(min=1e-9)
            meet = colours[first] + share.clamp(0, 1)[:, None] * along
            found = torch.minimum(found, (points - meet).square().sum(-1))
    return found


def _range(codes: Tensor) -> str:
    return f"{int(codes.min())}…{int(codes.max())}" if codes.numel() else "nothing"


COMPONENTS = (
    Component(
        kind="decoder",
        name="image",
        summary="68 codes to a picture: four colours, and patches of a codebook fitted by k-means.",
        paper="Gray, Vector Quantization, IEEE ASSP Magazine, 1984",
    ),
)
