"""The simulator, judged by the real clients: `openai` and `langchain-openai`."""

import base64
import io

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from omni import plugins
from omni.testing import Refusal, Simulator
from omni.testing.openai_requests import Wrong, check_chat

openai = pytest.importorskip("openai")
ASKED = [{"role": "user", "content": "What is this?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "draw",
        "description": "Draw.",
        "parameters": {"type": "object", "properties": {"subject": {"type": "string"}}},
    },
}


def media(name):
    plugin = plugins.load("modalities", name)
    return plugin.save(plugin.example(0), name=f"{name}{plugin.suffixes[0]}")


def block(name):
    found = media(name)
    data = base64.b64encode(found.read()).decode()
    return {"type": name, "base64": data, "mime_type": found.mime}


@pytest.fixture
def serve():
    """A service with a script and a client of it, both closed at the end."""
    opened = []

    def start(*script, **more):
        service = Simulator(script, **more).__enter__()
        client = openai.OpenAI(base_url=service.url, api_key="none", max_retries=0)
        opened.append((service, client))
        return service, client

    yield start
    for service, client in opened:
        client.close()
        service.__exit__(None, None, None)


def test_words_whole_and_in_pieces(serve):
    service, client = serve("A red circle.", "A blue square, I think.")
    answer = client.chat.completions.create(model="any", messages=ASKED)
    assert answer.choices[0].message.content == "A red circle."
    assert answer.usage.total_tokens > 0
    options = {"include_usage": True}
    said, usage = [], None
    for chunk in client.chat.completions.create(
        model="any", messages=ASKED, stream=True, stream_options=options
    ):
        said += [choice.delta.content for choice in chunk.choices if choice.delta.content]
        usage = chunk.usage or usage
    assert "".join(said) == "A blue square, I think." and len(said) == 5
    assert usage is not None
    assert [path for path, _ in service.requests] == ["/chat/completions"] * 2
    assert service.requests[0][1]["messages"] == ASKED


def test_tool_calls_whole_and_in_pieces(serve):
    call = AIMessage("", tool_calls=[{"name": "draw", "args": {"subject": "a fox"}, "id": "c1"}])
    _, client = serve(call, call)
    answer = client.chat.completions.create(model="any", messages=ASKED, tools=[TOOL])
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.tool_calls[0].function.arguments == '{"subject": "a fox"}'
    with client.chat.completions.stream(model="any", messages=ASKED, tools=[TOOL]) as stream:
        found = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert (found.id, found.function.name) == ("c1", "draw")
    assert found.function.arguments == '{"subject": "a fox"}'


def test_sound_pictures_speech_transcripts_embeddings_and_models(serve):
    spoken = AIMessage(content=[{"type": "text", "text": "Hello."}, block("audio")])
    drawn = AIMessage(content=[{"type": "text", "text": "Here."}, block("image")])
    _, client = serve(spoken, drawn, media("image"), media("audio"), "what was said")
    audio = client.chat.completions.create(model="any", messages=ASKED).choices[0].message.audio
    assert audio.transcript == "Hello."
    assert base64.b64decode(audio.data) == media("audio").read()
    parts = client.chat.completions.create(model="any", messages=ASKED).choices[0].message.content
    assert parts[1]["image_url"]["url"].startswith("data:image/png;base64,")
    made = client.images.generate(model="any", prompt="a fox").data[0].b64_json
    assert base64.b64decode(made) == media("image").read()
    speech = client.audio.speech.create(model="any", voice="alloy", input="Hello.")
    assert speech.content == media("audio").read()
    file = ("a.wav", io.BytesIO(media("audio").read()))
    heard = client.audio.transcriptions.create(model="any", file=file)
    assert heard.text == "what was said"
    one, two, again = client.embeddings.create(model="any", input=["a", "b", "a"]).data
    assert one.embedding == again.embedding != two.embedding
    assert sum(value**2 for value in one.embedding) == pytest.approx(1, abs=1e-5)
    assert [model.id for model in client.models.list()] == ["simulated"]


def test_refusals_and_retries(serve):
    busy = Refusal(429, "slow down", retry_after="0")
    service, client = serve(busy, busy, "at last")
    with pytest.raises(openai.RateLimitError, match="slow down"):
        client.chat.completions.create(model="any", messages=ASKED)
    patient = client.with_options(max_retries=1)
    answer = patient.chat.completions.create(model="any", messages=ASKED)
    assert answer.choices[0].message.content == "at last"
    assert len(service.requests) == 3


