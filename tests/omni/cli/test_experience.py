"""Lessons at the terminal: opt-in, told, listed, changed and gone for good."""

import json

import pytest
from langchain_core.messages import AIMessage

from omni.chat.insights import InsightBook


def sum_of(number, expression):
    call = {"name": "calculator", "args": {"expression": expression}, "id": f"call-{number}"}
    return AIMessage("", tool_calls=[call])


RUN = (sum_of(1, "1 +"), sum_of(2, "1 + 1"), "It is 2.")
TOOL = ("--tools", "calculator")


@pytest.fixture(autouse=True)
def words_alone(monkeypatch):
    """Tasks are compared by their words: loading what embeds would take most of the time."""
    from omni import plugins

    usual = plugins.load("memory", "retrieve").__init__.__kwdefaults__
    monkeypatch.setitem(usual, "embedders", ())


def test_nothing_is_learnt_unless_it_is_asked_for(omni, scripted, own_home):
    scripted(*RUN)
    assert omni("ask", "what is 1 and 1?", *TOOL).code == 0
    assert not (own_home / "experience").exists()
    ran = omni("memory", "insights")
    assert (ran.code, ran.out, ran.err) == (0, "", "nothing was learnt yet\n")


def test_what_was_learnt_is_listed_revised_and_forgotten(omni, scripted, own_home):
    scripted(*RUN)
    assert omni("ask", "what is 1 and 1?", *TOOL, "--experience", "auto").out == "It is 2.\n"
    listed = omni("memory", "insights").out
    assert "way, 1 run\n  task: what is 1 and 1?\n  1. calculator(expression=" in listed
    assert "mend, 1 run\n" in listed and "failed: " in listed

    found = json.loads(omni("memory", "insights", "--json").out)["insights"]
    ids = {one["kind"]: one["id"] for one in found}
    ran = omni("memory", "insights", "--revise", ids["way"], "Just calculate it.")
    assert "way, 1 run, yours\n  task: what is 1 and 1?\n  Just calculate it.\n" in ran.out
    brain = scripted("2")
    omni("ask", "what is 1 and 2?", *TOOL, "--experience", "auto")
    assert "Just calculate it." in brain.asked[0][-1].text

    assert omni("memory", "insights", "--forget", ids["mend"]).out == (
        "forgot 1 insight; nothing of them is left on disk\n"
    )
    ran = omni("memory", "insights", "--forget", ids["mend"])
    assert ran.code == 2 and ran.err.startswith(f"omni: no insight '{ids['mend']}' here: ")
    assert json.loads(omni("memory", "insights", "--clear", "--json").out) == {"forgotten": 1}
    assert omni("memory", "insights").out == ""


def test_a_folder_of_its_own(omni, scripted, tmp_path, own_home):
    scripted(*RUN)
    assert omni("ask", "add", *TOOL, "--experience", tmp_path / "b").code == 0
    assert omni("memory", "insights", "--memory", tmp_path / "b").out.count("insight-") == 2
    assert not (own_home / "experience").exists()
    assert omni("memory", "stats", "--memory", tmp_path / "b").code == 0


def test_a_conversation_learns_once_it_is_told_to(talk, own_home):
    chat = talk(*RUN, *RUN, "2")
    chat.take("/tools calculator")
    chat.take("what is 1 and 1?")
    chat.take("/insights")
    assert "experience: off; /insights on learns" in chat.screen.err.getvalue()
    chat.take("/insights on")
    assert f"lessons are kept in {own_home / 'experience'}" in chat.screen.err.getvalue()
    chat.take("what is 1 and 1?")
    chat.take("/insights")
    assert "way, 1 run" in chat.screen.out.getvalue()
    chat.take("what is 1 and 1?")
    assert "· with 2 insights of earlier runs" in chat.screen.err.getvalue()
    with InsightBook(own_home / "experience") as book:
        id = next(one.id for one in book.all() if one.kind == "mend")
    chat.take(f"/insights revise {id} Write the whole sum.")
    chat.take(f"/insights forget {id}")
    assert f"forgot {id}" in chat.screen.err.getvalue()
    chat.take("/insights clear")
    assert "forgot 1 insight; nothing" in chat.screen.err.getvalue()
    chat.take("/insights forget")
    assert "wanted /insights, on, off, forget ID" in chat.screen.err.getvalue()
    chat.take("/insights off")
    assert not chat.learning.middleware and chat.settings.experience == "off"
