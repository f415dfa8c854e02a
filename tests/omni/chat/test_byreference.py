"""Media by reference under any saver: small databases, the same state, and nothing lost."""

import base64
import os
import sqlite3
import time
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Send

from omni.chat import byreference
from omni.chat.byreference import MediaByReference
from omni.errors import StoreError, UsageError
from omni.testing import ScriptedBrain

MARK = "\x00omni-blob:"


def noise(size: int, seed: int = 0) -> bytes:
    import random

    return random.Random(seed).randbytes(size)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def blobs(serde: MediaByReference) -> list[str]:
    return list(serde.blobs.digests())


@pytest.fixture
def serde(tmp_path):
    return MediaByReference(tmp_path / "media")


def talk(saver: Any, size: int, turns: int, thread: str = "one") -> list[Any]:
    """Turns of a stock agent whose tool gives out a picture each; the messages as read back."""

    @tool
    def draw(seed: int) -> list:
        """Draw."""
        return [{"type": "image", "base64": encoded(noise(size, seed)), "mime_type": "image/png"}]

    lines: list[Any] = []
    for number in range(turns):
        call = {"name": "draw", "args": {"seed": number}, "id": f"c{number}"}
        lines += [AIMessage("", tool_calls=[call], id=f"a{number}"), "there"]
    graph = create_agent(ScriptedBrain(script=lines), [draw], checkpointer=saver)
    where: Any = {"configurable": {"thread_id": thread}}
    for number in range(turns):
        graph.invoke({"messages": [HumanMessage("draw", id=f"h{number}")]}, where)
    return graph.get_state(where).values["messages"]


def told(messages: list[Any]) -> list[Any]:
    return [(type(one), one.content, getattr(one, "tool_calls", None)) for one in messages]


def test_a_stock_agent_keeps_each_picture_once_and_its_state_is_the_same(tmp_path):
    size, turns, sizes, said = 60_000, 6, {}, {}
    for name in ("stock", "ours"):
        folder = tmp_path / name
        folder.mkdir()
        serde = MediaByReference(folder / "media") if name == "ours" else None
        with sqlite3.connect(folder / "db.sqlite", check_same_thread=False) as connection:
            said[name] = told(talk(SqliteSaver(connection, serde=serde), size, turns))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        files = [path for path in folder.rglob("*") if path.is_file()]
        sizes[name] = sum(path.stat().st_size for path in files)
    assert said["ours"] == said["stock"]
    assert sizes["ours"] < size * turns + 200_000
    assert sizes["stock"] > 10 * sizes["ours"]


def test_another_process_reads_the_state_with_its_media(tmp_path):
    path = tmp_path / "db.sqlite"
    connection = sqlite3.connect(path, check_same_thread=False)
    said = told(talk(SqliteSaver(connection, serde=MediaByReference(tmp_path / "m")), 5_000, 2))
    connection.close()
    connection = sqlite3.connect(path, check_same_thread=False)
    saver = SqliteSaver(connection, serde=MediaByReference(tmp_path / "m"))
    graph = create_agent(ScriptedBrain(), checkpointer=saver)
    found = graph.get_state({"configurable": {"thread_id": "one"}}).values["messages"]
    connection.close()
    assert told(found) == said


