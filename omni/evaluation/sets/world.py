"""Our own world as sets: everything in one index, near-duplicates, and a picture with a wish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from omni.errors import UsageError
from omni.evaluation.sets.collection import Collection, Item, Question
from omni.evaluation.sets.docstrings import docstrings
from omni.evaluation.sets.near_duplicates import KINDS, family, told
from omni.media import Media
from omni.modality import modality
from omni.nano import corpus
from omni.nano.facts import plain
from omni.nano.world import group, words

SEED = 23_000
EACH = 160
HELD_OUT = 20
"""Of each modality, so many are of combinations that no training saw."""

PASSAGES = 200
FAMILIES = 120
SCENES = 80
_TRIES = 40


def world(split: str = "", seed: int = SEED) -> Collection:
    """A set of the embedded model's world, from seeds that no training uses.

    Args:
        split: empty for 1,000 things of six modalities, of which no two media are alike; `hard`
            for pictures that differ from seven others in one respect; `composed` for a picture and
            what is to be otherwise.
        seed: of what is in it; anything that is tuned is tuned on another than `SEED`.

    Raises:
        UsageError: for another one.
    """
    if split not in _SPLITS:
        raise UsageError(f"the world has the splits {', '.join(filter(None, _SPLITS))}: {split!r}")
    return _SPLITS[split](seed).checked()


def _everything(seed: int) -> Collection:
    items, questions = [], []
    for name in corpus.MODALITIES:
        seen: set[str] = set()
        for held_out, most in ((False, EACH - HELD_OUT), (True, EACH)):
            rng = np.random.default_rng((seed, corpus.MODALITIES.index(name), held_out))
            for _ in range(_TRIES * EACH):
                if len(seen) == most:
                    break
                found = corpus.SOURCES[name](rng, held_out)
                words_ = plain(name, found.labels)
                if found.labels.get("outside") or words_ in seen:
                    continue
                id = f"{name}-{len(seen)}"
                seen.add(words_)
                items.append(Item(id, media=_saved(name, found.value, id)))
                kind = f"{name}, held out" if held_out else name
                questions.append(Question(id, words_, {id: 1.0}, kind=kind))
    passages = docstrings("sklearn", most=PASSAGES)
    items += [Item(f"text-{one.id}", one.text[:600]) for one in passages.items]
    metrics = ("recall@1", "mrr@10", "ndcg@10")
    source = "plain description → the thing, among all modalities"
    return Collection("world", items, questions, metrics, source)


def _near(seed: int) -> Collection:
    """Pictures of two to four things, each among seven that differ from it in one respect."""
    rng = np.random.default_rng((seed, 10))
    items, questions = [], []
    for number in range(FAMILIES):
        kind = KINDS[number % len(KINDS)]
        whole = family(rng, kind)
        for place, each in enumerate(whole):
            id = f"scene-{number}-{place}"
            items.append(Item(id, media=_saved("image", group.draw(each), id)))
        id = f"scene-{number}-0"
        questions.append(Question(id, told(whole[0]), {id: 1.0}, kind=kind))
    metrics = ("ndcg@10", "recall@1", "mrr@10")
    source = "plain description → the picture, among near-duplicates"
    return Collection("world:hard", items, questions, metrics, source)


def _composed(seed: int) -> Collection:
    """A picture and a wish; the same asked by the picture alone and by the words alone."""
    rng = np.random.default_rng((seed, 11))
    items, cast = [], []
    for number in range(EACH):
        one = group.sample(rng, count=1, held_out=False)
        id = f"picture-{number}"
        items.append(Item(id, media=_saved("image", group.draw(one), id)))
        cast.append((id, one.things[0]))
    questions = []
    while len(questions) < 3 * SCENES:
        shown = group.sample(rng, count=1, held_out=False)
        thing, colour = shown.things[0], str(rng.choice(list(words.COLOURS)))
        pairs = {id for id, one in cast if (one.colour, one.shape) == (colour, thing.shape)}
        if colour == thing.colour or not pairs:
            continue
        right = dict.fromkeys(sorted(pairs), 1.0)
        number = len(questions) // 3
        picture = (_saved("image", group.draw(shown), f"shown-{number}"),)
        wish = f"but {colour}"
        questions += [
            Question(f"{number} both", wish, right, picture, kind="picture and words"),
            Question(f"{number} picture", "", right, picture, kind="picture alone"),
            Question(f"{number} words", wish, right, kind="words alone"),
        ]
    metrics = ("hit@1", "mrr@10", "ndcg@10")
    source = "a picture and 'but blue' → pictures of the same shape in that colour"
    return Collection("world:composed", items, questions, metrics, source)


_SPLITS: dict[str, Callable[[int], Collection]] = {
    "": _everything,
    "hard": _near,
    "composed": _composed,
}


def _saved(name: str, value: Any, id: str) -> Media:
    return modality(name).save(value, name=id)
