"""Limits of a turn on the command line: kept, said in one line, and nothing is lost by them."""

import json
import re

import pytest
from langchain_core.messages import AIMessage

from omni.chat.agent import Agent
from omni.chat.limits import Limits, Price
from omni.chat.omni import ChatOmni
from omni.cli import limiting
from omni.config import settings
from omni.errors import UsageError


def used(message, tokens_in, tokens_out):
    total = tokens_in + tokens_out
    usage = {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": total}
    return message.model_copy(update={"usage_metadata": usage})


def sum_of(number):
    args = {"expression": f"{number} + 1"}
    call = {"name": "calculator", "args": args, "id": f"call-{number}"}
    return used(AIMessage("", tool_calls=[call]), 300, 50)


SUMS = [sum_of(number) for number in range(9)]
TOOL = ("--tools", "calculator")


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--max-steps", "2"], "no answer after 2 steps: raise the limit of steps (--max-steps)"),
        (["--max-tokens", "600"], "the limit of 600 tokens is reached (700 used): raise it"),
        (
            ["--max-money", "0.001", "--price", "1/10"],
            "the limit of 0.001 in money is reached (0.0016 spent): raise it",
        ),
        (
            ["--max-money", "0.001", "--price", "other=9/9", "--price", "scripted=1/10"],
            "the limit of 0.001 in money is reached (0.0016 spent): raise it",
        ),
    ],
)
def test_a_limit_is_one_line_and_exit_code_1(omni, scripted, flags, reason):
    brain = scripted(*SUMS)
    ran = omni("ask", "add", "--model", "scripted", *TOOL, *flags, "--session", "s")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"omni: text failed: {reason}") and ran.err.count("\n") == 1
    assert len(brain.asked) == 2


def test_the_conversation_is_whole_after_a_limit(omni, scripted, own_home):
    scripted(*SUMS)
    assert omni("ask", "add", *TOOL, "--max-steps", "2", "--session", "s").code == 1
    brain = scripted("Nine.")
    ran = omni("ask", "and now?", *TOOL, "--session", "s")
    assert (ran.code, ran.out) == (0, "Nine.\n")
    shown = [message.text for message in brain.asked[0]]
    assert [text for text in shown if text in ("add", "and now?")] == ["add", "and now?"]
    assert sum(message.type == "tool" for message in brain.asked[0]) == 2
    with Agent(brain, session="s", home=own_home) as agent:
        assert [turn.status for turn in agent.history()] == ["failed", "answered"]


def test_time_is_a_limit_that_keeps_what_came(omni, scripted):
    scripted("one " * 400, seconds=0.05)
    ran = omni("ask", "count", "--max-seconds", "0.4", "--json")
    answer = json.loads(ran.out)
    words, failed = answer["parts"]
    assert ran.code == 1 and words["text"].startswith("one one")
    assert failed["reason"].startswith("the limit of 0.4 seconds is reached")


def test_limits_stand_in_the_file_the_environment_and_the_agent_file(
    omni, scripted, own_home, monkeypatch, tmp_path
):
    (own_home / "config.toml").write_text("max_steps = 4\n")
    described = tmp_path / "agent.toml"
    described.write_text('tools = ["calculator"]\n[limits]\nsteps = 2\n')
    rows = [
        ((*TOOL,), {}, 4),
        ((*TOOL,), {"OMNI_MAX_STEPS": "3"}, 3),
        (("--agent", described), {"OMNI_MAX_STEPS": "3"}, 2),
        (("--agent", described, "--max-steps", "1"), {"OMNI_MAX_STEPS": "3"}, 1),
    ]
    for flags, variables, steps in rows:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        brain = scripted(*SUMS)
        assert f"no answer after {steps} steps" in omni("ask", "add", *flags).err
        assert len(brain.asked) == steps


