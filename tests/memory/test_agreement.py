"""What is said of records is held against them, and what does not agree is dropped."""

import numpy as np
import pytest

from omni.memory.knowledge.agreement import FEWEST, agreements, bound, kept
from tests.memory.linked_records import unit


def test_the_bound_parts_what_agrees_from_what_was_made_up():
    rng = np.random.default_rng(0)
    sources = unit(rng.normal(size=(60, 32)))
    right = unit(sources + 0.15 * rng.normal(size=(60, 32)))
    made_up = unit(rng.normal(size=(30, 32)))
    passed, found = kept(np.concatenate([right, made_up]), sources, [*range(60), *range(30)])
    assert found is not None and found.told and found.area > 0.8
    assert passed[:60].mean() > 0.9 and passed[60:].mean() < 0.2


def test_where_likeness_tells_nothing_nothing_is_dropped():
    rng = np.random.default_rng(1)
    sources, said = unit(rng.normal(size=(40, 16))), unit(rng.normal(size=(40, 16)))
    passed, found = kept(said, sources, range(40))
    assert found is not None and not found.told and passed.all()
    few = kept(said[: FEWEST - 1], sources, range(FEWEST - 1))
    assert few[1] is None and few[0].all()


def test_the_bound_is_the_best_of_all_by_trying():
    rng = np.random.default_rng(2)
    statements, sources = unit(rng.normal(size=(30, 8))), unit(rng.normal(size=(30, 8)))
    own, others = agreements(unit(statements + sources), sources, range(30))
    found = bound(own, others)

    def gain(least):
        return (own >= least).mean() - (others >= least).mean()

    assert gain(found.least) == pytest.approx(max(gain(one) for one in own))
    pairs = (own[:, None] > others.ravel()).mean()
    assert found.area == pytest.approx(pairs)
