"""Tools that ask first: at a terminal, through a pipe, by a flag, and after a restart."""

import json
import os
import select
import signal
import subprocess
import sys
import time

import pytest
from langchain_core.messages import AIMessage, ToolMessage

from omni.chat.agent import Agent
from omni.chat.approving import Allow, Edit, Refuse
from omni.cli.approval import Approver, approved_names
from omni.cli.screen import Screen
from omni.content import Asked
from omni.testing.scripted import ScriptedBrain


def calls(code="print(6 * 7)", number=1):
    call = {"name": "python", "args": {"code": code}, "id": f"call-{number}"}
    return AIMessage("", tool_calls=[call])


class Person:
    """Somebody who types the given lines when asked about one call of `fetch`."""

    def __init__(self, terminal):
        self._terminal = terminal
        self.given = []
        self.told = ""
        self.approver = Approver(Screen())

    def __call__(self, *typed, allowed=()):
        lines = iter(typed)
        self.given = []

        def ask(words, text):
            self.given.append((words, text))
            line = next(lines)
            if isinstance(line, BaseException):
                raise line
            return line + "\n"

        told = self._terminal()
        self.approver = Approver(Screen(told, told), allowed, ask if typed else None)
        found = self.approver.decide([Asked(id="c", name="fetch", args={"url": "http://a"})])
        self.told = told.getvalue()
        return found and found["c"]


@pytest.fixture
def decide(terminal):
    return Person(terminal)


def test_a_person_says_yes_no_or_something_else(decide):
    assert decide("y") == Allow()
    assert 'fetch(url="http://a")' in decide.told
    assert decide("n", "not there") == Refuse("not there")
    assert decide("no", "") == Refuse("")
    assert decide("what?", "", "yes") == Allow()
    assert decide("e", '{"url": "http://b"}') == Edit({"url": "http://b"})
    assert decide.given[1][1] == '{"url": "http://a"}'
    assert decide("e", "http://b", "e", "[1]", "y") == Allow()
    assert "not JSON" in decide.told and "wanted an object of arguments" in decide.told


def test_always_is_asked_once(decide):
    assert decide("a") == Allow()
    again = decide.approver.decide([Asked(id="d", name="fetch", args={})])
    assert again == {"d": Allow()}


@pytest.mark.parametrize("key", [KeyboardInterrupt(), EOFError()])
def test_a_person_may_leave_it_open(decide, key):
    assert decide(key) is None


def test_what_was_allowed_beforehand_is_not_asked(decide):
    assert decide(allowed=["fetch"]) == Allow()
    assert decide(allowed=["all"]) == Allow()
    assert isinstance(decide(allowed=["other"]), Refuse)
    assert "fetch was refused: nobody is here to ask; --approve fetch allows it" in decide.told
    assert isinstance(decide("y", allowed=["never"]), Refuse)


@pytest.mark.parametrize("text", ["", " , ", "all,python", "never,python"])
def test_names_that_make_no_sense_together(omni, text):
    assert approved_names("a, b") == ("a", "b")
    ran = omni("ask", "hi", f"--approve={text}")
    assert ran.code == 2 and "wanted names of tools" in ran.err


def test_without_a_terminal_it_is_refused_and_said(omni, scripted):
    brain = scripted(calls(), "I may not.")
    ran = omni("ask", "compute", "--tools", "python")
    assert (ran.code, ran.out) == (1, "I may not.\n")
    assert ran.err.splitlines() == [
        "omni: python was refused: nobody is here to ask; --approve python allows it",
        "omni: text refused: python was not allowed: nobody is here to ask",
    ]
    assert "nobody is here to ask" in brain.asked[1][-1].text


def test_a_flag_allows_it(omni, scripted):
    for allowed in ("python", "all"):
        brain = scripted(calls(), "It is 42.")
        ran = omni("ask", "compute", "--tools", "python", "--approve", allowed)
        assert (ran.code, ran.out, ran.err) == (0, "It is 42.\n", "")
        assert "42" in brain.asked[1][-1].text


def test_json_says_what_was_refused(omni, scripted):
    scripted(calls(), "I may not.")
    ran = omni("ask", "compute", "--tools", "python", "--approve", "never", "--json")
    answer = json.loads(ran.out)
    assert ran.code == 1
    assert [part["status"] for part in answer["parts"]] == ["refused", "delivered"]
    assert "--approve never" in ran.err


