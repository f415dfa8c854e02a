import os
import sqlite3
import subprocess
import sys

import pytest

from omni.chat.agent import Agent
from omni.chat.sessions import Sessions, SessionShelf, check_name
from omni.errors import StoreError, UsageError
from omni.modality import media_from_bytes
from omni.testing.scripted import ScriptedBrain


def ask(home, name, *questions, attach=()):
    brain = ScriptedBrain(script=["ok"] * len(questions))
    with Agent(brain, session=name, home=home) as agent:
        for question in questions:
            agent.run(question, attach)


def test_sessions_are_listed_found_and_deleted(own_home, picture):
    ask(own_home, "first", "What   is\nthis?", "And this?", attach=[picture(1)])
    ask(own_home, "second", "x" * 100, attach=[picture(1), picture(2)])
    with Sessions(own_home) as sessions:
        newest, oldest = sessions.list()
        assert sessions.last() == newest
        assert (oldest.name, oldest.title, oldest.turns) == ("first", "What is this?", 2)
        assert (oldest.attachments, oldest.model) == (1, "scripted")
        assert len(newest.title) == 60 and newest.title.endswith("…")
        assert sessions.find("first") == sessions.find("fi") == oldest
        with pytest.raises(UsageError, match=r"no session called 'x'; there is: second, first"):
            sessions.find("x")
        with pytest.raises(UsageError, match="several sessions begin with ''"):
            sessions.find("")
        sessions.delete("second")
        assert [session.name for session in sessions.list()] == ["first"]
        # The picture that the other session holds is still there, the other is not.
        assert len(list(sessions.blobs.digests())) == 1
        sessions.delete("first")
        assert sessions.last() is None
        assert list(sessions.blobs.digests()) == []


def test_new_names_are_new(own_home):
    with Sessions(own_home) as sessions:
        first = sessions.new_name()
        sessions.touch(first)
        assert sessions.new_name() != first


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101])
def test_names_can_be_shown(name):
    with pytest.raises(UsageError, match="1 to 100 printable characters"):
        check_name(name)


def test_a_database_of_a_newer_version_is_left_alone(own_home):
    Sessions(own_home).close()
    with sqlite3.connect(own_home / "sessions.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="written by a newer Omni"):
        Sessions(own_home)


def test_a_damaged_database_is_one_clear_line(own_home):
    (own_home / "sessions.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="cannot open the sessions"):
        Sessions(own_home)


def test_two_shelves_of_one_session_never_share_a_handle(own_home, png):
    with Sessions(own_home) as sessions:
        one, two = SessionShelf(sessions, "s"), SessionShelf(sessions, "s")
        handles = []
        for number in range(4):
            shelf = (one, two)[number % 2]
            media = media_from_bytes(png(number), f"{number}.png")
            handles.append(shelf.add(media, prefix="img").handle)
        assert handles == ["img-1", "img-2", "img-3", "img-4"]
        assert [ref.handle for ref in sessions.refs("s")] == handles


def test_a_session_is_held_by_one_process_and_freed_by_its_death(own_home):
    script = (
        "import sys, time\nfrom omni.chat.sessions import Sessions\n"
        "sessions = Sessions(sys.argv[1])\n"
        "with sessions.lock('s'):\n    print('held', flush=True); time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(own_home)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with Sessions(own_home) as sessions:
        with pytest.raises(UsageError, match="used by another process"), sessions.lock("s"):
            pass
        with sessions.lock("other"):
            pass
        child.kill()
        child.wait()
        child.stdout.close()
        with sessions.lock("s"):
            pass


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_what_is_said_is_for_its_owner_only(own_home):
    home = own_home / "new"
    Sessions(home).close()
    assert home.stat().st_mode & 0o077 == 0
