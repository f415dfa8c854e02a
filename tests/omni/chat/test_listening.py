"""What is heard of a turn: its own model, once each, and nobody else's."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool

from omni.chat.agent import Agent
from omni.chat.events import Finished, TextDelta, ToolEnded, ToolStarted
from omni.chat.listening import tell
from omni.testing import ScriptedBrain


def words(events):
    return [event.text for event in events if isinstance(event, TextDelta)]


class AtOnce(BaseChatModel):
    """A model that does not stream."""

    @property
    def _llm_type(self):
        return "at-once"

    def _generate(self, *args, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=AIMessage("all at once"))])


class Streams(AtOnce):
    """One that streams only when it is to be heard; the tokens of one answer have one id."""

    def _stream(self, *args, **kwargs):
        for word in ("one ", "two ", "three"):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))


@pytest.mark.parametrize(
    ("brain", "told"), [(AtOnce(), ["all at once"]), (Streams(), ["one ", "two ", "three"])]
)
async def test_words_are_told_once(open_agent, brain, told):
    assert words(open_agent(brain=brain).stream("go")) == told
    events = [event async for event in open_agent(brain=brain, session="b").astream("go")]
    assert words(events) == told and isinstance(events[-1], Finished)


async def test_what_a_middleware_says_is_told(open_agent):
    class Says(AgentMiddleware):
        def wrap_model_call(self, request, handler):
            return AIMessage("said without a model")

        async def awrap_model_call(self, request, handler):
            return AIMessage("said without a model")

    agent = open_agent(middleware=[Says()])
    assert words(agent.stream("go")) == ["said without a model"]
    assert words([event async for event in agent.astream("go")]) == ["said without a model"]


def test_other_models_are_not_heard(open_agent, own_home, call):
    """Neither one that a tool asks, nor a worker's, nor one that is asked quietly."""
    inner = ScriptedBrain(script=["a tool asked"])
    worker = Agent(ScriptedBrain(script=["a worker said"]), home=own_home, session="worker")
    quiet = ScriptedBrain(script=["thought"] * 3)

    @tool
    def ask() -> str:
        """Ask a model."""
        return inner.invoke("what?").text

    class Thinks(AgentMiddleware):
        def wrap_model_call(self, request, handler):
            quiet.invoke("hm?", {"tags": ["nostream"]})
            return handler(request)

    agent = open_agent(
        call("ask", 1),
        call("helper", 2, request="help"),
        "the end",
        tools=[ask, worker.as_tool("helper", "Helps.")],
        middleware=[Thinks()],
    )
    events = list(agent.stream("go"))
    worker.close()
    assert "".join(words(events)) == "the end"
    assert [type(event) for event in events if not isinstance(event, TextDelta)] == [
        *[ToolStarted, ToolEnded] * 2,
        Finished,
    ]
    assert len(quiet.asked) == 3 and len(inner.asked) == 1


def test_media_come_in_pieces_and_once(open_agent, png, block):
    message = AIMessage([{"type": "text", "text": "here: "}, block(png(3))])
    agent = open_agent(message)
    kinds = [type(event).__name__ for event in agent.stream("draw")]
    assert kinds.count("MediaMade") == 1
    assert agent.history()[0].answer.media[0].handle == "img-1"


def test_tools_in_a_graph_of_somebody_else_write_to_its_stream(call):
    @tool
    def work() -> str:
        """Work."""
        tell(ToolStarted(id="1", name="inside", args={}))
        return "done"

    graph = create_agent(ScriptedBrain(script=[call("work"), "done"]), [work])
    told: list[Any] = list(graph.stream({"messages": [HumanMessage("go")]}, stream_mode="custom"))
    assert [event.name for event in told] == ["inside"]


def test_outside_of_a_turn_nobody_is_told():
    assert tell(ToolStarted(id="1", name="x", args={})) is None
