"""Rows of figures, and the picture of the matrix."""

import io
import itertools
import json

import numpy as np
import pytest

from omni.evaluation import heatmap
from omni.evaluation.rows import Cell, cells_of, figures, timings

CELL = Cell("image", "text", "new seeds", "exact words")


def test_a_row_has_the_fields_of_the_design():
    row = CELL.row([True, True, False])
    assert row == {
        **{"input": "image", "output": "text", "split": "new seeds", "judge": "exact words"},
        **{"n": 3, "score": 0.6667},
    }
    whole = figures("nano", [row], seed=3, device="cpu", seconds=1.0)
    assert set(whole) >= {"what", "seed", "device", "versions", "rows"}
    assert json.loads(json.dumps(whole))["rows"] == [row]
    assert set(timings("nano", [], repeats=2, device="cpu")) == {
        *("what", "device", "versions", "repeats", "rows")
    }


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ([], True),
        (["image>text"], True),
        (["image>*"], True),
        (["*>audio"], False),
        (["new*"], True),
        (["*>audio", "text"], True),
        (["held-out*"], False),
    ],
)
def test_patterns_choose_cells(patterns, chosen):
    assert CELL.matches(patterns) is chosen


def test_scores_are_told_in_per_cent_and_errors_as_they_are():
    assert "66.7 %" in cells_of(CELL.row([True, True, False]))
    assert "0.812" in cells_of({**CELL.row([]), "score": 0.812, "judge": "MASE"})
    assert "not measured" in cells_of({**CELL.row([]), "score": None})


def test_better_scores_are_greener():
    greens = [heatmap.shade(score)[1] - heatmap.shade(score)[0] for score in np.linspace(0, 1, 21)]
    assert all(a < b for a, b in itertools.pairwise(greens[:17]))
    assert heatmap.shade(1.4) == heatmap.shade(1.0) != heatmap.shade(0.8)


def test_the_matrix_shows_each_cell_in_its_place():
    rows = [
        Cell(given, output, split, "").row([True])
        for split in heatmap.SPLITS
        for given in heatmap.INPUTS
        for output in heatmap.OUTPUTS
    ]
    whole = heatmap.matrix(rows)
    stream = io.BytesIO()
    whole.save(stream, "PNG", optimize=True)
    assert stream.tell() < 60_000
    for missing in range(0, len(rows), 7):
        less = heatmap.matrix(rows[:missing] + rows[missing + 1 :])
        seen = np.abs(np.asarray(whole.convert("L"), int) - np.asarray(less.convert("L"), int)) > 4
        down, across = np.argwhere(seen).mean(0)
        panel, place = divmod(missing, 18)
        width = len(heatmap.OUTPUTS) * heatmap._WIDTH + heatmap._GAP
        left = heatmap._LEFT + panel * width + place % 3 * heatmap._WIDTH
        top = heatmap._TOP + place // 3 * heatmap._HEIGHT
        assert left < across < left + heatmap._WIDTH and top < down < top + heatmap._HEIGHT
