"""How an encoder laid the tokens of each medium down: in which grids, and where its lines end.

What is known of patches, such as how much they are attended to, is sent the way that the patches
went: through the model's own packing and shuffling. So nothing of a projector is written here a
second time, and what several patches share in a token is added up.

Shapes: P patches of a tile, N tokens of an item, C columns of what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from omni.compression.budget import Grid


@dataclass(frozen=True, slots=True)
class Portion:
    """Tokens of an item that lie in one grid, line ends among them left out.

    Attributes:
        places: of its tokens within the item, in the order of the grid.
        grid: how they lie.
        ends: places of what ends its lines or itself, such as `image_newline`.
    """

    places: Sequence[int]
    grid: Grid
    ends: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Laid:
    """One item as its encoder laid it down.

    Attributes:
        length: how many tokens it has.
        portions: the grids it consists of.
        columns: float32 `[N, C]`, what is known of its tokens; `None` if nothing was asked.
        tile: whether it is only part of a picture whose tokens follow one another.
        kind: what it is, where the placeholder does not tell; words count as no medium.
        handle: how it is called.
        stack: all tokens tile by tile, first those of the whole picture, where tiles are equal.
        layout: rows and columns of its tiles.
    """

    length: int
    portions: tuple[Portion, ...]
    columns: Tensor | None = None
    tile: bool = False
    kind: str = ""
    handle: str = ""
    stack: Portion | None = None
    layout: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A call of an encoder, once it is done.

    Attributes:
        model: whose method was called.
        kind: image or video.
        given: its arguments.
        tokens: what it answered for each item, or for each row of a batch.
        packing: arguments of `pack_image_features`, where the model has it.
    """

    model: Any
    kind: str
    given: Mapping[str, Any]
    tokens: Sequence[Tensor]
    packing: Mapping[str, Any] | None = None


Lay = Callable[[Encoding, Tensor | None], list[Laid]]


def lay(encoding: Encoding, columns: Tensor | None) -> list[Laid]:
    """Every item of an encoding, in order; none if the model is of a kind that is not known here.

    Args:
        encoding: what was encoded.
        columns: float32 `[patches of all items, C]`, as the vision tower answered them, without a
            class token.
    """
    how = _FAMILIES.get(encoding.model.config.model_type)
    return [] if how is None else how(encoding, columns)


def lay_media(items: Sequence[Any]) -> list[Laid]:
    """Items of our own model, some of which its selector has been at already."""
    return [
        Laid(
            item.keep,
            (
                Portion(
                    range(item.keep),
                    item.grid if item.grid.tokens == item.keep else Grid(width=item.keep),
                ),
            ),
            kind=item.modality,
            handle=item.handle,
        )
        for item in items
    ]


def _plain(grid: Grid, columns: Tensor | None = None, tile: bool = False) -> Laid:
    return Laid(grid.tokens, (Portion(range(grid.tokens), grid),), columns, tile)


def _square(count: int) -> Grid:
    side = round(count**0.5)
    return Grid(1, side, side) if side * side == count else Grid(width=count)


def _parts(columns: Tensor | None, lengths: Sequence[int]) -> list[Any]:
    return [None] * len(lengths) if columns is None else list(columns.split(list(lengths)))


