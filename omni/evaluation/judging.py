"""Whether an answer is right, decided by something that is not the model.

Words by the exact answer, pictures by measuring their pixels, speech by an independent recogniser.
"""

from __future__ import annotations

from omni.evaluation.answering import Said
from omni.nano.alternatives import alternatives
from omni.nano.questions.exchange import OUTSIDE, Exchange
from omni.nano.questions.smalltalk import UNKNOWN

JUDGES = {"text": "exact words", "image": "pixels", "audio": "pocketsphinx"}
"""Modality of the answer → what judges it."""


def right(exchange: Exchange, said: Said) -> bool:
    """Whether this is the answer that was wanted."""
    if exchange.makes == "text":
        return said.text in exchange.right
    made = said.made.get(exchange.makes)
    if made is None:
        return False
    if exchange.makes == "image":
        from omni.nano import drawing

        return drawing.judge(made, exchange.answer)
    from omni.nano.judge import judge_speech

    return judge_speech(made, alternatives(exchange.answer)) in exchange.right


def modest(said: Said) -> bool:
    """Whether the model says that it does not know such things, and makes nothing of them."""
    return said.text in (OUTSIDE, UNKNOWN) and not said.made
