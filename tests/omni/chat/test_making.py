"""What a brain wishes for is made by makers, and says what became of it."""

import threading

import pytest
from langchain_core.messages import AIMessage

from omni.chat.events import MediaMade
from omni.chat.making import asking_block
from omni.content import MediaPart
from omni.errors import Failed, UnknownPlugin, UsageError
from omni.making import Made, Maker, Makers, Wish, named
from omni.media import Media
from omni.modality import modality


class Painter(Maker):
    makes = frozenset({"image", "audio", "speech", "series", "text"})

    def __init__(self, made="image"):
        super().__init__()
        self.made = made
        self.wishes: list[Wish] = []

    def make(self, wish):
        self.wishes.append(wish)
        if "fail" in wish.prompt:
            raise Failed("no paint left")
        value = modality(self.made).example(wish.seed or 0)
        media = modality(self.made).save(value, name=f"made.{self.made}")
        return Made(media, "painter", wish.seed or 7, {"steps": 2})


def wish_of(*blocks, text="Here: "):
    return AIMessage([{"type": "text", "text": text}, *blocks])


def test_a_block_that_asks_is_replaced_by_what_was_made(open_agent, picture):
    painter = Painter()
    block = asking_block("image", "a red cat", seed=3, sources=["img-1"])
    agent = open_agent(wish_of(block), makers={"image": painter})
    agent.attach(picture(1))
    events = list(agent.stream("draw a cat like img-1"))
    answer = events[-1].answer
    assert answer.ok
    assert [part.type for part in answer.parts] == ["text", "image"]
    assert [e.part.ref and e.part.ref.handle for e in events if isinstance(e, MediaMade)] == [
        "img-2"
    ]
    lineage = agent.lineage("img-2")
    assert lineage.model_dump() == {
        "parents": ("img-1",),
        "prompt": "a red cat",
        "model": "painter",
        "seed": 3,
        "parameters": {"steps": 2},
    }
    assert painter.wishes[0].sources[0].digest == agent.shelf["img-1"].digest


@pytest.mark.parametrize(
    ("make", "kind", "reason"),
    [
        ({"kind": "image", "prompt": "fail"}, "image", "no paint left"),
        ({"kind": "image"}, "image", "the wish has a wrong 'prompt'"),
        ({"kind": "image", "prompt": "x", "size": 3}, "image", "wrong 'size'"),
        (
            {"kind": "image", "prompt": "x", "sources": ["img-9"]},
            "image",
            "no media called 'img-9'",
        ),
        ("an image", "file", "the wish has a wrong 'make'"),
        ({"prompt": "x"}, "file", "wrong 'kind'"),
    ],
)
def test_a_wish_that_cannot_be_met_is_a_failed_part(make, kind, reason, open_agent):
    block = {"type": "non_standard", "value": {"omni": {"make": make}}}
    answer = open_agent(wish_of(block), makers={"image": Painter()}).run("draw")
    assert not answer.ok
    (failed,) = answer.failures
    assert isinstance(failed, MediaPart)
    assert (failed.type, failed.status, failed.ref) == (kind, "failed", None)
    assert reason in str(failed.reason)


def test_what_nobody_makes_is_unsupported(open_agent):
    answer = open_agent(wish_of(asking_block("points", "a cube"))).run("make a cube")
    (failed,) = answer.failures
    assert failed.status == "unsupported"
    assert (
        failed.reason == "nothing here makes points: name a maker, such as  --maker points=FOLDER"
    )


def test_a_maker_that_makes_something_else_is_found_out(open_agent):
    agent = open_agent(wish_of(asking_block("image", "x")), makers={"image": Painter("audio")})
    assert agent.run("draw").failures[0].reason == "painter made audio instead"


def test_what_is_wanted_is_made_though_the_brain_cannot(open_agent):
    painter = Painter()
    agent = open_agent("A cat.", makers={"image": painter})
    answer = agent.run("draw a cat", want=["image"])
    assert answer.ok
    assert [part.type for part in answer.parts] == ["text", "image"]
    assert [one.prompt for one in painter.wishes] == ["draw a cat"]


def test_wanted_sound_is_the_answer_spoken(open_agent):
    painter = Painter("audio")
    agent = open_agent("It is a red circle.", makers={"speech": painter})
    answer = agent.run("what is it?", want=["audio"])
    assert answer.ok
    assert [(one.kind, one.prompt) for one in painter.wishes] == [("speech", "It is a red circle.")]
    assert answer.media[0].handle == "aud-1"


