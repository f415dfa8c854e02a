"""What the router is worth: who works how much, and what is lost without its choices."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from omni.evaluation import judging
from omni.evaluation.answering import Answerer
from omni.evaluation.rows import Cell, Row
from omni.model.reading import MediaReader
from omni.nano import cases, corpus
from omni.nano.cases import Pool
from omni.routing.router import Batch, Routing
from omni.routing.uniform import UniformRouter


class ShuffledRouter(nn.Module):
    """A router whose choices go to other experts than those that it means."""

    def __init__(self, router: nn.Module, experts: int):
        super().__init__()
        self.router = router
        # Moved on by one, so that none stays where it was.
        self.register_buffer("other", torch.arange(experts).roll(1), persistent=False)
        self.other: Tensor

    def forward(self, batch: Batch) -> Routing:
        routing = self.router(batch)
        return replace(routing, experts=self.other[routing.experts])


class Counted(nn.Module):
    """A router that also counts how often it chose each expert for each modality."""

    def __init__(self, router: nn.Module, modalities: int, experts: int):
        super().__init__()
        self.router = router
        self.counts = torch.zeros(modalities, experts, dtype=torch.int64)

    def forward(self, batch: Batch) -> Routing:
        routing = self.router(batch)
        owner = batch.modality[batch.owner][:, None].expand_as(routing.experts)
        cells = (owner * self.counts.shape[1] + routing.experts).flatten().cpu()
        count = torch.bincount(cells, minlength=self.counts.numel())
        self.counts += count.view_as(self.counts)
        return routing


def rows(answerer: Answerer, pool: Pool, count: int, patterns: Sequence[str]) -> Iterator[Row]:
    """Expert load by modality; the score of media questions with the router and with two others."""
    mixture = answerer.model.mixture
    cell = Cell("media", "text", "router", judging.JUDGES["text"])
    if mixture is None or not cell.matches(patterns):
        return
    experts = len(mixture.experts.gate)  # type: ignore
    names = tuple(answerer.model.adapters)
    router: nn.Module = mixture.router  # type: ignore[assignment]
    counted = Counted(router, len(names), experts)
    questions = [
        case
        for name in corpus.MODALITIES
        for case in cases.about_things(
            pool, name, "text", max(1, count // len(corpus.MODALITIES)), held_out=False
        )
    ]
    for split, other in (
        ("router", counted),
        ("router, uniform mixing", UniformRouter(modalities=names, experts=experts)),
        ("router, shuffled experts", ShuffledRouter(router, experts)),
    ):
        with _routed(answerer.model, other):
            said = answerer.answer(questions)
        hits = [
            judging.right(case.turns[-1], answers[-1])
            for case, answers in zip(questions, said, strict=True)
        ]
        yield replace(cell, split=split).row(hits)
    yield from _load_rows(names, counted.counts)


def _load_rows(names: Sequence[str], counts: Tensor) -> Iterator[Row]:
    """The share of each expert, of all tokens and by modality; the score is the smallest share."""
    for name, own in (("all", counts.sum(0)), *zip(names, counts, strict=True)):
        total = int(own.sum())
        if not total:
            continue
        load = (own / total).tolist()
        yield {
            "input": name,
            "output": "experts",
            "split": "router, load",
            "n": total,
            "score": round(min(load), 4),
            "judge": "least load",
            "load": [round(share, 4) for share in load],
        }


@contextlib.contextmanager
def _routed(model: MediaReader, router: nn.Module) -> Iterator[None]:
    """The model with another router for a while."""
    mixture: nn.Module = model.mixture  # type: ignore[assignment]
    own = mixture.router
    mixture.router = router.to(model.device)
    try:
        yield
    finally:
        mixture.router = own
