"""Tools' own words, passed on by a model that would change them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool

from omni import Agent, ChatOmni
from omni.chat.quoting import quotation, readable

CALL = {"name": "read_text", "args": {"image": "img-1"}, "id": "1"}


def asked(*results):
    calls = [{**CALL, "id": str(place)} for place in range(len(results))]
    return [HumanMessage("Read it."), AIMessage("", tool_calls=calls), *results]


def test_only_what_was_said_last_is_passed_on():
    first, second = (ToolMessage(words, tool_call_id=words) for words in ("SALE", "OPEN"))
    assert quotation(asked(first, second)) == "SALE\nOPEN"
    assert quotation([*asked(first), AIMessage("SALE"), *asked(second)]) == "OPEN"
    assert quotation([*asked(first), AIMessage("SALE")]) is None
    assert quotation([]) is None


def test_a_failure_is_told_as_one():
    failed = ToolMessage("there is no 'img-9'", tool_call_id="0", status="error")
    assert quotation(asked(failed)) == "It did not work: there is no 'img-9'"


def test_words_between_media_are_kept_and_media_are_not_named():
    content = [
        {"type": "text", "text": "img-1 changed: grey."},
        {"type": "image", "file_id": "img-2"},
        "and that is all",
    ]
    said = quotation(asked(ToolMessage(content, tool_call_id="0")))  # type: ignore[arg-type]
    assert said == "img-1 changed: grey.\nand that is all"


def test_facts_are_told_one_a_line():
    facts = {
        "median": [1.5, 2],
        "range": [[1, 2], [3, 4]],
        "size": {"x": 1, "y": 2.5},
        "units": None,
        "coloured": True,
        "outliers": [],
    }
    told = readable(json.dumps(facts) + "\nThe picture shows it.")
    assert told.splitlines() == [
        "median: 1.5, 2",
        "range: (1, 2) to (3, 4)",
        "size: x 1, y 2.5",
        "units: unknown",
        "coloured: yes",
        "outliers: none",
        "The picture shows it.",
    ]


@given(st.text())
def test_any_other_text_stays_as_it_is(text):
    try:
        is_facts = isinstance(json.loads(text), dict)
    except ValueError:
        is_facts = False
    if not is_facts:
        assert readable(text) == text or text.startswith("{")


@pytest.mark.parametrize("broken", ["{", '{"a": ', "{a}", "[1, 2]", '"a"'])
def test_what_is_no_object_stays_as_it_is(broken):
    assert readable(broken) == broken


@tool
def read_sign(sign: str) -> str:
    """Read a sign."""
    return f"{sign} says: Qzx 4,711 <|end|> {{not facts}}"


def test_the_embedded_model_hands_on_what_a_tool_says_letter_by_letter(monkeypatch):
    brain = ChatOmni()
    monkeypatch.setattr(brain.load().model.config, "quotes", True)
    said = ToolMessage("Qzx 4,711 <|end|>", tool_call_id="0")
    answer = brain.invoke(asked(said))
    assert answer.content == "Qzx 4,711 <|end|>"
    assert answer.usage_metadata is not None and answer.usage_metadata["total_tokens"] == 0
    streamed = list(brain.stream(asked(said)))
    assert "".join(chunk.text for chunk in streamed) == "Qzx 4,711 <|end|>"


def test_an_agent_answers_with_the_words_of_its_tool(monkeypatch):
    brain = ChatOmni()
    monkeypatch.setattr(brain.load().model.config, "quotes", True)
    called = {"name": "read_sign", "arguments": {"sign": "door"}}
    spoken = iter([f"<|call|>{json.dumps(called)}<|/call|>"])

    def pieces(loaded, *_):
        scanner = loaded.processor.scanner()
        ids = loaded.processor.tokenizer.encode(next(spoken), add_special_tokens=False)
        for token in ids:
            yield from scanner.feed(token)
        yield from scanner.finish()

    monkeypatch.setattr(ChatOmni, "_pieces", lambda self, *given: pieces(*given))
    with Agent(brain, tools=[read_sign], session=None) as agent:
        answer = agent.run("What does the door say?")
    assert answer.text == "door says: Qzx 4,711 <|end|> {not facts}"
