"""Answers as objects of a class, and what becomes of those that do not fit."""

import json
from typing import Any, Literal

import pytest
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from omni.chat.events import Finished, TextDelta
from omni.testing.scripted import ScriptedBrain


class Invoice(BaseModel):
    """An invoice."""

    number: str
    total: float = Field(gt=0)
    kind: Literal["paid", "open"] = "open"


def given(**fields: Any) -> AIMessage:
    call = {"name": "Invoice", "args": fields, "id": f"call-{fields['total']}"}
    return AIMessage("", tool_calls=[call])


def test_the_answer_holds_the_object_and_its_words(open_agent):
    agent = open_agent(given(number="A1", total=9.5), "Later.", response_format=Invoice)
    events = list(agent.stream("read it"))
    answer = events[-1].answer  # type: ignore[union-attr]
    assert isinstance(events[-1], Finished) and answer.ok
    assert answer.value == Invoice(number="A1", total=9.5)
    assert json.loads(answer.text) == {"number": "A1", "total": 9.5, "kind": "open"}
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == answer.text
    assert answer.to_json()["value"] == {"number": "A1", "total": 9.5, "kind": "open"}
    (turn,) = agent.history()
    assert (turn.status, turn.answer.value["number"]) == ("answered", "A1")


def test_the_next_turn_reads_the_object_as_words(open_agent):
    lines = given(number="A1", total=9.5), given(number="A2", total=1)
    agent = open_agent(*lines, response_format=Invoice)
    agent.run("first")
    assert agent.run("second").value.number == "A2"
    _, answered, _ = agent.brain.asked[1][-3:]
    assert json.loads(answered.content)["number"] == "A1" and not answered.tool_calls


def test_nothing_of_a_class_is_in_the_state(open_agent, own_home):
    open_agent(given(number="A1", total=9.5), response_format=Invoice).run("read")
    again = open_agent()  # knows nothing of the class
    assert again.history()[0].answer.value == {"number": "A1", "total": 9.5, "kind": "open"}
    data = (own_home / "sessions.sqlite").read_bytes()
    assert b"test_structuring" not in data


def test_a_model_may_mend_an_object(open_agent):
    lines = [given(number="A1", total=-1), given(number="A1", total=1)]
    careless = ScriptedBrain(script=lines, strict=False)
    agent = open_agent(brain=careless, response_format=Invoice)
    answer = agent.run("read")
    assert answer.ok and answer.value.total == 1
    assert "greater than 0" in agent.brain.asked[1][-1].content


def test_objects_that_never_fit_are_a_failed_part_with_the_reason(open_agent):
    lines = [given(number="A1", total=-n, kind="lost") for n in range(5)]
    careless = ScriptedBrain(script=lines, strict=False)
    agent = open_agent(brain=careless, response_format=Invoice)
    answer = agent.run("read")
    assert not answer.ok and answer.value is None
    (part,) = answer.failures
    assert part.reason == (
        "the answer is no Invoice: total: Input should be greater than 0; "
        "kind: Input should be 'paid' or 'open'"
    )
    assert len(agent.brain.asked) == 3
    assert agent.history()[0].status == "failed"
    agent.brain.script[3] = given(number="A1", total=1)
    assert agent.run("again").ok


def test_words_where_an_object_was_wanted_are_a_failed_part(open_agent):
    answer = open_agent("It is 9.5.", response_format=Invoice).run("read")
    assert answer.text == "It is 9.5." and answer.value is None
    assert answer.failures[0].reason == "the answer is no Invoice: the model answered in words"


def test_tools_may_be_called_before(open_agent, call):
    @tool
    def look() -> str:
        """Look."""
        return "A1, 9.5"

    lines = call("look"), given(number="A1", total=9.5)
    answer = open_agent(*lines, tools=[look], response_format=ToolStrategy(Invoice)).run("read")
    assert answer.value == Invoice(number="A1", total=9.5)


@pytest.mark.parametrize("text", ['{"number": "A1", "total": 9.5}', '{"number": "A1"}', "no JSON"])
def test_models_with_a_form_of_their_own(open_agent, text):
    agent = open_agent(AIMessage(text), response_format=ProviderStrategy(Invoice))
    answer = agent.run("read")
    if "total" in text:
        assert answer.ok and answer.value == Invoice(number="A1", total=9.5)
        assert answer.text == text
    else:
        assert not answer.ok and answer.value is None
        assert str(answer.failures[0].reason).startswith("the answer is no Invoice: ")
        assert agent.history()[0].status == "failed"


def test_one_of_several_classes(open_agent):
    class Receipt(BaseModel):
        """A receipt."""

        shop: str

    formats: Any = ToolStrategy(Invoice | Receipt)
    message = AIMessage("", tool_calls=[{"name": "Receipt", "args": {"shop": "x"}, "id": "c"}])
    answer = open_agent(message, response_format=formats).run("read")
    assert answer.value == Receipt(shop="x")


async def test_in_an_event_loop(open_agent):
    agent = open_agent(given(number="A1", total=9.5), response_format=Invoice)
    assert (await agent.arun("read")).value == Invoice(number="A1", total=9.5)
