import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni import plugins
from omni.errors import MediaError, StoreError, UsageError
from omni.media import Media

BlobStore = plugins.load("memory", "blobs")


def media(data: bytes = b"hello", name: str = "a.bin") -> Media:
    return Media.from_bytes(data, modality="image", mime="image/png", name=name)


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path / "blobs")


def test_what_was_put_is_found_under_its_digest(store):
    digest = store.put(media(b"hello"))
    assert digest == hashlib.sha256(b"hello").hexdigest()
    assert store.path(digest).read_bytes() == b"hello"
    assert store.path(digest) == store.root / digest[:2] / digest[2:4] / digest
    assert list(store.digests()) == [digest]
    assert store.verify(digest) == store.path(digest)


def test_the_same_bytes_are_kept_once(store, tmp_path):
    (tmp_path / "b.png").write_bytes(b"hello")
    first = store.put(media(b"hello"))
    before = store.path(first).stat().st_ino
    again = Media.from_path(tmp_path / "b.png", modality="image", mime="image/png")
    assert store.put(again) == first
    assert store.path(first).stat().st_ino == before
    assert [path for path in store.root.rglob("*") if path.is_file()] == [store.path(first)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(min_size=0, max_size=64), max_size=8))
def test_it_is_a_set_of_bytes(tmp_path_factory, items):
    store = BlobStore(tmp_path_factory.mktemp("blobs"))
    digests = [store.put(media(data)) for data in items]
    assert sorted(set(digests)) == list(store.digests())
    for digest, data in zip(digests, items, strict=True):
        assert store.path(digest).read_bytes() == data


@pytest.mark.parametrize(
    "digest", ["", "..", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "/" + "0" * 63]
)
def test_a_digest_is_no_path(store, digest):
    for method in (store.path, store.delete, store.verify):
        with pytest.raises(UsageError, match="64 hexadecimal digits"):
            method(digest)


def test_missing_blobs_are_said_to_be_missing(store):
    with pytest.raises(StoreError, match="no blob 000000000000"):
        store.path("0" * 64)
    store.delete("0" * 64)
    digest = store.put(media())
    store.delete(digest)
    with pytest.raises(StoreError):
        store.path(digest)
    assert list(store.digests()) == []


def test_damage_is_found(store):
    digest = store.put(media(b"hello"))
    store.path(digest).write_bytes(b"jello")
    with pytest.raises(StoreError, match="is damaged"):
        store.verify(digest)


def test_a_truncated_blob_is_mended_by_putting_it_again(store):
    digest = store.put(media(b"hello"))
    store.path(digest).write_bytes(b"he")
    store.put(media(b"hello"))
    assert store.verify(digest).read_bytes() == b"hello"


def test_a_file_that_changes_while_it_is_read_is_refused(store, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"before")
    found = Media.from_path(path, modality="image", mime="image/png")
    path.write_bytes(b"after!")
    with pytest.raises(MediaError, match=r"a\.png changed while it was read"):
        store.put(found)
    assert list(store.digests()) == []
    assert list((store.root / "incoming").iterdir()) == []


def test_a_full_disk_is_one_clear_line(store, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot store a\.bin \(5 bytes\).*No space left"):
        store.put(media(b"hello"))
    monkeypatch.undo()
    assert list(store.digests()) == []
    assert list((store.root / "incoming").iterdir()) == []


def test_what_killed_writers_left_is_swept(store):
    store.put(media(b"one"))
    stale = store.root / "incoming" / "dead"
    stale.write_bytes(b"half")
    hours_ago = time.time() - 7200
    os.utime(stale, (hours_ago, hours_ago))
    fresh = store.root / "incoming" / "alive"
    fresh.write_bytes(b"half")
    store.put(media(b"two"))
    assert not stale.exists()
    assert fresh.exists()


WRITER = """
import sys
from omni import plugins
from omni.media import Media
store = plugins.load("memory", "blobs")(sys.argv[1])
for number in range(40):
    data = bytes([number, number * int(sys.argv[2]) % 3]) * 5000
    store.put(Media.from_bytes(data, modality="image", mime="image/png", name="n"))
"""


def test_several_processes_share_a_store(tmp_path):
    root = str(tmp_path / "blobs")
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, root, seed]) for seed in ("1", "1", "2")
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    store = BlobStore(root)
    assert len(list(store.digests())) > 40
    for digest in store.digests():
        store.verify(digest)
    assert list((store.root / "incoming").iterdir()) == []


def test_a_kill_leaves_whole_blobs_only(tmp_path):
    script = (
        "import sys; from omni import plugins; from omni.media import Media\n"
        "store = plugins.load('memory', 'blobs')(sys.argv[1])\n"
        "number = 0\n"
        "while True:\n"
        "    data = number.to_bytes(4, 'big') * 200_000\n"
        "    name = store.put(Media.from_bytes(data, modality='m', mime='x/y', name='n'))\n"
        "    print(name, flush=True); number += 1\n"
    )
    root = tmp_path / "blobs"
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    acknowledged = [child.stdout.readline().strip() for _ in range(5)]
    child.kill()
    acknowledged += child.stdout.read().split()
    child.wait()
    child.stdout.close()
    store = BlobStore(Path(root))
    for digest in {*acknowledged, *store.digests()}:
        store.verify(digest)
