"""The full tokens of a conversation's media, so that a later turn selects by its own question.

What was kept for the first question is rarely what the second is about, and dialogues on tokens
that were thrown away go wrong. So nothing is thrown away, up to a limit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from omni.compression.budget import Grid
from omni.compression.selector import Question, Selection, Selector, Signals, Tokens
from omni.errors import UsageError


@dataclass(frozen=True, slots=True)
class Stashed:
    """What is kept of one item.

    Attributes:
        x: its tokens, `[N, D]`.
        grid: how they lie.
        pinned: bool `[N]`.
        signals: what else is known of them, all `[N, …]`.
    """

    x: Tensor
    grid: Grid
    pinned: Tensor | None = None
    signals: Signals = field(default_factory=Signals)

    def tensors(self) -> list[Tensor]:
        """All there are."""
        every = (self.x, self.pinned, *(getattr(self.signals, name) for name in _SIGNALS))
        return [one for one in every if one is not None]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(one.numel() * one.element_size() for one in self.tensors())


class Stash:
    """Tokens of items by handle; those that were used longest ago go when memory runs out.

    Attributes:
        limit: how many bytes may be held.
        dropped: handles that had to go, the latest last, until they are put in again.
    """

    def __init__(self, limit: int = 256 * 2**20):
        if limit < 0:
            raise UsageError(f"a stash holds 0 bytes or more, not {limit}")
        self.limit = limit
        self.dropped: list[str] = []
        self._items: OrderedDict[str, Stashed] = OrderedDict()

    def __contains__(self, handle: object) -> bool:
        return handle in self._items

    def __len__(self) -> int:
        return len(self._items)

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return sum(item.size for item in self._items.values())

    def put(
        self,
        handle: str,
        x: Tensor,
        grid: Grid,
        pinned: Tensor | None = None,
        signals: Signals | None = None,
    ) -> tuple[str, ...]:
        """Hold an item, in place of what had its handle; the tensors are copied.

        Returns:
            The handles of items that had to go for it; its own, if it is larger than the limit.

        Raises:
            UsageError: if the grid, pins or signals are not those of the tokens.
        """
        signals = signals or Signals()
        item = Stashed(x, grid, pinned, signals)
        if grid.tokens != len(x) or any(len(one) != len(x) for one in item.tensors()):
            sizes = ", ".join(str(len(one)) for one in item.tensors())
            raise UsageError(
                f"{handle!r} has a grid of {grid.tokens} tokens, and rows of {sizes}: all have to "
                "be as many"
            )
        self._items.pop(handle, None)
        if handle in self.dropped:
            self.dropped.remove(handle)
        gone = []
        if item.size > self.limit:
            gone.append(handle)
        else:
            while self.size + item.size > self.limit:
                gone.append(self._items.popitem(last=False)[0])
            self._items[handle] = _copied(item)
        self.dropped += gone
        return tuple(gone)

    def tokens(self, handles: Sequence[str]) -> Tokens:
        """The full tokens of items, end to end; all of them count as used now.

        Raises:
            UsageError: if one is not held, or if there is none.
        """
        if not handles:
            raise UsageError("no handle was given: name at least one item to recover")
        for handle in handles:
            if handle not in self._items:
                raise UsageError(self._missing(handle))
        for handle in handles:
            self._items.move_to_end(handle)
        items = [self._items[handle] for handle in handles]
        signals = {
            name: _joined([getattr(item.signals, name) for item in items]) for name in _SIGNALS
        }
        pinned = None
        if any(item.pinned is not None for item in items):
            # Not pinned is as good as no pins; pins stay where they lie.
            device = next(item.pinned.device for item in items if item.pinned is not None)
            pinned = torch.cat(
                [
                    torch.zeros(len(item.x), dtype=torch.bool, device=device)
                    if item.pinned is None
                    else item.pinned
                    for item in items
                ]
            )
        return Tokens(
            torch.cat([item.x for item in items]),
            [len(item.x) for item in items],
            [item.grid for item in items],
            pinned,
            Signals(**signals),
        )

    def recover(
        self,
        handles: Sequence[str],
        selector: Selector,
        keep: Sequence[int],
        question: Question | None,
    ) -> tuple[Selection, Tensor]:
        """Select again from the full tokens, and take: equal to a selection from scratch.

        Args:
            handles: of the items, in order; an item may come more than once.
            selector: any.
            keep: how many tokens of each item.
            question: the new one, of each item.

        Returns:
            The selection, and the tokens that it keeps, `[sum of kept, D]`.

        Raises:
            UsageError: if an item is not held.
        """
        tokens = self.tokens(handles)
        chosen = selector(tokens, keep, question)
        return chosen, chosen.take(tokens.x)

    def forget(self, handle: str | None = None) -> None:
        """Let go of an item, or of all of them; they do not count as dropped."""
        if handle is None:
            self._items.clear()
            self.dropped.clear()
        else:
            self._items.pop(handle, None)

    def _missing(self, handle: str) -> str:
        held = ", ".join(self._items) or "none"
        if handle in self.dropped:
            return (
                f"the tokens of {handle!r} had to go, since a stash holds {self.limit} bytes; "
                f"encode it again or raise the limit; held: {held}"
            )
        return f"no tokens of {handle!r} were put into the stash; held: {held}"


_SIGNALS = ("attention", "keys", "paired")


def _copied(item: Stashed) -> Stashed:
    # A view would keep all of the tensor that it is a view of, and could change later.
    found = {name: getattr(item.signals, name) for name in _SIGNALS}
    signals = {name: None if one is None else one.detach().clone() for name, one in found.items()}
    pinned = None if item.pinned is None else item.pinned.detach().clone()
    return Stashed(item.x.detach().clone(), item.grid, pinned, Signals(**signals))


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    """End to end; `None` if it is not known of every item."""
    known = [one for one in parts if one is not None]
    return torch.cat(known) if len(known) == len(parts) else None
