"""What a conversation took: from its messages, and as OpenTelemetry spans."""

import base64
import json

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from omni.chat.spending import Spending
from omni.chat.trace import trace
from omni.chat.tracing import Tracing
from omni.errors import MissingExtra
from omni.testing import ScriptedBrain

USAGE = {"input_tokens": 90, "output_tokens": 7, "total_tokens": 97}
MORE = {"selection": {"budget": 10, "kept": 4, "items": [{"handle": "img-1", "kept": 4, "of": 16}]}}


@pytest.fixture
def drawing(png, block):
    @tool
    def draw(subject: str) -> list:
        """Draw."""
        if subject == "nothing":
            raise ValueError("nothing to draw")
        return [{"type": "text", "text": "drawn"}, block(png(5))]

    return draw


@pytest.fixture
def spans():
    """A tracer, and the spans that it has finished."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def found():
        return {span.name: span for span in exporter.get_finished_spans()}

    return provider.get_tracer("test"), found


def answer(text="Done."):
    told = {
        "model_name": "big",
        "finish_reason": "stop",
        "experts": {"image": [0.25, 0.75]},
        **MORE,
    }
    timings = {"timings": {"generate": 0.2, "media": 0.1}}
    return AIMessage(text, usage_metadata=USAGE, response_metadata=told | timings)  # type: ignore[arg-type]


def test_each_call_tells_its_seconds_tokens_media_experts_and_selection(
    open_agent, picture, drawing, call
):
    lines = [call("draw", 1, subject="a fox"), answer(), call("draw", 2, subject="nothing"), "No."]
    agent = open_agent(*lines, tools=[drawing], middleware=[Spending()])
    agent.run("draw a fox", [picture(1)])
    agent.run("and nothing")
    first, second = trace(agent.sessions.messages(agent.session))
    assert [(step.kind, step.name) for step in first.steps] == [
        ("model", "model"),
        ("tool", "draw"),
        ("model", "big"),
    ]
    asked, drawn, told = first.steps
    assert asked.calls == ("draw",) and asked.estimated is not None
    assert asked.estimated["image"] > 100
    assert drawn.media == ("img-2",) and drawn.seconds["tools"] > 0
    assert (told.usage.input_tokens, told.usage.output_tokens) == (90, 7)
    assert told.experts == {"image": (0.25, 0.75)}
    assert told.selection is not None and told.selection.kept == 4
    assert told.seconds["generate"] == 0.2 and "prepare" in told.seconds
    assert first.usage.input_tokens == 90 and first.seconds["media"] == 0.1
    assert second.steps[1].status == "failed" and "nothing to draw" in second.steps[1].reason
    assert json.loads(json.dumps(first.to_json()))["steps"][2]["experts"]["image"] == [0.25, 0.75]


def test_our_own_model_tells_its_experts(wide_omni, open_agent, picture):
    from omni.chat.omni import ChatOmni

    agent = open_agent(brain=ChatOmni(model=wide_omni, device="cpu", max_tokens=4))
    agent.run("What is this?", [picture(1)])
    agent.run("And now, without a picture?")
    (first, second) = trace(agent.sessions.messages(agent.session))
    (shares,) = first.steps[0].experts.values()
    assert list(first.steps[0].experts) == ["image"]
    assert sum(shares) == pytest.approx(1, abs=0.01)
    assert first.steps[0].usage.by_modality["image"].input_tokens > 0
    assert {"load", "media", "generate"} <= set(first.steps[0].seconds)
    assert len(second.steps) == 1


def test_spans_follow_the_conventions_and_hold_no_bytes(
    open_agent, picture, drawing, call, spans, png
):
    tracer, found = spans
    lines = [call("draw", 1, subject="a fox"), answer()]
    tracing = Tracing(tracer, content=True)
    agent = open_agent(*lines, tools=[drawing], middleware=[tracing], session="s")
    agent.run("draw a fox", [picture(1)])
    turn, model, ran = (
        found()[name] for name in ("invoke_agent omni", "chat scripted", "execute_tool draw")
    )
    assert model.parent.span_id == ran.parent.span_id == turn.context.span_id
    assert turn.attributes["gen_ai.conversation.id"] == "s"
    assert model.attributes["gen_ai.operation.name"] == "chat"
    assert model.attributes["gen_ai.usage.input_tokens"] == 90
    assert model.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert model.attributes["omni.experts.image"] == (0.25, 0.75)
    assert (model.attributes["omni.selection.kept"], model.attributes["omni.selection.of"]) == (
        4,
        16,
    )
    assert model.attributes["omni.seconds.generate"] == 0.2
    read = json.loads(model.attributes["gen_ai.input.messages"])
    assert [one["role"] for one in read] == ["user", "assistant", "tool"]
    digest = agent.shelf["img-1"].digest
    assert read[0]["parts"][0] == {
        "type": "file",
        "modality": "image",
        "mime_type": "image/png",
        "file_id": "img-1",
        "omni.sha256": digest,
        "omni.bytes": agent.shelf["img-1"].size,
    }
    assert read[1]["parts"][0]["arguments"] == {"subject": "a fox"}
    result = json.loads(ran.attributes["gen_ai.tool.call.result"])
    assert result[1]["file_id"] == "img-2"
    whole = "".join(str(dict(span.attributes)) for span in found().values())
    for data in (png(1), png(5)):
        assert base64.b64encode(data).decode()[:60] not in whole


def test_without_content_nothing_that_was_said_is_in_a_span(open_agent, drawing, call, spans):
    tracer, found = spans
    lines = [call("draw", 1, subject="a secret"), AIMessage("also secret")]
    agent = open_agent(*lines, tools=[drawing], middleware=[Tracing(tracer)])
    agent.run("secret question")
    assert "secret" not in "".join(str(dict(span.attributes)) for span in found().values())


def test_failures_are_errors_and_every_span_ends(open_agent, drawing, call, spans):
    tracer, found = spans
    lines = [call("draw", 1, subject="nothing"), ConnectionError("no route"), "Fine."]
    agent = open_agent(*lines, tools=[drawing], middleware=[Tracing(tracer)])
    assert not agent.run("draw nothing").ok
    assert found()["execute_tool draw"].status.status_code is StatusCode.ERROR
    assert found()["chat scripted"].status.status_code is StatusCode.ERROR
    assert agent.run("still there?").ok
    turns = found()["invoke_agent omni"]
    assert turns.status.status_code in (StatusCode.ERROR, StatusCode.UNSET)
    assert found()["chat scripted"].status.status_code is StatusCode.UNSET


async def test_spans_in_an_event_loop(spans):
    from langchain.agents import create_agent

    tracer, found = spans
    graph = create_agent(ScriptedBrain(script=[answer()]), middleware=[Tracing(tracer)])
    await graph.ainvoke({"messages": [("user", "hello")]}, {"configurable": {"thread_id": "t"}})  # type: ignore[arg-type]
    assert found()["chat scripted"].parent.span_id == found()["invoke_agent omni"].context.span_id
    assert found()["chat scripted"].attributes["gen_ai.conversation.id"] == "t"


def test_without_opentelemetry_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("omni.extras.available", lambda module: False)
    with pytest.raises(MissingExtra, match=r'pip install "omni-agent\[tracing\]"'):
        Tracing()
