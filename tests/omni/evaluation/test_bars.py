"""Whether what was to be reached was, told from rows alone; and the card that tells it."""

import json

import pytest
from PIL import Image

from omni.evaluation.bars import bars
from omni.evaluation.heatmap import INPUTS, OUTPUTS
from omni.evaluation.nano import HELD_OUT, NEW
from omni.nano import card


def row(given, output, split, score, **more):
    names = {"input": given, "output": output, "split": split}
    return {**names, "n": 200, "score": score, "judge": "a judge", **more}


def good():
    """Rows of a model that reaches everything."""
    cells = [(given, output) for given in INPUTS for output in OUTPUTS]
    return [
        *(row(*cell, NEW, 0.96) for cell in cells),
        *(row(*cell, HELD_OUT, 0.92) for cell in cells[1:]),
        *(row("two inputs", output, NEW, 0.9) for output in OUTPUTS),
        row("any", "any", "multi-turn", 0.9),
        row("image", "text", "outside the world", 0.95),
        row("media", "text", "router", 0.95),
        row("media", "text", "router, uniform mixing", 0.8),
        row("media", "text", "router, shuffled experts", 0.1),
        row("all", "experts", "router, load", 0.1, load=[0.1, 0.9]),
        row("text", "image", "search, new seeds", 0.93),
        row("image", "text", "search, new seeds", 0.4),
        row("text", "image", "search, held-out pairs", 0.93),
        row("text", "image", "search, people's words", 0.8),
        row("image", "text", "unseen wordings", 0.85),
        row("image", "text", "the same in templates", 0.93),
        *(
            row("series", "forecast", f"series {n}", 0.9, judge="MASE", mase=0.9, autoets=0.8)
            for n in range(7)
        ),
    ]


TIMES = [
    {
        **{"case": name, "seconds": 0.2, "rival_seconds": 0.3, "ratio": 1.5, "equal": True},
        **{"tokens_per_second": 200.0, "tokens": 9, **more},
    }
    for name, more in (("answer, image", {}), ("picture", {"limit_seconds": 4.0}))
]


def unmet(rows, times=TIMES):
    return [bar.wanted for bar in bars(rows, times) if bar.met is not True]


def test_a_good_model_reaches_everything():
    assert not unmet(good())


@pytest.mark.parametrize(
    ("cell", "score", "missed"),
    [
        (("video", "audio", NEW), 0.89, "all 18 cells at 90 % or more"),
        (("points", "image", HELD_OUT), 0.90, "held-out combinations within 5 points"),
        (("two inputs", "image", NEW), 0.84, "two inputs at 85 % or more"),
        (("any", "any", "multi-turn"), 0.84, "several turns at 85 % or more"),
        (("image", "text", "outside the world"), 0.89, "what is outside the world"),
        (("media", "text", "router, uniform mixing"), 0.95, "the router's choices"),
        (("all", "experts", "router, load"), 0.01, "no expert below 2 %"),
        (("text", "image", "search, new seeds"), 0.89, "recall at 1 of 200"),
        (("image", "text", "unseen wordings"), 0.82, "questions in unseen wordings"),
    ],
)
def test_each_bar_is_missed_by_what_misses_it(cell, score, missed):
    rows = [
        {**each, "score": score} if (each["input"], each["output"], each["split"]) == cell else each
        for each in good()
    ]
    assert [wanted.startswith(missed) for wanted in unmet(rows)] == [True]


@pytest.mark.parametrize(("held_out", "new"), [(0.84, 0.89), (0.93, 0.98)])
def test_a_gap_of_just_five_points_is_within_five(held_out, new):
    """In binary fractions 0.84 is further than 0.05 from 0.89."""
    scores = {HELD_OUT: held_out, NEW: new}
    rows = [
        {**each, "score": scores[each["split"]]}
        if (each["input"], each["output"]) == ("points", "image")
        else each
        for each in good()
    ]
    assert "held-out combinations within 5 points of the others" not in unmet(rows)


def test_forecasts_are_judged_by_how_many_are_better_and_by_their_median():
    rows = good()
    for each in [each for each in rows if each["output"] == "forecast"][:3]:
        each |= {"score": 1.0, "mase": 2.0}
    assert [wanted[:14] for wanted in unmet(rows)] == ["forecasts beat"]
    for each in [each for each in rows if each["output"] == "forecast"]:
        each |= {"score": 0.9, "mase": 0.93}
    assert [wanted[:10] for wanted in unmet(rows)] == ["the median"]


def test_forecasts_without_the_rival_are_not_called_as_good():
    rows = [each | {"autoets": None} if "autoets" in each else each for each in good()]
    assert [wanted[:10] for wanted in unmet(rows)] == ["the median"]
    rows = [each | {"score": None} if "autoets" in each else each for each in good()]
    assert len(unmet(rows)) == 2


def test_what_was_not_measured_is_not_called_reached():
    assert len(unmet([], [])) == len(bars([], []))
    assert all(bar.met is None for bar in bars([], []))


def test_a_missing_cell_is_not_reached():
    assert "all 18 cells at 90 % or more" in unmet(good()[1:])


def test_slow_answers_are_told():
    slow = [{**TIMES[0], "tokens_per_second": 40.0, "ratio": 0.9}, {**TIMES[1], "seconds": 5.0}]
    assert len(unmet(good(), slow)) == 3


def test_the_card_states_every_figure(tmp_path):
    versions = {"python": "3", "torch": "2", "transformers": "5"}
    head = {"device": "cpu, two threads", "versions": versions}
    (tmp_path / "eval.json").write_text(json.dumps({**head, "seconds": 60, "rows": good()}))
    (tmp_path / "bench.json").write_text(json.dumps({**head, "rows": TIMES}))
    (tmp_path / "image.figures.json").write_text('{"seen": {"all": 0.98765}}')
    (tmp_path / "image.log.jsonl").write_text('{"minutes": 1}\n{"minutes": 12.5}\n')
    (tmp_path / "language.figures.json").write_text('{"parameters": 1234567, "minutes": 30.0}')
    card.write(tmp_path, tmp_path, how="All of it on one machine.")
    written = (tmp_path / "README.md").read_text()
    assert "1,234,567 parameters" in written and "--minutes 180" in written
    assert "| image | 12.5 |" in written and "0.9877" in written
    for given in INPUTS:
        for output in OUTPUTS:
            assert f"| {given} | {output} | {NEW} | 200 | 96.0 % |" in written
    assert "| series | forecast | series 3 | 200 | 0.900 |" in written
    assert "| all | 10.0 % | 90.0 % |" in written
    assert "**not reached**" not in written and "All of it on one machine." in written
    with Image.open(tmp_path / "matrix.png") as picture:
        assert picture.size[0] > 400
    assert (tmp_path / "matrix.png").stat().st_size < 60_000
