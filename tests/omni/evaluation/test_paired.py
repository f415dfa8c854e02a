"""Intervals of what is compared question by question."""

import numpy as np
import pytest
from scipy import stats

from omni.errors import UsageError
from omni.evaluation import paired


def answers(seed, share, count=300):
    return (np.random.default_rng(seed).random(count) < share).tolist()


def test_the_interval_of_a_score_is_that_of_scipy():
    hits = answers(1, 0.7)
    found = paired.score(hits)
    true = stats.bootstrap(
        (np.asarray(hits, float),), np.mean, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    assert found.value == pytest.approx(np.mean(hits))
    assert (found.low, found.high) == pytest.approx((true.low, true.high), abs=0.01)


def test_pairs_tell_more_than_two_scores():
    theirs = answers(2, 0.6)
    ours = [hit or place % 10 == 0 for place, hit in enumerate(theirs)]
    together = paired.difference(ours, theirs)
    apart = paired.difference(ours, theirs[::-1])
    assert together.value == apart.value > 0
    assert together.low > 0 and together.high - together.low < (apart.high - apart.low) / 2


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_the_truth_is_in_the_interval_about_as_often_as_is_said(shift):
    inside = 0
    for seed in range(100):
        found = paired.difference(answers(seed, 0.6 + shift), answers(1000 + seed, 0.6))
        inside += found.low <= shift <= found.high
    assert 88 <= inside <= 100


def test_what_is_retained_is_a_share_of_the_right_answers():
    full = [True] * 50 + [False] * 50
    assert paired.retained(full, full) == paired.Interval(1.0, 1.0, 1.0)
    half = paired.retained([True] * 25 + [False] * 75, full)
    assert half.value == 0.5 and 0.3 < half.low < 0.5 < half.high < 0.7
    assert paired.retained([True] * 100, full).value == 2.0


def test_a_figure_is_told_in_points():
    assert str(paired.Interval(0.153, -0.01, 0.2)) == "+15.3 points (-1.0 to +20.0)"
    assert paired.Interval(1.311, 1.2, 1.4).as_share() == "131.1 % (120.0 to 140.0)"


@pytest.mark.parametrize("pair", [([True], [True, False]), ([], [])])
def test_other_questions_are_not_compared(pair):
    with pytest.raises(UsageError, match="compare the same questions"):
        paired.difference(*pair)


def test_nothing_is_retained_of_nothing():
    with pytest.raises(UsageError, match="never right"):
        paired.retained([True], [False])
    with pytest.raises(UsageError, match="no answers"):
        paired.score([])
