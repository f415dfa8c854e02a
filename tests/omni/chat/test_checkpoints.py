"""The checkpointer: LangGraph's conformance suite, both ways of calling, and hostile days."""

import asyncio
import sqlite3
import subprocess
import sys
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import ALL_CAPABILITIES
from langgraph.pregel._checkpoint import LATEST_VERSION

from omni.chat.agent import Agent
from omni.chat.checkpoints import Checkpoints
from omni.chat.sessions import Sessions
from omni.errors import StoreError, UsageError
from omni.testing.scripted import ScriptedBrain


@pytest.fixture
def saver(tmp_path):
    connection = sqlite3.connect(tmp_path / "c.sqlite", check_same_thread=False)
    yield Checkpoints(connection)
    connection.close()


def config(thread, **more) -> Any:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": "", **more}}


def put(saver, thread, number=1, **metadata):
    """Write so many checkpoints, one after the other, and return the last's configuration."""
    last = config(thread)
    for _ in range(number):
        last = saver.put(last, empty_checkpoint(), {"step": 0, **metadata}, {})
    return last


def ids(saver, thread):
    return [found.checkpoint["id"] for found in saver.list(config(thread))]


async def test_it_conforms_in_all_eight_capabilities(tmp_path):
    @checkpointer_test(name="Checkpoints")
    async def fresh():
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        yield Checkpoints(connection)
        connection.close()

    report = await validate(fresh)
    assert report.passed_all() and report.conformance_level() == "FULL"
    assert {name for name, one in report.results.items() if one.passed} == {
        capability.value for capability in ALL_CAPABILITIES
    }


def test_the_same_without_an_event_loop(saver):
    """What the suite asks of the async methods, asked of the plain ones."""
    one = put(saver, "one", 3, run_id="r1")
    saver.put_writes(one, [("channel", "value")], "task")
    put(saver, "one", run_id="r2")
    saver.copy_thread("one", "two")
    assert ids(saver, "two") == ids(saver, "one") and len(ids(saver, "one")) == 4
    saver.delete_for_runs(["r1", "nobody"])
    assert len(ids(saver, "one")) == len(ids(saver, "two")) == 1
    assert saver.get_tuple(config("one")).metadata["run_id"] == "r2"
    put(saver, "one", 4)
    newest = ids(saver, "one")[0]
    saver.prune(["one", "nobody"])
    assert ids(saver, "one") == [newest]
    saver.prune(["one"], strategy="delete")
    assert ids(saver, "one") == [] and len(ids(saver, "two")) == 1
    with pytest.raises(UsageError, match="wanted keep_latest or delete"):
        saver.prune(["two"], strategy="oldest")


def test_threads_that_keep_differences_stay_whole(saver):
    put(saver, "thread", 3, counters_since_delta_snapshot={"messages": [2, 2]})
    before = ids(saver, "thread")
    saver.prune(["thread"])
    assert ids(saver, "thread") == before


def test_who_walks_through_checkpoints_may_write(saver):
    put(saver, "thread", 2)
    for found in saver.list(config("thread")):
        saver.put_writes(found.config, [("channel", 1)], "task")
    assert [len(found.pending_writes) for found in saver.list(config("thread"))] == [1, 1]


async def test_a_graph_runs_in_an_event_loop_and_many_at_once(saver):
    agent = create_agent(
        ScriptedBrain(script=[f"answer {n}" for n in range(6)]), checkpointer=saver
    )
    asked = [
        agent.ainvoke({"messages": [HumanMessage("hello")]}, config(f"thread {number}"))
        for number in range(6)
    ]
    states = await asyncio.gather(*asked)
    assert sorted(state["messages"][-1].text for state in states) == [
        f"answer {number}" for number in range(6)
    ]
    state = await agent.aget_state(config("thread 3"))
    assert state.values["messages"][-1].text == states[3]["messages"][-1].text


def test_a_checkpoint_of_a_newer_version_is_refused_in_one_line(saver):
    checkpoint = empty_checkpoint()
    checkpoint["v"] = LATEST_VERSION + 1
    saver.put(config("later"), checkpoint, {}, {})
    told = rf"'later' was written by a newer LangGraph \(checkpoints of version {checkpoint['v']}"
    with pytest.raises(StoreError, match=told) as raised:
        saver.get_tuple(config("later"))
    assert "\n" not in str(raised.value) and "update langgraph" in str(raised.value)
    with pytest.raises(StoreError, match="newer LangGraph"):
        list(saver.list(config("later")))
    put(saver, "now")
    assert saver.get_tuple(config("now")) is not None


