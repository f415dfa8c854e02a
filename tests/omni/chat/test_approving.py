"""Calls of tools that wait: allowed, changed, refused, later, and from another process."""

import subprocess
import sys

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.types import interrupt

from omni.chat.approving import Allow, Edit, Refuse
from omni.chat.events import Finished, ToolStarted
from omni.content import Asked
from omni.errors import UnknownPlugin, UsageError


@pytest.fixture
def fetch():
    """A tool that writes down what it is called with, and asks first."""
    called = []

    @tool
    def fetch(url: str, tries: int = 1) -> str:
        """Fetch a page."""
        called.append((url, tries))
        return f"page of {url}"

    fetch.metadata = {"asks": True, "called": called}
    return fetch


def called(tool):
    return tool.metadata["called"]


def test_a_tool_that_asks_waits_and_then_does_it(open_agent, call, fetch):
    agent = open_agent(call("fetch", url="http://a"), "It says a.", tools=[fetch])
    *events, finished = agent.stream("look it up")
    asked = Asked(id="call-1", name="fetch", args={"url": "http://a"})
    assert events == [asked]
    assert isinstance(finished, Finished)
    assert finished.answer.asked == (asked,)
    assert not finished.answer.ok and not finished.answer.failures
    assert called(fetch) == [] and agent.asked == [asked]
    assert agent.history()[0].status == "waiting"
    events = list(agent.stream_resumed(Allow()))
    assert isinstance(events[0], ToolStarted)
    answer = events[-1].answer
    assert answer.ok and answer.text == "It says a."
    assert called(fetch) == [("http://a", 1)]
    assert agent.asked == [] and agent.history()[0].status == "answered"
    assert len(agent.history()) == 1


def test_a_refusal_is_told_to_the_model_and_is_a_refused_part(open_agent, call, fetch):
    agent = open_agent(call("fetch", url="http://a"), "Then not.", tools=[fetch])
    agent.run("look it up")
    answer = agent.resume(Refuse("not that host"))
    assert called(fetch) == []
    assert not answer.ok and answer.text == "Then not."
    assert [(part.status, part.reason) for part in answer.failures] == [
        ("refused", "fetch was not allowed: not that host")
    ]
    told = agent.brain.asked[1][-1]
    assert told.status == "error" and "not that host" in told.content
    assert agent.history()[0].answer.failures == answer.failures


def test_an_edit_calls_it_with_other_arguments_and_the_model_is_told(open_agent, call, fetch):
    agent = open_agent(call("fetch", url="http://a"), "It says b.", tools=[fetch])
    agent.run("look it up")
    for bad in ({"tries": 2}, {"url": "http://b", "tries": "many"}):
        with pytest.raises(UsageError, match="fetch does not take that"):
            agent.resume(Edit(bad))
    assert agent.resume(Edit({"url": "http://b", "tries": 2})).ok
    assert called(fetch) == [("http://b", 2)]
    assert "http://b" in agent.brain.asked[1][-1].content


def test_each_call_has_a_decision_of_its_own(open_agent, fetch):
    calls = [
        {"name": "fetch", "args": {"url": f"http://{name}"}, "id": name} for name in ("a", "b")
    ]
    agent = open_agent(AIMessage("", tool_calls=calls), "Done.", tools=[fetch])
    agent.run("both")
    with pytest.raises(UsageError, match="for each of a, b"):
        agent.resume({"a": Allow()})
    with pytest.raises(UsageError, match="an edit is for one call"):
        agent.resume(Edit({"url": "http://c"}))
    with pytest.raises(UsageError, match="not 'yes'"):
        agent.resume("yes")
    answer = agent.resume({"a": Refuse(), "b": Allow()})
    assert called(fetch) == [("http://b", 1)]
    assert [part.reason for part in answer.failures] == ["fetch was not allowed"]
    results = {m.tool_call_id: m.status for m in agent.brain.asked[1] if isinstance(m, ToolMessage)}
    assert results == {"a": "error", "b": "success"}


