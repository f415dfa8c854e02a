"""Stop sequences, a deadline and a flag: the ways in which an answer ends before its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, StoppingCriteria

from omni.chat.cancelling import STOP


class StopText:
    """Passes text on until a stop sequence comes; what might begin one is held back.

    Attributes:
        found: whether a stop sequence came; it is not passed on, and nothing after it.
    """

    def __init__(self, stops: Sequence[str]):
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """What of the text may be shown now."""
        if self.found:
            return ""
        text = self._held + text
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.found, self._held = True, ""
            return text[: min(places)]
        held = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """What was held back, if no stop sequence came of it."""
        held, self._held = self._held, ""
        return "" if self.found else held


class Watchdog(StoppingCriteria):
    """Counts what is generated, and ends it when the time is over or the turn is stopped.

    Attributes:
        tokens: number of tokens generated so far.
        late: whether the time was over.
    """

    def __init__(self, prompt_tokens: int, seconds: float | None):
        self.tokens = 0
        self.late = False
        self.stop = threading.Event()
        self._prompt_tokens = prompt_tokens
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._turn = STOP.get()

    @property
    def stopped(self) -> bool:
        """Whether the turn was stopped, or the one who reads has gone."""
        return self.stop.is_set() or (self._turn is not None and self._turn.is_set())

    def __call__(  # type: ignore[override]
        self, input_ids: Tensor, scores: Any, **kwargs: Any
    ) -> Tensor:
        """True for every row once it is to end."""
        self.tokens = input_ids.shape[1] - self._prompt_tokens
        self.late = self._deadline is not None and time.monotonic() > self._deadline
        end = self.late or self.stopped
        return torch.full((len(input_ids),), end, dtype=torch.bool, device=input_ids.device)


class Sampler(LogitsProcessor):
    """Samples by adding Gumbel noise, so that greedy decoding of its scores is a fair draw.

    The noise comes from a generator of its own: a seed fixes the answer, whatever other threads do.
    """

    def __init__(self, temperature: float, seed: int | None):
        self.temperature = temperature
        self._generator = torch.Generator()
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores `[B, V]` divided by the temperature, plus noise."""
        uniform = torch.rand(scores.shape, generator=self._generator, dtype=torch.float64)
        waits = -torch.log(uniform.clamp(min=1e-300))
        noise = -torch.log(waits.clamp(min=1e-300))
        return scores.float() / self.temperature + noise.to(scores.device, torch.float32)


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text begin the stop sequence."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
