"""The media of a prompt as a selector is shown them: items, portions, pins, signals.

Shapes: B rows, L tokens of the prompt, N tokens that are shown, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from omni.compression.allocation import allocate
from omni.compression.budget import Grid
from omni.compression.layout import Laid, Portion
from omni.compression.runs import Run
from omni.compression.selector import Signals, Tokens, to_device

Stacks = Callable[[int, int], bool]


@dataclass(slots=True)
class Item:
    """One medium of a prompt.

    Attributes:
        row: of the batch.
        places: of its tokens in the row, in order.
        kind: image, video or audio.
        portions: how it was laid down; its places count from 0.
        columns: float32 `[N, C]`: attention and then keys, where they were seen.
        density: how writing-like it is, where it was looked at.
        keep: how many of its tokens are kept.
        handle: how it is called, where it has a name.
    """

    row: int
    places: list[int]
    kind: str
    portions: tuple[Portion, ...]
    columns: Tensor | None = None
    density: float | None = None
    keep: int = 0
    handle: str = ""

    @property
    def length(self) -> int:
        return len(self.places)

    @property
    def name(self) -> str:
        return self.handle or f"{self.row}:{self.places[0]}"


@dataclass(slots=True)
class Shown:
    """What a selector is shown of items, and where that stands in the prompt.

    Attributes:
        items: whose tokens they are.
        owners: which item each portion is of.
        keep: how many tokens of each portion are kept.
        lengths: of how many.
        grids: of each portion.
        pinned: whether each shown token must be kept.
        flat: where each shown token is in the prompt, as row times L plus place.
    """

    items: Sequence[Item]
    owners: list[int] = field(default_factory=list)
    keep: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    pinned: list[bool] = field(default_factory=list)
    flat: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def tokens(self, embeds: Tensor) -> Tokens:
        """The shown ones of embedded prompts `[B, L, D]`."""
        x = embeds.flatten(0, 1)[to_device(self.flat, embeds.device)].detach()
        pinned = torch.tensor(self.pinned) if any(self.pinned) else None
        return Tokens(x, self.lengths, self.grids, pinned, self._signals(x.device))

    def _signals(self, device: torch.device) -> Signals:
        columns = [item.columns for item in self.items]
        known = [one for one in columns if one is not None]
        if not known or len(known) < len(columns):
            return Signals()
        every = torch.cat(known).to(device)[to_device(self.rows, device)]
        return Signals(attention=every[:, 0], keys=every[:, 1:])


def find(
    runs: Sequence[Run],
    kinds: Mapping[int, str],
    laid: Mapping[str, Sequence[Laid]],
    densities: Mapping[str, Sequence[float]],
    stacks: Stacks | None = None,
) -> list[Item]:
    """The items of a batch, row by row and in order.

    Where it is known how many tokens each item has, several may share a run of placeholders, and
    one may go through several, as a film does between whose frames stands the time. Else each run
    is an item.

    Args:
        runs: all runs of placeholders.
        kinds: what each placeholder stands for.
        laid: the items of each kind, in order.
        densities: how writing-like each of them is.
        stacks: whether tiles in so many rows and columns are shown as a stack, after the whole
            picture; (0, 0) if nobody knows how they lie.
    """
    items: list[Item] = []
    for token, kind in kinds.items():
        own = [run for run in runs if run.token == token]
        known = laid.get(kind, ())
        if known and sum(run.length for run in own) == sum(one.length for one in known):
            dense = densities.get(kind) or [None] * len(known)
            items += _laid(own, kind, known, dense, stacks)
        else:
            items += [_unknown(run, kind) for run in own]
    return sorted(items, key=lambda item: (item.row, item.places[0]))


def _unknown(run: Run, kind: str) -> Item:
    grid = Grid(time=run.length) if kind == "audio" else Grid(width=run.length)
    places = list(range(run.start, run.stop))
    return Item(run.row, places, kind, (Portion(range(run.length), grid),))


def _laid(
    runs: Sequence[Run],
    kind: str,
    laid: Sequence[Laid],
    densities: Sequence[float | None],
    stacks: Stacks | None,
) -> list[Item]:
    every = [(run.row, place, run.start) for run in runs for place in range(run.start, run.stop)]
    items, start = [], 0
    ends: list[tuple[int, int]] = []
    for one, density in zip(laid, densities, strict=True):
        own = every[start : start + one.length]
        start += one.length
        if len({row for row, _, _ in own}) > 1:  # not as it was laid down after all
            return [_unknown(run, kind) for run in runs]
        places = [place for _, place, _ in own]
        item = Item(own[0][0], places, one.kind or kind, one.portions, one.columns, density)
        item.handle = one.handle
        if item.kind == "text":
            continue
        if one.stack is not None and stacks is not None and stacks(*one.layout):
            item.portions = (one.stack,)
        here = (own[0][0], own[0][2])
        if one.tile and ends and ends[-1] == here and _fits(items[-1], one):
            _join(items[-1], item)
        else:
            items.append(item)
            ends.append(here)
        if one.tile and stacks is not None and stacks(0, 0):
            _whole_first(items[-1])
    return items


def _fits(item: Item, tile: Laid) -> bool:
    grid, more = item.portions[0].grid, tile.portions[0].grid
    return (grid.height, grid.width) == (more.height, more.width)


def _join(item: Item, tile: Item) -> None:
    """Tiles of one picture lie one behind the other, as frames would."""
    grid = item.portions[0].grid
    stack = Grid(grid.time + 1, grid.height, grid.width)
    item.places += tile.places
    item.portions = (Portion(range(stack.tokens), stack),)
    if item.columns is not None and tile.columns is not None:
        item.columns = torch.cat([item.columns, tile.columns])
    if item.density is not None and tile.density is not None:
        item.density = max(item.density, tile.density)


def _whole_first(item: Item) -> None:
    """The last of several tiles is the whole picture."""
    grid = item.portions[0].grid
    last = item.length - grid.height * grid.width
    item.portions = (Portion([*range(last, item.length), *range(last)], grid),)


def show(items: Sequence[Item], width: int) -> Shown:
    """What a selector is shown so that each item keeps as many tokens as planned.

    Ends of lines are kept first, but take half of what an item may keep at the most: then only some
    of them stay, as far apart as they come, and the selector does not see the others. The rest
    is shared among the portions of an item in proportion to their size.

    Args:
        items: with their counts.
        width: L.
    """
    shown = Shown(items)
    offset = 0
    for number, item in enumerate(items):
        for portion, keep, ends in zip(item.portions, *_portions(item), strict=True):
            if not keep and not ends:
                continue
            places = [*portion.places, *ends] if keep else [*ends]
            if [*portion.places] == sorted(portion.places):
                places.sort()
            marks = set(ends)
            shown.owners.append(number)
            shown.keep.append(keep + len(ends))
            shown.lengths.append(len(places))
            shown.grids.append(portion.grid if keep else Grid(width=len(places)))
            shown.pinned += [place in marks for place in places]
            shown.rows += [offset + place for place in places]
            shown.flat += [item.row * width + item.places[place] for place in places]
        offset += item.length
    return shown


def _portions(item: Item) -> tuple[list[int], list[list[int]]]:
    """How many tokens of each portion are kept besides the ends of lines, and which of these."""
    ends = [place for portion in item.portions for place in portion.ends]
    sizes = [len(portion.places) for portion in item.portions]
    count = min(len(ends), max(item.keep // 2, item.keep - sum(sizes)))
    stay = {ends[(step + 1) * len(ends) // count - 1] for step in range(count)}
    rest = item.keep - count
    keep = allocate(sizes, rest, [float(size) for size in sizes])
    return keep, [[place for place in portion.ends if place in stay] for portion in item.portions]
