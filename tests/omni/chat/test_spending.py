"""What a call will take, told before it is made: beside what it took, and beside the truth."""

import base64
import io

import numpy as np
import pytest
import soundfile
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.tools import tool

from omni.chat.counting import Counter, Estimate, counter, letters
from omni.chat.offload import noted
from omni.chat.spending import Spending
from omni.chat.token_rules import family
from omni.testing.scripted import ScriptedBrain


def wav(seconds: float) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(int(seconds * 16_000), np.int16), 16_000, format="WAV")
    return stream.getvalue()


def test_a_megabyte_of_sound_is_counted_as_sound_not_as_letters():
    """The truth for Qwen2.5-Omni: a token for every 40 ms."""
    data = wav(32.76)
    assert len(data) == pytest.approx(1 << 20, rel=0.001)
    block = {
        "type": "audio",
        "base64": base64.b64encode(data).decode(),
        "mime_type": "audio/wav",
    }
    message = HumanMessage([block])  # type: ignore[list-item]
    found = Counter(family("qwen2_5_omni")).count([message])
    assert found.by_modality["audio"] == pytest.approx(32.76 / 0.04, rel=0.1)
    assert count_tokens_approximately([message]) > 200_000  # what LangChain's own counter says


def test_openais_forms_are_counted_like_langchains(png, block):
    data = png(1, 336)
    url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    ours = HumanMessage([block(data)])  # type: ignore[list-item]
    theirs = HumanMessage([{"type": "image_url", "image_url": {"url": url}}])
    counting = Counter(family("llava"))
    for message in (ours, theirs):
        assert counting.count([message]).by_modality["image"] == 576
    link = HumanMessage([{"type": "image_url", "image_url": {"url": "https://x.org/a.png"}}])
    assert 0 < counting.count([link]).by_modality["image"] < 100
    broken = HumanMessage([{"type": "image", "base64": "????", "mime_type": "image/png"}])
    assert counting.count([broken]).tokens < 100


def test_words_tools_and_calls_are_counted():
    @tool
    def draw(subject: str) -> str:
        """Draw a picture of a subject, in the style of an old map with ships and sea monsters."""
        return subject

    words = SystemMessage("a word " * 100)
    alone = Counter().count([words]).tokens
    assert alone == pytest.approx(175 + 4, rel=0.1)
    assert Counter().count([words], [draw]).tokens > alone + 30
    call = AIMessage("", tool_calls=[{"name": "draw", "args": {"subject": "x" * 400}, "id": "1"}])
    assert Counter().count([call]).tokens == pytest.approx(107, rel=0.1)
    assert letters("赤い丸がある") == 6 and letters("") == 0
    assert str(Estimate({"image": 1020, "text": 220})) == (
        "about 1,240 tokens (image 1,020, text 220)"
    )


def test_an_agent_tells_before_and_keeps_the_estimate_beside_the_usage(open_agent, picture):
    told = []
    usage = {"input_tokens": 800, "output_tokens": 5, "total_tokens": 805}
    brain = ScriptedBrain(script=[AIMessage("Noise.", usage_metadata=usage), "Still noise."])  # type: ignore[arg-type]
    agent = open_agent(brain=brain, middleware=[Spending(tell=told.append)])
    agent.run("What is this?", [picture(1, 600)])
    (first,) = told
    assert first.by_modality["image"] == 85 + 4 * 170  # OpenAI's rule for 600 x 600
    assert 20 < first.by_modality["text"] < 120
    answer = agent._messages()[-1]
    assert noted(answer)["estimated"] == dict(first.by_modality)
    assert agent.history()[0].answer.usage.input_tokens == 800
    agent.run("And now?")
    assert told[1].tokens > first.tokens


def test_a_call_that_would_read_too_much_is_not_made(open_agent, picture):
    brain = ScriptedBrain(script=["Noise."])
    agent = open_agent(brain=brain, middleware=[Spending(most=500)])
    with pytest.raises(Exception, match=r"would read about .*image 765.* and 500 are allowed"):
        agent.run("What is this?", [picture(1, 600)])
    assert brain.asked == []
    assert "attach less" in str(agent.history()[0].answer.failures[0].reason)


async def test_the_same_in_an_event_loop():
    from langchain.agents import create_agent

    told = []
    graph = create_agent(ScriptedBrain(script=["yes"]), middleware=[Spending(tell=told.append)])
    state = await graph.ainvoke({"messages": [HumanMessage("are you there?")]})
    assert noted(state["messages"][-1])["estimated"]["text"] == told[0].tokens > 5


def test_our_own_model_counts_what_its_encoders_make(tiny_omni, png):
    from omni.chat.omni import ChatOmni
    from omni.modality import media_from_bytes, modality

    media = media_from_bytes(png(1, 64), "x.png")
    plugin = modality("image")
    counting = counter(ChatOmni(model=tiny_omni, device="cpu"))
    assert counting.media(media) == plugin.estimate_tokens(plugin.load(media))
    assert counting.window == 400