def test_others_do_not_wait_unless_they_are_named(open_agent, call, fetch):
    @tool
    def look() -> str:
        """Look."""
        return "seen"

    assert open_agent(call("look"), "ok", tools=[look, fetch]).run("go").ok
    named = open_agent(call("look"), "ok", tools=[look], approve=["look"], session="2")
    assert [one.name for one in named.run("go").asked] == ["look"]
    every = open_agent(call("look"), "ok", tools=[look], approve="all", session="3")
    assert [one.name for one in every.run("go").asked] == ["look"]
    none = open_agent(call("fetch", url="u"), "ok", tools=[fetch], approve=None, session="4")
    assert none.run("go").ok and called(fetch) == [("u", 1)]
    wrong = open_agent(tools=[look], approve=["lok"], session="5")
    with pytest.raises(UsageError, match="no tool called 'lok' can be approved; there is: look"):
        wrong.run("go")


@pytest.mark.parametrize("name", ["python", "fetch_url"])
def test_our_tools_that_touch_the_world_ask(open_agent, call, name):
    try:
        agent = open_agent(call(name, **{"code" if name == "python" else "url": "1"}), tools=[name])
        assert [one.name for one in agent.run("go").asked] == [name]
    except UnknownPlugin:
        pytest.fail(f"{name} is gone")


def test_nothing_to_decide_is_said(open_agent):
    agent = open_agent("hello")
    agent.run("hi")
    with pytest.raises(UsageError, match="nothing waits for a decision"):
        agent.resume(Allow())


def test_a_new_question_leaves_the_call_undone(open_agent, call, fetch):
    agent = open_agent(call("fetch", url="http://a"), "Hello.", tools=[fetch])
    agent.run("look it up")
    assert agent.run("never mind; hello").text == "Hello."
    assert called(fetch) == [] and agent.asked == []
    told = [m for m in agent.brain.asked[1] if isinstance(m, ToolMessage)]
    assert "nobody allowed it" in told[0].text
    assert [turn.status for turn in agent.history()] == ["interrupted", "answered"]


async def test_in_an_event_loop(open_agent, call, fetch):
    agent = open_agent(call("fetch", url="http://a"), "It says a.", tools=[fetch])
    assert (await agent.arun("look")).asked
    assert (await agent.aresume(Allow())).text == "It says a."
    assert called(fetch) == [("http://a", 1)]


def test_what_others_interrupt_for_is_resumed_with_what_is_given(open_agent, call):
    @tool
    def colour() -> str:
        """Ask for a colour."""
        return f"it is {interrupt('which colour?')}"

    agent = open_agent(call("colour"), "Blue it is.", tools=[colour])
    (asked,) = agent.run("paint").asked
    assert (asked.name, asked.args) == ("interrupt", {"value": "which colour?"})
    assert agent.resume("blue").ok
    assert "it is blue" in agent.brain.asked[1][-1].text


CHILD = """
import sys
from pathlib import Path
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from omni.chat.agent import Agent
from omni.testing.scripted import ScriptedBrain

@tool
def fetch(url: str) -> str:
    "Fetch."
    raise AssertionError("nobody allowed this")

fetch.metadata = {"asks": True}
call = AIMessage("", tool_calls=[{"name": "fetch", "args": {"url": "http://a"}, "id": "c"}])
agent = Agent(ScriptedBrain(script=[call]), home=Path(sys.argv[1]), tools=[fetch])
assert agent.run("look it up").asked
import os
os._exit(9)
"""


def test_a_decision_may_come_after_a_restart(own_home, open_agent, fetch):
    done = subprocess.run([sys.executable, "-c", CHILD, str(own_home)], check=False)
    assert done.returncode == 9
    agent = open_agent("It says a.", tools=[fetch])
    assert [(one.id, one.name, one.args) for one in agent.asked] == [
        ("c", "fetch", {"url": "http://a"})
    ]
    branch = agent.fork("branch")
    with branch:
        assert branch.resume(Refuse()).text == "It says a."
    agent.brain.script.append("It says a.")
    assert agent.resume(Allow()).ok
    assert called(fetch) == [("http://a", 1)]


def test_media_of_a_message_that_waits_are_told_once(open_agent, block, png, fetch):
    from omni.chat.events import MediaMade

    calls = [{"name": "fetch", "args": {"url": "u"}, "id": "c"}]
    agent = open_agent(AIMessage([block(png(3))], tool_calls=calls), "There.", tools=[fetch])
    events = [*agent.stream("go"), *agent.stream_resumed(Allow())]
    assert sum(isinstance(event, MediaMade) for event in events) == 1
    assert len(agent.history()[0].answer.media) == 1
