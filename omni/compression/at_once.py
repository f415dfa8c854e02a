"""Selection of all items by kernels that do all of it, where they can."""

from __future__ import annotations

from collections.abc import Sequence

from omni.compression.candidates import count_pins
from omni.compression.selector import Question, Selection, Tokens
from omni.kernels import backend
from omni.kernels.choosing import choose
from omni.kernels.picking import MOST


def at_once(
    rule: str, tokens: Tokens, keep: Sequence[int], question: Question | None, weight: float = 1.0
) -> Selection | None:
    """What `omni.kernels.choosing.choose` selects; `None` where it is not to be asked.

    It is not asked without kernels, of items whose products would not fit, and where tokens are
    pinned.

    Args:
        rule: see there, as for `weight`.
        tokens: what is selected from.
        keep: how many of each item.
        question: what was asked.
        weight: of the question.
    """
    if tokens.pinned is not None or max(tokens.lengths, default=0) > MOST:
        return None
    if not tokens.lengths or backend.chosen(tokens.x.device) == "torch":
        return None
    count_pins(tokens, keep)
    words, heard = (None, None) if question is None else (question.x, question.mask)
    found = choose(rule, tokens.x, tokens.lengths, keep, words, heard, weight)
    return Selection(
        found.places,
        tuple(keep),
        tuple(tokens.lengths),
        found.scores,
        found.dropped,
        of_all=found.rows,
    )