def test_off_lifts_a_limit(omni, scripted, monkeypatch):
    monkeypatch.setenv("OMNI_MAX_TOKENS", "100")
    scripted(*SUMS[:2], "2")
    assert omni("ask", "add", *TOOL).code == 1
    scripted(*SUMS[:2], "2")
    assert omni("ask", "add", *TOOL, "--max-tokens", "off").out == "2\n"


def test_money_needs_a_price_unless_the_brain_is_here(omni, scripted):
    scripted("never")
    ran = omni("ask", "x", "--model", "openai:a", "--max-money", "1", "--price", "b=1/1")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("omni: a limit of money needs the price of 'scripted': ")
    assert "--price scripted=IN/OUT" in ran.err
    with Agent(ChatOmni(), session=None, limits=Limits(money=1.0)) as agent:
        assert agent.limits.money == 1.0


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (["--max-steps", "0"], "argument --max-steps: wanted a whole number above 0, not '0'"),
        (["--max-steps", "off"], "argument --max-steps: wanted a whole number above 0, not 'off'"),
        (["--max-tokens", "1.5"], "--max-tokens: wanted a whole number above 0 or off, not '1.5'"),
        (["--max-seconds", "soon"], "--max-seconds: wanted a number above 0 or off, not 'soon'"),
        (["--max-money", "-1"], "--max-money: wanted a number above 0 or off, not '-1'"),
        (["--max-money", "nan"], "--max-money: wanted a number above 0 or off, not 'nan'"),
        (["--price", "2"], "argument --price: wanted [MODEL=]IN/OUT, what a million tokens cost"),
        (["--price", "=1/2"], "argument --price: wanted [MODEL=]IN/OUT"),
        (["--price", "x=1/nan"], "argument --price: wanted [MODEL=]IN/OUT"),
        (["--price", "x=-1/2"], "argument --price: a price is 0 or more, not -1"),
    ],
)
def test_what_is_no_limit_is_refused_in_one_line(omni, scripted, flags, wanted):
    scripted()
    ran = omni("ask", "x", *flags)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert wanted in ran.err


def test_prices_are_found_by_the_name_a_model_gives_itself():
    given = settings(model="openai:gpt-5-mini", prices=("0.25/2", "ollama:llama3:8b=0/0"))
    limits = limiting.limits_of(given, {"old": Price(1, 1)})
    assert limits.price("gpt-5-mini") == limits.price("openai:gpt-5-mini") == Price(0.25, 2)
    assert limits.price("llama3:8b") == Price(0, 0)
    assert limits.price("old") == Price(1, 1)


def test_limits_change_within_a_conversation(talk):
    chat = talk(*SUMS, "done")
    chat.take("/tools calculator")
    chat.take("/limits steps=1 seconds=60")
    chat.take("add")
    assert "text failed: no answer after 1 steps" in chat.screen.err.getvalue()
    chat.take("/limits steps=3")
    chat.take("/tools calculator,crop_image")
    chat.take("add")
    assert "text failed: no answer after 3 steps" in chat.screen.err.getvalue()
    assert chat.agent.limits == Limits(steps=3, seconds=60.0)
    chat.take("/limits")
    told = chat.screen.err.getvalue().splitlines()[-2:]
    assert "limits of a turn: steps 3, tokens off, seconds 60, money off" in told[0]
    assert "the last turn took 3 steps, 1,050 tokens" in told[1]
    chat.take("/limits off")
    assert chat.agent.limits == Limits(steps=3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("steps", "steps: wanted a whole number above 0, not ''"),
        ("tokens=few", "tokens: wanted a whole number above 0 or off, not 'few'"),
        ("minutes=3", "wanted steps=…, tokens=…, seconds=…, money=… or off, not 'minutes=3'"),
    ],
)
def test_a_limit_that_is_none_is_refused(line, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        limiting.changed(Limits(), line)


def test_a_limit_that_cannot_be_kept_leaves_all_as_it_was(talk):
    chat = talk("fine")
    chat.take("/limits money=1")
    assert "needs the price of 'scripted'" in chat.screen.err.getvalue()
    assert chat.agent.limits == Limits() and chat.settings.max_money is None
