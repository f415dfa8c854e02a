"""A selection that was written down, made once more in place of a selector's."""

from __future__ import annotations

from collections.abc import Sequence

from omni.compression.record import SelectionRecord
from omni.compression.selector import Question, Selection, Tokens
from omni.errors import UsageError


class Replay:
    """Keeps what a record says, pinned tokens included, whatever the tokens are.

    Attributes:
        record: of a prompt with as many tokens as the one that is read, of which as many are kept.
    """

    def __init__(self, record: SelectionRecord):
        self.record = record

    def __call__(self, tokens: Tokens, keep: Sequence[int], question: Question | None) -> Selection:
        found = self.record.replay(tokens.x.device)
        if found.lengths != tuple(tokens.lengths) or found.kept != tuple(keep):
            raise UsageError(
                f"this record keeps {list(found.kept)} of {list(found.lengths)} tokens, not "
                f"{list(keep)} of {list(tokens.lengths)}: replay it on the tokens that it was made "
                "from, with the same budget"
            )
        return found
