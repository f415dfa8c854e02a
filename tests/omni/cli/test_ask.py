"""`omni ask`: one question, in words or as JSON, with exit codes that scripts can trust."""

import base64
import json

import pytest
from langchain_core.messages import AIMessage

from omni.content import MediaPart


def image(data, *words):
    block = {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": "image/png"}
    return AIMessage(content=[*({"type": "text", "text": text} for text in words), block])


def test_the_answer_is_printed_and_nothing_else(omni, scripted, red):
    scripted("A red circle.")
    ran = omni("ask", "what is this?", "-a", red)
    assert (ran.code, ran.out, ran.err) == (0, "A red circle.\n", "")


def test_the_question_may_come_through_a_pipe(omni, scripted):
    brain = scripted("Hello.")
    assert omni("ask", stdin="  hi there\n").out == "Hello.\n"
    assert brain.asked[0][-1].text == "hi there"


def test_the_question_may_stand_behind_the_files(omni, scripted, red):
    brain = scripted("Red.")
    assert omni("ask", "-a", red, "what is this?").out == "Red.\n"
    assert brain.asked[0][-1].text.endswith("what is this?")


@pytest.mark.parametrize("words", [["what is this?"], ["what", "is", "this?"]])
@pytest.mark.parametrize("last", [True, False])
def test_files_may_stand_beside_the_question(omni, scripted, red, words, last):
    brain = scripted("Red.")
    assert omni("ask", *([*words, red] if last else [red, *words])).out == "Red.\n"
    asked = brain.asked[0][-1]
    assert asked.text.endswith("what is this?") and asked.text.count(red.name) == 1
    assert any(block["type"] == "image" for block in asked.content_blocks)


def test_files_may_stand_alone_where_the_question_comes_through_a_pipe(omni, scripted, red):
    brain = scripted("Two.")
    assert omni("ask", red, red, stdin="how many?").out == "Two.\n"
    assert brain.asked[0][-1].text.endswith("how many?")


def test_a_file_that_is_not_there_is_no_part_of_the_question(omni, scripted, tmp_path):
    ran = omni("ask", "what is this?", tmp_path / "gone.png")
    assert (ran.code, ran.err) == (2, f"omni: no such file: {tmp_path / 'gone.png'}\n")


def test_bytes_may_come_through_a_pipe(omni, scripted, red):
    brain = scripted("Red.")
    ran = omni("ask", "what is this?", "-a", "-", stdin=red.read_bytes())
    assert ran.out == "Red.\n"
    block = next(block for block in brain.asked[0][-1].content if block["type"] == "image")
    assert base64.b64decode(block["base64"]) == red.read_bytes()


def test_json_has_the_form_of_the_design(omni, scripted, red, tmp_path, blue_png):
    scripted(image(blue_png, "Here it is."))
    out = tmp_path / "made"
    ran = omni("ask", "draw it in blue", "-a", red, "-o", out, "--json", "--session", "s")
    assert (ran.code, ran.err) == (0, "")
    answer = json.loads(ran.out)
    assert set(answer) == {"parts", "usage", "timings", "citations", "selection"}
    words, made = answer["parts"]
    assert words == {"type": "text", "text": "Here it is.", "status": "delivered"}
    assert made["type"] == "image" and made["status"] == "delivered"
    assert made["mime"] == "image/png" and made["handle"] == "img-2"
    assert made["path"] == str(out / "img-2.png")
    assert (out / "img-2.png").read_bytes() == blue_png
    lineage = made["lineage"]
    assert set(lineage) == {"parents", "prompt", "model", "seed", "parameters"}
    assert lineage["parents"] == ["img-1"] and lineage["prompt"] == "draw it in blue"
    assert set(answer["usage"]) == {"input_tokens", "output_tokens", "by_modality"}
    assert answer["timings"]["total"] > 0
    assert set(answer["selection"]) == {"budget", "kept", "items"}


def test_a_second_picture_never_overwrites_the_first(omni, scripted, tmp_path, blue_png):
    for name in ("img-1.png", "img-1-2.png"):
        scripted(image(blue_png))
        assert omni("ask", "draw", "-o", tmp_path).code == 0
        assert (tmp_path / name).read_bytes() == blue_png


def test_without_a_folder_the_store_keeps_what_was_made(omni, scripted, blue_png, own_home):
    scripted(image(blue_png))
    ran = omni("ask", "draw")
    handle, path = ran.out.strip().split("  ")
    assert handle == "img-1" and path.startswith(str(own_home))
    with open(path, "rb") as stream:
        assert stream.read() == blue_png


def test_a_part_that_failed_makes_the_exit_code_1(omni, scripted):
    scripted("I cannot draw.")
    ran = omni("ask", "draw a horse", "--want", "image", "--json")
    assert ran.code == 1
    parts = json.loads(ran.out)["parts"]
    assert [part["status"] for part in parts] == ["delivered", "failed"]
    assert parts[1]["type"] == "image" and parts[1]["handle"] is None and parts[1]["path"] is None
    assert ran.err.startswith("omni: image failed: ")


def test_bad_input_is_one_line_and_exit_code_2(omni, scripted, tmp_path, monkeypatch):
    scripted()
    empty = tmp_path / "empty.png"
    empty.touch()
    cases = {
        ("ask", "x", "-a", "/no/such.png"): "omni: no such file: /no/such.png",
        ("ask", "x", "-a", str(tmp_path)): f"omni: {tmp_path} is a folder: name a file in it",
        ("ask", "x", "-a", str(empty)): f"omni: {empty} is empty (0 bytes)",
        ("ask", "x", "-a", "/dev/zero"): "omni: /dev/zero is a device or a pipe, not a file",
        ("ask",): 'omni: nothing was asked: omni ask "what is this?" -a FILE',
        ("ask", "x", "-a", "-"): "omni: standard input is empty (0 bytes)",
        ("ask", "x", "-o", str(empty)): f"omni: cannot make the folder {empty}: File exists",
        ("ask", "x", "--want", "smell"): "omni: unknown modalities plug-in 'smell'; known: ",
        ("ask", "x", "--budget", "0"): "omni: argument --budget: wanted a number of tokens",
        ("ask", "x", "--seed", "y"): "omni: argument --seed: invalid int value: 'y'; see ",
    }
    for arguments, message in cases.items():
        ran = omni(*arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert ran.err.startswith(message) and ran.err.count("\n") == 1, (arguments, ran.err)


def test_an_error_with_json_is_an_object_too(omni, scripted):
    scripted()
    ran = omni("ask", "x", "-a", "/no/such.png", "--json")
    assert ran.code == 2
    assert json.loads(ran.out) == {
        "parts": [],
        "error": {"type": "MediaError", "message": "no such file: /no/such.png", "code": 2},
    }
    assert ran.err == "omni: no such file: /no/such.png\n"


def test_a_model_that_fails_is_exit_code_1(omni, scripted):
    scripted(ConnectionError("no route to host"))
    ran = omni("ask", "hi")
    assert ran.code == 1
    assert "no route to host" in ran.err and "Traceback" not in ran.err


def test_a_session_is_kept_and_used_again(omni, scripted, red):
    brain = scripted("Red.", "Still red.")
    omni("ask", "what is it?", "-a", red, "--session", "s")
    omni("ask", "sure?", "--session", "s")
    asked = brain.asked[1]
    assert [message.type for message in asked if message.type != "system"] == [
        "human",
        "ai",
        "human",
    ]


def test_the_budget_reaches_the_agent(omni, scripted, monkeypatch):
    from omni.chat.agent import Agent

    seen = []
    stream = Agent.stream

    def spy(self, *arguments, **more):
        seen.append(self.budget)
        return stream(self, *arguments, **more)

    monkeypatch.setattr(Agent, "stream", spy)
    scripted("a", "b", "c")
    omni("ask", "x", "--budget", "64")
    monkeypatch.setenv("OMNI_BUDGET", "32")
    omni("ask", "x")
    omni("ask", "x", "--budget", "off")
    assert [budget and budget.tokens for budget in seen] == [64, 32, None]


def test_the_seed_the_device_and_the_model_reach_the_brain(omni, scripted):
    brain = scripted("a", "b")
    omni("ask", "x", "--seed", "7", "--device", "cpu", "--model", "mine")
    omni("ask", "x", "--device", "cpu")
    assert brain.metadata["named"] == [
        ("mine", {"device": "cpu", "dtype": "auto", "seed": 7}),
        ("nano", {"device": "cpu", "dtype": "auto"}),
    ]


def test_a_media_part_of_modality_text_is_not_taken_for_words(omni, scripted, monkeypatch):
    from omni.chat.agent import Agent
    from omni.chat.events import Finished
    from omni.content import Answer

    part = MediaPart(type="text", ref=None, status="failed", reason="none made")
    finished = Finished(Answer(parts=(part,)))
    monkeypatch.setattr(Agent, "stream", lambda self, *args, **more: iter([finished]))
    scripted()
    ran = omni("ask", "x")
    assert (ran.code, ran.out, ran.err) == (1, "", "omni: text failed: none made\n")


def test_tools_are_given_by_name_and_unknown_ones_are_refused(omni, scripted, red, tmp_path):
    scripted(
        AIMessage(
            "",
            tool_calls=[
                {"name": "edit_image", "args": {"image": "img-1", "change": "grey"}, "id": "1"}
            ],
        ),
        "Here it is, grey.",
    )
    ran = omni("ask", "make it grey", "-a", red, "--tools", "edit_image", "-o", tmp_path, "--json")
    assert ran.code == 0, ran.err
    made = [part for part in json.loads(ran.out)["parts"] if part["type"] == "image"]
    assert [part["handle"] for part in made] == ["img-2"]
    assert made[0]["lineage"]["model"] == "edit_image"
    assert made[0]["lineage"]["parents"] == ["img-1"]
    refused = omni("ask", "hello", "--tools", "hammer")
    assert refused.code == 2
    assert "no tool is called 'hammer'; there is: analyse_series, " in refused.err
