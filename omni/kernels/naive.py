"""The truth: selection and routing written out as loops, one item and one token at a time.

Nothing here is fast, and nothing here is used by the model. Everything that is fast is tested
against these functions. Shapes: N tokens, K kept, D width, Q question tokens, E experts.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mixture(
    tokens: Tensor, experts: Tensor, weights: Tensor, gate: Tensor, up: Tensor, down: Tensor
) -> Tensor:
    """Weighted sum of SwiGLU experts, `[N, D]`, token by token and choice by choice."""
    rows = []
    for row, token in enumerate(tokens):
        total = torch.zeros_like(token)
        for choice, weight in zip(experts[row].tolist(), weights[row], strict=True):
            inside = torch.nn.functional.silu(gate[choice] @ token) * (up[choice] @ token)
            total = total + weight.to(token.dtype) * (down[choice] @ inside)
        rows.append(total)
    return torch.stack(rows) if rows else torch.zeros_like(tokens)


def spaced(count: int, keep: int) -> list[int]:
    """`keep` of `count` places, evenly spread: the middle of each of `keep` equal stretches."""
    return [(2 * step + 1) * count // (2 * keep) for step in range(keep)]


def single(value: float) -> float:
    """The nearest float32: scores are compared in that format, so that near-equals are equal."""
    return float(torch.tensor(value, dtype=torch.float32))


def cosine(a: Tensor, b: Tensor) -> float:
    """Cosine of two vectors as a float32, 0 where either is nought."""
    scale = a.norm() * b.norm()
    return single(float(a @ b / scale)) if scale > 0 else 0.0


def stretch(values: list[float]) -> list[float]:
    """Minimum to 0 and maximum to 1; all ones where they are the same."""
    low, high = min(values), max(values)
    if high - low < 1e-6:
        return [1.0] * len(values)
    return [single((value - low) / (high - low)) for value in values]


def relevance(tokens: Tensor, question: Tensor) -> list[float]:
    """The best cosine of each token with any question token, stretched to 0…1 over the item."""
    tokens, question = tokens.double(), question.double()
    if not len(question):
        return [1.0] * len(tokens)
    return stretch([max(cosine(token, word) for word in question) for token in tokens])


def distinctiveness(tokens: Tensor) -> list[float]:
    """How unlike the others each token is: minus its mean cosine to all, stretched to 0…1."""
    directions = [token / token.norm() if token.norm() > 0 else token for token in tokens.double()]
    mean = sum(directions, torch.zeros_like(directions[0])) / len(directions)
    return stretch([-float(direction @ mean) for direction in directions])


def residuals(tokens: Tensor) -> list[Tensor]:
    """Tokens less their mean; nought where a token differs from it by rounding only."""
    tokens = tokens.double()
    mean = tokens.mean(0)
    return [
        token - mean if (token - mean).norm() > 1e-6 * token.norm() else torch.zeros_like(token)
        for token in tokens
    ]


def farthest(
    tokens: Tensor, keep: int, question: Tensor | None = None, question_weight: float = 1.0
) -> list[int]:
    """Places of the tokens that quality-weighted farthest-point selection keeps, ascending.

    Distances are one minus the cosine of the tokens less their mean. The first token is the one of
    the highest quality; each next one maximises quality times distance to the nearest kept one.
    Quality is distinctiveness, times relevance by the share `question_weight`. Equals go to the
    first.
    """
    quality = distinctiveness(tokens)
    if question is not None:
        quality = [
            single(q * single(1 - question_weight + question_weight * r))
            for q, r in zip(quality, relevance(tokens, question), strict=True)
        ]
    centred = residuals(tokens)
    kept: list[int] = []
    while len(kept) < keep:
        values = []
        for place, token in enumerate(centred):
            if place in kept:
                values.append(float("-inf"))
                continue
            nearest = min((single(1 - cosine(token, centred[k])) for k in kept), default=1.0)
            values.append(single(quality[place] * nearest))
        kept.append(max(range(len(values)), key=lambda place: (values[place], -place)))
    return sorted(kept)


def best(scores: list[float], keep: int) -> list[int]:
    """Places of the `keep` highest scores, ascending; equals go to the first."""
    order = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    return sorted(order[:keep])
