import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import Field

import omni
from omni.chat.agent import Agent, AgentContext
from omni.chat.events import Finished, MediaMade, TextDelta, ToolEnded, ToolStarted
from omni.chat.limits import Limits
from omni.compression.budget import Budget
from omni.content import Answer, MediaPart, TextPart
from omni.errors import BudgetSpent, MediaError, UsageError
from omni.testing.scripted import ScriptedBrain


def stored_bytes(home) -> int:
    names = ("sessions.sqlite", "sessions.sqlite-wal", "sessions.sqlite-shm")
    database = sum((home / name).stat().st_size for name in names if (home / name).exists())
    return database + sum(p.stat().st_size for p in (home / "blobs").rglob("*") if p.is_file())


def test_a_question_is_answered_word_by_word_and_whole(open_agent):
    agent = open_agent("A red circle.")
    events = list(agent.stream("What is this?"))
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "A red circle."
    assert isinstance(events[-1], Finished)
    answer = events[-1].answer
    assert answer.text == "A red circle."
    assert answer.ok
    assert answer.timings["total"] >= answer.timings["model"] > 0


def test_the_brain_sees_the_bytes_and_the_state_holds_a_handle(open_agent, picture, png):
    agent = open_agent("noise", "still noise")
    ref = agent.attach(picture(1))
    assert ref.handle == "img-1"
    assert agent.pending == [ref]
    agent.run("what is it?")
    assert agent.pending == []
    label, image, words = agent.brain.asked[0][-1].content
    assert label["text"] == "[img-1: noise-1-24.png]"
    assert image["mime_type"] == "image/png"
    import base64

    assert base64.b64decode(image["base64"]) == png(1)
    assert words["text"] == "what is it?"
    (question, _) = agent._messages()
    assert "base64" not in str(question.content)
    agent.run("and now?")  # the picture of an earlier turn is still shown
    assert any(b["type"] == "image" for b in agent.brain.asked[1][1].content)


def test_handles_stay_in_the_session_and_after_resume(open_agent, picture):
    first = open_agent("one")
    assert [first.attach(picture(seed)).handle for seed in (1, 2, 1)] == [
        "img-1",
        "img-2",
        "img-1",
    ]
    first.run("look")
    first.close()
    again = open_agent("two")
    assert [ref.handle for ref in again.shelf] == ["img-1", "img-2"]
    assert again.attach(picture(3)).handle == "img-3"
    assert again.attach("img-1").handle == "img-1"
    turn = again.history()[0]
    assert [part.ref.handle for part in turn.question[:-1]] == ["img-1", "img-2"]
    assert (turn.status, turn.answer.text) == ("answered", "one")


def test_pending_attachments_survive_without_a_turn(open_agent, picture):
    open_agent().attach(picture(1))
    again = open_agent("seen")
    assert [ref.handle for ref in again.pending] == ["img-1"]
    again.run("what?")
    assert again.history()[0].question[0].type == "image"


def test_what_a_model_makes_is_kept_with_its_lineage(open_agent, picture, png, block):
    made = AIMessage([{"type": "text", "text": "Here: "}, block(png(9))])
    agent = open_agent(made, "It is noise.")
    agent.attach(picture(1))
    events = list(agent.stream("make img-1 darker"))
    (event,) = [e for e in events if isinstance(e, MediaMade)]
    assert event.part.ref is not None and event.part.ref.handle == "img-2"
    answer = events[-1].answer
    assert [part.type for part in answer.parts] == ["text", "image"]
    lineage = agent.lineage("img-2")
    assert lineage is not None
    assert (lineage.parents, lineage.prompt) == (("img-1",), "make img-1 darker")
    assert lineage.model == "scripted"
    assert agent.lineage("img-1") is None
    assert agent.shelf.media("img-2").read() == png(9)
    agent.run("what did you make?")
    *_, answered, question = agent.brain.asked[1]
    assert "[img-2" in str(answered.content) and "base64" not in str(answered.content)
    assert [b["type"] for b in question.content] == ["text", "image", "text"]


