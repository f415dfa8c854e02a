"""`omni chat` as a person meets it: a real terminal device of forty columns."""

import os
import re
import signal
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo terminals")

SECONDS = 100
PROMPT = ">"
"""The editor moves the cursor over the space behind it."""
ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_]|\][^\x07]*\x07)")


class Person:
    """Types on a terminal and reads what it shows."""

    def __init__(self, spawn, script, *arguments, seconds=0.0, variables=None):
        import fcntl
        import pty
        import struct
        import termios

        self.hand, device = pty.openpty()
        fcntl.ioctl(device, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        environment = os.environ | {
            "TERM": "xterm",
            "OMNI_GRAPHICS": "blocks",
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }
        environment.pop("NO_COLOR", None)
        environment.pop("COLUMNS", None)
        environment.pop("LINES", None)
        environment |= variables or {}
        self.process = spawn(
            script,
            *arguments,
            seconds=seconds,
            stdin=device,
            stdout=device,
            stderr=device,
            env=environment,
            preexec_fn=lambda: (
                signal.signal(signal.SIGHUP, signal.SIG_DFL),
                os.setsid(),
                fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            ),
        )
        os.close(device)
        os.set_blocking(self.hand, False)
        self.seen = ""

    def types(self, text):
        os.write(self.hand, text.encode())

    def sees(self, text):
        """Wait until it is shown, and forget what stood before it."""
        deadline = time.monotonic() + SECONDS
        while text not in ESCAPE.sub("", self.seen):
            assert time.monotonic() < deadline, f"waited for {text!r}, saw:\n{self.seen}"
            self._read()
        shown = ESCAPE.sub("", self.seen)
        self.seen = shown[shown.index(text) + len(text) :]

    def leaves(self):
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"does not end, shows:\n{self.seen}"
            self._read()
        self._read()
        os.close(self.hand)
        return self.process.returncode

    def _read(self):
        try:
            self.seen += os.read(self.hand, 65536).decode("utf-8", "replace")
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:  # the other end is closed
            time.sleep(0.02)


def test_a_talk_at_the_terminal(spawn, red, own_home):
    long = " ".join(f"w{number}" for number in range(500))
    person = Person(spawn, ["A red field.", long, "Still here."], "chat", seconds=0.05)
    person.sees("omni 0.1.0")
    person.sees(PROMPT)
    person.types("/hlep\r")
    person.sees("did you mean /help?")
    person.types(f"what is '{red}'?\r")
    person.sees("img-1")
    person.sees("▀")
    person.sees("A red field.")
    person.sees(PROMPT)
    person.types("half a thought\x03")
    person.types("count\r")
    person.sees("w3")
    person.types("\x03")
    person.sees("stopped; what came is kept")
    person.types("and now?\r")
    person.sees("Still here.")
    person.sees(PROMPT)
    person.types("\x04")
    person.sees("saved; go on with")
    assert person.leaves() == 0
    history = (own_home / "history").read_text()
    assert "+count" in history and "half a thought" not in history
    assert (own_home / "history").stat().st_mode & 0o077 == 0

    person = Person(spawn, [], "chat", "--resume")
    person.sees("resumed chat-")
    person.sees("A red field.")
    person.sees("img-1  red one.png: image")
    person.sees(PROMPT)
    person.types("/sh\t")
    person.sees("/show")
    person.types("\r")
    person.sees("▀")
    person.types("/quit\r")
    assert person.leaves() == 0


def test_a_terminal_that_goes_away_ends_the_chat(spawn):
    person = Person(spawn, [], "chat")
    person.sees(PROMPT)
    person.process.send_signal(signal.SIGHUP)
    assert person.leaves() != 0


@pytest.mark.parametrize("colour", [True, False])
def test_a_resumed_session_is_drawn_again_within_forty_columns(spawn, red, own_home, colour):
    from omni.chat.agent import Agent
    from omni.testing import ScriptedBrain

    words = "A red field, and a good deal more that does not fit into forty columns at once."
    with Agent(ScriptedBrain(script=[words]), session="mine", home=own_home) as agent:
        agent.run("What is this, and what else is there to say?", [red])
    variables = {} if colour else {"NO_COLOR": "1"}
    person = Person(spawn, ["Bye."], "chat", "--resume", "mine", variables=variables)
    picture = "▀" if colour else "░"
    deadline = time.monotonic() + SECONDS
    while picture not in person.seen:
        assert time.monotonic() < deadline, f"no picture:\n{person.seen}"
        person._read()
    drawn = person.seen.partition("resumed mine")[2]
    assert picture in drawn
    assert ("\x1b[38;2;200;30;30" in drawn) is colour
    lines = ESCAPE.sub("", drawn).replace("\r", "").split("\n")
    assert max(map(len, lines)) <= 40
    assert any(line.startswith("img-1  red one.png") for line in lines)
    person.sees(PROMPT)
    for command, seen in (("/trace", "What is this"), ("/lineage", "attached"), ("/quit", "saved")):
        person.types(f"{command}\r")
        person.sees(seen)
    assert person.leaves() == 0
