"""How many tokens a picture, a sound or a film is to a model: one rule a family, from its paper.

The rules need the size of a picture and the length of a sound, and neither weights nor processor,
so that a call can be previewed before anything is loaded or sent. They are checked against the
processors of transformers; those of hosted services are as their makers describe them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol


class PictureRule(Protocol):
    """Tokens of a picture of so many pixels."""

    def __call__(self, width: int, height: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Every picture is the same number of tokens (LLaVA-1.5, Gemma 3)."""

    tokens: int

    def __call__(self, width: int, height: int) -> int:
        return self.tokens


@dataclass(frozen=True, slots=True)
class Native:
    """A grid of patches over the picture in nearly its own size (Qwen-VL, GLM-V).

    Attributes:
        side: pixels to a token along an edge, after patches are merged.
        least: pixels that a smaller picture is enlarged to.
        most: pixels that a larger picture is reduced to.
        around: tokens that mark where it begins and ends.
    """

    side: int
    least: int
    most: int
    around: int = 2

    def __call__(self, width: int, height: int) -> int:
        high, wide = self._rounded(height), self._rounded(width)
        if high * wide > self.most:
            scale = math.sqrt(width * height / self.most)
            high = max(self.side, math.floor(height / scale / self.side) * self.side)
            wide = max(self.side, math.floor(width / scale / self.side) * self.side)
        elif high * wide < self.least:
            scale = math.sqrt(self.least / (width * height))
            high = math.ceil(height * scale / self.side) * self.side
            wide = math.ceil(width * scale / self.side) * self.side
        return high * wide // self.side**2 + self.around

    def _rounded(self, pixels: int) -> int:
        return max(self.side, round(pixels / self.side) * self.side)