def test_a_damaged_checkpoint_is_one_line_and_the_others_are_read(saver):
    put(saver, "good")
    put(saver, "bad")
    with saver.cursor() as cursor:
        cursor.execute("UPDATE checkpoints SET checkpoint = x'c1' WHERE thread_id = 'bad'")
    with pytest.raises(StoreError, match="the last checkpoint of 'bad' cannot be read") as raised:
        saver.get_tuple(config("bad"))
    assert "\n" not in str(raised.value)
    assert saver.get_tuple(config("good")) is not None


def test_a_write_that_fails_leaves_nothing_half_written(saver):
    put(saver, "one", 2)
    before = ids(saver, "one")
    with pytest.raises(RuntimeError), saver.cursor() as cursor:
        cursor.execute("DELETE FROM checkpoints")
        raise RuntimeError
    assert ids(saver, "one") == before


def limit(sessions, pages):
    """Let the database be of so many pages at most: what is beyond does not fit on the disk."""
    with sessions.checkpoints.cursor(transaction=False) as cursor:
        return cursor.execute(f"PRAGMA max_page_count = {pages}").fetchone()[0]


def test_a_full_disk_is_one_line_and_the_conversation_is_intact(own_home, picture):
    path = picture(1)
    long = "a long answer " * 20_000
    brain = ScriptedBrain(script=["first", long, "third"])
    with Agent(brain, home=own_home) as agent:
        agent.run("what is this?", [path])
        limit(agent.sessions, 1)  # no smaller than it is
        with pytest.raises(StoreError, match="the disk is full; free some space"):
            agent.run("say something long")
        assert agent.history()[0].status == "answered"
        limit(agent.sessions, 1 << 30)
        assert agent.run("again?").text == "third"
        told = [turn.answer.text for turn in agent.history()]
        assert told[0] == "first" and told[-1] == "third"
    with Agent(ScriptedBrain(), home=own_home) as agent:
        assert [turn.answer.text for turn in agent.history()] == told
        assert agent.shelf.media("img-1").read() == path.read_bytes()


def test_a_full_disk_under_the_blobs_leaves_no_handle(own_home, picture, monkeypatch):
    import errno
    import os

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Agent(ScriptedBrain(script=["seen"]), home=own_home) as agent:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(StoreError, match=r"cannot store noise-1-24\.png .* No space left"):
                agent.attach(picture(1))
        assert list(agent.shelf) == list(agent.shelf.blobs.digests()) == []  # type: ignore[attr-defined]
        assert agent.attach(picture(1)).handle == "img-1"
        assert agent.run("and now?").ok


OTHER = """
import sys
from pathlib import Path
from omni.chat.agent import Agent
from omni.testing.scripted import ScriptedBrain
with Agent(ScriptedBrain(script=["from the other"]), session="s", home=Path(sys.argv[1])) as agent:
    agent.run("and this?", [sys.argv[2]])
"""


def test_two_processes_on_one_session_see_each_others_turns_and_media(own_home, picture):
    with Agent(
        ScriptedBrain(script=["one", "img-2 is noise"]), session="s", home=own_home
    ) as agent:
        agent.run("what is this?", [picture(1)])
        command = [sys.executable, "-c", OTHER, str(own_home), str(picture(2))]
        subprocess.run(command, check=True, timeout=60)
        assert [ref.handle for ref in agent.shelf] == ["img-1", "img-2"]
        assert agent.shelf.media("img-2").read() == picture(2).read_bytes()
        answer = agent.run("compare the two", [picture(3)])
        assert answer.ok, answer.failures
        assert [ref.handle for ref in agent.shelf] == ["img-1", "img-2", "img-3"]
        assert [turn.answer.text for turn in agent.history()] == [
            "one",
            "from the other",
            "img-2 is noise",
        ]


def test_a_session_that_cannot_be_opened_stops_no_other(own_home):
    with Sessions(own_home) as sessions:
        checkpoint = empty_checkpoint()
        checkpoint["v"] = LATEST_VERSION + 1
        sessions.checkpoints.put(config("later"), checkpoint, {}, {})
        sessions.touch("later", title="from tomorrow")
        assert [one.name for one in sessions.list()] == ["later"]
    with pytest.raises(StoreError, match="newer LangGraph"):
        Agent(ScriptedBrain(), session="later", home=own_home)
    with Agent(ScriptedBrain(script=["fine"]), session="other", home=own_home) as agent:
        assert agent.run("hello").text == "fine"
