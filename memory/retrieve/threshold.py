"""How many hits are enough: those that come near the best one, and not more than `k`."""

from __future__ import annotations

from collections.abc import Sequence

from omni.errors import UsageError
from omni.plugins import Component


def near_the_best(scores: Sequence[float], share: float, k: int) -> list[int]:
    """Places of scores that are at least this share of the best, the best first, `k` at most.

    The best one is always among them (VLMT, arXiv 2504.08269: a relative threshold with top-k, so
    that a question with one source gets one and a question with three gets three).

    Args:
        scores: from 0 up, such as probabilities.
        share: within 0…1; 0 keeps `k` whatever they score.
        k: how many at most.

    Raises:
        UsageError: for a share beyond 0…1, or a score below 0, of which no share can be taken.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"the share of the best score is within 0…1, not {share}")
    if any(score < 0 for score in scores):
        raise UsageError(
            "a relative threshold needs scores from 0 up, such as the probabilities of a judge: "
            "leave it out with this reranker"
        )
    order = sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:k]
    return [place for place in order if scores[place] >= share * scores[order[0]]]


COMPONENTS = (
    Component(
        "reranker",
        "relative threshold",
        "Keeps what scores at least a share of the best, and no more than k.",
        system="VLMT",
        paper="VLMT (arXiv 2504.08269)",
    ),
)
