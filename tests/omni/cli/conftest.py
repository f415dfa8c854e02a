import io
import subprocess
import sys
from dataclasses import dataclass

import pytest
from PIL import Image

PROGRAM = """
import sys
from langchain_core.messages import AIMessage
from omni.testing.scripted import ScriptedBrain
import omni.chat.agent
script = eval(sys.argv[1])
seconds = float(sys.argv[2])
omni.chat.agent.brain = lambda name, **more: ScriptedBrain(script=list(script), seconds=seconds)
from omni.cli.main import main
sys.exit(main(sys.argv[3:]))
"""
"""The command line over a brain that follows a script, for tests in a process of their own."""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def omni(capsys, monkeypatch):
    """Run a command in this process, with a pipe as its standard input."""
    from omni.cli.main import main

    def run(*arguments, stdin=b""):
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def scripted(monkeypatch):
    """Put a brain that follows a script in the place of every other."""
    from omni.testing.scripted import ScriptedBrain

    def use(*lines, seconds=0.0):
        brain = ScriptedBrain(script=list(lines), seconds=seconds)
        named = []

        def chosen(name, **settings):
            named.append((name, settings))
            return brain

        monkeypatch.setattr("omni.chat.agent.brain", chosen)
        brain.metadata = {"named": named}
        return brain

    return use


@pytest.fixture
def spawn(own_home):
    """Start the command line over a script in a process of its own."""
    started = []

    def start(script, *arguments, seconds=0.0, **more):
        command = [sys.executable, "-c", PROGRAM, repr(script), str(seconds), *arguments]
        started.append(subprocess.Popen(command, **more))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()


@pytest.fixture
def red(tmp_path):
    path = tmp_path / "red one.png"
    Image.new("RGB", (32, 24), (200, 30, 30)).save(path)
    return path


@pytest.fixture
def blue_png():
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (30, 30, 200)).save(out, "PNG")
    return out.getvalue()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal():
    return Terminal


@pytest.fixture
def talk(scripted, terminal):
    """A conversation at a terminal; `screen.out` and `screen.err` hold what it shows."""
    from omni.cli.conversation import Conversation
    from omni.cli.opening import open_agent
    from omni.cli.screen import Screen
    from omni.config import settings

    opened = []

    def begin(*lines, session="test", graphics="none", out=Terminal, **more):
        scripted(*lines, **more)
        screen = Screen(out(), out())
        chat = Conversation(settings(graphics=graphics), session, screen, open_agent)
        opened.append(chat)
        return chat

    yield begin
    for chat in opened:
        chat.close()
