"""How well media are found by words, and words by media, in the shared space.

The words are plain descriptions, and those that people wrote for it in `omni/nano/searches.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from omni.evaluation.answering import Answerer
from omni.evaluation.rows import Cell, Row
from omni.nano import corpus, facts, retrieval
from omni.nano.cases import SEED, Pool, Thing

_JUDGE = "recall at 1"


def rows(answerer: Answerer, pool: Pool, count: int, patterns: Sequence[str]) -> Iterator[Row]:
    """Recall at 1, both ways where the words are ours, for each modality."""
    ways = min(count, retrieval.WAYS)
    for name in corpus.MODALITIES:
        if name not in answerer.model.embedders:
            continue
        for held_out in (False, True):
            split = f"search, {'held-out pairs' if held_out else 'new seeds'}"
            there, back = Cell("text", name, split, _JUDGE), Cell(name, "text", split, _JUDGE)
            if replace(there, input="search").matches(patterns):
                found = _recall(answerer, pool, name, ways, held_out=held_out)
                for cell, way in ((there, "text to media"), (back, "media to text")):
                    score = round(found[way], 4)
                    yield {**cell.row([]), "score": score, "n": found["n"], "ways": found["ways"]}
        cell = Cell("text", name, "search, people's words", _JUDGE)
        if replace(cell, input="search").matches(patterns):
            yield {**cell.row([]), **_asked_by_people(answerer, pool, name, ways)}


def _asked_by_people(answerer: Answerer, pool: Pool, name: str, ways: int) -> Row:
    """Recall of what people described, among things of which no two are alike."""
    things = different(pool, name, ways, held_out=False)
    embed = torch.no_grad()(answerer.model.embed)
    media = embed(name, [thing.tokens for thing in things])
    labels = [thing.labels for thing in things]
    found = retrieval.paraphrased(name, embed, media, labels, SEED)
    return {"score": round(found["text to media"], 4), "n": found["n"], "ways": found["ways"]}


def _recall(
    answerer: Answerer, pool: Pool, name: str, ways: int, *, held_out: bool
) -> dict[str, float]:
    """Recall of things of which no two are alike.

    Held-out things are fewer; things with other combinations are there to be confused with.
    """
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
    """Things of a modality of which no two are alike; at most three times as many are looked at."""
    things: list[Thing] = []
    places: Sequence[int] = ()
    for looked in range(most, 3 * most + 1, max(1, most // 4)):
        things = [pool.thing(name, place, held_out=held_out) for place in range(looked)]
        places = retrieval.distinct(name, [thing.labels for thing in things], most)
        if len(places) == most:
            break
    return [things[place] for place in places]
