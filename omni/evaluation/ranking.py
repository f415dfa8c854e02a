"""Measures of a ranking: nDCG, reciprocal rank, recall, pseudo-recall, F1; and of short answers.

Grades are gains as they stand and discounts are log2, as `trec_eval` has it.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence

from omni.errors import UsageError

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def measure(name: str, ranked: Sequence[str], relevant: Mapping[str, float]) -> float:
    """One measure of one ranking.

    Args:
        name: `ndcg@K`, `mrr@K`, `recall@K`, `hit@K` or `precision@K`.
        ranked: ids, the best first.
        relevant: grades above 0 of those that are right.

    Raises:
        UsageError: for an unknown measure.
    """
    kind, _, depth = name.partition("@")
    if kind not in _MEASURES or not depth.isdigit() or int(depth) < 1:
        known = ", ".join(f"{one}@K" for one in _MEASURES)
        raise UsageError(f"unknown measure {name!r}; known: {known}")
    return _MEASURES[kind](ranked[: int(depth)], relevant, int(depth))


def ndcg(ranked: Sequence[str], relevant: Mapping[str, float], depth: int) -> float:
    """Gains discounted by the logarithm of the rank, as a share of the best possible."""
    found = sum(relevant.get(id, 0.0) / math.log2(rank + 2) for rank, id in enumerate(ranked))
    best = sorted(relevant.values(), reverse=True)[:depth]
    return found / sum(gain / math.log2(rank + 2) for rank, gain in enumerate(best))


def reciprocal_rank(ranked: Sequence[str], relevant: Mapping[str, float], depth: int) -> float:
    """One over the rank of the first that is right; 0 if none is."""
    return next((1 / rank for rank, id in enumerate(ranked, 1) if id in relevant), 0.0)


def recall(ranked: Sequence[str], relevant: Mapping[str, float], depth: int) -> float:
    """The share of what is right that is found."""
    return sum(id in relevant for id in ranked) / len(relevant)


def hit(ranked: Sequence[str], relevant: Mapping[str, float], depth: int) -> float:
    """Whether anything right is found; M2KR calls this recall."""
    return float(any(id in relevant for id in ranked))


def precision(ranked: Sequence[str], relevant: Mapping[str, float], depth: int) -> float:
    """The share of the places that hold something right."""
    return sum(id in relevant for id in ranked) / depth


def source_f1(chosen: Sequence[str], relevant: Mapping[str, float]) -> float:
    """Harmonic mean of precision and recall of chosen sources, which WebQA is measured by."""
    right = sum(id in relevant for id in set(chosen))
    return 2 * right / (len(set(chosen)) + len(relevant)) if right else 0.0


def pseudo_recall(ranked: Sequence[str], texts: Mapping[str, str], answers: Sequence[str]) -> float:
    """Whether an answer stands in what is found, whichever passage it was taken from (M2KR)."""
    said = (texts[id].lower() for id in ranked)
    wanted = [answer.lower() for answer in answers]
    return float(any(answer in text for text in said for answer in wanted))


def normalised(answer: str) -> str:
    """An answer without case, punctuation and articles, as SQuAD compares them."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(said: str, answers: Sequence[str]) -> float:
    """Whether an answer is one of the right ones."""
    return float(normalised(said) in {normalised(one) for one in answers})


def word_f1(said: str, answers: Sequence[str]) -> float:
    """Shared words of an answer and the right one that it is nearest to."""
    return max((_word_f1(normalised(said), normalised(one)) for one in answers), default=0.0)


def _word_f1(said: str, right: str) -> float:
    first, second = said.split(), right.split()
    if not first or not second:
        return float(first == second)
    shared = sum((Counter(first) & Counter(second)).values())
    return 2 * shared / (len(first) + len(second))


_MEASURES = {
    "ndcg": ndcg,
    "mrr": reciprocal_rank,
    "recall": recall,
    "hit": hit,
    "precision": precision,
}
