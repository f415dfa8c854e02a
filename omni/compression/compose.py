"""Two selections, one of what the other kept, as one.

Shapes: N tokens, J kept by the first, K by the second.
"""

from __future__ import annotations

import torch
from torch import Tensor

from omni.compression.selector import Merging, Selection
from omni.errors import UsageError


def compose(first: Selection, second: Selection) -> Selection:
    """The selection that keeps what `second` keeps of what `first` keeps.

    Taking by it equals taking by one and then by the other; exactly, unless both merge: then sums
    are added up at once instead of being rounded in between. Scores are those of the first, which
    saw all tokens. What is dropped is what the first dropped, and of the rest what the second did.

    Nothing waits for the device, unless both merge: how many tokens go into the sums has then to
    be asked.

    Args:
        first: of all tokens.
        second: of what the first kept.

    Raises:
        UsageError: if the second was not made from as many tokens as the first kept.
    """
    if second.lengths != first.kept:
        raise UsageError(
            f"the second selection is of items of {list(second.lengths)} tokens, but the first "
            f"kept {list(first.kept)}: make it from what the first takes"
        )
    return Selection(
        places=first.places[second.rows],
        kept=second.kept,
        lengths=first.lengths,
        scores=first.scores,
        dropped=1 - (1 - first.dropped) * (1 - second.dropped),
        merging=_merging(first, second),
    )


def _merging(first: Selection, second: Selection) -> Merging | None:
    if first.merging is None and second.merging is None:
        return None
    if first.merging is None:
        assert second.merging is not None
        merging = second.merging
        return Merging(first.rows[merging.sources], merging.counts, merging.weights)
    if second.merging is None:
        return _chosen(first.merging, second.rows)
    return _expanded(first.merging, second.merging)


def _slots(merging: Merging) -> Tensor:
    """To which kept token each source belongs; their number for sources that belong to none."""
    order = torch.arange(len(merging.sources), device=merging.sources.device)
    return torch.searchsorted(merging.counts.cumsum(0), order, right=True)


def _chosen(merging: Merging, rows: Tensor) -> Merging:
    """The sums of some of the kept tokens, in their order; other sources lie void at the end."""
    void = torch.full((len(merging.counts) + 1,), len(rows), device=rows.device)
    new = void.scatter(0, rows, torch.arange(len(rows), device=rows.device))
    slots = new[_slots(merging)].sort(stable=True)
    weights = merging.weights[slots.indices].masked_fill(slots.values == len(rows), 0)
    return Merging(merging.sources[slots.indices], merging.counts[rows], weights)


def _expanded(first: Merging, second: Merging) -> Merging:
    """Sums of sums: for each source of the second, all that went into it."""
    slots = _slots(second)
    used = slots < len(second.counts)
    lengths = first.counts[second.sources] * used
    parts = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
    before = lengths.cumsum(0) - lengths
    within = torch.arange(len(parts), device=lengths.device) - before[parts]
    starts = first.counts.cumsum(0) - first.counts
    places = starts[second.sources[parts]] + within
    counts = torch.zeros_like(second.counts).scatter_add(0, slots[parts], torch.ones_like(parts))
    weights = first.weights[places] * second.weights[parts]
    return Merging(first.sources[places], counts, weights)
