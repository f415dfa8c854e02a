"""What a person says is to be kept: a remark, dated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from omni.errors import UsageError

from ..contracts import Embedder
from ..ingest.vectors import embedded
from ..record import Record
from ..view import View

_LONGEST = 20_000


def keep_words(view: View, embedders: Sequence[Embedder], text: str) -> Record:
    """Store a remark, dated now; the same words are one record, dated anew.

    Raises:
        UsageError: if it says nothing, or so much that it is a file.
    """
    said = text.strip()
    if not any(map(str.isalnum, said)):
        raise UsageError("nothing to remember: give words, a file or a handle")
    if len(said) > _LONGEST:
        raise UsageError(
            f"a remark has at most {_LONGEST:,} characters, not {len(said):,}: put it into a file"
        )
    now = datetime.now(UTC)
    record = Record(
        id=f"note-{hashlib.sha256(said.encode()).hexdigest()[:24]}",
        text=said,
        title=f"note of {now:%Y-%m-%d}",
        kind="note",
        event_time=now,
    )
    view.put([record], {one.space: embedded(one, [record], []) for one in embedders})
    return record
