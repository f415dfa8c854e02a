"""`omni ask --output-format`: the forms that programs read, and agents from files."""

import base64
import json

import pytest
from langchain_core.messages import AIMessage

KEYS = {
    "begin": {"type", "version", "session", "model"},
    "text": {"type", "text"},
    "media": {"type", "part"},
    "tool_started": {"type", "id", "name", "args"},
    "tool_ended": {"type", "id", "name", "ok", "text", "seconds"},
    "asked": {"type", "id", "name", "args"},
    "decided": {"type", "id", "name", "decision", "reason"},
    "end": {"type", "answer"},
    "error": {"type", "error"},
}
"""Every kind of line of version 1; a change here is a change for whoever reads them."""


def call(name, **args):
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": name}])


def read(ran):
    told = [json.loads(line) for line in ran.out.splitlines()]
    for one in told:
        assert set(one) == KEYS[one["type"]]
    return told


def test_each_thing_that_happens_is_a_line(omni, scripted, blue_png, tmp_path):
    block = {"type": "image", "base64": base64.b64encode(blue_png).decode()}
    picture = AIMessage(
        [{"type": "text", "text": "Here it is."}, {**block, "mime_type": "image/png"}]
    )
    scripted(call("calculator", expression="6*7"), call("python", code="1"), picture)
    ran = omni(
        "ask", "go", "--tools", "calculator,python", "--output-format", "stream-json",
        "--session", "s", "-o", tmp_path / "out",
    )  # fmt: skip
    told = read(ran)
    kinds = [one["type"] for one in told]
    texts = [one["text"] for one in told if one["type"] == "text"]
    assert [kind for kind in kinds if kind != "text"] == [
        "begin", "tool_started", "tool_ended", "asked", "decided", "media", "end",
    ]  # fmt: skip
    assert "".join(texts) == "Here it is."
    assert told[0] == {"type": "begin", "version": 1, "session": "s", "model": "nano"}
    started, ended = told[1], told[2]
    assert (started["name"], started["args"]) == ("calculator", {"expression": "6*7"})
    assert ended["ok"] and "42" in ended["text"]
    decided = next(one for one in told if one["type"] == "decided")
    assert (decided["id"], decided["decision"]) == ("python", "refuse")
    part = next(one["part"] for one in told if one["type"] == "media")
    with open(part["path"], "rb") as stream:
        assert stream.read() == blue_png
    answer = told[-1]["answer"]
    assert {"parts", "usage", "timings", "citations", "selection"} <= set(answer)
    made = answer["parts"][-1]
    assert made == {**part, "path": str(tmp_path / "out" / "img-1.png")}


def test_json_is_the_flag_json(omni, scripted):
    answers = []
    for flags in (["--json"], ["--output-format", "json"]):
        scripted("Hello.")
        ran = omni("ask", "hi", *flags)
        answers.append({**json.loads(ran.out), "timings": None})
    assert answers[0] == answers[1]


def test_text_is_the_usual_form(omni, scripted):
    scripted("Hello.")
    assert omni("ask", "hi", "--output-format", "text").out == "Hello.\n"


def test_an_error_is_the_last_line(omni, scripted):
    scripted("unused")
    ran = omni("ask", "hi", "-a", "/no/such.png", "--output-format", "stream-json")
    (error,) = read(ran)
    assert ran.code == 2
    assert error["error"]["code"] == 2 and "/no/such.png" in error["error"]["message"]


def test_a_model_that_fails_ends_with_a_failed_part(omni, scripted):
    scripted(ConnectionError("no route"))
    ran = omni("ask", "hi", "--output-format", "stream-json")
    told = read(ran)
    assert ran.code == 1 and [one["type"] for one in told] == ["begin", "end"]
    assert told[-1]["answer"]["parts"][0]["reason"] == "ConnectionError: no route"


@pytest.fixture
def agent_file(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text(
        'model = "filed"\nsystem_prompt = "Be short."\ntools = ["calculator"]\n'
        '[limits]\nsteps = 2\n[answer.Sum]\ntotal = "number"\n'
    )
    return path


def test_an_agent_from_a_file_answers(omni, scripted, agent_file):
    brain = scripted(AIMessage("", tool_calls=[{"name": "Sum", "args": {"total": 3}, "id": "s"}]))
    ran = omni("ask", "add", "--agent", agent_file, "--json")
    answer = json.loads(ran.out)
    assert ran.code == 0 and answer["value"] == {"total": 3.0}
    assert brain.metadata["named"][0][0] == "filed"
    assert brain.asked[0][0].text == "Be short."
    scripted(*[call("calculator", expression=f"1+{n}") for n in range(5)])
    ran = omni("ask", "add", "--agent", agent_file)
    assert ran.code == 1 and "no answer after 2 steps" in ran.err


def test_flags_go_before_the_file(omni, scripted, agent_file):
    brain = scripted(AIMessage("", tool_calls=[{"name": "Sum", "args": {"total": 3}, "id": "s"}]))
    assert omni("ask", "add", "--agent", agent_file, "--model", "flagged").code == 0
    assert brain.metadata["named"][0][0] == "flagged"


def test_chat_takes_an_agent_file_and_names_what_is_wrong(omni, scripted, agent_file):
    scripted(AIMessage("", tool_calls=[{"name": "Sum", "args": {"total": 3}, "id": "s"}]))
    ran = omni("chat", "--agent", agent_file, stdin="add\n/tools\n")
    assert ran.out == '{"total": 3.0}\n' and "tools: calculator" in ran.err
    agent_file.write_text("modle = 1")
    ran = omni("chat", "--agent", agent_file)
    assert ran.code == 2 and "unknown key 'modle': did you mean 'model'?" in ran.err