def test_what_a_model_says_of_its_making_is_in_the_lineage(open_agent, png, block):
    extras = {"omni": {"lineage": {"seed": 5, "parameters": {"steps": 2}, "model": "maker"}}}
    agent = open_agent(AIMessage([{**block(png(9)), "extras": extras}]))
    (ref,) = agent.run("a picture").media
    assert ref.lineage is not None
    assert (ref.lineage.seed, ref.lineage.model) == (5, "maker")
    assert ref.lineage.parameters == {"steps": 2}
    assert ref.lineage.prompt == "a picture"


def drawing_tool(png, block):
    @tool
    def draw(prompt: str, seed: int = 0, like: str = "") -> list:
        """Draw a picture."""
        return [{"type": "text", "text": "done"}, block(png(seed, 30))]

    return draw


def test_a_tool_that_makes_a_picture(open_agent, picture, png, block, call):
    agent = open_agent(
        call("draw", prompt="a cat", seed=4, like="img-1"),
        "There.",
        tools=[drawing_tool(png, block)],
    )
    agent.attach(picture(1))
    events = list(agent.stream("draw"))
    kinds = [type(event) for event in events]
    assert kinds[:3] == [ToolStarted, ToolEnded, MediaMade]
    assert events[0].args == {"prompt": "a cat", "seed": 4, "like": "img-1"}
    assert (events[1].ok, events[1].text) == (True, "done")
    answer = events[-1].answer
    assert answer.ok
    (ref,) = answer.media
    assert (ref.handle, ref.lineage.model, ref.lineage.prompt) == ("img-2", "draw", "a cat")
    assert (ref.lineage.seed, ref.lineage.parents) == (4, ("img-1",))
    assert answer.timings["tools"] > 0
    # The model is shown the picture in a user message after the tool's, which holds its name.
    tool_message, carried = agent.brain.asked[1][-2:]
    assert isinstance(tool_message, ToolMessage) and isinstance(carried, HumanMessage)
    assert "[img-2" in str(tool_message.content)
    blocks: Any = carried.content
    assert [b["type"] for b in blocks] == ["text", "image"]


def test_a_tool_that_shows_an_attachment_makes_nothing_new(open_agent, picture, png, block, call):
    @tool
    def show() -> list:
        """Show."""
        return [block(png(1))]

    agent = open_agent(call("show"), "That one.", tools=[show])
    agent.attach(picture(1))
    assert agent.run("show").media == []
    assert len(agent.shelf) == 1


def test_tools_reach_the_shelf_by_handle(open_agent, picture, call):
    from langchain.tools import ToolRuntime

    @tool
    def size_of(handle: str, runtime: ToolRuntime[AgentContext, Any]) -> str:
        """Size of a media item."""
        return f"{runtime.context.shelf[handle].size} bytes"

    agent = open_agent(call("size_of", handle="img-1"), "ok", tools=[size_of])
    ref = agent.attach(picture(1))
    ended = [e for e in agent.stream("how big?") if isinstance(e, ToolEnded)]
    assert ended[0].text == f"{ref.size} bytes"


def test_a_tool_that_raises_is_told_to_the_model(open_agent, call):
    @tool
    def broken(x: int) -> str:
        """Break."""
        raise RuntimeError("no paper left")

    agent = open_agent(call("broken", x=1), "It did not work.", tools=[broken])
    answer = agent.run("go")
    assert answer.text == "It did not work."
    assert "no paper left" in agent.brain.asked[1][-1].content
    assert agent.brain.asked[1][-1].status == "error"


def test_a_maker_that_fails_makes_a_failed_part(open_agent, call):
    @tool
    def paint() -> str:
        """Paint."""
        raise RuntimeError("no paint")

    paint.metadata = {"makes": "image"}
    answer = open_agent(call("paint"), "Here you are!", tools=[paint]).run("go")
    assert not answer.ok
    assert [part.status for part in answer.parts] == ["failed", "delivered"]
    assert answer.parts[0].type == "image"
    assert "no paint" in str(answer.parts[0].reason)


def test_an_answer_that_names_what_was_not_made_is_found_out(open_agent):
    agent = open_agent("I made img-7 for you.", "There is no img-8.")
    answer = agent.run("draw")
    assert not answer.ok
    assert answer.failures[0].reason == "the answer names img-7, which was not made"
    assert agent.run("show img-8").ok  # the question named it first


