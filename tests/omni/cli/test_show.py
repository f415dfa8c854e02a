"""What the budget kept is drawn over the media, told, and found again with the session."""

import json

import numpy as np
import pytest
from PIL import Image

SAMPLES = ("red-circle.png", "moving-right.mp4", "three-beeps.wav", "torus.ply", "rising.csv")


@pytest.fixture
def samples(request):
    return request.config.rootpath / "recipes" / "samples"


def clear_cells(path):
    """Cells of a 12×12 overlay that are as bright as the picture of a circle on white was."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    side = pixels.shape[0] // 12
    cells = pixels[: 12 * side, : 12 * side].reshape(12, side, 12, side, 3)[:, 6:-6, :, 6:-6]
    return np.flatnonzero((cells.max((1, 3, 4)) > 180).ravel()).tolist()


def test_an_answer_shows_what_it_was_made_from(omni, samples, tmp_path):
    kept = tmp_path / "kept"
    ran = omni(
        *("ask", "what is this?", "-a", samples / "red-circle.png", "--session", "s"),
        *("--budget", "16", "--show-selection", kept),
    )
    words, line = ran.out.splitlines()
    assert ran.code == 0 and "circle" in words and ran.err == ""
    assert line.startswith("img-1  16 of 144 tokens kept, ")
    assert line.endswith(f"% of the score dropped  {kept / 'img-1-selection.png'}")
    shown = omni("show", "selection", "s", "--json", "-o", tmp_path)
    told = json.loads(shown.out)
    assert (shown.code, told["session"], told["turn"]) == (0, "s", 1)
    (item,) = told["selection"]["items"]
    assert item["overlay"] == str(tmp_path / "img-1-selection.png")
    assert (
        clear_cells(item["overlay"]) == item["places"] == clear_cells(kept / "img-1-selection.png")
    )
    again = omni("show", "selection", "-o", kept)
    assert again.out.endswith(f"{kept / 'img-1-selection-2.png'}\n")


def test_json_lists_every_picture(omni, samples, tmp_path):
    ran = omni(
        *("ask", "which solid is it?", "-a", *(samples / name for name in SAMPLES), "--json"),
        *("--budget", "60", "--show-selection", tmp_path / "all.png", "--selector", "uniform"),
    )
    selection = json.loads(ran.out)["selection"]
    assert (ran.code, selection["budget"], selection["method"]) == (0, 60, "uniform")
    assert sum(item["kept"] for item in selection["items"]) == selection["kept"] == 60
    names = ["img-1", "vid-1", "aud-1", "pts-1", "ser-1"]
    assert [item["handle"] for item in selection["items"]] == names
    near = [item["near"] for item in selection["items"]]
    assert max(near) == near[3] and selection["items"][3]["kept"] == 32
    for item in selection["items"]:
        assert item["overlay"] == str(tmp_path / f"all-{item['handle']}.png")
        with Image.open(item["overlay"]) as picture:
            assert picture.width >= 600


def test_the_question_may_stand_behind_the_flag(omni, samples, own_home):
    given = ("-a", samples / "red-circle.png", "--show-selection", "what is this?")
    ran = omni("ask", "--session", "t", *given)
    assert ran.code == 0
    assert str(own_home / "selections" / "t" / "img-1-selection.png") in ran.out
    assert "144 of 144 tokens kept  " in ran.out


def test_a_brain_that_tells_of_no_selection_says_so(omni, scripted, red):
    scripted("Red.")
    ran = omni("ask", "what?", "-a", red, "--show-selection", "--session", "u")
    assert (ran.code, ran.out) == (0, "Red.\n")
    assert ran.err == "nothing was selected: attach media, and ask a model of ours\n"
    shown = omni("show", "selection", "u")
    assert shown.code == 2
    assert shown.err.startswith("omni: no turn of this session tells what was kept of media")
    numbered = omni("show", "selection", "u", "--turn", "1")
    assert numbered.err.startswith("omni: turn 1 does not tell what was kept of media")
    refused = omni("ask", "what?", "-a", red, "--selector", "pool")
    assert refused.code == 2 and "leave the selector out" in refused.err


def test_bad_input_is_one_line_before_any_model_is_asked(omni, scripted, red, tmp_path):
    brain = scripted()
    taken = tmp_path / "taken.png"
    taken.touch()
    cases = {
        ("ask", "x", "-a", red, "--show-selection", taken): f"omni: {taken} exists: name another",
        ("ask", "x", "--show-selection", taken / "in"): "omni: cannot make the folder",
        ("ask", "x", "--selector", "magic"): "omni: argument --selector: no selector is called",
        ("show", "magic"): "omni: argument what: invalid choice: 'magic'",
        ("show", "selection", "--turn", "x"): "omni: argument --turn: invalid int value: 'x'",
        ("show", "selection", "nobody"): "omni: no session called 'nobody'",
        ("show", "selection"): "omni: there is no session to resume yet",
    }
    for arguments, message in cases.items():
        ran = omni(*arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert ran.err.startswith(message) and ran.err.count("\n") == 1, (arguments, ran.err)
    assert not brain.asked


def test_a_turn_that_there_is_not_and_media_that_are_gone(omni, samples, own_home, tmp_path):
    given = ("-a", samples / "red-circle.png", "--budget", "9", "--session", "v")
    assert omni("ask", "what is this?", *given).code == 0
    ran = omni("show", "selection", "v", "--turn", "2")
    assert (ran.code, ran.err) == (2, "omni: there is no turn 2: this session has 1\n")
    for blob in (own_home / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    ran = omni("show", "selection", "v", "-o", tmp_path)
    assert ran.code == 1 and "img-1  9 of 144 tokens kept" in ran.out and "no picture: " in ran.out


def test_the_setting_chooses_a_method_and_chat_shows_it(omni, samples, monkeypatch):
    monkeypatch.setenv("OMNI_SELECTOR", "uniform")
    lines = "/selection\nwhat is this?\n/selection\n/selection 7\n/selection x\n"
    ran = omni("chat", "--budget", "18", "-a", samples / "red-circle.png", stdin=lines)
    assert "img-1  18 of 144 tokens kept" in ran.out
    path = next(line for line in ran.out.splitlines() if "tokens kept, " in line).split("  ")[-1]
    assert clear_cells(path) == [(2 * place + 1) * 144 // 36 for place in range(18)]
    for message in (
        "no turn of this session tells what was kept",
        "there is no turn 7: this session has 1",
        "wanted the number of a turn, not 'x'",
    ):
        assert message in ran.err
