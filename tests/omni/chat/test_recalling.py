"""What memory holds stands beside the question for one call, and the answer says where from."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from omni.chat.agent import Agent
from omni.chat.recalling import Recall, Recalled, asks, has_words, look, nearness
from omni.content import Citation
from omni.testing.scripted import ScriptedBrain


@dataclass
class Record:
    text: str = ""
    modality: str = "text"
    media: Any = None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass
class Hit:
    record: Record
    source: str
    stages: dict[str, float]


@dataclass
class Quote:
    text: str
    citation: Citation


class Library:
    """A memory that answers every question with the same hits."""

    def __init__(self, *hits, quotes=()):
        self.hits, self.said, self.notes, self.asked = list(hits), list(quotes), [], []

    def query(self, text, media):
        return text, tuple(media)

    def search(self, query, k):
        self.asked.append(query)

        class Found:
            hits = self.hits[:k]

            class explain:
                notes = ()

        return Found

    def quotes(self, question, hits):
        return self.said

    def cite(self, hit):
        return Citation(source=hit.source, page=1)

    def told(self, citation):
        return citation.source

    def excerpt(self, hit):
        return hit.record.media

    def fenced(self, hits, names):
        return "\n".join(
            f"<memory>{h.record.text}|{n}</memory>" for h, n in zip(hits, names, strict=True)
        )


@pytest.fixture
def picture(red):
    from omni.modality import open_media

    return open_media(red)


@pytest.fixture
def red(tmp_path):
    from PIL import Image

    Image.new("RGB", (32, 24), (200, 30, 30)).save(tmp_path / "red.png")
    return tmp_path / "red.png"


@pytest.fixture
def opened(tmp_path):
    """An agent over a brain that follows a script, with a memory."""
    agents = []

    def begin(library, *script, brain=None):
        recall = Recall(library)
        brain = brain or ScriptedBrain(script=list(script))
        home, tools = tmp_path / "home", ("calculator",)
        agents.append(Agent(brain, session="s", home=home, tools=tools, middleware=(recall,)))
        return agents[-1], recall, brain

    yield begin
    for agent in agents:
        agent.close()


def hits(picture):
    return (
        Hit(Record("The lamp is red."), "a.pdf", {"text": 0.6}),
        Hit(Record("", "image", picture), "b.png", {"shared": 0.5}),
        Hit(Record("Bread."), "c.md", {"text": 0.1}),
    )


def test_the_model_sees_what_was_found_and_the_conversation_does_not(opened, picture):
    library = Library(*hits(picture))
    agent, recall, brain = opened(library, "It is red [2].", "Yes.")
    answer = agent.run("What colour is the lamp?")
    seen = brain.asked[0][-1]
    assert "<memory>The lamp is red.|</memory>" in seen.text
    assert "<memory>|img-1</memory>" in seen.text and "Bread" not in seen.text
    assert seen.text.endswith("What colour is the lamp?")
    assert any(block["type"] == "image" for block in seen.content)
    assert answer.citations == (Citation(source="b.png", page=1),)
    ((number, told, excerpt),) = recall.sources(answer.citations)
    assert (number, told) == (2, "b.png") and excerpt() is picture
    (turn,) = agent.history()
    assert [part.model_dump()["type"] for part in turn.question] == ["text"]
    assert turn.answer.citations == answer.citations  # they are kept with the session
    assert all("<memory>" not in message.text for message in agent._messages())
    agent.run("And now?")
    first, second = (one for one in brain.asked[1] if isinstance(one, HumanMessage))
    assert "<memory>" not in first.text and "<memory>" in second.text


def test_an_answer_that_names_no_number_cites_all_that_it_was_given(opened, picture):
    agent, _, _ = opened(Library(*hits(picture)), "It is red.")
    assert [one.source for one in agent.run("the lamp?").citations] == ["a.pdf", "b.png"]


def test_memory_is_asked_once_a_question_with_what_is_attached(opened, picture, red):
    library = Library(*hits(picture))
    call = {"name": "calculator", "args": {"expression": "1+1"}, "id": "1", "type": "tool_call"}
    agent, _, brain = opened(library, AIMessage("", tool_calls=[call]), "Two [1].")
    agent.attach(red)
    answer = agent.run("What is it?")
    assert len(brain.asked) == 2 and len(library.asked) == 1
    (asked,) = library.asked
    assert asked[0] == "What is it?" and [media.name for media in asked[1]] == ["red.png"]
    assert [one.source for one in answer.citations] == ["a.pdf"]


def test_without_a_memory_or_anything_near_nothing_is_added(opened):
    for library in (None, Library(), Library(Hit(Record("Bread."), "c.md", {"text": 0.1}))):
        agent, recall, brain = opened(library, "Hello.")
        answer = agent.run("Hello?")
        assert answer.citations == () and brain.asked[-1][-1].text == "Hello?"
        assert recall.last is None
        agent.close()


async def test_the_same_in_an_event_loop(opened, picture):
    """As middleware of anybody's agent, which has no shelf: media come with their bytes."""
    from langchain.agents import create_agent

    brain = ScriptedBrain(script=["It is red [1]."])
    graph = create_agent(brain, middleware=[Recall(Library(*hits(picture)))])
    found = await graph.ainvoke({"messages": [HumanMessage("the lamp?")]})
    assert found["messages"][0].text == "the lamp?"
    assert found["messages"][-1].response_metadata["citations"][0]["source"] == "a.pdf"
    seen = brain.asked[0][-1]
    assert "<memory>|red.png</memory>" in seen.text
    assert any("base64" in block for block in seen.content)