def test_a_wanted_series_is_made_from_the_one_that_is_given(open_agent, tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("day,sales\n" + "".join(f"2024-01-{d:02},{d}\n" for d in range(1, 29)))
    painter = Painter("series")
    agent = open_agent("It goes on.", makers={"series": painter})
    agent.attach(path)
    assert agent.run("how does it go on?", want=["series"]).ok
    assert [one.name for one in painter.wishes[0].sources] == ["sales.csv"]
    assert agent.lineage("ser-2").parents == ("ser-1",)


def test_a_brain_that_can_make_it_is_not_helped(open_agent):
    painter = Painter()
    agent = open_agent("A cat.", makers={"image": painter})
    agent.brain.profile = {"image_outputs": True}
    answer = agent.run("draw a cat", want=["image"])
    assert not answer.ok and painter.wishes == []


def test_what_a_tool_has_made_is_not_made_again(open_agent, call):
    from omni.testing.scripted import ScriptedBrain

    painter = Painter()
    brain = ScriptedBrain(script=[call("make_image", prompt="a cat"), "There."])
    agent = open_agent(brain=brain, tools=["make_image"], makers={"image": painter})
    answer = agent.run("draw a cat", want=["image"])
    assert answer.ok and len(answer.media) == 1 and len(painter.wishes) == 1
    assert agent.lineage("img-1").model_dump() == {
        "parents": (),
        "prompt": "a cat",
        "model": "painter",
        "seed": 7,
        "parameters": {"steps": 2},
    }


def test_a_turn_is_stopped_while_something_is_made(open_agent):
    free, begun = threading.Event(), threading.Event()

    class Slow(Painter):
        def make(self, wish):
            begun.set()
            free.wait(30)
            return super().make(wish)

    agent = open_agent(wish_of(asking_block("image", "a cat")), "next", makers={"image": Slow()})
    events = agent.stream("draw")
    for _ in events:
        if begun.wait(5):
            agent.cancel()
    free.set()
    answer = agent.history()[0].answer
    assert answer.interrupted and answer.media == []
    assert agent.run("go on").ok


async def test_makers_work_in_an_event_loop(open_agent):
    agent = open_agent(wish_of(asking_block("image", "a cat")), makers={"image": Painter()})
    assert (await agent.arun("draw")).media[0].handle == "img-1"


def test_makers_are_named_by_kind_and_checked_early():
    assert named(["image=nano", " audio = x/y "]) == {"image": "nano", "audio": "x/y"}
    with pytest.raises(UsageError, match="a maker is named as KIND=NAME"):
        named(["image"])
    with pytest.raises(UsageError, match="nothing of kind 'smell' can be made"):
        named(["smell=nano"])
    with pytest.raises(UsageError, match="the maker 'speech' makes audio, speech, not image"):
        Makers({"image": "speech"}).maker("image")
    with pytest.raises(UnknownPlugin, match=r"no maker 'bob'.*nano"):
        Makers({"image": "bob"}).maker("image")


def test_the_brain_of_the_session_looks_at_media(open_agent, picture, call):
    agent = open_agent(
        call("ask_about", media="img-1", question="What is it?"), "Noise.", "It is noise.",
        tools=["ask_about"],
    )  # fmt: skip
    agent.attach(picture(1))
    assert agent.run("look").text == "It is noise."
    looked = agent.brain.asked[1][-1].content
    assert [block["type"] for block in looked] == ["image", "text"]
    assert "looked at by scripted: Noise." in agent.brain.asked[2][-1].text


def test_words_are_spoken_by_the_embedded_voice():
    pytest.importorskip("espeakng_loader")
    made = Makers().make(Wish("speech", "hello there"))
    assert (made.model, made.media.mime) == ("espeak-ng", "audio/wav")
    with pytest.raises(Failed, match="no words were given"):
        Makers().make(Wish("speech", " "))


def test_a_series_goes_on_as_far_as_is_asked():
    values = modality("series").example(0)
    media = modality("series").save(values, name="s.csv")
    made = Makers().make(Wish("series", "the next 5 steps", sources=(media,)))
    found = modality("series").load(made.media)
    assert len(found.values) == 5
    assert len(found.names) == 3 * len(values.names)
    with pytest.raises(Failed, match="attach one"):
        Makers().make(Wish("series", "go on"))


def test_lineage_is_only_of_what_is_there():
    media = Media.from_bytes(b"x", modality="text", mime="text/plain", name="x.txt")
    block = Made(media, "m", 1).block(prompt="p")
    assert block["extras"]["omni"]["lineage"] == {
        "model": "m", "seed": 1, "parameters": {}, "prompt": "p",
    }  # fmt: skip
