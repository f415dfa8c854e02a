"""Schedules over layers: what they say, and how they are found; against all there are."""

import json
import math
from itertools import pairwise, product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.compression.attach import compress
from omni.compression.dropping import search
from omni.compression.dropping.faithful import Faithful
from omni.compression.dropping.schedule import Schedule, Stage
from omni.compression.dropping.tuning import tune
from omni.errors import UsageError
from omni.kernels import naive_dropping
from tests.omni.compression.families import family

GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
SAMPLES = [(1, 5, None, 7, 8, None, 9, 10), (1, None, 12, 13), (1, 20, None, 21)]


@pytest.fixture(scope="module")
def faithful():
    found = family("llava")
    samples = [found.prompt(one, generator=number) for number, one in enumerate(SAMPLES)]
    return found, samples, Faithful(found.model, samples)


shares = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(lambda x: sorted(x, reverse=True))


@given(shares, st.lists(st.integers(1, 300), min_size=1, max_size=4), st.integers(1, 5))
@settings(deadline=None)
def test_counts_never_rise_and_survive_json(after, sizes, floor):
    whole = [1.0, *after]
    if all(share == 1 for share in after):
        with pytest.raises(UsageError, match="at least one stage"):
            Schedule.of_shares(whole)
        return
    schedule = Schedule.of_shares(whole, "fastv", layer=2)
    assert schedule.shares(len(whole)) == whole
    assert schedule.mean(len(whole)) == pytest.approx(sum(whole) / len(whole))
    assert Schedule.from_json(schedule.to_json()) == schedule
    counts = [sizes, *schedule.counts(sizes, floor)]
    for one, two in pairwise(counts):
        assert all(0 <= later <= earlier for earlier, later in zip(one, two, strict=True))
    for stage, planned in zip(schedule.stages, counts[1:], strict=True):
        for size, count in zip(sizes, planned, strict=True):
            wanted = min(size, max(floor, round(size * stage.keep)))
            assert count == (wanted if stage.keep else 0)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((), "at least one stage"),
        (((0, 0.5),), "before layer 1 or a later one, not 0"),
        (((1.5, 0.5),), r"before layer 1 or a later one, not 1\.5"),
        (((True, 0.5),), "before layer 1 or a later one, not True"),
        (((1, -0.1),), r"a share from 0 to 1, not -0\.1"),
        (((1, math.nan),), "a share from 0 to 1, not nan"),
        (((2, 0.5), (2, 0.4)), "layers of stages ascend, but 2 follows 2"),
        (((1, 0.5), (2, 0.6)), r"layer 2 cannot keep 0\.6, after layer 1 has kept 0\.5"),
    ],
)
def test_schedules_that_cannot_be_are_refused(stages, message):
    with pytest.raises(UsageError, match=message):
        Schedule(tuple(Stage(*one) for one in stages))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"stages": [{"layer": 1}]}', '{"stages": 3}', '{"stages": [1]}']
)
def test_what_is_no_schedule_is_not_read(text):
    with pytest.raises(UsageError, match="schedule"):
        Schedule.from_json(text)


def never(schedule: Schedule) -> float:
    raise AssertionError("nothing is measured before arguments are looked at")


def every(depth, grid=GRID):
    """All schedules of non-rising shares that drop something, as their shares."""
    for after in product(grid, repeat=depth - 1):
        if list(after) == sorted(after, reverse=True) and after[-1] < 1:
            yield (1.0, *after)


