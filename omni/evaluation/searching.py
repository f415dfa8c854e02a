"""How well media are found by words, and words by media, in the shared space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from omni.evaluation.answering import Answerer
from omni.evaluation.rows import Cell, Row
from omni.nano import corpus, facts, retrieval
from omni.nano.cases import Pool, Thing


def rows(answerer: Answerer, pool: Pool, count: int, patterns: Sequence[str]) -> Iterator[Row]:
    """Recall at 1 both ways, for each modality."""
    ways = min(count, retrieval.WAYS)
    for name in corpus.MODALITIES:
        for held_out in (False, True):
            split = "search, held-out pairs" if held_out else "search, new seeds"
            judge = "recall at 1"
            there = Cell("text", name, split, judge)
            back = Cell(name, "text", split, judge)
            if not (there.matches(patterns) or back.matches(patterns)):
                continue
            found = _recall(answerer, pool, name, ways, held_out=held_out)
            if found is None:
                continue
            for cell, way in ((there, "text to media"), (back, "media to text")):
                score = round(found[way], 4)
                names = {"input": cell.input, "output": cell.output, "split": split}
                yield {**names, "n": found["n"], "ways": found["ways"], "score": score} | {
                    "judge": judge
                }


def _recall(
    answerer: Answerer, pool: Pool, name: str, ways: int, *, held_out: bool
) -> dict[str, float] | None:
    """Recall of things of which no two are alike; `None` if the model has no shared space.

    Held-out things are fewer; things with other combinations are there to be confused with.
    """
    if name not in answerer.model.embedders:
        return None
    things = different(pool, name, ways, held_out=held_out)
    others = different(pool, name, ways, held_out=False) if held_out else []
    whole = [*things, *others][:ways]
    with torch.no_grad():
        media = answerer.model.embed(name, [thing.tokens for thing in whole])
        texts = answerer.model.embed("text", [facts.plain(name, one.labels) for one in whole])
    asked = min(len(things), len(whole))
    alike = texts.float() @ media.float().T
    own = torch.arange(asked, device=alike.device)
    return {
        "text to media": (alike[:asked].argmax(1) == own).float().mean().item(),
        "media to text": (alike[:, :asked].argmax(0) == own).float().mean().item(),
        "ways": len(whole),
        "n": asked,
    }


def different(pool: Pool, name: str, most: int, *, held_out: bool) -> list[Thing]:
    """Things of a modality of which no two are alike, from the first few of the pool."""
    looked = [pool.thing(name, place, held_out=held_out) for place in range(3 * most)]
    labels = [thing.labels for thing in looked]
    return [looked[place] for place in retrieval.distinct(name, labels, most)]
