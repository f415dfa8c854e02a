"""A question that is about to be written, with what has to be written together with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langchain_core.messages import AnyMessage

ASKED = "omni_question"
"""Key in a run's configuration under which its question waits to be written."""


class Question:
    """What a turn begins with; the first checkpoint of its run writes it, in one transaction.

    LangGraph saves what a run is given twice before the first node: as it was given, and once it
    stands among the messages. The second is the one that counts; the first is not kept, so that
    after a kill the question is there with all that belongs to it, or not at all.

    Args:
        messages: the question, after what has to stand before it.
        beside: writes what else has to hold with it; called within the transaction.

    Attributes:
        is_written: whether it is kept.
    """

    def __init__(self, messages: Sequence[AnyMessage], beside: Callable[[], None]):
        self.messages = list(messages)
        self.beside = beside
        self.is_written = False
