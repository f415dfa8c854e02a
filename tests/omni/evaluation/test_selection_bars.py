"""Whether the answers say that a bar was reached."""

import pytest

from omni.evaluation.selection_bars import bars

FULL = [True] * 70 + [False] * 30
GOOD = [True] * 80 + [False] * 20
POOR = [False] * 50 + [True] * 50


def hits(**methods):
    tasks = ("one of several", "fine detail")
    return {
        (task, name, 1.0 if name == "full" else 0.11): own
        for task in tasks
        for name, own in methods.items()
    }


def test_the_best_that_listens_is_compared_with_all_tokens_chance_and_the_best_that_does_not():
    found = bars(
        hits(full=FULL, random=POOR, deaf=FULL, listens=GOOD, ear=POOR), {"listens", "ear"}
    )
    assert [(bar.ours, bar.theirs, bar.n, bar.met) for bar in found] == [
        ("listens", "full", 200, True),
        ("listens", "random", 200, True),
        ("listens", "deaf", 200, True),
    ]
    assert [round(bar.reached.value, 3) for bar in found] == [1.143, 0.3, 0.1]


def test_a_lead_within_the_error_is_no_lead():
    nearly = GOOD.copy()
    nearly[0], nearly[90] = False, True
    nearly[91] = True
    *_, blind = bars(hits(full=FULL, deaf=GOOD, listens=nearly), {"listens"})
    assert blind.theirs == "deaf" and blind.reached.value > 0 and not blind.met


def test_relations_are_counted_in_and_left_out():
    own = hits(full=FULL, random=POOR, listens=GOOD)
    own |= {
        ("relations", name, 1.0 if name == "full" else 0.11): POOR
        for name in ("full", "random", "listens")
    }
    named, _, both, ahead = bars(own, {"listens"})
    assert named.n == 200 and both.n == 300
    assert ahead.reached.value == pytest.approx(0.2)


def test_what_falls_short_is_not_reached():
    found = bars(hits(full=GOOD, random=POOR, listens=POOR), {"listens"})
    assert [bar.met for bar in found] == [False, False]
    assert str(found[1]).endswith("NOT reached; listens beside random +0.0 points (+0.0 to +0.0)")


@pytest.mark.parametrize(("right", "met"), [(68, True), (67, False)])
def test_turns_may_lose_two_points(right, met):
    turns = {
        ("several turns", "full", 1.0): FULL,
        ("several turns", "listens", 0.11): [True] * right + [False] * (100 - right),
        ("several turns", "listens", 0.05): GOOD,
        ("several turns", "listens, chosen once", 0.11): GOOD,
    }
    (bar,) = bars(turns, {"listens"})
    assert bar.theirs == "full" and bar.ours == "listens" and bar.met == met


def test_nothing_is_judged_of_what_nobody_asked():
    assert bars({("video", "full", 1.0): FULL, ("video", "listens", 0.11): GOOD}, {"listens"}) == []
    assert bars(hits(full=FULL, deaf=GOOD), set()) == []


def test_programs_read_the_interval_too():
    told = bars(hits(full=FULL, listens=GOOD), {"listens"})[0].to_json()
    assert told["reached"]["low"] <= told["reached"]["value"] == pytest.approx(1.1429)
    assert told["told"].startswith("one named thing of several, 11 % of the tokens: 95 %")
    assert "reached; listens beside full 114.3 % (" in told["told"]
    assert told["met"] is True and told["n"] == 200
