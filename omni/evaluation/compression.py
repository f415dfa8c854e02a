"""Accuracy against the share of media tokens that is kept, for every method beside others.

Questions are those of omni-nano's world, where one knows what is right; `tasks` says which. A
method that cannot do without what nobody knows of these tokens is left out and named. Beside the
methods stand all tokens (`full`), chance (`random`) and a smaller picture: `pool`, the means of
neighbours, since the encoder knows pictures of one size only and cannot be given a smaller one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from omni import plugins
from omni.compression.budget import Budget
from omni.errors import UsageError
from omni.evaluation import selection_bars
from omni.evaluation.answering import Answerer
from omni.evaluation.curves import FULL
from omni.evaluation.heard import heard
from omni.evaluation.hearing import Once, hears
from omni.evaluation.nano import Progress, follow_ups_right, last_right
from omni.evaluation.paired import score
from omni.evaluation.rows import Cell, Row, figures, percent
from omni.evaluation.tasks import CHANGING, TASKS
from omni.model.loading import load
from omni.nano.cases import SEED, Case, Pool

KEEP = (1.0, 0.33, 0.2, 0.11, 0.05)

MAIN = (
    *("random", "pool", "uniform", "farthest", "divprune", "dpp", "coverage", "topk"),
    *("visionzip", "learned"),
)
"""Baselines, and a method of each kind: these are asked everything, at every share."""

BRIEF_KEEP = (0.11,)
BRIEF = ("one of several", "relations", "video", "audio")
"""What all other methods are asked, and with which share, where nobody says otherwise."""

CHOSEN_ONCE = ", chosen once"
"""Behind a method's name: its tokens are those that the first question of a talk chose."""

Hits = dict[tuple[str, str, float], list[bool]]
"""Task, method and share → which answers are right."""


def measure(
    model: str = "nano",
    *,
    methods: Sequence[str] = (),
    keep: Sequence[float] = KEEP,
    count: int = 200,
    skills: Sequence[str] = (),
    placement: Any = None,
    progress: Progress | None = None,
) -> Row:
    """The form of `omni eval compression --json`: a row for each task, method and share.

    Args:
        model: `nano` or a folder.
        methods: names of selectors. If empty, the main ones are asked everything, and all others
            something.
        keep: shares of the tokens of each item, in 0…1.
        count: questions of a task.
        skills: names from `TASKS`; all if empty.
        placement: where the model runs.
        progress: is told what happens.

    Raises:
        UsageError: if a task or a method is not known.
    """
    unknown = [name for name in skills if name not in TASKS]
    if unknown:
        raise UsageError(f"unknown skill {unknown[0]!r}; known: {', '.join(TASKS)}")
    names = tuple(methods) or tuple(plugins.names("compression"))
    selectors = {name: plugins.load("compression", name)() for name in names}
    began = time.monotonic()
    survey = Survey(load(model, placement), selectors, progress or Progress())
    for skill in skills or tuple(TASKS):
        survey.ask(skill, count, lambda name, skill=skill: _shares(name, skill, keep, methods))
    bars = selection_bars.bars(survey.hits, survey.guided)
    return figures(
        "compression",
        survey.rows,
        seed=SEED,
        device=str(survey.loaded.model.device),
        seconds=round(time.monotonic() - began, 1),
        bars=[bar.to_json() for bar in bars],
    )


def _shares(
    name: str, skill: str, keep: Sequence[float], methods: Sequence[str]
) -> tuple[float, ...]:
    """With which shares a method is asked a task."""
    shares = tuple(share for share in keep if share < 1)
    if methods or name in MAIN:
        return shares
    return tuple(share for share in shares if share in BRIEF_KEEP and skill in BRIEF)


class Survey:
    """Asks one model with many selectors.

    Attributes:
        rows: what was found, in the order of asking.
        hits: which answers were right.
        guided: names of the selectors that listen to the question.
        lost: names of the selectors that cannot do without something, and what that is.
    """

    def __init__(self, loaded: Any, selectors: Mapping[str, Any], progress: Progress):
        self.loaded, self.selectors, self.progress = loaded, selectors, progress
        self.whole = Answerer(loaded)
        self.pool = Pool(self.whole.encode)
        self.rows: list[Row] = []
        self.hits: Hits = {}
        self.lost: dict[str, str] = {}
        self.guided: set[str] = set()
        for name, selector in selectors.items():
            try:
                if hears(loaded, selector):
                    self.guided.add(name)
            except UsageError as error:
                self.lost[name] = str(error)

    def ask(self, skill: str, count: int, shares: Callable[[str], Sequence[float]]) -> None:
        """Ask a task of all tokens, and then with each selector and the shares for its name."""
        questions = heard(self.loaded, TASKS[skill](self.pool, count))
        self._ask(skill, FULL, 1.0, self.whole, questions)
        for name, selector in self.selectors.items():
            wanted = shares(name)
            if wanted and name in self.lost:
                row = {**_cell(skill, name).row([]), "score": None, "left out": self.lost[name]}
                self.rows.append(row | {"task": skill, "method": name})
            for share in () if name in self.lost else wanted:
                answerer = Answerer(self.loaded, Budget(keep=share, floor=1))
                with selecting(self.loaded.model, selector):
                    self._ask(skill, name, share, answerer, questions)
                if skill == CHANGING and name in self.guided and share in BRIEF_KEEP:
                    with selecting(self.loaded.model, Once(selector)):
                        self._ask(skill, name + CHOSEN_ONCE, share, answerer, questions)

    def _ask(
        self, skill: str, method: str, share: float, answerer: Answerer, questions: Sequence[Any]
    ) -> None:
        kept = "" if method == FULL else f", {percent(share)} kept"
        cell = _cell(skill, method + kept)
        self.progress.begin(cell, sum(len(case.makes) for case in questions))
        said = answerer.answer(questions, self.progress.step)
        judge = follow_ups_right if skill == CHANGING else last_right
        hits = [judge(case.case, answers) for case, answers in zip(questions, said, strict=True)]
        self.hits[skill, method, share] = hits
        found = score(hits)
        full = sum(self.hits[skill, FULL, 1.0]) / len(hits)
        row = cell.row(
            hits,
            keep=share,
            task=skill,
            method=method,
            guided=method in self.guided,
            full_score=round(full, 4),
            low=round(found.low, 4),
            high=round(found.high, 4),
        )
        self.rows.append(row)
        self.progress.end(row)


def _cell(skill: str, method: str) -> Cell:
    return Cell(skill, "text", method, "exact words")


@contextmanager
def selecting(model: Any, selector: Any) -> Iterator[None]:
    """Let a model of ours select by another method for a while."""
    own, model.selector = model.selector, selector
    try:
        yield
    finally:
        model.selector = own


SKILLS: Mapping[str, Callable[[Pool, int], list[Case]]] = TASKS
"""What is asked about, by the name under which `--cells` knows it."""