@dataclass(frozen=True, slots=True)
class AnyResolution:
    """The whole picture and a canvas of tiles without its padding (LLaVA-NeXT, OneVision).

    Attributes:
        tile: pixels of a tile along an edge.
        grid: tokens of a tile along an edge.
        canvases: columns and rows that there may be.
        most_tiles: more tokens than these many tiles have are pooled; `None` for no limit.
    """

    tile: int
    grid: int
    canvases: tuple[tuple[int, int], ...]
    most_tiles: int | None = None

    def __call__(self, width: int, height: int) -> int:
        columns, rows = min(self.canvases, key=lambda canvas: self._waste(canvas, width, height))
        wide, high = columns * self.grid, rows * self.grid
        if width / height > wide / high:
            high -= 2 * ((high - int(height * wide / width)) // 2)
        else:
            wide -= 2 * ((wide - int(width * high / height)) // 2)
        if self.most_tiles:
            ratio = math.sqrt(wide * high / (self.most_tiles * self.grid**2))
            if ratio > 1.1:
                wide, high = int(wide / ratio), int(high / ratio)
        return self.grid**2 + wide * high + high

    def _waste(self, canvas: tuple[int, int], width: int, height: int) -> tuple[int, int]:
        """Lost pixels of the picture, then pixels of the canvas that it does not fill."""
        wide, high = canvas[0] * self.tile, canvas[1] * self.tile
        scale = min(wide / width, high / height)
        used = min(int(width * scale) * int(height * scale), width * height)
        return -used, wide * high - used


@dataclass(frozen=True, slots=True)
class Tiles:
    """Square tiles in the shape that is nearest to the picture's, and the whole (InternVL)."""

    tile: int
    tokens: int
    most: int

    def __call__(self, width: int, height: int) -> int:
        shapes = [
            (columns, rows)
            for columns in range(1, self.most + 1)
            for rows in range(1, self.most // columns + 1)
        ]
        best, nearest = (1, 1), math.inf
        for columns, rows in sorted(shapes, key=math.prod):
            off = abs(width / height - columns / rows)
            large = width * height > 0.5 * self.tile**2 * columns * rows
            if off < nearest or (off == nearest and large):
                best, nearest = (columns, rows), off
        tiles = math.prod(best)
        return self.tokens * (tiles + (tiles > 1)) + 2


@dataclass(frozen=True, slots=True)
class Split:
    """The picture enlarged to a fixed length and cut into tiles, each named (Idefics3, SmolVLM)."""

    tile: int
    tokens: int
    longest: int

    def __call__(self, width: int, height: int) -> int:
        scale = self.longest / max(width, height)
        columns = math.ceil(max(1, int(width * scale)) / self.tile)
        rows = math.ceil(max(1, int(height * scale)) / self.tile)
        if columns * rows == 1:
            return self.tokens + 3
        return columns * rows * (self.tokens + 2) + rows + self.tokens + 4


@dataclass(frozen=True, slots=True)
class Scaled:
    """OpenAI's high detail: reduced to 2048 and then 768 pixels, a price a tile of 512."""

    base: int = 85
    tile: int = 170

    def __call__(self, width: int, height: int) -> int:
        scale = min(1.0, 2048 / max(width, height))
        scale = min(scale, 768 / min(width, height))
        tiles = math.ceil(width * scale / 512) * math.ceil(height * scale / 512)
        return self.base + self.tile * tiles


@dataclass(frozen=True, slots=True)
class PerArea:
    """Anthropic's: reduced to 1568 pixels, a token for so many pixels."""

    pixels: int = 750
    longest: int = 1568
    most: int = 1600

    def __call__(self, width: int, height: int) -> int:
        scale = min(1.0, self.longest / max(width, height))
        return min(self.most, math.ceil(width * scale * height * scale / self.pixels))


@dataclass(frozen=True, slots=True)
class Sound:
    """Tokens of a sound.

    Attributes:
        per_second: of them.
        most_seconds: what is longer is cut; `None` for no limit.
        chunk_seconds: it is padded to a multiple of these; 0 for no padding.
        around: tokens that mark where it begins and ends.
    """

    per_second: float
    most_seconds: float | None = None
    chunk_seconds: float = 0.0
    around: int = 2

    def __call__(self, seconds: float) -> int:
        length = min(seconds, self.most_seconds or seconds)
        if self.chunk_seconds:
            length = math.ceil(length / self.chunk_seconds) * self.chunk_seconds
        return math.ceil(length * self.per_second) + self.around


@dataclass(frozen=True, slots=True)
class Film:
    """Tokens of a film: those of its frames.

    Attributes:
        frame: tokens of one, apart from marks.
        together: how many frames become one.
        around: tokens that mark where it begins and ends.
        told: tokens that say which frame it is or of what second, and mark where it begins and
            ends, for each that is left.
    """

    frame: PictureRule
    together: int = 1
    around: int = 2
    told: int = 0

    def __call__(self, frames: int, width: int, height: int) -> int:
        steps = math.ceil(frames / self.together)
        return steps * (self.frame(width, height) + self.told) + self.around


@dataclass(frozen=True, slots=True)
class SharedFilm:
    """Frames that share the pixels of the whole film: the longer it is, the smaller (Qwen3-VL).

    Attributes:
        side: pixels to a token along an edge.
        least: pixels of all frames that a smaller film is enlarged to.
        most: pixels of all frames that a larger film is reduced to.
        together: how many frames become one.
        told: tokens that say of what second a step is, and mark where it begins and ends.
    """

    side: int
    least: int
    most: int
    together: int = 2
    told: int = 8

    def __call__(self, frames: int, width: int, height: int) -> int:
        shown = max(frames, self.together)
        frame = Native(self.side, self.least // shown, self.most // shown, around=0)
        enlarged = max(1.0, self.side / min(width, height))
        tokens = frame(int(width * enlarged), int(height * enlarged))
        return math.ceil(shown / self.together) * (tokens + self.told)


@dataclass(frozen=True, slots=True)
class Family:
    """What media are to models of one kind; what a family has no rule for, it is not shown."""

    picture: PictureRule
    sound: Sound | None = None
    film: Film | SharedFilm | None = None


_NEXT = ((2, 1), (1, 2), (2, 2), (1, 3), (3, 1))
_ONE_VISION = tuple((wide, high) for high in range(1, 7) for wide in range(1, 7))
_QWEN = Native(28, 56 * 56, 28 * 28 * 16384)
_QWEN_FILM = Film(Native(28, 128 * 28 * 28, 768 * 28 * 28, around=0), together=2)

FAMILIES: Mapping[str, Family] = {
    "llava": Family(Fixed(576)),
    "llava_next": Family(AnyResolution(336, 24, _NEXT)),
    "llava_onevision": Family(
        AnyResolution(384, 27, _ONE_VISION, most_tiles=9), film=Film(Fixed(196), around=1)
    ),
    "qwen2_vl": Family(_QWEN, film=_QWEN_FILM),
    "qwen2_5_vl": Family(_QWEN, film=_QWEN_FILM),
    "qwen3_vl": Family(
        Native(32, 256 * 256, 4096 * 4096), film=SharedFilm(32, 128 * 32 * 32, 768 * 32 * 32)
    ),
    "qwen2_audio": Family(Fixed(0), sound=Sound(25, most_seconds=30)),
    "qwen2_5_omni": Family(_QWEN, sound=Sound(25, most_seconds=300), film=_QWEN_FILM),
    "idefics3": Family(Split(364, 169, 4 * 364)),
    "smolvlm": Family(Split(512, 64, 4 * 512), film=Film(Fixed(64), around=26, told=13)),
    "gemma3": Family(Fixed(260)),
    "internvl": Family(Tiles(448, 256, 12), film=Film(Fixed(256), around=0, told=6)),
    "openai": Family(Scaled(), sound=Sound(10)),
    "anthropic": Family(PerArea()),
    "google": Family(Fixed(258), sound=Sound(32), film=Film(Fixed(258), around=0)),
}
"""By the `model_type` of transformers, or by the provider of a hosted model."""

USUAL = FAMILIES["openai"]
"""What is supposed of a model that no rule is for."""


def family(
    kind: str,
    processor: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Family:
    """The rules for a kind of model, with the sizes that it was saved with.

    Args:
        kind: a `model_type` or a provider.
        processor: what `preprocessor_config.json` says.
        config: what `config.json` says.
    """
    found = FAMILIES.get(kind.removesuffix("_thinker"), USUAL)
    given = processor or {}
    vision = (config or {}).get("vision_config") or {}
    if kind.startswith("llava") and vision.get("image_size") and vision.get("patch_size"):
        return replace(found, picture=_of_tower(found.picture, vision))
    return replace(found, picture=_of_processor(found.picture, given))


def _of_tower(rule: PictureRule, vision: Mapping[str, Any]) -> PictureRule:
    grid = vision["image_size"] // vision["patch_size"]
    if isinstance(rule, AnyResolution):
        return replace(rule, tile=vision["image_size"], grid=grid)
    return Fixed(grid**2)


def _of_processor(rule: PictureRule, given: Mapping[str, Any]) -> PictureRule:
    size: Mapping[str, Any] = given.get("size") or {}
    if isinstance(rule, Native):
        side = (given.get("patch_size") or 0) * (given.get("merge_size") or 0)
        least = given.get("min_pixels") or size.get("shortest_edge")
        most = given.get("max_pixels") or size.get("longest_edge")
        return replace(
            rule, side=side or rule.side, least=least or rule.least, most=most or rule.most
        )
    if isinstance(rule, Split):
        tile = (given.get("max_image_size") or {}).get("longest_edge")
        longest = size.get("longest_edge")
        return replace(rule, tile=tile or rule.tile, longest=longest or rule.longest)
    if isinstance(rule, Tiles):
        return replace(rule, most=given.get("max_patches") or rule.most)
    return rule
