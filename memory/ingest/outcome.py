"""What became of the files that were to be taken in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Status = Literal["added", "kept", "replaced", "linked", "skipped", "failed"]
"""`linked`: nearly the same as another, which it points to; `skipped`: of no kind that is read."""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file.

    Attributes:
        path: as it was given, or as it was found in a folder that was.
        status: what was done.
        records: how many records it has now.
        id: of the record of its whole; empty if there is none.
        reason: why it failed or was skipped, in one line.
        notes: what was left out and what to do about it.
        of: id of the record that it is nearly the same as, if it is linked.
    """

    path: Path
    status: Status
    records: int = 0
    id: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    of: str = ""


Progress = Callable[[FileOutcome, int, int], None]
"""Is told of each file as it is done, how many are done, and of how many."""


@dataclass(slots=True)
class Outcome:
    """What became of all files, in the order in which they were done."""

    files: list[FileOutcome] = field(default_factory=list)

    def __iter__(self) -> Iterator[FileOutcome]:
        return iter(self.files)

    def of(self, *statuses: Status) -> list[FileOutcome]:
        """The files of which one of these was done."""
        return [one for one in self.files if one.status in statuses]

    @property
    def records(self) -> int:
        """Records that were written."""
        return sum(one.records for one in self.of("added", "replaced", "linked"))

    def to_json(self) -> dict[str, Any]:
        """Counts by status, and each file that is not as usual."""
        statuses: tuple[Status, ...] = (
            *("added", "kept", "replaced"),
            *("linked", "skipped", "failed"),
        )
        counts = {status: len(self.of(status)) for status in statuses}
        shown = [
            {"path": str(one.path), "status": one.status, "records": one.records}
            | ({"reason": one.reason} if one.reason else {})
            | ({"notes": list(one.notes)} if one.notes else {})
            | ({"of": one.of} if one.of else {})
            for one in self.files
        ]
        return {"counts": counts, "records": self.records, "files": shown}
