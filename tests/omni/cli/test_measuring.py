"""`omni eval` and `omni bench`: the forms that programs read, and what people see."""

import json

import pytest
from PIL import Image

from omni.evaluation import compression, nano, selection_speed, speed
from omni.evaluation.rows import Cell

ROWS = [
    Cell("image", "text", "new seeds", "exact words").row([True, False]),
    {**Cell("series", "forecast", "nile", "MASE").row([]), "score": 0.91},
]
TIMES = [
    {
        **{"case": "picture", "seconds": 0.5, "rival": "plain", "rival_seconds": 0.6},
        **{"ratio": 1.2, "tokens_per_second": 130.0, "equal": True, "limit_seconds": 4.0},
    }
]


@pytest.fixture
def asked(monkeypatch):
    """What was asked to be measured; nothing is."""
    calls = []

    def measured(model, *, progress, placement, **settings):
        calls.append((model, settings))
        cell = Cell("image", "text", "new seeds", "exact words")
        progress.begin(cell, 2)
        progress.step(2)
        progress.end(ROWS[0])
        return {"what": "nano", "rows": [] if settings["cells"] == ["none"] else ROWS}

    monkeypatch.setattr(nano, "measure", measured)
    return calls


def test_json_is_one_object_and_progress_is_beside_it(omni, asked):
    ran = omni("eval", "nano", "--count", "2", "--cells", "image>*", "--budget", "9", "--json")
    assert ran.code == 0 and json.loads(ran.out)["rows"] == ROWS
    assert ran.err.splitlines() == ["image  text  new seeds  2  50.0 %  exact words"]
    assert asked == [("nano", {"count": 2, "cells": ["image>*"], "budget": 9})]


def test_people_see_a_table(omni, asked, tmp_path):
    ran = omni("eval", "nano", "--plots", tmp_path / "plots")
    lines = ran.out.splitlines()
    assert ran.code == 0 and len(lines) == 3 and lines[0].split()[:2] == ["input", "output"]
    assert "50.0 %" in lines[1] and "0.910" in lines[2]
    with Image.open(tmp_path / "plots" / "matrix.png") as matrix:
        assert matrix.size > (400, 200)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("eval", "nono"), "invalid choice: 'nono'"),
        (("eval", "nano", "--count", "0"), "--count is a number above 0, not 0"),
        (("eval", "nano", "--cells", "none"), "no cell is called none"),
        (("bench", "nano", "--repeats", "-1"), "--repeats is a number above 0, not -1"),
        (("eval", "nano", "--device", "abacus"), "unknown device 'abacus'"),
        (("eval", "compression", "--budget", "9"), "--budget is for omni eval nano, not for"),
        (("eval", "nano", "--keep", "0.1"), "--keep is for omni eval compression, not for nano"),
        (("eval", "compression", "--keep", "2"), "--keep is a share above 0 and up to 1, not 2.0"),
        (("eval", "compression", "--cells", "dancing"), "unknown skill 'dancing'"),
        (
            ("bench", "nano", "--methods", "topk"),
            "--methods is for omni bench select, not for nano",
        ),
        (("bench", "select", "--methods", "magic"), "unknown compression plug-in 'magic'"),
    ],
)
def test_bad_input_is_told_in_one_line(omni, asked, arguments, told):
    ran = omni(*arguments)
    assert ran.code == 2 and told in ran.err.splitlines()[-1] and ran.out == ""


def test_bench_prints_the_form_of_the_design(omni, monkeypatch):
    monkeypatch.setattr(speed, "measure", lambda repeats, **settings: TIMES)
    ran = omni("bench", "nano", "--repeats", "3", "--json")
    found = json.loads(ran.out)
    assert ran.code == 0 and set(found) == {"what", "device", "versions", "repeats", "rows"}
    assert found["repeats"] == 3 and found["rows"] == TIMES
    table = omni("bench", "nano").out.splitlines()
    assert len(table) == 2 and "1.20" in table[1] and "true" in table[1]


def test_what_selection_costs_is_told_and_drawn(omni, monkeypatch, tmp_path):
    def measured(model, *, methods, keep, count, skills, placement, progress):
        assert (model, methods, keep, count, skills) == ("nano", ["topk"], (0.1,), 2, ["counting"])
        full = Cell("counting", "text", "full", "exact words").row([True, True], keep=1.0)
        some = Cell("counting", "text", "topk", "exact words").row([True, False], keep=0.1)
        rows = [row | {"task": row["input"], "method": row["split"]} for row in (full, some)]
        return {"what": "compression", "rows": rows}

    monkeypatch.setattr(compression, "measure", measured)
    given = "--methods", "topk", "--keep", "0.1", "--count", "2", "--cells", "counting"
    ran = omni("eval", "compression", *given, "--plots", tmp_path)
    assert ran.code == 0 and "50.0 %" in ran.out and "full" in ran.out
    with Image.open(tmp_path / "compression.png") as curves:
        assert curves.size > (300, 200)


def test_selectors_are_timed_beside_plain_loops(omni, monkeypatch):
    shapes = {"small": (selection_speed.Shape(24, 4, 8),), "other": ()}
    monkeypatch.setattr(selection_speed, "SHAPES", shapes)
    given = "--methods", "topk", "--methods", "dpp", "--shapes", "small", "--repeats", "1"
    ran = omni("bench", "select", *given)
    head, topk, dpp = ran.out.splitlines()
    assert ran.code == 0 and head.split()[:2] == ["case", "ms"]
    assert topk.startswith("topk, 24→4, 8") and "%" in dpp