def test_what_was_wanted_and_did_not_come_is_a_failed_part(open_agent):
    agent = open_agent("Here is your picture.")
    answer = agent.run("draw a cat", want=["image"])
    assert not answer.ok
    assert [(part.type, part.status) for part in answer.parts] == [
        ("text", "delivered"),
        ("image", "failed"),
    ]
    assert [part.status for part in agent.history()[0].answer.parts] == ["delivered", "failed"]
    assert agent.history()[0].status == "failed"


def test_a_model_that_raises_makes_a_failed_part_and_the_session_goes_on(open_agent, picture):
    agent = open_agent(ConnectionError("no route to host"), "Back again.")
    agent.attach(picture(1))
    answer = agent.run("what is it?")
    assert not answer.ok
    assert answer.parts[0].reason == "ConnectionError: no route to host"
    assert agent.run("still there?").text == "Back again."
    assert [turn.status for turn in agent.history()] == ["failed", "answered"]
    assert "(no answer was given)" in [m.content for m in agent.brain.asked[1]]


def test_our_own_errors_reach_the_caller_and_the_turn_is_kept(open_agent):
    agent = open_agent(BudgetSpent("the limit of 10 tokens is reached"), "fine")
    with pytest.raises(BudgetSpent):
        agent.run("long question")
    assert agent.history()[0].status == "failed"
    assert agent.run("short").ok


def test_an_empty_answer_is_not_silent(open_agent):
    answer = open_agent("").run("hello?")
    assert not answer.ok
    assert answer.parts[0].reason == "the model gave an empty answer"


def test_a_model_that_loops_is_stopped(open_agent, call):
    @tool
    def more() -> str:
        """More."""
        return "more"

    agent = open_agent(*(call("more", n) for n in range(9)), tools=[more], limits=Limits(steps=3))
    answer = agent.run("go")
    assert not answer.ok
    assert "no answer after 3 steps" in str(answer.failures[0].reason)
    assert agent.history()[0].status == "failed"


def test_an_unknown_tool_is_an_error_the_model_is_told(open_agent, call):
    @tool
    def known() -> str:
        """Known."""
        return "x"

    class Careless(ScriptedBrain):
        def _next(self, messages, known_tools):
            return super()._next(messages, ["known", "unknown"])

    agent = open_agent(brain=Careless(script=[call("unknown"), "sorry"]), tools=[known])
    assert agent.run("go").text == "sorry"
    assert "unknown" in agent.brain.asked[1][-1].content


def test_cancelling_keeps_what_came(open_agent):
    agent = open_agent("one two three four five six seven eight", "next", seconds=0.1)
    events = agent.stream("count")
    said = []
    answer = Answer()
    for event in events:
        if isinstance(event, TextDelta):
            said.append(event.text)
            if len(said) == 3:
                agent.cancel()
        elif isinstance(event, Finished):
            answer = event.answer
    assert answer.interrupted and not answer.ok
    assert answer.text == "".join(said)
    assert answer.text.startswith("one two three")
    assert "eight" not in answer.text
    turn = agent.history()[0]
    assert (turn.status, turn.answer.text) == ("interrupted", answer.text)
    assert agent.run("go on").text == "next"


def test_leaving_the_iterator_stops_the_turn(open_agent):
    agent = open_agent("one two three four five six seven eight", "next", seconds=0.05)
    events = agent.stream("count")
    next(events)
    events.close()
    turn = agent.history()[0]
    assert turn.status == "interrupted"
    assert turn.answer.text.startswith("one")
    assert agent.run("again").ok


def test_a_turn_stopped_before_a_tool_comes_back_can_be_followed(open_agent, call):
    started = threading.Event()

    @tool
    def slow() -> str:
        """Slow."""
        started.set()
        time.sleep(0.5)
        return "late"

    agent = open_agent(call("slow"), "unused", tools=[slow])
    for event in agent.stream("go"):
        if isinstance(event, ToolStarted):
            assert started.wait(10)
            agent.cancel()
    assert agent.history()[0].status == "interrupted"
    agent.brain.script[1] = "fine"
    assert agent.run("and now?").text == "fine"
    asked = agent.brain.asked[-1]
    calls = [c["id"] for m in asked if isinstance(m, AIMessage) for c in m.tool_calls]
    answered = [m.tool_call_id for m in asked if isinstance(m, ToolMessage)]
    assert calls == answered == ["call-1"]


