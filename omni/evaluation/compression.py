"""Accuracy against the share of media tokens that is kept, for every method beside others.

Questions are those of omni-nano's world, where one knows what is right: about one of several
things, counts, fine detail, films, sound, and turns whose questions change. What a method cannot
do without is not known of these tokens (the attention of an encoder that has none), so methods that
need it are left out and named.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from omni import plugins
from omni.compression.budget import Budget
from omni.errors import UsageError
from omni.evaluation.answering import Answerer
from omni.evaluation.curves import FULL
from omni.evaluation.nano import Progress, asked, follow_ups_right, last_right
from omni.evaluation.rows import Cell, Row, figures
from omni.model.loading import load
from omni.nano import cases
from omni.nano.cases import SEED, Case, Pool
from omni.nano.questions import image

KEEP = (1.0, 0.33, 0.2, 0.11, 0.05)
_TRIES = 400

Judge = Callable[[Case, Sequence[Any]], bool]


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
    """The form of `omni eval compression --json`: a row for each skill, method and share.

    Args:
        model: `nano` or a folder.
        methods: names of selectors; all that need nothing but tokens and a question if empty.
        keep: shares of the tokens of each item, in 0…1.
        count: questions of a skill.
        skills: names from `SKILLS`; all if empty.
        placement: where the model runs.
        progress: is told what happens.

    Raises:
        UsageError: if a skill or a method is not known.
    """
    unknown = [name for name in skills if name not in SKILLS]
    if unknown:
        raise UsageError(f"unknown skill {unknown[0]!r}; known: {', '.join(SKILLS)}")
    loaded = load(model, placement)
    names = tuple(methods) or tuple(plugins.names("compression"))
    selectors = {name: plugins.load("compression", name)() for name in names}
    rows = list(
        _rows(loaded, selectors, keep, count, skills or tuple(SKILLS), progress or Progress())
    )
    return figures("compression", rows, seed=SEED, device=str(loaded.model.device))


def _rows(
    loaded: Any,
    selectors: Mapping[str, Any],
    keep: Sequence[float],
    count: int,
    skills: Sequence[str],
    progress: Progress,
) -> Iterator[Row]:
    whole = Answerer(loaded)
    pool = Pool(whole.encode)
    lost: set[str] = set()
    for skill in skills:
        questions = SKILLS[skill](pool, count)
        judge = follow_ups_right if skill == "several turns" else last_right
        yield _row(whole, skill, FULL, 1.0, questions, judge, progress)
        for name, selector in selectors.items():
            for share in keep:
                if share == 1.0 or name in lost:
                    continue
                answerer = Answerer(loaded, Budget(keep=share, floor=1))
                try:
                    with selecting(loaded.model, selector):
                        yield _row(answerer, skill, name, share, questions, judge, progress)
                except UsageError as error:
                    lost.add(name)
                    yield {**_cell(skill, name).row([]), "score": None, "left out": str(error)}


def _row(
    answerer: Answerer,
    skill: str,
    method: str,
    share: float,
    questions: list[Case],
    judge: Judge,
    progress: Progress,
) -> Row:
    cell = _cell(skill, method)
    hits = asked(answerer, questions, judge, cell, progress)
    row = cell.row(hits, keep=share)
    progress.end(row)
    return row


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


# What is asked


def one_of_several(pool: Pool, count: int) -> list[Case]:
    """An attribute of the one thing that is named, among three to six."""
    return _about_pictures(pool, count, 3, image.attribute_of)


def counting(pool: Pool, count: int) -> list[Case]:
    """How many there are of some kind, of two to six."""
    return _about_pictures(pool, count, 2, image.how_many)


def relations(pool: Pool, count: int) -> list[Case]:
    """How two things lie to one another."""
    return _about_pictures(pool, count, 2, image.relation_of)


def _about_pictures(pool: Pool, count: int, least: int, ask: Callable[..., Any]) -> list[Case]:
    rng = random.Random(f"{SEED} compression {least}")
    found: list[Case] = []
    for place in range(_TRIES * count):
        thing = pool.thing("image", place)
        things = thing.labels["objects"]
        exchange = ask(rng, things) if len(things) >= least else None
        if exchange is not None:
            found.append(Case((exchange,), (thing,)))
            if len(found) == count:
                return found
    raise ValueError("there are too few such pictures")


def _all_of(name: str) -> Callable[[Pool, int], list[Case]]:
    def made(pool: Pool, count: int) -> list[Case]:
        return cases.about_things(pool, name, "text", count, held_out=False)

    return made


def several_turns(pool: Pool, count: int) -> list[Case]:
    """About one of several things, then about another one of the same picture."""
    rng = random.Random(f"{SEED} compression turns")
    found: list[Case] = []
    for place in range(_TRIES * count):
        thing = pool.thing("image", place)
        things = thing.labels["objects"]
        if len(things) < 3:
            continue
        turns = [image.attribute_of(rng, things) for _ in range(3)]
        if all(turns):
            found.append(Case(tuple(one for one in turns if one), (thing,)))
            if len(found) == count:
                return found
    raise ValueError("there are too few such pictures")


SKILLS: Mapping[str, Callable[[Pool, int], list[Case]]] = {
    "one of several": one_of_several,
    "counting": counting,
    "relations": relations,
    "video": _all_of("video"),
    "audio": _all_of("audio"),
    "several turns": several_turns,
}
"""What is asked about, and how the questions are made."""
