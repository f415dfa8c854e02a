"""Which tokens of media items go into the text: what is known of them, handed to a selector.

Shapes: G media items, N their tokens, D language width.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.compression.report import ItemDetail, SelectionReport
from omni.compression.selector import Question, Selection, Selector, Signals, Tokens
from omni.model.item import MediaItem
from omni.model.questions import TEXT


class Stopwatch:
    """Measures one stretch of work on a device; only who asks how long it took waits for it."""

    def __init__(self, device: torch.device):
        self._events: list[Any] = []
        if device.type == "cuda":
            self._events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
            self._events[0].record()
        self._began = time.perf_counter()
        self._seconds = 0.0

    def stop(self) -> None:
        """The work is done, or in the queue of the device."""
        self._seconds = time.perf_counter() - self._began
        if self._events:
            self._events[1].record()

    @property
    def seconds(self) -> float:
        """How long it took."""
        if self._events:
            self._events[1].synchronize()
            return self._events[0].elapsed_time(self._events[1]) / 1000
        return self._seconds


@dataclass(frozen=True, slots=True)
class SelectedMedia:
    """The media tokens that go into the text, and what was left out.

    Attributes:
        embeds: `[B, M, D]`, padded with zeros.
        selection: of the items that keep fewer tokens than they have; `None` if there are none.
        items: the items, in order.
        router_loss: see `OmniOutput`.
        method: name of the selector.
        watch: how long it took.
    """

    embeds: Tensor
    selection: Selection | None
    items: tuple[MediaItem, ...]
    router_loss: Tensor | None
    method: str = ""
    watch: Stopwatch | None = field(default=None, repr=False)

    def report(
        self, budget: int | None = None, near: Sequence[float] | None = None
    ) -> SelectionReport:
        """What to tell people of it; text, which is always kept whole, is not media to them.

        This waits for the device.

        Args:
            budget: the total that was allowed.
            near: how near each item of media is to the question, if that decided its share.
        """
        real = [item for item in self.items if item.modality != TEXT]
        rows = tuple((item.handle, item.keep, item.grid.tokens) for item in real)
        chosen = _chosen(self.selection)
        details = tuple(
            _detail(item, chosen, None if near is None else near[place])
            for place, item in enumerate(real)
        )
        if self.selection is None or self.watch is None:
            return SelectionReport(budget, rows, details)
        merged = self.selection.merging is not None
        return SelectionReport(budget, rows, details, self.method, self.watch.seconds, merged)


def _chosen(selection: Selection | None) -> Any:
    """Kept places and the share of the score that is gone, of each shortened item in order."""
    if selection is None:
        return iter(())
    places = selection.places.cpu().split(list(selection.kept))
    return zip((own.tolist() for own in places), selection.dropped.tolist(), strict=True)


def _detail(item: MediaItem, chosen: Any, near: float | None) -> ItemDetail:
    grid = None if item.spots is not None else item.grid
    if item.keep == item.grid.tokens:
        return ItemDetail(item.modality, grid, 0.0, near)
    places, dropped = next(chosen)
    finite = dropped if dropped == dropped else None
    return ItemDetail(item.modality, grid, finite, near, tuple(places))


def select(
    selector: Selector,
    items: Sequence[MediaItem],
    tokens: Sequence[Tensor],
    question: Question,
    signals: Signals,
) -> Selection:
    """Choose among the tokens of items that keep fewer than they have.

    Args:
        selector: what chooses.
        items: how many each keeps, how its tokens lie, and which are pinned.
        tokens: `[N, D]` of each.
        question: what was asked about each.
        signals: what else is known of all tokens, end to end.
    """
    lengths = [len(own) for own in tokens]
    x = torch.cat(list(tokens)).detach()
    # Tokens that are no whole grid lie in a row for all that a selector can know.
    grids = [
        item.grid if item.spots is None else Grid(width=length)
        for item, length in zip(items, lengths, strict=True)
    ]
    given = Tokens(x, lengths, grids, _pinned(items), signals)
    return selector(given, [item.keep for item in items], question)


def _pinned(items: Sequence[MediaItem]) -> Tensor | None:
    if all(item.pinned is None for item in items):
        return None
    flags = [
        torch.zeros(item.grid.tokens, dtype=torch.bool)
        if item.pinned is None
        else item.pinned.bool().cpu()
        for item in items
    ]
    return torch.cat(flags)


def method_of(selector: Selector) -> str:
    """How a selector is called: as the file that it stands in."""
    inner = getattr(selector, "selector", selector)
    kind = inner if callable(inner) and hasattr(inner, "__name__") else type(inner)
    return kind.__module__.rpartition(".")[2]


@torch.no_grad()
def signals_of(
    embedders: Any,
    items: Sequence[MediaItem],
    encoded: Sequence[Tensor],
    tokens: Sequence[Tensor],
) -> Signals:
    """What is known of tokens besides themselves, where each is made from one encoder token.

    The attention is that of the queries that lay an item into the shared space; what is not known
    of every item is left out.

    Args:
        embedders: modality → its head into the shared space.
        items: of any modality.
        encoded: `[N, encoder width]` of each.
        tokens: `[N, D]` of each, adapted.
    """
    same = all(len(raw) == len(own) for raw, own in zip(encoded, tokens, strict=True))
    if not same or len({raw.shape[1] for raw in encoded}) > 1:
        return Signals()
    paired = torch.cat(list(encoded))
    if any(item.modality not in embedders for item in items):
        return Signals(paired=paired)
    heads = [embedders[item.modality] for item in items]
    pairs = list(zip(heads, encoded, strict=True))
    attention = torch.cat([head.attention(raw) for head, raw in pairs])
    keys = torch.cat([head.keys(raw) for head, raw in pairs])
    return Signals(attention, keys, paired)
