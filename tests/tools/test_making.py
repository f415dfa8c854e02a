"""Tools that have media made, looked at, kept and found again."""

import pytest
from PIL import Image

from omni.errors import Failed, Retry
from omni.making import Maker, Makers
from omni.media import Access
from omni.plugins import load
from omni.wire import block_media
from omni.workbench import Workbench


def tool(name, bench):
    return load("tools", name)(bench=bench)


def test_a_picture_is_made_with_what_is_known_of_its_making(bench):
    words, block = tool("make_image", bench).invoke({"prompt": "a red square", "seed": 200})
    assert words["text"] == "A picture by painter."
    picture = Image.open(block_media(block).open())
    assert picture.getpixel((0, 0)) == (200, 0, 0)
    said = block["extras"]["omni"]["lineage"]
    assert said == {"model": "painter", "seed": 200, "parameters": {"steps": 2}}


def test_a_sound_is_made(bench):
    _, block = tool("make_sound", bench).invoke({"prompt": "rain"})
    assert block_media(block).modality == "audio"


def test_who_cannot_make_it_says_so_to_the_model(shelf):
    class Empty(Maker):
        makes = frozenset({"image"})

        def make(self, wish):
            raise Failed(f"no paint for {wish.prompt}")

    bench = Workbench(shelf, Access(), makers=Makers({"image": Empty()}))
    with pytest.raises(Failed, match="no paint for a cat"):
        tool("make_image", bench).invoke({"prompt": "a cat"})


def test_a_maker_whose_weights_are_not_here_is_told_with_what_to_do(shelf):
    bench = Workbench(shelf, Access(), makers=Makers({"image": "someone/large-model"}))
    with pytest.raises(Retry, match="fetch them with  hf download someone/large-model"):
        tool("make_image", bench).invoke({"prompt": "a cat"})


def test_a_model_looks_at_one_thing(bench):
    told = tool("ask_about", bench).invoke({"media": "vid-1", "question": "How long?"})
    assert told == "vid-1, looked at by looker: How long? (video)"


def test_what_was_kept_is_found_by_words_and_by_media_until_it_is_forgotten(bench):
    kept = tool("remember", bench).invoke({"text": "the key is under the mat", "media": ["img-1"]})
    assert kept == "Kept as note-2."
    words, block = tool("recall", bench).invoke({"query": "where is the key?"})
    assert words["text"] == "[1] notebook (id note-2):\nthe key is under the mat"
    assert block_media(block).digest == bench.shelf["img-1"].digest
    assert "note-2" in tool("recall", bench).invoke({"like": "img-1"})[0]["text"]
    assert tool("forget", bench).invoke({"id": "note-2"}) == "Forgotten: note-2 (1 record)."
    nothing = "The memory holds nothing on that."
    assert tool("recall", bench).invoke({"query": "where is the key?"}) == nothing


def test_nothing_and_nowhere_are_told(bench, shelf):
    with pytest.raises(Retry, match="nothing to keep"):
        tool("remember", bench).invoke({})
    with pytest.raises(Retry, match="nothing to look for"):
        tool("recall", bench).invoke({})
    with pytest.raises(Retry, match="no record 'note-9'"):
        tool("forget", bench).invoke({"id": "note-9"})
    without = Workbench(shelf, Access())
    with pytest.raises(Retry, match="no memory beside it"):
        tool("recall", without).invoke({"query": "keys"})
