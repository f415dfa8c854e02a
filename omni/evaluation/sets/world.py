"""Our own world as sets: everything in one index, near-duplicates, and a picture with a wish."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from omni.errors import UsageError
from omni.evaluation.sets.collection import Collection, Item, Question
from omni.evaluation.sets.docstrings import docstrings
from omni.media import Media
from omni.modality import modality
from omni.nano import corpus
from omni.nano.facts import plain
from omni.nano.world import group, scene, words

SEED = 23_000
EACH = 160
PASSAGES = 200
SCENES = 80
_ALIKE = 8
_TRIES = 40


def world(split: str = "") -> Collection:
    """A set of the embedded model's world, from seeds that no training uses.

    Args:
        split: empty for 1,000 things of six modalities, of which no two media are alike; `hard`
            for pictures that differ from seven others in one thing; `composed` for a picture and
            what is to be otherwise.

    Raises:
        UsageError: for another one.
    """
    if split not in _SPLITS:
        raise UsageError(f"the world has the splits {', '.join(filter(None, _SPLITS))}: {split!r}")
    return _SPLITS[split]().checked()


def _everything() -> Collection:
    items, questions = [], []
    for name in corpus.MODALITIES:
        rng = np.random.default_rng((SEED, corpus.MODALITIES.index(name)))
        seen: set[str] = set()
        for _ in range(_TRIES * EACH):
            found = corpus.SOURCES[name](rng, False)
            words_ = plain(name, found.labels)
            if found.labels.get("outside") or words_ in seen:
                continue
            id = f"{name}-{len(seen)}"
            seen.add(words_)
            items.append(Item(id, media=_saved(name, found.value, id)))
            questions.append(Question(id, words_, {id: 1.0}, kind=name))
            if len(seen) == EACH:
                break
    passages = docstrings("sklearn", most=PASSAGES)
    items += [Item(f"text-{one.id}", one.text[:600]) for one in passages.items]
    metrics = ("recall@1", "mrr@10", "ndcg@10")
    source = "plain description → the thing, among all modalities"
    return Collection("world", items, questions, metrics, source)


def _near() -> Collection:
    """Pictures of one to four things, each among seven that differ from it in one attribute."""
    rng = np.random.default_rng((SEED, 10))
    items, questions = [], []
    for number in range(SCENES):
        whole = group.sample(rng, count=1 + number % 4, held_out=False)
        for place, each in enumerate([whole, *_variants(whole, rng)]):
            id = f"scene-{number}-{place}"
            items.append(Item(id, media=_saved("image", group.draw(each), id)))
        id = f"scene-{number}-0"
        kind = f"{1 + number % 4} things" if number % 4 else "1 thing"
        questions.append(Question(id, _told(whole), {id: 1.0}, kind=kind))
    metrics = ("ndcg@10", "recall@1", "mrr@10")
    source = "plain description → the picture, among near-duplicates"
    return Collection("world:hard", items, questions, metrics, source)


def _composed() -> Collection:
    """A picture and a wish; the same asked by the picture alone and by the words alone."""
    rng = np.random.default_rng((SEED, 11))
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


_SPLITS: dict[str, Callable[[], Collection]] = {
    "": _everything,
    "hard": _near,
    "composed": _composed,
}


def _variants(whole: group.Group, rng: np.random.Generator) -> list[group.Group]:
    """Scenes of which each differs from the first in one thing's colour or shape, or swaps two."""
    found = [one for one in _changed(whole, rng) if _is_of_the_world(one)]
    told = {_told(whole)}
    kept = []
    for place in rng.permutation(len(found)):
        words_ = _told(found[place])
        if words_ not in told:
            told.add(words_)
            kept.append(found[place])
    return kept[: _ALIKE - 1]


def _changed(whole: group.Group, rng: np.random.Generator) -> Iterator[group.Group]:
    for place, thing in enumerate(whole.things):
        for colour in words.COLOURS:
            if colour != thing.colour:
                yield _with(whole, place, colour=colour, rgb=scene.shade(colour, rng))
        for shape in words.SHAPES:
            if shape != thing.shape:
                yield _with(whole, place, shape=shape)
        for before, other in enumerate(whole.things[:place]):
            swapped = _with(whole, place, colour=other.colour, rgb=other.rgb)
            yield _with(swapped, before, colour=thing.colour, rgb=thing.rgb)


def _with(whole: group.Group, place: int, **changes: Any) -> group.Group:
    things = list(whole.things)
    things[place] = replace(things[place], **changes)
    return replace(whole, things=tuple(things))


def _is_of_the_world(one: group.Group) -> bool:
    return all((thing.colour, thing.shape) not in words.HELD_OUT for thing in one.things)


def _told(one: group.Group) -> str:
    return plain("image", {"objects": group.describe(one)})


def _saved(name: str, value: Any, id: str) -> Media:
    return modality(name).save(value, name=id)
