"""`omni chat` through a pipe and, with a stream that says it is a terminal, on a screen."""

import base64
import contextlib
import io
import os
import re
import signal
import sqlite3
import threading
import time

import pytest
from langchain_core.messages import AIMessage


def image(data):
    block = {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": "image/png"}
    return AIMessage(content=[{"type": "text", "text": "Here it is."}, block])


def shown(chat):
    return chat.screen.out.getvalue()


def told(chat):
    return chat.screen.err.getvalue()


def test_a_piped_line_is_answered_on_standard_output(omni, scripted):
    scripted("A red circle.", "Two of them.")
    ran = omni("chat", stdin="What is this?\n\nHow many?\n")
    assert (ran.code, ran.out, ran.err) == (0, "A red circle.\nTwo of them.\n", "")


def test_an_attachment_goes_with_the_next_piped_line(omni, scripted, red):
    brain = scripted("A red field.")
    ran = omni("chat", stdin=f"/attach {red}\nWhat is this?\n")
    assert (ran.code, ran.out) == (0, "A red field.\n")
    assert ran.err.startswith("img-1  red one.png: image, width 32, height 24")
    blocks = brain.asked[0][-1].content
    assert [block["type"] for block in blocks if block["type"] != "text"] == ["image"]


def test_a_failing_line_is_one_line_and_the_chat_goes_on(omni, scripted, red):
    brain = scripted("Still here.")
    lines = f"/attach {red}\n/attach /no/such.png\n/atach x\n'/tmp\nWhat is it?\n"
    ran = omni("chat", stdin=lines.replace("'/tmp\n", "/attach '/tmp\n"))
    assert ran.code == 2
    assert ran.out == "Still here.\n"
    assert ran.err.splitlines()[1:] == [
        "omni: no such file: /no/such.png",
        "omni: unknown command /atach: did you mean /attach?",
        "omni: a quote is not closed in: '/tmp",
    ]
    assert "image" in [block["type"] for block in brain.asked[0][-1].content]


def test_a_model_that_fails_loses_nothing(omni, scripted, red):
    scripted(ConnectionError("no route"), "Now it works.")
    ran = omni("chat", "--session", "s", stdin=f"/attach {red}\nfirst\nsecond\n/history\n")
    assert ran.code == 1
    assert "no route" in ran.err and "Traceback" not in ran.err
    assert "Now it works." in ran.out
    assert "you: [img-1] first" in ran.out
    assert ran.out.rstrip().endswith("img-1  red one.png (attached)")


def test_made_media_is_a_line_with_its_path(omni, scripted, blue_png):
    scripted(image(blue_png))
    ran = omni("chat", stdin="draw\n")
    words, line = ran.out.splitlines()
    assert words == "Here it is."
    handle, path = line.split("  ")
    assert handle == "img-1"
    with open(path, "rb") as stream:
        assert stream.read() == blue_png


def test_control_characters_of_a_model_do_not_reach_the_screen(omni, scripted):
    scripted("evil\x1b]0;title\x07\x1b[31m text\x9b2J")
    ran = omni("chat", stdin="hi\n")
    assert ran.out == "evil]0;title[31m text2J\n"


def test_nothing_that_is_piped_holds_an_escape(omni, scripted, red, blue_png, monkeypatch):
    monkeypatch.setenv("OMNI_GRAPHICS", "blocks")
    scripted(image(blue_png))
    ran = omni("chat", "-a", red, stdin="draw\n/show img-1\n/help\n/sessions\n/history\n")
    assert "\x1b" not in ran.out + ran.err
    assert ran.code == 0


def test_resume_shows_the_session_with_its_attachments(omni, scripted, red):
    scripted("Red.")
    omni("chat", "--session", "mine", stdin=f"/attach {red}\nWhich colour?\n")
    scripted()
    for name in ([], ["mine"], ["mi"]):
        ran = omni("chat", "--resume", *name)
        assert ran.code == 0
        assert ran.err.splitlines() == [
            "resumed mine",
            "you: [img-1] Which colour?",
            "omni: Red.",
            "img-1  red one.png (attached)",
        ]


def test_resume_without_a_session_says_so(omni, scripted):
    scripted()
    ran = omni("chat", "--resume")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "omni: there is no session to resume yet: omni chat\n"
    ran = omni("chat", "--resume", "nothing")
    assert (ran.code, ran.err) == (2, "omni: no session called 'nothing'; there is: none yet\n")


def test_a_dropped_path_is_attached_and_leaves_the_sentence(talk, red):
    chat = talk("Red.", "Still red.")
    chat.take(f"what is this? '{red}'")
    escaped = str(red).replace(" ", "\\ ")
    chat.take(f"{escaped} and this?")
    assert shown(chat).count("Red.") == 1
    texts = [
        part.text for turn in chat.agent.history() for part in turn.question if part.type == "text"
    ]
    assert texts == ["what is this?", "and this?"]
    assert [ref.handle for ref in chat.agent.shelf] == ["img-1"]


def test_a_path_alone_is_attached_and_waits(talk, red):
    chat = talk("Red.")
    chat.take(f"'{red}'")
    assert "now ask about it" in told(chat)
    assert chat.agent.history() == []
    chat.take("what is it?")
    assert chat.agent.history()[0].question[0].ref.handle == "img-1"


def test_an_unknown_command_is_answered_with_the_closest(talk):
    chat = talk()
    for line, hint in (("/hlep", "/help"), ("/sav x", "/save"), ("/qiut", "/quit")):
        chat.take(line)
        assert f"did you mean {hint}?" in told(chat)
    chat.take("/xyzzy")
    assert "unknown command /xyzzy: see /help" in told(chat)


def test_help_lists_every_command_within_forty_columns(talk, monkeypatch):
    from omni.cli.commands import COMMANDS

    monkeypatch.setenv("COLUMNS", "40")
    chat = talk()
    chat.take("/help")
    lines = shown(chat).splitlines()
    assert all(any(f"/{name}" in line for line in lines) for name in COMMANDS)
    assert max(map(len, lines[:-1])) <= 40


def test_save_writes_the_file_and_never_over_another(talk, blue_png, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chat = talk(image(blue_png))
    chat.take("draw")
    chat.take("/save")
    chat.take("/save img-1")
    chat.take("/save img-1 mine")
    chat.take("/save 'a b.png'")
    for name in ("img-1.png", "img-1-2.png", "mine.png", "a b.png"):
        assert (tmp_path / name).read_bytes() == blue_png
    assert chat.exit_code == 0
    chat.take("/save img-1 mine.png")
    assert "mine.png exists: name another file" in told(chat)
    chat.take("/save img-7")
    assert "no media called 'img-7'" in told(chat)
    chat.take("/save img-1 /no/such/folder/a.png")
    assert "cannot write /no/such/folder/a.png" in told(chat)


def test_open_and_play_without_a_program_say_so(talk, red, monkeypatch):
    monkeypatch.setenv("PATH", "")
    chat = talk()
    chat.take("/open")
    assert "this session holds no media yet" in told(chat)
    chat.take(f"/attach {red}")
    chat.take("/open")
    assert "nothing here opens files" in told(chat)
    chat.take("/play img-1")
    assert "media of kind 'image' cannot be played" in told(chat)


def test_open_hands_a_lasting_named_copy_to_the_desktop(talk, red, monkeypatch, tmp_path):
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{opener.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("omni.cli.players._VIEWERS", (("xdg-open",),))
    chat = talk()
    chat.take(f"/attach '{red}'")
    chat.take("/open img-1")
    deadline = time.monotonic() + 20
    while not (tmp_path / "opened").exists() or not (tmp_path / "opened").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    path = (tmp_path / "opened").read_text().strip()
    assert path.endswith("img-1.png")
    with open(path, "rb") as stream:
        assert stream.read() == red.read_bytes()


def test_budget_is_shown_changed_lifted_and_refused(talk):
    chat = talk()
    chat.take("/budget")
    chat.take("/budget 64")
    assert chat.agent.budget.tokens == 64
    chat.take("/budget off")
    assert chat.agent.budget is None
    chat.take("/budget many")
    assert [line.strip("\x1b[0123m") for line in told(chat).splitlines()] == [
        "budget: no limit",
        "budget: 64 media tokens a turn",
        "budget: no limit",
        "omni: wanted a number of tokens above 0 or off, not 'many'",
    ]


def test_fork_goes_on_in_a_copy(talk, red):
    chat = talk("One.", "Two.")
    chat.take(f"/attach '{red}'")
    chat.take("first")
    chat.take("/fork other")
    assert chat.session == "other"
    chat.take("second")
    assert len(chat.agent.history()) == 2
    assert "img-1" in chat.agent.shelf
    chat.take("/fork other")
    assert "there is a session called 'other' already" in told(chat)
    listed = {one.name: one.turns for one in chat.agent.sessions.list()}
    assert listed == {"test": 1, "other": 2}


def test_new_begins_an_empty_session(talk, red):
    chat = talk("One.")
    chat.take(f"/attach '{red}'")
    chat.take("/new fresh")
    assert chat.session == "fresh" and len(chat.agent.shelf) == 0
    chat.take("/clear")
    assert chat.session.startswith("chat-")


def test_model_is_changed_with_the_session_kept(talk, red, scripted):
    chat = talk()
    chat.take(f"/attach '{red}'")
    brain = scripted("Other.")
    chat.take("/model other:brain")
    assert brain.metadata["named"][0][0] == "other:brain"
    assert "img-1" in chat.agent.shelf
    assert "model: other:brain" in told(chat)


def test_a_model_that_cannot_be_opened_leaves_the_old_one(talk, monkeypatch):
    from omni.errors import UsageError

    def refuse(name, **settings):
        raise UsageError(f"unknown model {name!r}")

    chat = talk("Fine.")
    monkeypatch.setattr("omni.chat.agent.brain", refuse)
    chat.take("/model nonsense")
    assert "unknown model 'nonsense'" in told(chat)
    chat.take("hello")
    assert "Fine." in shown(chat)
    assert chat.settings.model == "nano"


def test_ctrl_c_keeps_what_came(talk):
    words = " ".join(f"w{number}" for number in range(200))
    chat = talk(words, "After.", seconds=0.02)
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    chat.take("count")
    came = shown(chat)
    assert 0 < came.count("w") < 200
    assert came.endswith("\n")
    assert "stopped; what came is kept" in told(chat)
    turn = chat.agent.history()[0]
    assert turn.status == "interrupted"
    assert turn.answer.text.split()[:3] == ["w0", "w1", "w2"]
    chat.take("go on")
    assert "After." in shown(chat)


def test_ctrl_c_at_the_prompt_is_not_swallowed_for_ever(talk):
    from omni.cli.conversation import interruptible

    before = signal.getsignal(signal.SIGINT)
    with interruptible(lambda: None):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_an_unexpected_error_is_one_line_with_a_log(talk, monkeypatch, own_home):
    chat = talk("Fine.")
    monkeypatch.setattr(chat.agent, "history", lambda: 1 / 0)
    chat.take("/history")
    assert f"unexpected ZeroDivisionError: division by zero (the traceback is in {own_home}" in (
        told(chat)
    )
    assert "Traceback" in (own_home / "errors.log").read_text()
    chat.take("hello")
    assert "Fine." in shown(chat)


def test_a_terminal_shows_usage_and_pictures(talk, red):
    chat = talk("Red.", graphics="blocks")
    chat.take(f"/attach '{red}'")
    assert "▀" in shown(chat) and "\x1b[38;2;200;30;30" in shown(chat)
    chat.take("what?")
    assert re.search(r"· \d+\.\d s", told(chat))


def test_no_color_leaves_no_escape(talk, red, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    chat = talk("Red.", graphics="blocks")
    chat.take(f"/attach '{red}'")
    chat.take("/nothing")
    assert "\x1b" not in shown(chat) + told(chat)


def test_a_broken_pipe_is_not_a_failed_line(talk):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    chat = talk("Red.")
    chat.screen.out = Closed()
    with pytest.raises(BrokenPipeError):
        chat.take("what?")
    chat.screen.out = io.StringIO()


def test_kill_in_the_middle_of_a_turn_loses_nothing(spawn, own_home, omni, scripted, red):
    import subprocess

    words = " ".join(["word"] * 2000)
    process = spawn(
        [words],
        "chat",
        "--session",
        "k",
        seconds=0.05,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdin.write(f"/attach '{red}'\nwhat is it?\n".encode())
    process.stdin.flush()
    assert process.stdout.read(9).startswith(b"word")
    process.send_signal(signal.SIGKILL)
    process.wait()
    scripted("Red, I think.")
    ran = omni(
        "chat", "--resume", stdin="and now?\n/save img-1 " + str(own_home / "back.png") + "\n"
    )
    assert ran.code == 0, ran.err
    assert ran.out == "Red, I think.\n"
    assert "you: [img-1] what is it?" in ran.err
    assert "img-1  red one.png (attached)" in ran.err
    assert (own_home / "back.png").read_bytes() == red.read_bytes()
    with contextlib.closing(sqlite3.connect(own_home / "sessions.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def call_of(name, **arguments):
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "call-1"}])


def test_a_tool_by_name_is_called_and_shown_as_it_runs(talk):
    chat = talk(call_of("calculator", expression="6 * 7"), "It is 42.")
    chat.take("/tools calculator")
    assert "tools: calculator" in told(chat)
    chat.take("What is 6 * 7?")
    assert "· calculator …" in told(chat)
    assert "It is 42." in shown(chat)
    chat.take("/tools hammer")
    assert "no tool is called 'hammer'; there is: analyse_series, " in told(chat)
    assert chat.settings.tools == ("calculator",)
    chat.take("/tools none")
    assert chat.settings.tools == ()
