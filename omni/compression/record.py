"""What a selection did, written down: to be logged and replayed; `overlay` draws it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from omni.compression.report import SelectionReport
from omni.compression.selector import Merging, Selection
from omni.errors import UsageError


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """What was kept of one item.

    Attributes:
        handle: its name.
        length: how many tokens it had.
        places: of the kept ones, ascending.
        scores: of all tokens; `None` where one is not finite, which JSON cannot say.
        dropped: share of the score that was not kept; `None` likewise.
    """

    handle: str
    length: int
    places: tuple[int, ...]
    scores: tuple[float | None, ...]
    dropped: float | None


@dataclass(frozen=True, slots=True)
class MergingRecord:
    """See `Merging`."""

    sources: tuple[int, ...]
    counts: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SelectionRecord:
    """A selection, with what made it.

    Attributes:
        method: the selector's name.
        parameters: what it was made with; anything that JSON can say.
        milliseconds: how long it took.
        items: in order.
        merging: what kept tokens were put together from, if anything.
    """

    method: str
    parameters: Mapping[str, Any]
    milliseconds: float
    items: tuple[ItemRecord, ...]
    merging: MergingRecord | None = None

    def replay(self, device: torch.device | str = "cpu") -> Selection:
        """The selection again: on the same tokens it takes the same rows."""
        places = [place for item in self.items for place in item.places]
        scores = [_float(score) for item in self.items for score in item.scores]
        shares = [_float(item.dropped) for item in self.items]
        merging = None
        if self.merging is not None:
            merging = Merging(
                torch.tensor(self.merging.sources, dtype=torch.int64, device=device),
                torch.tensor(self.merging.counts, dtype=torch.int64, device=device),
                torch.tensor(self.merging.weights, dtype=torch.float32, device=device),
            )
        return Selection(
            torch.tensor(places, dtype=torch.int64, device=device),
            tuple(len(item.places) for item in self.items),
            tuple(item.length for item in self.items),
            torch.tensor(scores, dtype=torch.float32, device=device),
            torch.tensor(shares, dtype=torch.float32, device=device),
            merging,
        )

    def take(self, x: Tensor) -> Tensor:
        """What the recorded selection keeps of `x`.

        Raises:
            UsageError: if there are not as many tokens as were recorded.
        """
        count = sum(item.length for item in self.items)
        if len(x) != count:
            raise UsageError(
                f"this record is of {count} tokens, not of {len(x)}: replay it on the tokens that "
                "it was made from"
            )
        return self.replay(x.device).take(x)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), allow_nan=False, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> SelectionRecord:
        """The record that `to_json` wrote.

        Raises:
            UsageError: if it is none.
        """
        try:
            return _read(json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"this is no record of a selection ({type(error).__name__}: {error}); wanted what "
                "SelectionRecord.to_json writes"
            ) from error


def record(
    chosen: Selection,
    method: str,
    parameters: Mapping[str, Any] | None = None,
    milliseconds: float = 0.0,
    handles: Sequence[str] = (),
) -> SelectionRecord:
    """Write a selection down; this waits for the device.

    Args:
        chosen: the selection.
        method: the selector's name.
        parameters: what it was made with.
        milliseconds: how long it took.
        handles: names of the items; `item-1` and so on by default.

    Raises:
        UsageError: if JSON cannot say the parameters, or there are not as many handles as items.
    """
    handles = handles or [f"item-{place + 1}" for place in range(len(chosen.kept))]
    if len(handles) != len(chosen.kept):
        raise UsageError(f"{len(handles)} handles for {len(chosen.kept)} items: give one an item")
    try:
        said = json.loads(json.dumps(dict(parameters or {}), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the parameters of {method!r} cannot be written as JSON ({error}): pass plain numbers "
            "and words"
        ) from error
    places = chosen.places.cpu().split(list(chosen.kept))
    scores = chosen.scores.float().cpu().split(list(chosen.lengths))
    items = tuple(
        ItemRecord(
            handle,
            length,
            tuple(own.tolist()),
            tuple(_said(score) for score in worth.tolist()),
            _said(share),
        )
        for handle, length, own, worth, share in zip(
            handles, chosen.lengths, places, scores, chosen.dropped.tolist(), strict=True
        )
    )
    merging = None
    if chosen.merging is not None:
        merging = MergingRecord(
            tuple(chosen.merging.sources.tolist()),
            tuple(chosen.merging.counts.tolist()),
            tuple(chosen.merging.weights.tolist()),
        )
    return SelectionRecord(method, said, float(milliseconds), items, merging)


def recorded(report: SelectionReport) -> SelectionRecord:
    """The record of what an answer told of its selection, without scores, which answers leave out.

    It is of the items that did not keep everything, in order, as the selector saw them; replayed on
    their tokens it takes the same rows.

    Raises:
        UsageError: if places are not told, or tokens were put together from several.
    """
    if report.merged:
        raise UsageError(
            f"{report.method} puts tokens together, and an answer does not tell how: replay the "
            "record of the selection itself"
        )
    items = []
    for (handle, kept, of), detail in zip(report.items, report.details, strict=True):
        if detail.places is not None:
            items.append(ItemRecord(handle, of, detail.places, (None,) * of, detail.dropped))
        elif kept < of:
            raise UsageError(f"the report does not tell which tokens of {handle!r} were kept")
    seconds = report.seconds or 0.0
    return SelectionRecord(report.method, {}, 1000 * seconds, tuple(items))


def _said(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _float(value: float | None) -> float:
    return math.nan if value is None else value


def _read(found: dict[str, Any]) -> SelectionRecord:
    items = tuple(
        ItemRecord(
            str(item["handle"]),
            int(item["length"]),
            tuple(int(place) for place in item["places"]),
            tuple(None if score is None else float(score) for score in item["scores"]),
            None if item["dropped"] is None else float(item["dropped"]),
        )
        for item in found["items"]
    )
    for item in items:
        inside = all(0 <= place < item.length for place in item.places)
        if not inside or list(item.places) != sorted(set(item.places)):
            raise ValueError(f"the places of {item.handle!r} do not ascend within its tokens")
        if len(item.scores) != item.length:
            raise ValueError(f"{item.handle!r} has {len(item.scores)} scores")
    merging = found["merging"]
    if merging is not None:
        merging = MergingRecord(
            tuple(int(one) for one in merging["sources"]),
            tuple(int(one) for one in merging["counts"]),
            tuple(float(one) for one in merging["weights"]),
        )
    return SelectionRecord(
        str(found["method"]),
        dict(found["parameters"]),
        float(found["milliseconds"]),
        items,
        merging,
    )
