"""How many tokens each media item may take: planned in whole numbers before anything is encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omni.errors import UsageError


@dataclass(frozen=True, slots=True)
class Grid:
    """How the tokens of one item lie: `time * height * width` tokens in that order.

    A sequence such as sound has only `time`; an unordered set, such as points, has only `width`.
    """

    time: int = 1
    height: int = 1
    width: int = 1

    @property
    def tokens(self) -> int:
        return self.time * self.height * self.width


@dataclass(frozen=True, slots=True)
class Budget:
    """How many media tokens a request may use.

    Attributes:
        tokens: at most this many over all media of the request; `None` sets no total.
        keep: at most this share of each item's tokens, in 0…1.
        floor: never fewer than this many for an item (or all of it, where it has fewer).
    """

    tokens: int | None = None
    keep: float = 1.0
    floor: int = 4

    def __post_init__(self):
        if not 0 < self.keep <= 1:
            raise UsageError(f"keep is a share above 0 and up to 1, not {self.keep}")
        if self.tokens is not None and self.tokens < 1:
            raise UsageError(f"a budget is at least 1 token, not {self.tokens}")
        if self.floor < 1:
            raise UsageError(f"floor is at least 1 token, not {self.floor}")

    def plan(self, sizes: Sequence[int]) -> list[int]:
        """Tokens to keep of each item that has `sizes` tokens.

        The share `keep` is applied first. If the sum still exceeds the total, items shrink in
        proportion (largest remainders first), none below the floor.

        Raises:
            UsageError: if even the floors exceed the total.
        """
        wanted = [min(size, max(self.floor, round(size * self.keep))) for size in sizes]
        if self.tokens is None or sum(wanted) <= self.tokens:
            return wanted
        floors = [min(size, self.floor) for size in wanted]
        spare = self.tokens - sum(floors)
        if spare < 0:
            raise UsageError(
                f"a budget of {self.tokens} tokens is too small for {len(sizes)} media items: "
                f"they need at least {sum(floors)}; raise the budget or attach fewer"
            )
        return _share(spare, floors, wanted)


def _share(spare: int, floors: list[int], wanted: list[int]) -> list[int]:
    room = [want - floor for want, floor in zip(wanted, floors, strict=True)]
    total = sum(room)
    exact = [spare * free / total for free in room]
    kept = [int(part) for part in exact]
    order = sorted(range(len(room)), key=lambda i: (kept[i] - exact[i], i))
    for index in order[: spare - sum(kept)]:
        kept[index] += 1
    return [floor + more for floor, more in zip(floors, kept, strict=True)]