def test_piped_chat_refuses_too(omni, scripted):
    scripted(calls(), "I may not.", calls(number=2), "It is 42.")
    ran = omni("chat", "--tools", "python", stdin="compute\n/approve python\ncompute\n")
    assert ran.out == "I may not.\nIt is 42.\n"
    assert "nobody is here to ask" in ran.err and "allowed: python" in ran.err


def chat_with(talk, answers, *lines, **more):
    """A conversation with somebody who types these answers when asked."""
    chat = talk(*lines, **more)
    chat.reopen(tools=("python",))
    typed = iter(answers)

    def ask(words, given):
        line = next(typed)
        if line is None:
            raise KeyboardInterrupt
        return line

    chat.approver = Approver(chat.screen, (), ask)
    return chat


def test_a_chat_asks_and_goes_on(talk):
    chat = chat_with(talk, ["y"], calls(), "It is 42.")
    chat.take("compute")
    assert "It is 42." in chat.screen.out.getvalue()
    assert '? python(code="print(6 * 7)")' in chat.screen.err.getvalue()
    assert chat.exit_code == 0


def test_a_decision_that_was_left_open_is_made_later_by_another_program(talk, omni, scripted):
    chat = chat_with(talk, [None], calls(), session="later")
    chat.take("compute")
    assert "waits for your decision: /approve" in chat.screen.err.getvalue()
    chat.close()
    scripted("It is 42.")
    ran = omni("chat", "--resume", "later", "--tools", "python", "--approve", "python")
    assert (ran.code, ran.out) == (0, "It is 42.\n")


def test_slash_approve_asks_again(talk):
    chat = chat_with(talk, [None, "n", "no"], calls(), "Then not.")
    chat.take("compute")
    chat.take("/approve")
    assert "Then not." in chat.screen.out.getvalue()
    assert "python was not allowed: no" in chat.screen.err.getvalue()
    chat.take("/approve")
    assert "allowed: nothing without asking" in chat.screen.err.getvalue()
    chat.take("/approve all,x")
    assert "wanted names of tools" in chat.screen.err.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
@pytest.mark.parametrize(
    ("typed", "out", "code"),
    [
        ([b"e\r", b"\x15" + b'{"code": "print(6 * 8)"}\r'], b"It is 42.", 0),
        ([b"\x03"], b"", 1),
    ],
    ids=["edit", "left open"],
)
def test_at_a_real_terminal(spawn, own_home, typed, out, code):
    import fcntl
    import pty
    import termios

    keyboard, terminal = pty.openpty()
    script = (
        "[AIMessage('', tool_calls=[{'name': 'python', 'args': {'code': 'print(6 * 7)'}, "
        "'id': 'c'}]), 'It is 42.']"
    )
    process = spawn(
        Source(script), "ask", "compute", "--tools", "python", "--session", "s",
        stdin=terminal, stderr=terminal, stdout=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: (
            # What is run in the background ignores Ctrl-C, and so would what it starts.
            signal.signal(signal.SIGINT, signal.SIG_DFL),
            fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        ),
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    for keys in typed:
        shown += read_until(keyboard, (b"session: ", b"may be empty): ", b"arguments: "))
        os.write(keyboard, keys)
    said, _ = process.communicate(timeout=60)
    os.close(keyboard)
    assert said.strip() == out
    assert process.returncode == code
    with Agent(ScriptedBrain(), home=own_home, session="s") as agent:
        results = [one.text for one in agent._messages() if isinstance(one, ToolMessage)]
        assert ["48" in result for result in results] == ([True] if out else [])
        assert bool(agent.asked) == (not out)


class Source(str):
    """Python source that stands for itself in the program of `spawn`."""

    def __repr__(self):
        return str(self)


def read_until(stream, ends, seconds=60):
    """What is shown until one of the ends is; the wait is for a program that starts."""
    shown = b""
    until = time.monotonic() + seconds
    while not any(end in shown for end in ends):
        ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
        assert ready, f"nothing more was shown after {shown!r}"
        shown += os.read(stream, 4096)
    return shown