def test_one_turn_at_a_time(open_agent):
    agent = open_agent("one two three", seconds=0.05)
    events = agent.stream("count")
    next(events)
    with pytest.raises(UsageError, match="a turn is running"):
        agent.run("me too")
    events.close()


def test_two_agents_on_one_session_do_not_mix(open_agent):
    first, second = open_agent("one two", seconds=0.05), open_agent("other")
    events = first.stream("count")
    next(events)
    with pytest.raises(UsageError, match="used by another process"):
        second.run("me too")
    list(events)
    assert second.run("now me").text == "other"
    assert [turn.answer.text for turn in first.history()] == ["one two", "other"]


def test_bad_files_leave_the_session_as_it_was(open_agent, tmp_path):
    agent = open_agent("ok")
    empty = tmp_path / "empty.png"
    empty.touch()
    for bad in (empty, tmp_path, tmp_path / "none.png"):
        with pytest.raises(MediaError):
            agent.attach(bad)
        with pytest.raises(MediaError):
            agent.run("what?", [bad])
    assert agent.history() == [] and len(agent.shelf) == 0
    with pytest.raises(UsageError, match="nothing was asked"):
        agent.run("  ")
    assert agent.run("hello").ok


def test_a_lost_blob_is_told_and_nothing_else_is_lost(open_agent, picture):
    agent = open_agent("ok", "ok")
    ref = agent.attach(picture(1))
    agent.run("look")
    agent.shelf.blobs.delete(ref.digest)
    assert agent.run("and again?").ok
    assert "listed but lost" in str(agent.brain.asked[1][1].content)


def test_forks_go_their_own_ways(open_agent, picture):
    agent = open_agent("one", "trunk", "branch")
    agent.attach(picture(1))
    agent.run("first")
    branch = agent.fork("other")
    try:
        agent.run("second")
        branch.run("third")
        assert [t.answer.text for t in agent.history()] == ["one", "trunk"]
        assert [t.answer.text for t in branch.history()] == ["one", "branch"]
        assert branch.shelf.media("img-1").read() == agent.shelf.media("img-1").read()
        with pytest.raises(UsageError, match="already"):
            agent.fork("other")
    finally:
        branch.close()


def test_an_unsaved_session_leaves_nothing(own_home, picture):
    with Agent(ScriptedBrain(script=["ok"]), session=None, home=own_home) as agent:
        agent.attach(picture(1))
        assert agent.run("look").ok
        folder = agent.sessions.home
        with pytest.raises(UsageError, match="not kept"):
            agent.fork("x")
    assert not folder.exists()
    assert list(own_home.iterdir()) == []


def test_usage_is_told_by_modality(open_agent):
    message = AIMessage(
        "ok",
        usage_metadata={
            "input_tokens": 100,
            "output_tokens": 7,
            "total_tokens": 107,
            "input_token_details": {"audio": 60},
        },
    )
    usage = open_agent(message).run("listen").usage
    assert (usage.input_tokens, usage.output_tokens) == (100, 7)
    assert usage.by_modality["audio"].input_tokens == 60
    assert usage.by_modality["text"].input_tokens == 40


def test_the_budget_reaches_brains_that_have_one(open_agent):
    class Frugal(ScriptedBrain):
        budget: Budget | None = None
        given: list = Field(default_factory=list)

        def _stream(self, *args, **kwargs):
            self.given.append(kwargs.pop("budget", None))
            return super()._stream(*args, **kwargs)

    agent = open_agent(brain=Frugal(script=["a", "b"]), budget=Budget(tokens=8))
    agent.run("x")
    agent.budget = None
    agent.run("y")
    assert agent.brain.given == [Budget(tokens=8), None]


def test_ten_turns_with_a_large_picture_stay_small(open_agent, own_home, picture):
    agent = open_agent(*(f"picture {n}" for n in range(10)))
    total = 0
    for number in range(10):
        path = picture(number, 590)
        total += path.stat().st_size
        agent.run("what is this?", [path])
        assert stored_bytes(own_home) < total + 300_000
    assert total > 10 * 1_000_000
    assert stored_bytes(own_home) < 12_000_000
    agent.close()
    assert stored_bytes(own_home) < 12_000_000


