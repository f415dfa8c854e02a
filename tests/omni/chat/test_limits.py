"""A turn that reaches a limit ends with a failed part that names it, and nothing is lost."""

import time

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from omni.chat.events import MediaMade
from omni.chat.limits import LimitReached, Limits, Price, Spent
from omni.errors import UsageError


@tool
def more() -> str:
    """More."""
    return "more"


def used(message, tokens_in, tokens_out):
    message.usage_metadata = {
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }
    return message


def reason(answer):
    assert not answer.ok
    return answer.failures[-1].reason


def test_tokens_are_counted_over_all_calls_of_a_turn(open_agent, call):
    calls = [used(call("more", n), 300, 50) for n in range(9)]
    agent = open_agent(*calls, tools=[more], limits=Limits(tokens=1000))
    answer = agent.run("go")
    assert reason(answer).startswith("the limit of 1,000 tokens is reached (1,050 used)")
    assert answer.usage.input_tokens + answer.usage.output_tokens == 1050
    assert len(agent.brain.asked) == 3
    assert agent.history()[0].status == "failed"
    agent.brain.script[3] = "fine"
    assert agent.run("a new turn counts anew").ok


def test_an_answer_that_is_whole_is_kept_beyond_the_limit(open_agent):
    agent = open_agent(used(AIMessage("Whole."), 900, 200), limits=Limits(tokens=1000))
    assert agent.run("go").ok


def test_a_prompt_that_cannot_fit_is_not_sent(open_agent):
    agent = open_agent("never", limits=Limits(tokens=100))
    assert "the limit of 100 tokens would be passed" in reason(agent.run("word " * 400))
    assert agent.brain.asked == []
    assert agent.run("short").ok is False  # the long question is still part of the prompt


def test_models_that_report_nothing_are_estimated_and_it_is_said(open_agent, call):
    agent = open_agent(
        *(AIMessage("x" * 400, tool_calls=call("more", n).tool_calls) for n in range(9)),
        tools=[more],
        limits=Limits(tokens=250),
    )
    assert "(about 3" in reason(agent.run("go"))


def test_money_is_counted_by_the_price_of_the_model(open_agent, call):
    limits = Limits(money=0.01, prices={"scripted": Price(input=2.0, output=10.0)})
    calls = [used(call("more", n), 1000, 300) for n in range(9)]
    agent = open_agent(*calls, tools=[more], limits=limits)
    # 1000 * 2 + 300 * 10 = 5000 millionths a call
    assert reason(agent.run("go")).startswith("the limit of 0.01 in money is reached (0.01 spent)")
    assert len(agent.brain.asked) == 2


def test_money_without_a_price_is_refused_at_once(open_agent):
    with pytest.raises(UsageError, match="needs the price of 'scripted': none is"):
        open_agent(limits=Limits(money=1.0))
    other = {"gpt-5-mini": Price(0.25, 2)}
    with pytest.raises(UsageError, match="prices are given for gpt-5-mini"):
        open_agent(limits=Limits(money=1.0, prices=other))


def test_the_clock_stops_a_model_in_the_middle_of_an_answer(open_agent):
    agent = open_agent("one " * 200, "next", seconds=0.05, limits=Limits(seconds=0.5))
    answer = agent.run("count")
    assert reason(answer).startswith("the limit of 0.5 seconds is reached")
    assert answer.text.startswith("one one") and not answer.interrupted
    assert agent.history()[0].status == "failed"
    agent.brain.seconds = 0.0
    assert agent.run("again").ok


async def test_the_clock_stops_a_loop_too(open_agent):
    agent = open_agent("one " * 200, seconds=0.05, limits=Limits(seconds=0.5))
    answer = await agent.arun("count")
    assert reason(answer).startswith("the limit of 0.5 seconds is reached")
    assert answer.text.startswith("one one")


