"""Where the media of a prompt lie: runs of placeholders between words, found on the host."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive placeholders of one kind.

    Attributes:
        row: of the batch.
        start: of the first of them in its row.
        length: how many there are.
        token: the placeholder.
    """

    row: int
    start: int
    length: int
    token: int

    @property
    def stop(self) -> int:
        """Behind the last of them."""
        return self.start + self.length


def media_runs(ids: Sequence[Sequence[int]], placeholders: Collection[int]) -> list[Run]:
    """All runs of a batch, row by row and from left to right."""
    runs: list[Run] = []
    for row, tokens in enumerate(ids):
        start = 0
        while start < len(tokens):
            stop = start + 1
            if tokens[start] in placeholders:
                while stop < len(tokens) and tokens[stop] == tokens[start]:
                    stop += 1
                runs.append(Run(row, start, stop - start, tokens[start]))
            start = stop
    return runs


def question_spans(
    ids: Sequence[Sequence[int]], present: Sequence[Sequence[int]], runs: Sequence[Run]
) -> list[list[int]]:
    """Places of the words that ask, for each row: those behind its last medium, or else before it.

    Args:
        ids: token ids of each row.
        present: 1 where there is a token, 0 where there is padding.
        runs: the media of all rows.
    """
    spans = []
    for row, tokens in enumerate(ids):
        own = [run for run in runs if run.row == row]
        if not own:
            spans.append([])
            continue
        inside = {place for run in own for place in range(run.start, run.stop)}
        words = [
            place for place in range(len(tokens)) if present[row][place] and place not in inside
        ]
        behind = [place for place in words if place >= own[-1].stop]
        spans.append(behind or words)
    return spans