def test_ten_turns_with_a_large_tool_picture_stay_small(open_agent, own_home, png, block, call):
    @tool
    def draw(seed: int) -> list:
        """Draw."""
        return [block(png(seed, 590))]

    lines = [line for n in range(10) for line in (call("draw", n, seed=n), "done")]
    agent = open_agent(*lines, tools=[draw])
    for number in range(10):
        (ref,) = agent.run(f"draw {number}").media
        assert ref.size > 1_000_000
    assert stored_bytes(own_home) < 12_000_000


def test_text_turns_after_a_picture_add_next_to_nothing(open_agent, own_home, picture):
    agent = open_agent(*(f"answer {n} " * 20 for n in range(11)))
    agent.run("what is this?", [picture(1, 590)])
    before = stored_bytes(own_home)
    for number in range(10):
        agent.run(f"and question number {number}?")
    assert stored_bytes(own_home) - before < 200_000


CHILD = """
import sys, time
from omni.chat.agent import Agent
from omni.chat.events import TextDelta
from omni.testing.scripted import ScriptedBrain
home, *pictures = sys.argv[1:]
agent = Agent(ScriptedBrain(script=["one two three four five six " * 50], seconds=0.05), home=home)
for picture in pictures[:-1]:
    agent.attach(picture)
for event in agent.stream("what are these?"):
    if isinstance(event, TextDelta):
        print("asked", flush=True)
        agent.sessions.await_turn(agent.session, agent._take(pictures[-1]).handle)
        print("attached", flush=True)
        time.sleep(60)
"""


def test_kill_in_the_middle_of_a_turn_loses_nothing_acknowledged(own_home, open_agent, picture):
    paths = [str(picture(seed)) for seed in (1, 2, 3)]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(own_home), *paths], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "asked\n"
    assert child.stdout.readline() == "attached\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    agent = open_agent("a fresh answer")
    assert [ref.handle for ref in agent.shelf] == ["img-1", "img-2", "img-3"]
    for ref in agent.shelf:
        agent.shelf.blobs.verify(ref.digest)  # type: ignore[attr-defined]
    (turn,) = agent.history()
    assert turn.status == "unanswered"
    assert [type(part) for part in turn.question] == [MediaPart, MediaPart, TextPart]
    assert turn.answer.parts == ()
    assert [ref.handle for ref in agent.pending] == ["img-3"]
    assert agent.sessions.last().turns == 1  # type: ignore[union-attr]
    assert agent.run("again?").text == "a fresh answer"
    assert [turn.status for turn in agent.history()] == ["interrupted", "answered"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kill_at_random_instants_loses_no_acknowledged_attachment(own_home, picture):
    script = (
        "import sys\nfrom omni.chat.agent import Agent\n"
        "from omni.testing.scripted import ScriptedBrain\n"
        "agent = Agent(ScriptedBrain(script=['ok'] * 500), home=sys.argv[1])\n"
        "for number, path in enumerate(sys.argv[2:] * 100):\n"
        "    print('A', agent.attach(path).digest, flush=True)\n"
        "    agent.run(f'question {number}')\n"
        "    print('T', number, flush=True)\n"
    )
    paths = [str(picture(seed)) for seed in range(3)]
    turns, digests = 0, set()
    for delay in (0.0, 0.15, 0.3):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(own_home), *paths],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        time.sleep(delay)
        child.kill()
        lines += child.stdout.read().splitlines()
        child.wait()
        child.stdout.close()
        found = [line.split() for line in lines if len(line.split()) == 2]
        digests |= {value for kind, value in found if kind == "A" and len(value) == 64}
        turns += sum(kind == "T" for kind, _ in found)
        with Agent(ScriptedBrain(), home=own_home) as agent:
            answered = [turn for turn in agent.history() if turn.status == "answered"]
            assert len(answered) >= turns
            assert digests <= {ref.digest for ref in agent.shelf}


def test_the_public_names_are_there():
    assert sorted(omni.__all__) == list(omni.__all__)
    for name in omni.__all__:
        assert getattr(omni, name) is not None
    assert omni.Agent is Agent
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = omni.Nothing
