"""Which tools a small model is told of, and how much of what they answer."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from omni import plugins
from omni.chat.prompting import CLIP, Prompter
from omni.chat.returning import MEDIA_KEY
from omni.chat.shortlist import SHARE, Shortlist
from omni.media import Access
from omni.modality import open_media
from omni.model.loading import load
from omni.model.template import SHORT_TOOLS_TEMPLATE
from omni.wire import media_block

QUESTIONS = {
    "What does the text in this picture say?": "read_text",
    "How will this series go on? Plot it.": "forecast",
    "Make it darker.": "edit_image",
    "What is 37 * 41?": "calculator",
    "Write down what is said in the recording.": "transcribe",
    "Say it aloud.": "speak",
    "Put img-1 next to img-2.": "join_images",
    "How large is this 3D model?": "measure_points",
    "Are there outliers in these measurements?": "analyse_series",
}


@pytest.fixture(scope="module")
def nano():
    return load("nano")


@pytest.fixture
def prompter(nano, monkeypatch):
    monkeypatch.setattr(nano.processor, "chat_template", SHORT_TOOLS_TEMPLATE)
    return Prompter(nano)


@pytest.fixture(scope="module")
def tools():
    found = [plugins.load("tools", name) for name in plugins.names("tools")]
    return [convert_to_openai_tool(tool.model_construct(bench=None)) for tool in found]


def names(tools):
    return [tool["function"]["name"] for tool in tools]


@pytest.mark.parametrize(("question", "wanted"), QUESTIONS.items())
def test_the_tool_that_helps_is_among_the_few(prompter, tools, question, wanted):
    room = prompter.window // SHARE
    found = prompter._shortlist(tools, question, room)
    assert wanted in names(found)
    assert len(found) < len(tools) and prompter._tool_tokens(found) <= room
    order = names(tools)
    assert sorted(names(found), key=order.index) == names(found)


def test_words_in_common_decide_where_there_is_no_text_encoder(nano, tools, monkeypatch):
    monkeypatch.setattr(type(nano.processor), "hears", False)
    found = Shortlist(nano, len)(tools, "cut a film into stills", 3)
    assert len(found) == 3 and "cut_video" in names(found)


def test_a_list_that_fits_stays_as_it_is_and_one_tool_always_stays(nano, tools):
    assert Shortlist(nano, len)(tools, "anything", len(tools)) == tools
    assert len(Shortlist(nano, lambda some: 100 * len(some))(tools, "read the sign", 5)) == 1
    assert Shortlist(nano, len)([], "anything", 5) == []


def test_what_was_called_in_the_turn_stays(nano, tools):
    found = Shortlist(nano, len)(tools, "read the sign", 2, frozenset({"calculator"}))
    assert "calculator" in names(found) and len(found) == 2


def test_what_must_be_given_a_medium_that_is_not_there_goes_first(prompter, tools):
    question, room = "What does the text in this picture say?", prompter.window // SHARE
    pictures, sounds = frozenset({"img"}), frozenset({"aud", "ser"})
    seen = names(prompter._shortlist(tools, question, room, there=pictures))
    heard = names(prompter._shortlist(tools, question, room, there=sounds))
    assert "read_text" in seen and not {"transcribe", "cut_video", "forecast"} & set(seen)
    assert "transcribe" in heard and not {"read_text", "crop_image", "cut_video"} & set(heard)
    called = frozenset({"transcribe"})
    assert "transcribe" in names(prompter._shortlist(tools, question, room, called, pictures))
    few = [tool for tool in tools if tool["function"]["name"] in ("cut_video", "transcribe")]
    assert len(Shortlist(prompter.loaded, len)(few, question, 1, there=pictures)) == 1


@pytest.mark.parametrize("properties", [{}, {"file": True}, {"file": {"type": "string"}}, None])
def test_a_tool_that_is_described_badly_can_be_called(nano, properties):
    parameters = {"type": "object", "properties": properties, "required": ["file"]}
    odd = {"type": "function", "function": {"name": "odd", "parameters": parameters}}
    other = {"type": "function", "function": {"name": "other"}}
    found = Shortlist(nano, len)([odd, other], "the odd one", 1, there=frozenset())
    assert len(found) == 1


def test_media_of_the_conversation_and_of_its_words_are_there(prompter, tools, monkeypatch):
    told = []
    monkeypatch.setattr(
        prompter, "_shortlist", lambda tools, *rest: told.append(rest[-1]) or tools[:1]
    )
    picture = open_media("recipes/samples/red-circle.png", Access())
    block = media_block(picture)
    block["extras"] |= {"handle": "img-1", MEDIA_KEY: picture}
    turns = [
        HumanMessage([block, {"type": "text", "text": "What is this?"}]),
        AIMessage("The sound is aud-2."),
        HumanMessage("What is said in it?"),
    ]
    prompter.prompt(turns, tools=tools, max_tokens=20)
    prompter.prompt([HumanMessage("Who are you?")], tools=tools, max_tokens=20)
    assert told == [{"img", "aud"}, set()]


def test_a_prompt_names_media_and_lists_tools_only_where_there_are_tools(prompter, tools):
    question = HumanMessage("What is 37 * 41?")
    call = {"name": "calculator", "args": {"expression": "37 * 41"}, "id": "1"}
    turn = [question, AIMessage("", tool_calls=[call]), ToolMessage("1517", tool_call_id="1")]
    with_tools = prompter.prompt(turn, tools=tools, max_tokens=50)
    text = prompter.loaded.processor.tokenizer.decode(with_tools.inputs["input_ids"][0])
    assert "calculator(expression)\n" in text and "description" not in text
    assert '<|call|>{"name": "calculator", "arguments": {"expression": "37 * 41"}}' in text
    without = prompter.prompt([question], max_tokens=50)
    assert "calculator" not in prompter.loaded.processor.tokenizer.decode(
        without.inputs["input_ids"][0]
    )


def test_of_a_long_answer_of_a_tool_the_beginning_is_read(prompter):
    long = "All work and no play. " * 800
    call = {"name": "read_text", "args": {"image": "img-1"}, "id": "1"}
    turn = [
        HumanMessage("Read img-1."),
        AIMessage("", tool_calls=[call]),
        ToolMessage(f"<|end|>{long}", tool_call_id="1"),
    ]
    prompt = prompter.prompt(turn, max_tokens=50)
    assert prompter.window // CLIP < prompt.tokens < prompter.window // 2
    decode = prompter.loaded.processor.tokenizer.decode
    text = decode(prompt.inputs["input_ids"][0])
    said = text.partition("<|tool|>")[2]
    assert said.startswith("<|end|>All work") and " …<|end|>" in said
    ids = prompt.inputs["input_ids"][0].tolist()
    assert ids.count(prompter.loaded.processor.tokenizer.convert_tokens_to_ids("<|end|>")) == 3
