import base64
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from omni import plugins
from omni.chat.presenting import Presenter
from omni.chat.returning import Returning, accepted
from omni.content import MediaPart
from omni.media import Media, Shelf
from omni.modality import media_from_bytes
from omni.testing.scripted import ScriptedBrain
from omni.wire import take, to_langchain


def example(name):
    plugin = plugins.load("modalities", name)
    return plugin.save(plugin.example(), name=f"{name}{plugin.suffixes[0]}")


def kinds(blocks: Any) -> list[str]:
    return [block["type"] for block in blocks]


@pytest.fixture
def shelf(tmp_path):
    return Shelf(plugins.load("memory", "blobs")(tmp_path / "blobs"))


@pytest.mark.parametrize("name", ["points", "series", "audio", "video"])
def test_what_is_not_taken_is_shown_as_facts_and_a_picture(name):
    words, picture, *_ = Presenter({"image"}).blocks(example(name))
    plugin = plugins.load("modalities", name)
    assert words["text"] == f"({plugin.caption(plugin.load(example(name)))})"
    found = media_from_bytes(base64.b64decode(picture["base64"]), "a")
    assert found.modality == "image"


def test_a_model_without_eyes_is_given_facts():
    assert kinds(Presenter(()).blocks(example("image"))) == ["text"]


def test_the_sound_of_a_video_is_heard():
    blocks = Presenter({"image", "audio"}).blocks(example("video"))
    plugin = plugins.load("modalities", "video")
    sounds = [n for n, _ in plugin.parts(plugin.load(example("video"))) if n == "audio"]
    assert kinds(blocks).count("audio") == len(sounds)


def test_services_get_formats_they_know():
    from PIL import Image

    image = plugins.load("modalities", "image")
    bmp = image.save(Image.new("RGB", (3, 3)), name="a.bmp", mime="image/bmp")
    assert Presenter({"image"}).blocks(bmp)[0]["mime_type"] == "image/png"
    assert Presenter({"image"}, convert=False).blocks(bmp)[0]["mime_type"] == "image/bmp"


def test_broken_and_unknown_files_are_told_of(png):
    broken = Media.from_bytes(b"\x89PNG broken", modality="points", mime="model/obj", name="a.obj")
    (block,) = Presenter({"image"}).blocks(broken)
    assert "a.obj cannot be read" in block["text"]
    odd = Media.from_bytes(b"\x00", modality="file", mime="application/zip", name="a.zip")
    (block,) = Presenter({"image"}).blocks(odd)
    assert "application/zip, 1 bytes" in block["text"]


def test_profiles_tell_what_is_taken():
    assert accepted(ScriptedBrain()) == {"image"}
    deaf = ScriptedBrain(profile={"image_inputs": False, "audio_inputs": True})
    assert accepted(deaf) == {"audio"}


def messages_with(shelf, *media) -> list[Any]:
    return [
        HumanMessage([*to_langchain([MediaPart.of(take(m, shelf))]), {"type": "text", "text": "?"}])
        for m in media
    ]


def test_only_what_fits_is_shown_and_the_named_and_newest_first(shelf, png):
    media = [media_from_bytes(png(n), f"{n}.png") for n in range(4)]
    messages = messages_with(shelf, *media)
    messages.append(HumanMessage("compare with img-1"))
    shown: Any = Returning(shelf, max_bytes=2 * media[0].size).messages(messages, ScriptedBrain())
    assert ["image" in kinds(m.content) for m in shown[:4]] == [True, False, False, True]
    assert "img-2: 1.png" in shown[1].content[0]["text"]
    assert "not shown again" in shown[1].content[0]["text"]


def test_pictures_stay_in_tool_messages_where_the_model_takes_them(shelf, png):
    block = to_langchain([MediaPart.of(take(media_from_bytes(png(), "a.png"), shelf))])
    call = {"name": "draw", "args": {}, "id": "1"}
    messages: list[Any] = [
        HumanMessage("draw"),
        AIMessage("", tool_calls=[call]),
        ToolMessage(block, tool_call_id="1"),  # type: ignore[arg-type]
    ]
    able = ScriptedBrain(profile={"image_inputs": True, "image_tool_message": True})
    shown = Returning(shelf).messages(messages, able)
    assert len(shown) == 3 and kinds(shown[2].content) == ["text", "image"]
    shown = Returning(shelf).messages(messages, ScriptedBrain())
    assert len(shown) == 4
    assert isinstance(shown[3], HumanMessage) and kinds(shown[3].content) == ["text", "image"]


def test_nothing_of_ours_goes_to_services(shelf, png):
    messages = messages_with(shelf, media_from_bytes(png(), "a.png"))
    part = MediaPart(type="image", ref=None, status="failed", reason="no paint")
    messages.append(AIMessage(to_langchain([part])))  # type: ignore[arg-type]
    shown = Returning(shelf).messages(messages, ScriptedBrain())
    assert "omni" not in str([message.content for message in shown])
    assert "(image failed: no paint)" in str(shown[1].content)
