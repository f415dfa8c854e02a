"""Agents as tools of others: media and names go in and out, and what they took is counted."""

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from omni.chat.agent import Agent
from omni.chat.events import MediaMade, ToolEnded, ToolStarted
from omni.chat.limits import Limits
from omni.testing.scripted import ScriptedBrain


@pytest.fixture
def darken(png, block):
    @tool
    def darken(handle: str) -> list:
        """Make a picture darker."""
        dark = block(png(9))
        return [{"type": "text", "text": "done"}, {**dark, "extras": {"filename": "dark.png"}}]

    return darken


@pytest.fixture
def painter(own_home, darken, call):
    """An agent that makes the first picture it is given darker."""
    script = [call("darken", handle="img-1"), "I made img-2 of img-1."] * 3
    with Agent(ScriptedBrain(script=script), session=None, tools=[darken]) as agent:
        yield agent


def asks(call, number=1, **args):
    return call("painter", number, **args)


def test_media_go_in_and_come_out_with_their_lineage(open_agent, painter, picture, call, png):
    agent = open_agent(
        asks(call, request="make img-2 darker", media=["img-2"]),
        "There: img-3.",
        tools=[painter.as_tool("painter", "paints")],
    )
    agent.attach(picture(1))
    agent.attach(picture(2))
    events = list(agent.stream("make the second one darker"))
    told = [(type(e), e.name) for e in events if isinstance(e, ToolStarted | ToolEnded)]
    assert told == [
        (ToolStarted, "painter"),
        (ToolStarted, "painter/darken"),
        (ToolEnded, "painter/darken"),
        (ToolEnded, "painter"),
    ]
    assert sum(isinstance(event, MediaMade) for event in events) == 1
    answer = events[-1].answer  # type: ignore[union-attr]
    assert answer.ok
    (ref,) = answer.media
    assert (ref.handle, ref.name) == ("img-3", "dark.png")
    assert agent.shelf.media("img-3").read() == png(9)
    lineage = agent.lineage("img-3")
    assert lineage is not None
    assert (lineage.parents, lineage.model) == (("img-2",), "darken")
    assert lineage.parameters["agent"] == "painter"
    # The worker had names of its own; the answer it gave speaks of ours.
    assert painter.brain.asked[0][-1].text.endswith("make img-1 darker")
    result = agent.brain.asked[1][-2].text if agent.brain.asked[1] else ""
    assert "I made dark.png of img-2." in result


def test_media_that_are_only_named_go_along(open_agent, painter, picture, call):
    tools = [painter.as_tool("painter", "paints")]
    agent = open_agent(asks(call, request="make img-1 darker"), "ok", tools=tools)
    agent.attach(picture(1))
    assert agent.run("go").ok
    assert any(b["type"] == "image" for b in painter.brain.asked[0][-1].content)


def test_each_call_begins_anew(open_agent, painter, picture, call):
    calls = [asks(call, number, request="make img-1 darker") for number in (1, 2)]
    agent = open_agent(*calls, "ok", tools=[painter.as_tool("painter", "paints")])
    agent.attach(picture(1))
    assert len({ref.handle for ref in agent.run("twice").media}) == 1  # the same bytes
    assert len(painter.brain.asked[2]) == len(painter.brain.asked[0])
    assert painter.history() == []


def test_media_that_there_are_not(open_agent, painter, call):
    tools = [painter.as_tool("painter", "paints")]
    agent = open_agent(asks(call, request="x", media=["img-4"]), "sorry", tools=tools)
    agent.run("go")
    assert "img-4" in agent.brain.asked[1][-1].text
    assert agent.brain.asked[1][-1].status == "error"
    assert painter.brain.asked == []


def worker(own_home, *lines, **settings):
    return Agent(ScriptedBrain(script=list(lines)), session=None, home=own_home, **settings)


def test_a_worker_that_fails_is_an_error_the_model_is_told(open_agent, own_home, call):
    with worker(own_home, ConnectionError("no route")) as broken:
        agent = open_agent(
            call("helper", request="x"), "sorry", tools=[broken.as_tool("helper", "helps")]
        )
        assert agent.run("go").text == "sorry"
    told = agent.brain.asked[1][-1]
    assert told.status == "error"
    assert "helper failed: ConnectionError: no route" in told.text


def test_a_worker_asks_nobody(open_agent, own_home, call):
    @tool
    def touch() -> str:
        """Touch the world."""
        raise AssertionError("nobody allowed this")

    touch.metadata = {"asks": True}
    with worker(own_home, call("touch"), "I may not.", tools=[touch]) as careful:
        agent = open_agent(
            call("helper", request="x"), "ok", tools=[careful.as_tool("helper", "helps")]
        )
        answer = agent.run("go")
    assert answer.text == "ok" and not answer.asked
    assert "touch was not allowed" in agent.brain.asked[1][-1].text


def test_what_a_worker_took_counts_to_the_turn(open_agent, own_home, call):
    usage = {"input_tokens": 500, "output_tokens": 100, "total_tokens": 600}
    cheap = [AIMessage("done", usage_metadata=usage) for _ in range(3)]
    with worker(own_home, *cheap) as helper:
        agent = open_agent(
            *(call("helper", n, request="x") for n in range(1, 4)),
            tools=[helper.as_tool("helper", "helps")],
            limits=Limits(tokens=1000),
        )
        answer = agent.run("go")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (1000, 200)
    assert "the limit of 1,000 tokens is reached" in str(answer.failures[-1].reason)


def test_stopping_reaches_the_worker(open_agent, own_home, call):
    slow = ScriptedBrain(script=["one " * 200], seconds=0.05)
    with Agent(slow, session=None) as helper:
        agent = open_agent(call("helper", request="x"), tools=[helper.as_tool("helper", "helps")])
        for event in agent.stream("go"):
            if isinstance(event, ToolStarted):
                agent.cancel()
    assert agent.history()[0].status == "interrupted"


async def test_in_an_event_loop(open_agent, painter, picture, call):
    tools = [painter.as_tool("painter", "paints")]
    agent = open_agent(asks(call, request="make img-1 darker"), "ok", tools=tools)
    agent.attach(picture(1))
    events = [event async for event in agent.astream("go")]
    names = [event.name for event in events if isinstance(event, ToolEnded)]
    assert names == ["painter/darken", "painter"]
    lineage = agent.lineage("img-2")
    assert lineage is not None and lineage.parents == ("img-1",)


def test_without_an_agent_around_it(painter, own_home):
    painter.brain.script[:2] = ["hello", "unused"]
    given = painter.as_tool("painter", "paints").invoke({"request": "hi"})
    assert given == [{"type": "text", "text": "hello"}]
