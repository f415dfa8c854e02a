"""A few pieces of one long document instead of all of it: picked by the question, read in order.

After the sparse sampler of PDF-WuKong (arXiv 2410.05970): passages and figures are ranked together,
the best ones are kept, and a model reads them as they follow each other in the document. Here a
budget of tokens decides how many, and what was left out is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from omni.errors import UsageError

from ..record import Hit, Record

Why = Literal["budget", "repeated", "most"]
"""Why a piece was left out: it did not fit, says what another says, or there were enough."""

_SAME_COLUMN = 0.1
"""Shares of the page's width by which two boxes overlap that stand below each other."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What of a document is read.

    Attributes:
        hits: the pieces, the nearest to the question first.
        tokens: what each takes, in that order.
        budget: what they were allowed together.
        left: ids of nearer pieces than the last that were left out, with the reason.
    """

    hits: Sequence[Hit]
    tokens: Sequence[int]
    budget: int
    left: Sequence[tuple[str, Why]] = ()

    @property
    def used(self) -> int:
        """Tokens of all pieces."""
        return sum(self.tokens)

    @property
    def in_order(self) -> list[Hit]:
        """The pieces as they follow each other in the document."""
        return in_reading_order(self.hits)


def sampled(hits: Sequence[Hit], tokens: Callable[[Hit], int], *, budget: int, most: int) -> Sample:
    """The nearest pieces that fit.

    One that does not fit is passed over for smaller ones behind it. One that says what a nearer one
    says, such as the line at the head of every page, is read once.

    Args:
        hits: pieces of a document, the nearest first.
        tokens: what one takes.
        budget: tokens of all together.
        most: pieces.

    Raises:
        UsageError: for a budget or a number of pieces below 1.
    """
    if budget < 1 or most < 1:
        raise UsageError(
            f"a document is read within a budget of 1 token and 1 piece or more, not {budget} "
            f"tokens and {most} pieces"
        )
    kept: list[Hit] = []
    costs: list[int] = []
    left: list[tuple[str, Why]] = []
    for hit in hits:
        if len(kept) == most:
            left.append((hit.record.id, "most"))
        elif any(_says(one.record, hit.record) for one in kept):
            left.append((hit.record.id, "repeated"))
        elif sum(costs) + (cost := tokens(hit)) > budget:
            left.append((hit.record.id, "budget"))
        else:
            kept.append(hit)
            costs.append(cost)
    return Sample(kept, costs, budget, left)


def in_reading_order(hits: Sequence[Hit]) -> list[Hit]:
    """Pieces of one document as a reader comes to them.

    Passages follow each other as they were taken out of it; a figure stands before the first one
    below it in its column.
    """
    pages: defaultdict[int, list[Hit]] = defaultdict(list)
    for hit in sorted(hits, key=lambda one: one.record.id):
        origin = hit.record.provenance
        pages[(origin.page if origin else None) or 0].append(hit)
    return [hit for page in sorted(pages) for hit in _on_page(pages[page])]


def _on_page(hits: Sequence[Hit]) -> list[Hit]:
    found = [hit for hit in hits if hit.record.modality == "text"]
    figures = [hit for hit in hits if hit.record.modality != "text"]
    for figure in sorted(figures, key=lambda one: _box(one.record)[1]):
        box = _box(figure.record)
        below = (n for n, one in enumerate(found) if _is_below(_box(one.record), box))
        found.insert(next(below, len(found)), figure)
    return found


def _is_below(box: tuple[float, ...], other: tuple[float, ...]) -> bool:
    overlap = min(box[2], other[2]) - max(box[0], other[0])
    return box[1] >= other[1] and overlap > min(_SAME_COLUMN, (box[2] - box[0]) / 2)


def _box(record: Record) -> tuple[float, ...]:
    origin = record.provenance
    return origin.box if origin is not None and origin.box is not None else (0.0, 0.0, 1.0, 1.0)


def _says(one: Record, other: Record) -> bool:
    """Whether the other is the same picture, or words that one of the page says, too."""
    if one.media is not None and other.media is not None:
        return one.media.digest == other.media.digest
    if other.media is not None or not other.text.strip():
        return False
    said, more = " ".join(one.text.split()), " ".join(other.text.split())
    pages = [record.provenance.page for record in (one, other) if record.provenance]
    return said == more or (len(set(pages)) == 1 and more in said)