def _one_by_one(encoding: Encoding, columns: Tensor | None) -> list[Laid]:
    """Each patch becomes a token, as in LLaVA."""
    lengths = [len(one) for one in encoding.tokens]
    sizes = encoding.given.get("image_sizes")
    grids = [_square(length) for length in lengths]
    if sizes is not None and len(sizes) == len(lengths):
        patch = encoding.model.vision_tower.patch_size
        grids = [Grid(1, int(high) // patch, int(wide) // patch) for high, wide in sizes]
    return [_plain(g, own) for g, own in zip(grids, _parts(columns, lengths), strict=True)]


def _packed(encoding: Encoding, columns: Tensor | None) -> list[Laid]:
    """A thumbnail and the mosaic of its tiles, each line of which ends with a mark of its own."""
    if encoding.kind == "video":
        return _pooled(encoding, columns)
    packing = dict(encoding.packing or {})
    features = packing.pop("image_features", ())
    tiles = [(len(one), one.shape[1]) for one in features]
    lines = _lined(columns, sum(count * patches for count, patches in tiles), encoding.tokens[0])
    parts = lines.split([count * patches for count, patches in tiles])
    stacks = [
        part.view(count, patches, -1) for part, (count, patches) in zip(parts, tiles, strict=True)
    ]
    packing["image_newline"] = lines.new_zeros(lines.shape[1])
    traced, _ = encoding.model.pack_image_features(stacks, **packing)
    return [
        _mosaic(own, patches if count > 1 else 0, columns is not None)
        for own, (count, patches) in zip(traced, tiles, strict=True)
    ]


def _lined(columns: Tensor | None, rows: int, like: Tensor) -> Tensor:
    """Columns behind one of ones, which tells patches from the ends of lines."""
    ones = torch.ones(rows, 1, device=like.device)
    return ones if columns is None else torch.cat([ones, columns.to(ones)], 1)


def _mosaic(traced: Tensor, thumbnail: int, known: bool) -> Laid:
    ends = [place for place, one in enumerate((traced[:, 0] < 0.5).tolist()) if one]
    inner = [place for place in range(thumbnail, len(traced)) if place not in set(ends)]
    columns = traced[:, 1:] if known else None
    if not thumbnail:
        return Laid(len(traced), (Portion(inner, _square(len(inner)), ends),), columns)
    width = ends[0] - thumbnail if ends else len(inner)
    grid = Grid(1, len(inner) // width, width)
    whole = _square(thumbnail)
    portions = Portion(range(thumbnail), whole), Portion(inner, grid, ends)
    if grid.height % whole.height or grid.width % whole.width:
        return Laid(len(traced), portions, columns)
    rows, across = grid.height // whole.height, grid.width // whole.width
    tiled = torch.tensor(inner).view(rows, whole.height, across, whole.width).transpose(1, 2)
    places = [*range(thumbnail), *tiled.flatten().tolist()]
    stack = Portion(places, Grid(1 + rows * across, whole.height, whole.width), ends)
    return Laid(len(traced), portions, columns, stack=stack, layout=(rows, across))


def _pooled(encoding: Encoding, columns: Tensor | None) -> list[Laid]:
    """Films of LLaVA-OneVision: frames pooled two by two, and one mark behind the last."""
    model, pixels = encoding.model, encoding.given["pixel_values_videos"]
    films, frames = pixels.shape[:2]
    area = (len(encoding.tokens[0]) - 1) // frames
    side = round(area**0.5)
    grid = Grid(frames, side, side)
    portion = Portion(range(grid.tokens), grid, (grid.tokens,))
    known: list[Any] = [None] * films
    if columns is not None:
        pooled = model.apply_pooling(columns.view(films * frames, -1, columns.shape[1]))
        pooled = pooled.reshape(films, grid.tokens, -1)
        known = list(torch.nn.functional.pad(pooled, (0, 0, 0, 1)))
    return [Laid(grid.tokens + 1, (portion,), own) for own in known]


def _gridded(encoding: Encoding, columns: Tensor | None) -> list[Laid]:
    """Squares of patches that follow one another become a token, as in Qwen-VL."""
    model = encoding.model
    tower = model.visual
    merge = tower.spatial_merge_size
    sizes = encoding.given[f"{encoding.kind}_grid_thw"].tolist()
    grids = [Grid(int(t), int(h) // merge, int(w) // merge) for t, h, w in sizes]
    if columns is not None:
        columns = columns.unflatten(0, (-1, merge * merge)).sum(1)
        columns = columns[_unwindowed(tower, encoding.given[f"{encoding.kind}_grid_thw"])]
    parts = _parts(columns, [grid.tokens for grid in grids])
    return [_plain(grid, own) for grid, own in zip(grids, parts, strict=True)]


def _unwindowed(tower: Any, grids: Tensor) -> Any:
    """Where each token is while the tower works window by window."""
    if not hasattr(tower, "window_size"):
        return slice(None)
    from transformers.vision_utils import get_vision_window_index

    index, _ = get_vision_window_index(
        grids,
        spatial_merge_size=tower.spatial_merge_size,
        window_size=tower.window_size,
        patch_size=tower.patch_size,
    )
    return torch.argsort(index)


def _shuffled(encoding: Encoding, columns: Tensor | None) -> list[Laid]:
    """Tiles whose squares of patches are laid side by side, as in InternVL."""
    model, tiles = encoding.model, encoding.tokens
    grid = _square(len(tiles[0]))
    known: list[Any] = [None] * len(tiles)
    if columns is not None:
        side = round((len(columns) // len(tiles)) ** 0.5)
        laid = columns.view(len(tiles), side, side, -1)
        laid = model.pixel_shuffle(laid, scale_factor=model.config.downsample_ratio)
        known = list(_added(laid.flatten(1, 2), columns.shape[1]))
    return [_plain(grid, own, tile=True) for own in known]


def _connected(encoding: Encoding, columns: Tensor | None) -> list[Laid]:
    """Tiles as in SmolVLM, which are items of their own: words stand between them."""
    connector = encoding.model.connector
    vision = encoding.model.config.vision_config
    side = vision.image_size // vision.patch_size // connector.scale_factor
    grid = Grid(1, side, side)
    tiles = sum(len(row) for row in encoding.tokens) // grid.tokens
    known: list[Any] = [None] * tiles
    if columns is not None:
        laid = columns.view(tiles, -1, columns.shape[1])
        laid = connector.pixel_shuffle(laid, connector.scale_factor)
        known = list(_added(laid, columns.shape[1]))
    return [_plain(grid, own) for own in known]


def _averaged(encoding: Encoding, columns: Tensor | None) -> list[Laid]:
    """Squares of patches are averaged, as in Gemma."""
    projector = encoding.model.multi_modal_projector
    grid = Grid(1, projector.tokens_per_side, projector.tokens_per_side)
    known: list[Any] = [None] * len(encoding.tokens)
    if columns is not None:
        side = projector.patches_per_image
        laid = columns.view(len(known), side, side, -1).permute(0, 3, 1, 2)
        known = list(projector.avg_pool(laid).flatten(2).transpose(1, 2))
    return [_plain(grid, own) for own in known]


def _added(laid: Tensor, width: int) -> Tensor:
    """Patches that lie side by side in a token, `[…, squares times C]`, added up: `[…, C]`."""
    return laid.unflatten(-1, (-1, width)).sum(-2)


_FAMILIES: dict[str, Lay] = {
    **dict.fromkeys(("llava", "vipllava"), _one_by_one),
    **dict.fromkeys(("llava_next", "llava_onevision"), _packed),
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe"), _gridded),
    **dict.fromkeys(("qwen2_5_omni_thinker", "qwen3_omni_moe_thinker"), _gridded),
    **dict.fromkeys(("internvl",), _shuffled),
    **dict.fromkeys(("smolvlm", "idefics3"), _connected),
    **dict.fromkeys(("gemma3",), _averaged),
}
