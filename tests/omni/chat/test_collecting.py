"""Blobs that nobody holds are collected; one that somebody holds never is."""

import shutil
import subprocess
import sys
import threading

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omni.chat.sessions import Sessions, SessionShelf
from omni.errors import UsageError
from omni.media import Media

NAMES = st.sampled_from(["a", "b", "c"])
CONTENT = st.integers(0, 4)
STEP = st.one_of(
    st.tuples(st.just("add"), NAMES, CONTENT),
    st.tuples(st.just("copy"), NAMES, NAMES),
    st.tuples(st.just("delete"), NAMES, st.none()),
    st.tuples(st.just("loose"), st.none(), CONTENT),
    st.tuples(st.just("collect"), st.none(), st.none()),
)


def media(number):
    return Media.from_bytes(b"%d" % number, modality="image", mime="image/png", name="x.png")


def digest(number):
    return media(number).digest


def held(sessions):
    return {ref.digest for session in sessions.list() for ref in sessions.refs(session.name)}


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(STEP, max_size=14))
def test_the_store_holds_what_sessions_hold_and_only_loose_bytes_beside(tmp_path_factory, steps):
    """Against a model of it: a dictionary of sessions and a set of loose bytes."""
    home = tmp_path_factory.mktemp("collecting")
    model: dict[str, set[str]] = {}
    loose: set[str] = set()
    with Sessions(home) as sessions:
        for kind, name, other in steps:
            if kind == "add":
                SessionShelf(sessions, name).add(media(other), prefix="img")
                sessions.touch(name)
                model.setdefault(name, set()).add(digest(other))
            elif kind == "copy" and name in model:
                try:
                    sessions.copy(name, other)
                    model[other] = set(model[name])
                except UsageError:
                    assert other in model
            elif kind == "delete" and name in model:
                sessions.delete(name)
                loose -= model.pop(name) - set().union(*model.values())
            elif kind == "loose":
                sessions.blobs.put(media(other))
                loose.add(digest(other))
            elif kind == "collect":
                expected = loose - set().union(*model.values())
                assert sessions.collect() == len(expected)
                loose = set()
            kept = set().union(*model.values()) if model else set()
            assert held(sessions) == kept
            assert set(sessions.blobs.digests()) == kept | loose
    shutil.rmtree(home)


WRITER = """
import sys
from pathlib import Path
from omni.chat.sessions import Sessions, SessionShelf
from omni.media import Media
home, seed = Path(sys.argv[1]), int(sys.argv[2])
with Sessions(home) as sessions:
    print("ready", flush=True)
    for number in range(40):
        name = f"w{seed}-{number % 3}"
        data = str((number * (seed + 1)) % 7).encode()
        media = Media.from_bytes(data, modality="image", mime="image/png", name="x.png")
        ref = SessionShelf(sessions, name).add(media, prefix="img")
        sessions.touch(name)
        sessions.blobs.path(ref.digest)  # what was handed out is there
        if number % 11 == 10:
            sessions.delete(name)
print("done", flush=True)
"""


def test_writers_in_other_processes_lose_nothing_while_blobs_are_collected(own_home):
    """The same few contents all the time, so that what one lets go another takes up."""
    with Sessions(own_home) as sessions:
        children = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(own_home), str(seed)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for seed in range(2)
        ]
        stop = threading.Event()
        collected = []

        def collect():
            while not stop.is_set():
                collected.append(sessions.collect())

        for child in children:
            assert child.stdout is not None and child.stdout.readline() == "ready\n"
        worker = threading.Thread(target=collect)
        worker.start()
        outs = []
        for child in children:
            with child:
                assert child.stdout is not None
                outs.append(child.stdout.read())
        stop.set()
        worker.join()
        assert outs == ["done\n"] * 2
        assert collected  # how often it gets its turn is up to the system
        for one in held(sessions):
            sessions.blobs.path(one)
        sessions.collect()
        assert set(sessions.blobs.digests()) == held(sessions)


def test_collecting_waits_for_a_writer_that_has_not_written_down_its_handle(own_home):
    """Without the wait, the writer would hold a handle whose bytes are gone."""
    with Sessions(own_home) as sessions:
        shelf = SessionShelf(sessions, "s")
        sessions.touch("s")
        sessions.blobs.put(media(1))  # loose, as after a kill
        entered, go = threading.Event(), threading.Event()
        whole = sessions.blobs.put

        def put(given):
            found = whole(given)  # there already: nothing is written
            entered.set()
            assert go.wait(10)
            return found

        sessions.blobs.put = put  # type: ignore[method-assign]
        adding = threading.Thread(target=shelf.add, args=(media(1),), kwargs={"prefix": "img"})
        adding.start()
        assert entered.wait(10)
        counts = []
        collecting = threading.Thread(target=lambda: counts.append(sessions.collect()))
        collecting.start()
        collecting.join(0.2)
        assert collecting.is_alive() and digest(1) in set(sessions.blobs.digests())
        go.set()
        adding.join()
        collecting.join()
        assert counts == [0]
        assert shelf.media("img-1").read() == b"1"
