"""What is told of a selection: of each item how much was kept, which tokens, and why so many.

Nothing here needs torch: an answer carries a report through JSON, is stored with its session, and
`omni show selection` draws from it what was kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omni.compression.budget import Grid
from omni.errors import UsageError


@dataclass(frozen=True, slots=True)
class ItemDetail:
    """What more is known of one item of a report; `None` where it is not.

    Attributes:
        modality: its name.
        grid: how its tokens lie.
        dropped: share of the item's score that was not kept, in 0…1.
        near: how near the item is to what was asked, in -1…1, if that decided its share.
        places: kept tokens, ascending; `None` also where all are kept.
    """

    modality: str = ""
    grid: Grid | None = None
    dropped: float | None = None
    near: float | None = None
    places: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields that are known."""
        grid = self.grid and [self.grid.time, self.grid.height, self.grid.width]
        rounded = {
            "dropped": None if self.dropped is None else round(self.dropped, 4),
            "near": None if self.near is None else round(self.near, 4),
        }
        places = None if self.places is None else list(self.places)
        told = {"modality": self.modality or None, "grid": grid, **rounded, "places": places}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class SelectionReport:
    """How many tokens each item kept, as answers and `--json` tell it.

    Attributes:
        budget: the total that was allowed, or `None`.
        items: `(handle, kept, of)` for each item, in order.
        details: what more is known of each item; empty if nothing is.
        method: the selector's name, if it had anything to do.
        seconds: how long it took.
        merged: whether kept tokens were put together from several.
        notes: what else is to be told: why nothing was selected, or more was kept.
    """

    budget: int | None
    items: tuple[tuple[str, int, int], ...]
    details: tuple[ItemDetail, ...] = ()
    method: str = ""
    seconds: float | None = None
    merged: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        if self.details and len(self.details) != len(self.items):
            raise UsageError(
                f"{len(self.details)} details for {len(self.items)} items: give one an item"
            )

    @property
    def kept(self) -> int:
        return sum(kept for _, kept, _ in self.items)

    def to_json(self) -> dict[str, Any]:
        """The form of `selection` in an answer; what is not known is left out."""
        details = self.details or (ItemDetail(),) * len(self.items)
        rows = [
            {"handle": handle, "kept": kept, "of": of, **detail.to_json()}
            for (handle, kept, of), detail in zip(self.items, details, strict=True)
        ]
        told: dict[str, Any] = {"budget": self.budget, "kept": self.kept, "items": rows}
        if self.method:
            told["method"] = self.method
        if self.seconds is not None:
            told["seconds"] = round(self.seconds, 6)
        if self.merged:
            told["merged"] = True
        if self.notes:
            told["notes"] = list(self.notes)
        return told

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> SelectionReport:
        """The report that `to_json` wrote.

        Raises:
            UsageError: if it is none.
        """
        try:
            rows = list(told["items"])
            items = tuple((str(row["handle"]), int(row["kept"]), int(row["of"])) for row in rows)
            return SelectionReport(
                told.get("budget"),
                items,
                tuple(_detail(row) for row in rows),
                str(told.get("method") or ""),
                told.get("seconds"),
                bool(told.get("merged")),
                tuple(str(note) for note in told.get("notes") or ()),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"this is no report of a selection ({type(error).__name__}: {error}); wanted what "
                "SelectionReport.to_json writes"
            ) from error


def _detail(row: Mapping[str, Any]) -> ItemDetail:
    grid, places = row.get("grid"), row.get("places")
    if places is not None:
        places = tuple(int(place) for place in places)
        inside = all(0 <= place < int(row["of"]) for place in places)
        if not inside or list(places) != sorted(set(places)) or len(places) != int(row["kept"]):
            raise ValueError(f"the places of {row['handle']!r} are not {row['kept']} that ascend")
    return ItemDetail(
        str(row.get("modality") or ""),
        None if grid is None else Grid(*(int(size) for size in grid)),
        row.get("dropped"),
        row.get("near"),
        places,
    )
