import asyncio

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from omni.testing import ScriptedBrain
from omni.testing.schema import problems


@tool
def draw(subject: str, size: int = 64, colours: list[str] | None = None) -> str:
    """Draw."""
    return subject


def call(name="draw", **args):
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": "1"}])


def test_words_calls_and_media_are_said_whole_and_in_pieces():
    block = {"type": "image", "base64": "eA==", "mime_type": "image/png"}
    lines = ["two words", AIMessage(content=[{"type": "text", "text": "here"}, block])]
    whole = ScriptedBrain(script=lines)
    pieces = ScriptedBrain(script=lines)
    for line in lines:
        streamed = list(pieces.stream("go"))
        added = streamed[0]
        for one in streamed[1:]:
            added += one
        assert added.content == whole.invoke("go").content
        assert len(streamed) > 2 if isinstance(line, str) else block in list(added.content)


async def test_it_answers_in_event_loops():
    brain = ScriptedBrain(script=["one", "two"])
    said = await asyncio.gather(brain.ainvoke("a"), brain.ainvoke("b"))
    assert sorted(message.text for message in said) == ["one", "two"]
    brain.check_finished()


def test_a_script_neither_starts_again_nor_is_left():
    brain = ScriptedBrain(script=["one", "two"])
    brain.invoke("a")
    with pytest.raises(AssertionError, match=r"1 of 2 lines were not said: \['two'\]"):
        brain.check_finished()
    brain.invoke("b")
    with pytest.raises(AssertionError, match="the script has 2 lines; this is call 3"):
        brain.invoke("c")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (call("paint"), r"calls 'paint'; the tools are \['draw'\]"),
        (call(), "line 1 calls 'draw', but the arguments lack 'subject'"),
        (call(subject=3), r"the arguments.subject is 3, wanted string"),
        (call(subject="x", size="large"), "the arguments.size is 'large', wanted integer"),
        (call(subject="x", colour="red"), "have 'colour', which the tool does not take: subject"),
        (call(subject="x", colours=["red", 5]), r"the arguments.colours\[1\] is 5, wanted string"),
    ],
)
def test_calls_that_the_tool_does_not_take_are_errors_of_the_script(line, told):
    with pytest.raises(AssertionError, match=told):
        ScriptedBrain(script=[line]).bind_tools([draw]).invoke("go")
    lenient = ScriptedBrain(script=[line], strict=False).bind_tools([draw])
    assert lenient.invoke("go").tool_calls == line.tool_calls


def test_calls_that_it_takes_are_said():
    lines = [
        call(subject="x"),
        call(subject="x", size=3, colours=["red"]),
        call(subject="x", colours=None),
    ]
    bound = ScriptedBrain(script=lines).bind_tools([draw])
    for line in lines:
        assert bound.invoke("go").tool_calls == line.tool_calls


def test_the_schema_check_agrees_with_a_reference():
    """Beside `jsonschema`, on values of every kind."""
    from itertools import product

    import jsonschema
    from langchain_core.utils.function_calling import convert_to_openai_tool

    schemas = [
        convert_to_openai_tool(draw)["function"]["parameters"] | {"additionalProperties": False},
        {"properties": {"a": {"enum": [1, "x"]}}, "required": ["a"]},
        {"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n"}}},
        {"properties": {"a": {"anyOf": [{"type": "null"}, {"type": "array", "items": {}}]}}},
        {"type": "object", "additionalProperties": True, "properties": {"b": {"const": 5}}},
    ]
    values = [None, True, 1, 1.5, "x", [], [1], ["x"], {}, {"a": 1}]
    checked = 0
    for schema, first, second in product(schemas, values, values):
        closed = "additionalProperties" in schema
        schema = schema if closed else schema | {"additionalProperties": False}
        for given in ({"a": first}, {"subject": first, "size": second}, {"b": first}, {}):
            wrong = problems(given, schema)
            reference = list(jsonschema.Draft202012Validator(schema).iter_errors(given))
            assert bool(wrong) == bool(reference), (given, schema, wrong, reference)
            checked += bool(wrong)
    assert checked > 100