class Nano(ScriptedBrain):
    model: str = "nano"


def test_nano_is_handed_media_without_words(opened, picture):
    image = Hit(Record("", "image", picture), "b.png", {"shared": 0.5})
    agent, _, brain = opened(Library(image, *hits(picture)), brain=Nano(script=["red"]))
    answer = agent.run("What colour is the circle?")
    said = brain.asked[0][-1].text
    assert said.endswith("What colour is the circle?") and "<memory>" not in said
    assert sum(block["type"] == "image" for block in brain.asked[0][-1].content) == 1
    assert [one.source for one in answer.citations] == ["b.png"]


def test_nano_does_not_come_to_word_where_sources_answer(opened, picture):
    quote = Quote("The lamp  is red.", Citation(source="a.pdf", page=1, span=(3, 19)))
    library = Library(*hits(picture), quotes=[quote])
    agent, recall, brain = opened(library, brain=Nano(script=["never"]))
    answer = agent.run("What colour is the lamp?")
    assert brain.asked == [] and "“The lamp is red.” (a.pdf)" in answer.text
    assert "omni-nano does not read open text" in answer.text
    assert answer.citations == (quote.citation,)
    assert [told[:2] for told in recall.sources(answer.citations)] == [(1, "a.pdf")]


@pytest.mark.parametrize(
    "line", ["draw a red lamp", "make a sound", "What is on img-1?", "What colour is it?"]
)
def test_nano_is_left_alone_with_wishes_and_with_what_is_pointed_at(opened, picture, red, line):
    library = Library(*hits(picture))
    agent, _, _ = opened(library, brain=Nano(script=["seen", "done"]))
    agent.attach(red)
    agent.run("What is this?")
    agent.run(line)
    assert library.asked == []


def test_which_lines_ask():
    assert all(map(asks, ["Who came?", "when was it", "Tell me about Ada", "lamps?"]))
    assert not any(map(asks, ["draw a red circle", "hello", "show island"]))


def test_how_near_a_hit_is():
    assert nearness({"words": 9.0, "text": 0.2, "shared": 0.4, "fuse": 7.0}) == 0.4
    assert nearness({"words": 2.0, "fuse": 1.0}) == 1.0  # nothing was compared by vectors
    caption = Record("a drawing", "image", meta={"caption": "a drawing"})
    assert not has_words(Hit(caption, "", {})) and has_words(Hit(Record("EXIT", "image"), "", {}))
    assert not has_words(Hit(Record("rises", "series"), "", {}))


def test_numbers_beyond_the_hits_are_passed_over():
    cited = [Citation(source="a"), Citation(source="b")]
    found = Recalled([1, 2], cited, [], 0.0)
    assert found.used("As [2] and [9] say") == [cited[1]]
    assert found.used("no number") == cited and found.place(Citation(source="z")) is None


def test_quotes_are_looked_for_only_in_words(picture):
    library = Library(Hit(Record("", "image", picture), "b.png", {}), quotes=[1])
    assert look(library, "What?", (), quote=True).quotes == []