def test_what_was_made_before_a_limit_is_kept(open_agent, png, block, call):
    @tool
    def draw(seed: int) -> list:
        """Draw."""
        return [block(png(seed))]

    agent = open_agent(
        *(call("draw", n, seed=n) for n in range(9)), tools=[draw], limits=Limits(steps=2)
    )
    events = list(agent.stream("draw"))
    assert sum(isinstance(event, MediaMade) for event in events) == 2
    answer = events[-1].answer  # type: ignore[union-attr]
    assert [ref.handle for ref in answer.media] == ["img-1", "img-2"]
    assert reason(answer).startswith("no answer after 2 steps")


def test_middleware_of_others_does_not_use_up_steps(open_agent, call):
    from langchain.agents.middleware import AgentMiddleware

    class Busy(AgentMiddleware):
        def before_model(self, state, runtime):
            return None

        def after_model(self, state, runtime):
            return None

    agent = open_agent(
        *(call("more", n) for n in range(4)),
        "done",
        tools=[more],
        middleware=[Busy()],
        limits=Limits(steps=5),
    )
    assert agent.run("go").ok


@pytest.mark.parametrize("name", ["steps", "tokens", "seconds", "money"])
def test_a_limit_is_above_zero(name):
    with pytest.raises(UsageError, match=f"a limit of {name} is above 0, not 0"):
        Limits(**{name: 0})  # type: ignore[arg-type]


def test_limits_are_reached_and_not_passed_over():
    limits = Limits(steps=2, tokens=10)
    limits.check(Spent(steps=1, tokens=9))
    limits.check(Spent(steps=1, tokens=5), ahead=5)
    for over in (Spent(steps=2), Spent(tokens=10)):
        with pytest.raises(LimitReached):
            limits.check(over)
    with pytest.raises(LimitReached, match="would be passed"):
        limits.check(Spent(tokens=5), ahead=6)
    assert Price(1.5, 2).of(2_000_000, 500_000) == 4.0
    with pytest.raises(UsageError):
        Price(-1, 0)


def test_time_that_a_person_takes_does_not_count(open_agent, call):
    agent = open_agent(call("more"), "ok", tools=[more], approve="all", limits=Limits(seconds=0.6))
    from omni.chat.approving import Allow

    assert agent.run("go").asked
    time.sleep(0.7)
    assert agent.resume(Allow()).ok


@pytest.mark.parametrize("restarted", [False, True])
def test_the_clock_goes_on_after_a_decision(open_agent, call, restarted):
    """One limit for the whole turn: over approvals, and in another process."""
    from omni.chat.approving import Allow

    calls = []

    @tool
    def slow(n: int) -> str:
        """Take a while."""
        calls.append(n)
        time.sleep(0.4)
        return "done"

    settings = {"tools": [slow], "approve": "all", "limits": Limits(seconds=0.7)}
    agent = open_agent(call("slow", 1, n=1), call("slow", 2, n=2), "late", **settings)
    assert agent.run("go").asked
    assert agent.resume(Allow()).asked and calls == [1]
    if restarted:
        agent.close()
        agent = open_agent("late", **settings)
    time.sleep(0.5)  # the person's own time
    answer = agent.resume(Allow())
    assert reason(answer).startswith("the limit of 0.7 seconds is reached")
    assert calls == [1, 2] and agent.history()[0].status == "failed"
    agent.brain.script = ["late", "late", "late", "next"]
    assert agent.run("again").ok  # a new question has all the time again


@pytest.mark.parametrize("looped", [False, True])
def test_a_turn_whose_time_is_over_calls_no_tool_when_it_is_allowed(open_agent, call, looped):
    import asyncio

    from omni.chat.approving import Allow

    calls = []

    @tool
    def touch() -> str:
        """Touch the world."""
        calls.append(1)
        return "done"

    agent = open_agent(call("touch"), "late", tools=[touch], approve="all")
    assert agent.run("go").asked
    agent.limits = Limits(seconds=1e-6)
    answer = asyncio.run(agent.aresume(Allow())) if looped else agent.resume(Allow())
    assert reason(answer).startswith("the limit of 1e-06 seconds is reached") and not calls
    assert not agent.asked and agent.history()[0].status == "failed"
