"""The agent in an event loop: the same answers, nothing blocked, and what came is kept."""

import asyncio
import time

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from pydantic import Field

from omni.chat.events import Finished, MediaMade, TextDelta, ToolEnded, ToolStarted
from omni.content import Answer
from omni.errors import BudgetSpent, UsageError


class Awaited(BaseChatModel):
    """A model that has only an asynchronous form, word by word."""

    words: str = "one two three four five six seven eight"
    seconds: float = 0.03
    loops: list = Field(default_factory=list)

    @property
    def _llm_type(self):
        return "awaited"

    def _generate(self, *args, **kwargs):
        raise AssertionError("the asynchronous form was to be used")

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=self.words))])

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        self.loops.append(asyncio.get_running_loop())
        for word in self.words.split():
            await asyncio.sleep(self.seconds)
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))


async def test_a_turn_is_awaited_with_media_and_a_tool(open_agent, picture, png, block, call):
    @tool
    async def draw(seed: int) -> list:
        """Draw."""
        await asyncio.sleep(0)
        return [block(png(seed))]

    agent = open_agent(call("draw", seed=5), "There.", tools=[draw])
    await asyncio.to_thread(agent.attach, picture(1))
    events = [event async for event in agent.astream("draw")]
    kinds = [type(event) for event in events]
    assert kinds == [ToolStarted, ToolEnded, MediaMade, TextDelta, Finished]
    answer = events[-1].answer
    assert answer.ok and answer.text == "There."
    assert agent.shelf.media(answer.media[0].handle).read() == png(5)
    assert "base64" not in str(agent._messages())
    assert agent.history()[0].answer.parts == answer.parts


async def test_sync_and_async_turns_take_their_turn_in_one_session(open_agent):
    agent = open_agent("one", "two", "three")
    assert (await agent.arun("a")).text == "one"
    assert agent.run("b").text == "two"
    assert (await agent.arun("c")).text == "three"
    assert [turn.answer.text for turn in agent.history()] == ["one", "two", "three"]


async def test_the_loop_goes_on_while_a_synchronous_model_works(open_agent):
    agent = open_agent("one two three four five", seconds=0.05)
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    assert (await agent.arun("count")).text == "one two three four five"
    ticking.cancel()
    assert ticks >= 10


async def test_the_asynchronous_form_of_a_model_runs_in_the_loop_of_the_caller(open_agent):
    brain = Awaited(seconds=0.0)
    agent = open_agent(brain=brain)
    assert (await agent.arun("count")).text.split() == brain.words.split()
    assert brain.loops == [asyncio.get_running_loop()]


@pytest.mark.parametrize("brain", [Awaited(), None], ids=["awaited", "in a thread"])
async def test_a_cancelled_task_ends_the_turn_and_keeps_what_came(open_agent, brain):
    agent = open_agent(Awaited().words, seconds=0.03, brain=brain)
    said = []

    async def ask():
        async for event in agent.astream("count"):
            if isinstance(event, TextDelta):
                said.append(event.text)

    task = asyncio.create_task(ask())
    while len(said) < 3:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    turn = agent.history()[0]
    assert turn.status == "interrupted"
    assert turn.answer.text.startswith("one two three")
    assert "eight" not in turn.answer.text
    if brain is None:
        agent.brain.script.append("next")
    else:
        brain.words = "next"
    assert (await agent.arun("go on")).text.strip() == "next"


async def test_cancel_ends_with_an_answer_of_what_came(open_agent):
    agent = open_agent(brain=Awaited())
    answer, said = Answer(), []
    async for event in agent.astream("count"):
        if isinstance(event, TextDelta):
            said.append(event.text)
            if len(said) == 3:
                await asyncio.to_thread(agent.cancel)
        elif isinstance(event, Finished):
            answer = event.answer
    assert answer.interrupted and "eight" not in answer.text
    assert agent.history()[0].status == "interrupted"


async def test_a_tool_that_hangs_does_not_hold_a_cancelled_task(open_agent, call):
    @tool
    async def wait() -> str:
        """Wait."""
        await asyncio.sleep(60)
        return "late"

    agent = open_agent(call("wait"), "fine", tools=[wait])

    async def ask():
        async for event in agent.astream("go"):
            if isinstance(event, ToolStarted):
                asyncio.get_running_loop().call_later(0.05, task.cancel)

    task = asyncio.create_task(ask())
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 5
    assert (await agent.arun("and now?")).text == "fine"


async def test_leaving_the_iterator_stops_the_turn(open_agent):
    agent = open_agent(brain=Awaited())
    events = agent.astream("count")
    await anext(events)
    await events.aclose()
    assert agent.history()[0].status == "interrupted"
    assert agent.history()[0].answer.text.startswith("one")


async def test_one_turn_at_a_time_in_a_loop_too(open_agent):
    agent = open_agent("one two three", "after", seconds=0.03)
    first = asyncio.create_task(agent.arun("count"))
    await asyncio.sleep(0.02)
    with pytest.raises(UsageError, match="a turn is running"):
        await agent.arun("me too")
    assert (await first).text == "one two three"
    assert (await agent.arun("now")).text == "after"


async def test_errors_reach_the_caller_as_in_threads(open_agent):
    agent = open_agent(ConnectionError("no route"), BudgetSpent("no tokens left"), "fine")
    answer = await agent.arun("a")
    assert answer.failures[0].reason == "ConnectionError: no route"
    with pytest.raises(BudgetSpent):
        await agent.arun("b")
    with pytest.raises(UsageError, match="nothing was asked"):
        await agent.arun(" ")
    assert (await agent.arun("c")).ok
    assert [turn.status for turn in agent.history()] == ["failed", "failed", "answered"]


async def test_two_agents_answer_at_the_same_time(open_agent):
    one = open_agent(brain=Awaited(seconds=0.05, words="a b c d"), session="one")
    two = open_agent(brain=Awaited(seconds=0.05, words="e f g h"), session="two")
    began = time.monotonic()
    answers = await asyncio.gather(one.arun("x"), two.arun("y"))
    assert [answer.text.split() for answer in answers] == [list("abcd"), list("efgh")]
    assert time.monotonic() - began < 2.0