@pytest.mark.parametrize("seed", range(20))
def test_greedy_search_finds_the_least_of_all_schedules(seed):
    """Against all of them, where more tokens never make it worse."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(5, generator=generator).tolist()

    def worth(schedule):
        seen = schedule.shares(5)
        return sum(w * s**0.5 for w, s in zip(weights, seen, strict=True)) / sum(weights)

    found = search.g_search(worth, 5, least=0.7, grid=GRID)
    good = [one for one in every(5) if worth(Schedule.of_shares(one)) >= 0.7]
    assert tuple(found.shares(5)) == min(good)
    assert found.method == "fastv"


def test_greedy_search_on_a_model(faithful):
    _, _, worth = faithful
    table = {one: worth(Schedule.of_shares(one, "fastv")) for one in every(3)}
    least = sorted(table.values())[len(table) // 2]
    found = search.g_search(worth, worth.depth, least=least, grid=GRID)
    chosen = (1.0, *found.shares(3)[1:])
    assert table[chosen] >= least
    lower = [
        one
        for one in table
        if all(a <= b for a, b in zip(one, chosen, strict=True)) and table[one] >= least
    ]
    assert min(lower) == chosen, "no schedule below it is good enough"


def test_untouched_is_wholly_faithful(faithful):
    found, samples, worth = faithful
    assert worth(Schedule((Stage(1, 1.0),), "fastv")) == pytest.approx(1, abs=1e-6)
    schedule = Schedule((Stage(1, 0.25),), "fastv")
    expected = []
    for sample in samples:
        whole = found.model.model(**sample).last_hidden_state[0, -1].detach()
        with compress(found.model, schedule=schedule, floor=1):
            short = found.model.model(**sample).last_hidden_state[0, -1].detach()
        expected.append(float(whole @ short / whole.norm() / short.norm()))
    assert worth(schedule) == pytest.approx(sum(expected) / 3, abs=1e-5)
    assert worth(schedule) < 0.999


@pytest.mark.parametrize(("depth", "budget"), [(8, 0.3), (32, 0.15), (32, 0.9), (3, 0.5)])
@pytest.mark.parametrize("steep", [8.0, 30.0])
def test_curves_meet_the_budget(depth, budget, steep):
    found = search.curve(depth, steep, budget)
    assert found[0] == 1 and all(one >= two >= 0 for one, two in pairwise(found))
    assert sum(found) / depth == pytest.approx(budget, abs=1e-6)


def test_curves_are_logistic():
    wanted = naive_dropping.sigmoid(12, 9.0, 0.4)
    found = search.curve(12, 9.0, sum(wanted) / 12)
    assert found == pytest.approx(wanted, abs=1e-6)


def test_sigmoid_search_is_near_the_best_curve(faithful):
    _, _, worth = faithful
    found = search.p_sigmoid(worth, worth.depth, budget=0.6, trials=12)
    assert found.mean(3) == pytest.approx(0.6, abs=1e-6)
    steep = [math.exp(step / 8) for step in range(33)]
    tried = [search.curve(3, one, 0.6) for one in steep]
    tried = [one for one in tried if abs(sum(one) / 3 - 0.6) < 1e-6]
    best = max(worth(Schedule.of_shares(one, "fastv")) for one in tried)
    assert worth(found) >= best - 1e-3


def test_three_cuts_are_near_the_best():
    """Against a grid, where what is best is known: later layers need far less."""

    def worth(schedule):
        shares = schedule.shares(28)
        return sum(share**0.5 * (28 - layer) for layer, share in enumerate(shares))

    found = search.vflowopt(worth, 28, budget=0.4)
    assert [stage.layer for stage in found.stages] == [1, 9, 18]
    assert found.mean(28) <= 0.4 + 1e-9
    best = 0.0
    for one, two, three in product([step / 20 for step in range(21)], repeat=3):
        if one >= two >= three:
            trial = Schedule((Stage(1, one), Stage(9, two), Stage(18, three)))
            if trial.mean(28) <= 0.4:
                best = max(best, worth(trial))
    assert worth(found) >= 0.99 * best


def test_what_was_found_runs_and_is_written_down(faithful):
    found, samples, worth = faithful
    schedule = search.p_sigmoid(worth, 3, budget=0.5, trials=4, method="pyramiddrop")
    again = Schedule.from_json(json.loads(json.dumps(schedule.to_json())))
    with compress(found.model, schedule=again, floor=1) as dropped:
        found.model(**samples[0])
    planned = again.counts([16, 16])[-1]
    assert dropped.selections[0].kept == tuple(planned)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_tuning_beats_points_without_a_plan(size):
    """It finds a peak better than as many points of the sequence it starts from."""
    peak = (0.62, 0.31, 0.8)[:size]

    def worth(point):
        return -sum((a - b) ** 2 for a, b in zip(point, peak, strict=True))

    tried: list[Any] = []
    best, value = tune(lambda point: tried.append(point) or worth(point), size, 24)
    assert value == worth(best) == max(worth(point) for point in tried)
    assert len(tried) == len(set(tried)) == 24
    assert tune(worth, size, 24) == (best, value)
    assert math.sqrt(-value) < 0.03 * 2 ** (size - 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: search.p_sigmoid(never, 4, budget=0.25), "between the first layer's part, 1/4"),
        (lambda: search.p_sigmoid(never, 4, budget=1.0), "and 1, not 1.0"),
        (lambda: search.vflowopt(never, 3, budget=0.5), "three cuts need 4 layers at least, not 3"),
        (lambda: search.g_search(lambda _: 0.0, 4), "nothing can be dropped"),
        (lambda: search.g_search(lambda _: 1.0, 1), "two layers at least, not 1"),
        (lambda: search.g_search(lambda _: 1.0, 3, grid=[2.0]), "shares from 0 to 1"),
        (lambda: tune(lambda _: math.nan, 1), "a point is worth nan"),
        (lambda: tune(lambda _: 1.0, 1, 0), "trials is 1 at least, not 0"),
        (lambda: Faithful(family("llava").model, []), "give at least one"),
    ],
)
def test_searches_that_cannot_be_are_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()
