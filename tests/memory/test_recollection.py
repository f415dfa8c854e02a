"""The tools remember, recall and forget over a real memory in a folder."""

import pytest

from omni import plugins
from omni.errors import UsageError
from omni.media import Media, Shelf
from omni.memory.access import AccessDenied
from omni.memory.retrieve import Library
from omni.modality import modality
from omni.recollection import FolderRecollection
from omni.wire import take
from omni.workbench import Workbench


def picture(seed: int) -> Media:
    kind = modality("image")
    return kind.save(kind.example(seed), name=f"picture-{seed}.png")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "memory"


@pytest.fixture
def tools(root, tmp_path):
    """The three tools by name, on one bench; `shelf` for what lies there."""
    shelf = Shelf(plugins.load("memory", "blobs")(tmp_path / "blobs"))
    bench = Workbench(shelf, memory=FolderRecollection(root))
    found = {name: plugins.load("tools", name)(bench=bench) for name in ("remember", "recall")}
    return {**found, "forget": plugins.load("tools", "forget")(bench=bench), "shelf": shelf}


def test_an_empty_memory_holds_nothing_and_is_not_made(tools, root):
    recollection = FolderRecollection(root)
    assert recollection.recall("keys") == []
    assert tools["recall"].work(query="keys") == "The memory holds nothing on that."
    with pytest.raises(UsageError, match=r"^there is no memory in .*: make one with  omni memory"):
        tools["forget"].work(id="x")
    assert not root.exists()


def test_words_are_kept_found_and_forgotten(tools, root):
    told = tools["remember"].work(text="The spare key lies under the blue flowerpot.")
    id = told.removeprefix("Kept as ").removesuffix(".")
    tools["remember"].work(text="Ann's birthday is on the third of May.")
    words = tools["recall"].work(query="where is the spare key?", most=1)[0]["text"]
    assert "under the blue flowerpot" in words and f"(id {id})" in words
    assert "birthday" not in words
    assert tools["forget"].work(id=id) == f"Forgotten: {id} (1 record)."
    left = FolderRecollection(root).recall("where is the spare key?")
    assert [one.text for one in left] == ["Ann's birthday is on the third of May."]
    with pytest.raises(UsageError, match=f"no record {id!r} here: omni memory search finds ids"):
        tools["forget"].work(id=id)


def test_media_are_kept_with_their_bytes_and_found_by_their_like(tools, root):
    shelf = tools["shelf"]
    held, other = picture(1), picture(2)
    for one in (held, other):
        handle = take(one, shelf).handle
        assert tools["remember"].work(media=[handle]).startswith("Kept as ")
    blocks = tools["recall"].work(like="img-1", most=1)
    assert [block["type"] for block in blocks] == ["text", "image"]
    (found,) = FolderRecollection(root).recall("", [held], 1)
    assert found.media is not None and found.media.data is not None
    assert found.media.digest == held.digest
    assert found.citation is not None and "picture-1.png" in found.source
    assert FolderRecollection(root).forget(found.id) == 1
    (rest,) = FolderRecollection(root).recall("", [held], 1)
    assert rest.media is not None and rest.media.digest == other.digest


def test_other_openings_of_the_folder_see_what_was_kept(root):
    (id,) = FolderRecollection(root).remember("The meeting is at noon.")
    with Library(root) as library:
        assert library.get(id).text == "The meeting is at noon."


def test_one_who_was_given_no_right_sees_and_takes_nothing(root, monkeypatch):
    (id,) = FolderRecollection(root).remember("The safe opens with 4711.")

    def as_stranger(*given, **more):
        return Library(*given, principal="stranger", **more)

    load = plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda *of: as_stranger if of == ("memory", "retrieve") else load(*of)
    )
    stranger = FolderRecollection(root)
    for work in (
        lambda: stranger.recall("safe"),
        lambda: stranger.remember("I was here."),
        lambda: stranger.forget(id),
    ):
        with pytest.raises(AccessDenied, match=r"^'stranger' may not \w+ 'the root'") as raised:
            work()
        assert "4711" not in str(raised.value)
    monkeypatch.undo()
    assert [one.text for one in FolderRecollection(root).recall("safe")] == [
        "The safe opens with 4711."
    ]
