"""Everything that the embedded model is measured by, cell by cell.

The eighteen cells of the matrix, each on new seeds and, where combinations are held out, on these;
several inputs, several turns, inputs from outside the world, search in the shared space, forecasts,
and the router with and without its choices.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omni.compression.budget import Budget
from omni.evaluation import judging, routing, searching
from omni.evaluation.answering import Answerer, Said
from omni.evaluation.rows import Cell, Row, figures
from omni.model.loading import load
from omni.nano import cases, corpus
from omni.nano.cases import SEED, Case, Pool

OUTPUTS = ("text", "image", "audio")
NEW, HELD_OUT = "new seeds", "held-out pairs"
COUNT = 200

Judge = Callable[[Case, Sequence[Said]], bool]
Step = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A cell, the questions that are asked for it, and what is right."""

    cell: Cell
    cases: Callable[[], list[Case]]
    judge: Judge


class Progress:
    """What is told while it is measured; this one is silent."""

    def begin(self, cell: Cell, turns: int) -> None:
        """A cell with so many answers to come."""

    def step(self, answers: int) -> None:
        """So many more answers are there."""

    def end(self, row: Row) -> None:
        """The figure of a cell is known."""


def measure(
    model: str = "nano",
    *,
    count: int = COUNT,
    cells: Sequence[str] = (),
    budget: int | None = None,
    placement: Any = None,
    progress: Progress | None = None,
) -> Row:
    """All figures, in the form of `omni eval nano --json`.

    Args:
        model: `nano` or a folder.
        count: examples a cell.
        cells: patterns such as `image>text`, `*>audio`, `held-out pairs`; all cells if empty.
        budget: media tokens that a prompt may use.
        placement: where the model runs; in float32 wherever there is no better reason if `None`.
        progress: is told what happens.
    """
    loaded = load(model, placement)
    answerer = Answerer(loaded, Budget(tokens=budget) if budget else None)
    told = progress or Progress()
    began = time.monotonic()
    rows = list(_rows(answerer, count, cells, told))
    return figures(
        "nano",
        rows,
        seed=SEED,
        device=str(loaded.model.device),
        model=Path(str(model)).name,
        budget=budget,
        seconds=round(time.monotonic() - began, 1),
    )


def _rows(
    answerer: Answerer, count: int, patterns: Sequence[str], progress: Progress
) -> Iterator[Row]:
    pool = Pool(answerer.encode)
    for job in jobs(pool, answerer, count):
        if not job.cell.matches(patterns):
            continue
        began = time.monotonic()
        hits = asked(answerer, job.cases(), job.judge, job.cell, progress)
        row = job.cell.row(hits, seconds=round(time.monotonic() - began, 1))
        progress.end(row)
        yield row
    for more in (searching.rows, routing.rows, _forecasts):
        for row in more(answerer, pool, count, patterns):
            progress.end(row)
            yield row


def asked(
    answerer: Answerer, questions: list[Case], judge: Judge, cell: Cell, progress: Progress
) -> list[bool]:
    """Which of the cases are answered right."""
    progress.begin(cell, sum(len(case.turns) for case in questions))
    said = answerer.answer(questions, progress.step)
    return [judge(case, answers) for case, answers in zip(questions, said, strict=True)]


def jobs(pool: Pool, answerer: Answerer, count: int) -> Iterator[Job]:
    """Every cell whose answers are judged one by one."""
    yield from matrix(pool, count)
    for inputs, named in ((2, "two inputs"), (3, "three inputs")):
        for makes in OUTPUTS:
            cell = Cell(named, makes, NEW, judging.JUDGES[makes])
            yield Job(cell, _later(cases.together, pool, inputs, makes, count), last_right)
    turns = Cell("any", "any", "multi-turn", "exact words, pixels, pocketsphinx")
    yield Job(turns, _later(cases.conversations, pool, count), follow_ups_right)
    yield from unseen_wordings(pool)
    cell = Cell("points", "text", "meshes of trimesh", judging.JUDGES["text"])
    yield Job(cell, _later(cases.meshes, answerer.encode, count), last_right)
    for name in cases.OUTSIDE:
        cell = Cell(name, "text", "outside the world", "says that it does not know")
        yield Job(cell, _later(cases.outside, answerer.encode, name, count), says_unknown)


def matrix(pool: Pool, count: int) -> Iterator[Job]:
    """Six inputs by three outputs."""
    for name in ("text", *corpus.MODALITIES):
        for makes in OUTPUTS:
            for held_out in (False, True):
                if name == makes == "text" and held_out:
                    continue  # talk and passages have no combinations
                cell = Cell(name, makes, HELD_OUT if held_out else NEW, judging.JUDGES[makes])
                if name == "text":
                    some = _later(cases.wishes, makes, count, held_out=held_out)
                else:
                    some = _later(cases.about_things, pool, name, makes, count, held_out=held_out)
                yield Job(cell, some, last_right)


def unseen_wordings(pool: Pool) -> Iterator[Job]:
    """Questions in words that people wrote and training never saw, and the same from templates."""
    from omni.nano import paraphrases

    for name in paraphrases.modalities():
        cell = Cell(name, "text", "unseen wordings", "right attribute")
        yield Job(cell, _later(paraphrases.cases, pool, name), paraphrases.right)
        same = replace(cell, split="the same in templates")
        yield Job(same, _later(paraphrases.templated, pool, name), paraphrases.right)


def last_right(case: Case, said: Sequence[Said]) -> bool:
    """The last answer is right."""
    return judging.right(case.turns[-1], said[-1])


def follow_ups_right(case: Case, said: Sequence[Said]) -> bool:
    """Every answer after the first is right."""
    return all(
        judging.right(turn, answer) for turn, answer in zip(case.turns[1:], said[1:], strict=True)
    )


def says_unknown(case: Case, said: Sequence[Said]) -> bool:
    """The model does not claim to know what it cannot know."""
    return judging.modest(said[-1])


def _later(function: Callable[..., list[Case]], *args: Any, **kwargs: Any) -> Any:
    return lambda: function(*args, **kwargs)


def _forecasts(
    answerer: Answerer, pool: Pool, count: int, patterns: Sequence[str]
) -> Iterator[Row]:
    from omni.nano.transfer import forecast_rows

    if Cell("series", "forecast", "real series", "MASE").matches(patterns):
        yield from forecast_rows()
