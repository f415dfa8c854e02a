"""A question: on the disk with all that belongs to it before a model sees it, or not at all."""

import asyncio
import sqlite3
import threading

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from omni.chat.agent import Agent
from omni.chat.checkpoints import Checkpoints
from omni.chat.sessions import Sessions
from omni.errors import StoreError
from omni.testing import ScriptedBrain


def on_disk(home):
    """What another connection sees, which is what is left after a kill."""
    with Sessions(home) as sessions:
        said = [message.text for message in sessions.messages("default")]
        waiting = [ref.handle for ref in sessions.refs("default", pending=True)]
        return said, waiting, [(one.title, one.turns) for one in sessions.list()]


def test_the_model_is_called_when_the_question_is_on_the_disk(own_home, open_agent, picture):
    seen = []

    def look(messages):
        seen.append(on_disk(own_home))
        return AIMessage("seen")

    agent = open_agent(look, look)
    agent.attach(picture(1))
    assert on_disk(own_home) == ([], ["img-1"], [("", 0)])
    agent.run("what is this?")
    agent.run("and now?")
    assert seen == [
        (["what is this?"], [], [("what is this?", 1)]),
        (["what is this?", "seen", "and now?"], [], [("what is this?", 2)]),
    ]


async def test_the_same_in_an_event_loop(own_home, open_agent):
    seen = []

    def look(messages):
        seen.append(on_disk(own_home)[0])
        return AIMessage("seen")

    agent = open_agent(look)
    await agent.arun("is it there?")
    assert seen == [["is it there?"]]


def test_a_question_that_cannot_be_written_leaves_everything_as_it_was(
    own_home, open_agent, picture, monkeypatch
):
    agent = open_agent("first", "third")
    agent.run("one")
    agent.attach(picture(1))
    before = on_disk(own_home)

    def full(*args, **kwargs):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Sessions, "touch", full)  # after the attachments were taken as asked
        with pytest.raises(StoreError, match="the disk is full"):
            agent.run("two")
    assert on_disk(own_home) == before and before[1] == ["img-1"]
    assert agent.run("three").text == "third"
    assert on_disk(own_home)[1] == []


def test_a_turn_in_words_takes_four_transactions_and_one_sync(open_agent):
    agent = open_agent("one", "two", "three")
    agent.run("the tables are made, and the graph is")
    checkpoints, said = agent.sessions.checkpoints, []
    checkpoints.settle()
    checkpoints.conn.set_trace_callback(said.append)
    agent.run("and now?")
    checkpoints.conn.set_trace_callback(None)
    assert said.count("COMMIT") == 4
    question = said[said.index("BEGIN ") : said.index("COMMIT")]
    assert [line.split()[:3] for line in question[1:]] == [
        ["UPDATE", "media", "SET"],
        ["INSERT", "INTO", "sessions"],
        ["INSERT", "OR", "REPLACE"],
    ]
    assert len([line for line in said if "PRAGMA synchronous = FULL" in line]) == 1
    full = said.index("PRAGMA synchronous = FULL")
    assert said[full + 1] == "BEGIN " and said[full + 2].startswith("DELETE FROM writes")
    assert checkpoints.conn.execute("PRAGMA synchronous").fetchone()[0] == 1  # NORMAL again


def test_what_is_through_to_the_disk_although_nothing_was_written(open_agent):
    checkpoints, said = open_agent().sessions.checkpoints, []
    checkpoints.conn.set_trace_callback(said.append)
    with checkpoints.through():
        pass
    assert said[-1] == "PRAGMA wal_checkpoint(TRUNCATE)"


def test_a_long_log_is_moved_into_the_database(open_agent, own_home):
    agent = open_agent(*["long" * 14_000] * 12)
    sizes = []
    for number in range(12):
        agent.run(f"question {number}")
        sizes.append((own_home / "sessions.sqlite-wal").stat().st_size)
    assert max(sizes) <= 128 << 10


def test_a_cursor_within_a_cursor_takes_part_in_its_transaction(open_agent):
    checkpoints = open_agent().sessions.checkpoints
    insert = "INSERT INTO sessions VALUES (?, '', '', '', '', 0)"
    with pytest.raises(KeyError), checkpoints.cursor() as outer:
        outer.execute(insert, ("one",))
        with checkpoints.cursor() as inner:
            inner.execute(insert, ("two",))
        raise KeyError
    with checkpoints.cursor() as cursor:
        assert not cursor.execute("SELECT * FROM sessions WHERE name != 'default'").fetchall()


async def test_a_task_that_is_cancelled_before_its_question_is_written_keeps_it(
    own_home, open_agent, monkeypatch
):
    """What was asked stands in the history, whenever the one who asked has gone."""
    agent, entered, let = open_agent("never"), threading.Event(), threading.Event()
    put = Checkpoints.put

    def slow(self, config, checkpoint, metadata, versions):
        if metadata["source"] == "loop" and not entered.is_set():
            entered.set()
            let.wait(10)
        return put(self, config, checkpoint, metadata, versions)

    monkeypatch.setattr(Checkpoints, "put", slow)
    task = asyncio.create_task(agent.arun("are you there?"))
    await asyncio.to_thread(entered.wait, 10)
    task.cancel()
    await asyncio.sleep(0.05)
    let.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(turn.status, turn.question[0].text) for turn in agent.history()] == [
        ("interrupted", "are you there?")
    ]
    assert on_disk(own_home)[2] == [("are you there?", 1)]


def test_a_session_of_ours_goes_on_in_a_bare_agent(own_home, open_agent):
    """The checkpoints are LangGraph's, whatever is left out of them."""
    open_agent("first").run("one")
    with Sessions(own_home) as sessions:
        graph = create_agent(ScriptedBrain(script=["second"]), checkpointer=sessions.checkpoints)
        state = graph.invoke(
            {"messages": [HumanMessage("two")]}, {"configurable": {"thread_id": "default"}}
        )
    assert [message.text for message in state["messages"]] == ["one", "first", "two", "second"]


@pytest.mark.parametrize("stopped", ["killed", "waiting"])
def test_state_before_the_next_question_is_that_of_a_bare_agent(open_agent, call, stopped):
    """Messages after the second question, whatever the first one left behind."""
    from langchain_core.tools import tool

    @tool
    def look(at: str) -> str:
        """Look."""
        return f"seen {at}"

    agent = open_agent(call("look", at="a"), "after", tools=[look], approve=["look"])
    agent.run("one")
    assert agent.history()[0].status == "waiting"
    if stopped == "killed":
        agent.close()
        agent = open_agent("after", tools=[look], approve=["look"])
    answer = agent.run("two")
    assert answer.text == "after" and not answer.asked
    kinds = [message.type for message in agent._messages()]
    assert kinds == ["human", "ai", "tool", "ai", "human", "ai"]
    bare = create_agent(
        ScriptedBrain(script=["after"]), [look], checkpointer=InMemorySaver()
    ).invoke({"messages": agent._messages()[:-1]}, {"configurable": {"thread_id": "x"}})
    assert [one.type for one in bare["messages"]] == kinds


def test_questions_of_two_agents_that_work_for_each_other(own_home, open_agent, call):
    """A worker's question is its own, in its own session."""
    worker = Agent(ScriptedBrain(script=["inner"]), home=own_home, session="worker")
    asks = worker.as_tool("helper", "Helps.")
    agent = open_agent(call("helper", request="help"), "outer", tools=[asks])
    assert agent.run("go").text == "outer"
    worker.close()
    assert [turn.question[0].text for turn in agent.history()] == ["go"]