BIG = encoded(noise(3000))
FORMS = {
    "data URL": f"data:image/png;base64,{BIG}",
    "bytes": noise(5000),
    "OpenAI's sound": {"type": "input_audio", "input_audio": {"data": BIG, "format": "wav"}},
    "artifact": ToolMessage("x", tool_call_id="1", artifact={"deep": [noise(4000)]}),
    "more than its fields": AIMessage("x", additional_kwargs={"audio": {"data": BIG}}),
    "to a task": Send("tools", {"call": [{"base64": BIG}]}),
    "tuple": ({"a": BIG}, 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_media_of_every_form_lie_in_the_store(serde, form):
    value = FORMS[form]
    kind, data = serde.dumps_typed({"value": value})
    assert len(data) < 1500 and len(blobs(serde)) == 1
    stock = JsonPlusSerializer()
    expected = stock.loads_typed(stock.dumps_typed({"value": value}))
    for reader in (serde, MediaByReference(serde.blobs)):  # with what it remembers, and without
        assert reader.loads_typed((kind, data)) == expected
    assert value == FORMS[form]  # what was given was not changed


@pytest.mark.parametrize(
    "text",
    [
        "AAAA" * 100,  # too short to be worth it
        BIG[:40] + "\n" + BIG[40:],  # not canonical: would not come back so
        BIG[:-1],
        f"data:image/png;base64,{BIG[:-1]}",
        "a long text, in words. " * 300,
        "ä" * 3000,
    ],
)
def test_what_would_not_come_back_letter_by_letter_stays(serde, text):
    written = serde.dumps_typed([text])
    assert serde.loads_typed(written) == [text] and not blobs(serde)


LEAF = st.one_of(
    st.none(),
    st.integers(-(2**60), 2**60),
    st.text(max_size=20),
    st.binary(max_size=80),
    st.binary(min_size=30, max_size=80).map(encoded),
    st.binary(min_size=30, max_size=80).map(lambda data: f"data:a/b;base64,{encoded(data)}"),
    st.sampled_from(["t", "b", "p", ""]).map(lambda kind: f"{MARK}{kind}:{'ab' * 32}:"),
    st.just(MARK),
)
TREE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREE)
def test_any_tree_comes_back_as_it_was(tmp_path_factory, tree):
    serde = MediaByReference(tmp_path_factory.mktemp("media"), least=24)
    written = serde.dumps_typed({"tree": tree, "said": HumanMessage([{"type": "x", "v": [tree]}])})
    found = MediaByReference(serde.blobs, least=24).loads_typed(written)
    assert found["tree"] == tree
    assert found["said"].content == [{"type": "x", "v": [tree]}]


def test_a_text_that_names_media_of_others_is_only_text(serde):
    serde.dumps_typed([noise(4000)])
    (digest,) = blobs(serde)
    for said in (f"{MARK}b:{digest}:", f"{MARK}t:{digest}:data:", f"{MARK}p:{MARK}b:{digest}:"):
        assert serde.loads_typed(serde.dumps_typed([said])) == [said]
        assert serde.loads_typed(JsonPlusSerializer().dumps_typed([said])) == [said]


def test_what_was_written_before_is_read_as_it_is(serde):
    old = JsonPlusSerializer().dumps_typed({"messages": [HumanMessage(BIG)]})
    assert serde.loads_typed(old)["messages"][0].content == BIG


def test_a_lost_blob_is_one_clear_line(serde):
    written = serde.dumps_typed([noise(4000)])
    serde.blobs.delete(blobs(serde)[0])
    with pytest.raises(StoreError, match=r"no blob .* it was deleted or never kept"):
        serde.loads_typed(written)


def test_media_that_were_deleted_behind_it_are_stored_again(serde):
    data = noise(4000)
    serde.dumps_typed([data])
    serde.blobs.delete(blobs(serde)[0])
    written = serde.dumps_typed([data])
    assert MediaByReference(serde.blobs).loads_typed(written) == [data]


def aged(serde: MediaByReference) -> None:
    past = time.time() - 7200
    for digest in blobs(serde):
        os.utime(serde.blobs.path(digest), (past, past))


def test_only_what_no_checkpoint_names_is_collected(serde, tmp_path, monkeypatch):
    with sqlite3.connect(tmp_path / "db.sqlite", check_same_thread=False) as connection:
        saver, other = SqliteSaver(connection, serde=serde), InMemorySaver(serde=serde)
        talk(saver, 3000, 2, "keep")
        said = told(talk(other, 5000, 1))
        talk(saver, 4000, 3, "go")
        saver.delete_thread("go")
        assert len(blobs(serde)) == 6 and serde.collect(saver, other) == 0  # all are young
        aged(serde)
        with monkeypatch.context() as patch:  # to look what is named, no media are read
            patch.setattr(Path, "read_bytes", lambda path: pytest.fail("a blob was read"))
            assert serde.collect(saver, other) == 3
        assert len(blobs(serde)) == 3 == len(serde.held(saver, other))
        fresh = InMemorySaver(serde=serde)
        fresh.storage, fresh.writes, fresh.blobs = other.storage, other.writes, other.blobs
        where: Any = {"configurable": {"thread_id": "one"}}
        graph = create_agent(ScriptedBrain(), checkpointer=fresh)
        assert told(graph.get_state(where).values["messages"]) == said
    connection.close()


def test_what_is_named_anew_while_it_is_collected_stays(serde):
    """The media of a step that another process is about to commit."""
    data = noise(4000)
    serde.dumps_typed([data])
    aged(serde)
    held = serde.held

    def meanwhile(*savers):
        found = held(*savers)
        MediaByReference(serde.blobs).dumps_typed([data])
        return found

    serde.held = meanwhile
    assert serde.collect(InMemorySaver(serde=serde)) == 0 and len(blobs(serde)) == 1
    aged(serde)
    assert serde.dumps_typed([data]) and serde.collect(InMemorySaver(serde=serde)) == 0


def test_savers_have_to_be_named(serde):
    with pytest.raises(UsageError, match="name the savers"):
        serde.collect()
    with pytest.raises(UsageError, match="InMemorySaver does not write through this serialiser"):
        serde.collect(InMemorySaver())


def test_what_is_remembered_has_an_end(serde, monkeypatch):
    monkeypatch.setattr(serde, "_names", byreference._Remembered(10_000))
    for seed in range(9):
        serde.dumps_typed([noise(4000, seed)])
    remembered = cast(Any, serde._names)
    assert len(remembered._held) == 2 and remembered._size == 8000
    assert len(blobs(serde)) == 9
