"""Whether selecting pays: what the language model would save beside what choosing takes.

A small model reads a short prompt faster than a selector chooses. Both sides are learned from the
prompts and steps that were read so far, and a prompt is selected from as long as nothing is known.

A reading of L tokens is taken to last `overhead + operations / rate`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Bypass:
    """What reading and choosing take, as seen so far or as told.

    Attributes:
        rate: operations a second of the language model; `None` until a prompt was read.
        overhead: seconds of a reading that do not depend on its length.
        choosing: seconds that choosing among so many tokens took; the least of several.
    """

    def __init__(
        self,
        decoder: nn.Module,
        rate: float | None = None,
        overhead: float = 0.0,
        choosing: dict[int, float] | None = None,
    ):
        config: Any = decoder.config
        self.weights = sum(
            parameter.numel()
            for name, parameter in decoder.named_parameters()
            if parameter.dim() > 1 and "embed" not in name
        )
        self.layers: int = config.num_hidden_layers
        self.width: int = config.hidden_size
        self.rate, self.overhead = rate, overhead
        self.choosing = dict(choosing or {})

    def operations(self, lengths: Sequence[int]) -> float:
        """Multiplications and additions of reading rows of these lengths, padded to the longest."""
        longest = max(lengths)
        attention = 2 * self.layers * self.width * longest * longest  # half of it is masked
        return len(lengths) * (2.0 * self.weights * longest + attention)

    def saving(self, before: Sequence[int], after: Sequence[int]) -> float | None:
        """Seconds that reading `after` instead of `before` saves; `None` if nobody knows."""
        if self.rate is None:
            return None
        return (self.operations(before) - self.operations(after)) / self.rate

    def cost(self, tokens: int) -> float | None:
        """Seconds that choosing among so many tokens takes; `None` if nobody knows."""
        if not self.choosing:
            return None
        return min(seconds * max(1.0, tokens / seen) for seen, seconds in self.choosing.items())

    def why(self, before: Sequence[int], after: Sequence[int], tokens: int) -> str:
        """Why a prompt should be read whole; empty if it should not."""
        saving, cost = self.saving(before, after), self.cost(tokens)
        if saving is None or cost is None or saving >= cost:
            return ""
        return (
            f"read whole: choosing among {tokens} tokens takes {1000 * cost:.1f} ms and would save "
            f"{1000 * saving:.1f} ms"
        )

    def read(self, lengths: Sequence[int], seconds: float) -> None:
        """Learn from rows that were read; one token each tells the overhead."""
        if max(lengths) == 1:
            self.overhead = seconds if not self.overhead else min(self.overhead, seconds)
            return
        net = max(seconds - self.overhead, 1e-6)
        rate = self.operations(lengths) / net
        self.rate = rate if self.rate is None else max(self.rate, rate)

    def chose(self, tokens: int, seconds: float) -> None:
        """Learn from a choice among so many tokens."""
        self.choosing[tokens] = min(seconds, self.choosing.get(tokens, seconds))


def now(like: Tensor) -> float:
    """Seconds on a clock, once the device of a tensor has done what it was told."""
    if like.is_cuda:
        torch.cuda.synchronize(like.device)
    return time.perf_counter()
