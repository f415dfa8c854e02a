"""The forms of `tool_choice`."""

import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool

from omni.chat.choosing import chosen
from omni.errors import UsageError


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def speak(text: str) -> str:
    """Say it."""
    return text


TOOLS = [convert_to_openai_tool(add), convert_to_openai_tool(speak)]


@pytest.mark.parametrize("choice", [None, False, "auto"])
def test_nothing_is_forced_unless_it_is_asked_for(choice):
    assert chosen(TOOLS, choice) == (TOOLS, False)
    assert chosen(None, choice) == ([], False)


@pytest.mark.parametrize("choice", [True, "any", "required"])
def test_any_tool_must_be_called(choice):
    assert chosen(TOOLS, choice) == (TOOLS, True)
    assert chosen([], choice) == ([], False)


@pytest.mark.parametrize("choice", ["speak", {"type": "function", "function": {"name": "speak"}}])
def test_one_tool_must_be_called(choice):
    assert chosen(TOOLS, choice) == (TOOLS[1:], True)


def test_none_hides_all_tools():
    assert chosen(TOOLS, "none") == ([], False)


def test_a_tool_that_is_not_there_cannot_be_chosen():
    with pytest.raises(UsageError, match="'fly' is no tool that was bound: there is add, speak"):
        chosen(TOOLS, "fly")
