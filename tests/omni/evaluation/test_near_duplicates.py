"""Families of pictures: in what their members differ, and that nobody could read them otherwise."""

from collections import Counter

import numpy as np
import pytest

from omni.evaluation.sets import near_duplicates as near
from omni.evaluation.sets.world import SEED, world
from omni.nano.world import group, words


def rows(one):
    return [(row["size"], row["colour"], row["shape"]) for row in group.describe(one)]


@pytest.mark.parametrize("kind", near.KINDS)
def test_members_differ_from_the_first_in_one_respect(kind):
    for seed in range(6):
        family = near.family(np.random.default_rng(seed), kind)
        assert len(family) == near.ALIKE
        assert len({near.told(one) for one in family}) == near.ALIKE
        first, *others = [rows(one) for one in family]
        for other in others:
            if kind == "how many":
                more = Counter(other) - Counter(first), Counter(first) - Counter(other)
                assert sum(map(len, more)) == 1 and abs(len(other) - len(first)) == 1
            elif kind == "one attribute":
                changed = [
                    sum(a != b for a, b in zip(one, two, strict=True))
                    for one, two in zip(first, other, strict=True)
                ]
                assert sorted(changed) == [0] * (len(first) - 1) + [1]
            else:
                assert other != first
                for place in (1, 2):  # as many of each colour, and of each shape
                    assert Counter(row[place] for row in other) == Counter(
                        row[place] for row in first
                    )


@pytest.mark.parametrize("kind", near.KINDS)
def test_order_is_clear_and_nothing_is_held_out(kind):
    for seed in range(6):
        for one in near.family(np.random.default_rng(100 + seed), kind):
            across = [row["x"] for row in group.describe(one)]
            assert min(np.diff(across), default=1.0) >= 0.05 - 1e-9
            assert not {(thing.colour, thing.shape) for thing in one.things} & words.HELD_OUT
            assert group.draw(one).size == one.resolution


def test_the_hard_split_is_the_same_for_a_seed_and_another_for_another(monkeypatch):
    monkeypatch.setattr("omni.evaluation.sets.world.FAMILIES", 3)
    first, again, other = (world("hard", seed) for seed in (SEED, SEED, SEED + 1))
    assert [one.text for one in first.questions] == [one.text for one in again.questions]
    assert [one.text for one in first.questions] != [one.text for one in other.questions]
    assert [one.kind for one in first.questions] == list(near.KINDS)
    digests = {item.media.digest for item in first.items if item.media}
    assert len(first.items) == 3 * near.ALIKE == len(digests)