def test_what_the_real_service_refuses_is_refused(serve):
    _, client = serve()
    with pytest.raises(openai.BadRequestError, match="a tool message has to answer a call"):
        client.chat.completions.create(
            model="any", messages=[*ASKED, {"role": "tool", "tool_call_id": "x", "content": "y"}]
        )
    with pytest.raises(openai.NotFoundError, match="the simulator has no /files"):
        client.files.list()


CALL = {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "x"}}]}


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "at least one message"),
        ([{"role": "bot", "content": "x"}], "'bot' is none of"),
        ([{"role": "user", "content": None}], "needs content"),
        ([{"role": "user", "content": []}], "wanted words or a list of parts"),
        ([{"role": "user", "content": [{"type": "video"}]}], "not 'video'"),
        ([{"role": "system", "content": [{"type": "image_url"}]}], "takes text, not 'image_url'"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.png"}}]}],
            "wanted a link or a data URL",
        ),
        (
            [
                {
                    "role": "user",
                    "content": [{"type": "input_audio", "input_audio": {"format": "ogg"}}],
                }
            ],
            "wanted wav or mp3",
        ),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,??"}}
                    ],
                }
            ],
            "no base64",
        ),
        ([CALL], "these calls were not answered"),
        ([CALL, {"role": "user", "content": "x"}], r"these calls were not answered: \['1'\]"),
        (
            [
                CALL,
                {"role": "tool", "tool_call_id": "1", "content": [{"type": "image_url"}]},
            ],
            "a tool message takes text, not 'image_url'",
        ),
    ],
)
def test_each_refusal_says_what_and_where(messages, told):
    with pytest.raises(Wrong, match=told):
        check_chat({"model": "any", "messages": messages})


def test_scripts_that_are_not_followed_fail_the_test():
    told = "the script has 1 lines; 0 were asked for"
    with pytest.raises(AssertionError, match=told), Simulator(["never said"]):
        pass
    with Simulator(["never said"], strict=False):
        pass
    with Simulator(["once"]) as service:
        client = openai.OpenAI(base_url=service.url, api_key="none", max_retries=0)
        client.chat.completions.create(model="any", messages=ASKED)
    wrong = AIMessage("", tool_calls=[{"name": "draw", "args": {"subject": 5}, "id": "1"}])
    with Simulator([wrong]) as service:
        client = openai.OpenAI(base_url=service.url, api_key="none", max_retries=0)
        with pytest.raises(openai.InternalServerError, match="subject is 5, wanted string"):
            client.chat.completions.create(model="any", messages=ASKED, tools=[TOOL])
        client.close()


def test_an_agent_over_langchains_client_sends_only_what_the_service_takes(own_home, tmp_path):
    """Tools with pictures, a second turn, and media of other kinds, all checked by the service."""
    from langchain_openai import ChatOpenAI

    from omni.chat.agent import Agent

    @tool
    def look() -> list:
        """Look."""
        return [block("image")]

    path = tmp_path / "x.png"
    path.write_bytes(media("image").read())
    series = tmp_path / "x.csv"
    series.write_bytes(media("series").read())
    calls = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "c1"}])
    with Simulator([calls, "A circle.", "A curve."]) as service:
        brain = ChatOpenAI(model="any", base_url=service.url, api_key="none", max_retries=0)  # type: ignore[arg-type]
        with Agent(brain, home=own_home, tools=[look]) as agent:
            first = agent.run("look at this", [path])
            assert first.ok, first.failures
            second = agent.run("and this?", [series])
            assert second.ok, second.failures
            assert (first.text, second.text) == ("A circle.", "A curve.")
    sent = service.requests[-1][1]["messages"]
    kinds = [
        part["type"] for one in sent if isinstance(one["content"], list) for part in one["content"]
    ]
    assert kinds.count("image_url") == 3


async def test_the_async_client_of_langchain_streams_from_it():
    from langchain_openai import ChatOpenAI

    with Simulator(["three words here"]) as service:
        brain = ChatOpenAI(model="any", base_url=service.url, api_key="none", max_retries=0)  # type: ignore[arg-type]
        said = [chunk.text async for chunk in brain.astream([HumanMessage("hello")])]
    assert "".join(said) == "three words here"
