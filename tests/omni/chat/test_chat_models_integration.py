"""LangChain's integration suite over our chat models: real generation on tiny instances.

Their weights are random, so what they say is steered: the token that is to come gets all the
likelihood. Templates, processors, encoders, `generate`, streaming and the reading of calls are
those of every day.
"""

import io
import re

import pytest
from langchain_core.messages import ToolMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from omni import plugins
from omni.chat.omni import ChatOmni
from omni.chat.transformers import ChatTransformers

MARKS = {ChatOmni: ("<|call|>", "<|/call|>"), ChatTransformers: ("<tool_call>", "</tool_call>")}


def said(messages, tools, choice) -> tuple[str | None, dict | str]:
    """What a helpful model would say: a call of the tool, or words."""
    if not tools or isinstance(messages[-1], ToolMessage):
        return None, "It is so, as far as you can tell from here."
    functions = {tool["function"]["name"]: tool["function"] for tool in tools}
    function = functions.get(choice) or next(iter(functions.values()))
    asked = messages[-1].text
    numbers = iter(re.findall(r"\d+", asked))
    quoted = re.search(r"'([^']+)'", asked)
    arguments = {}
    for name, schema in function["parameters"]["properties"].items():
        if schema.get("type") == "integer":
            arguments[name] = int(next(numbers, "1"))
        else:
            arguments[name] = quoted[1] if quoted and "name" in name else f"some {name}"
    return function["name"], arguments


@pytest.fixture
def steer(monkeypatch):
    """Let the models of a class say what `said` has for them."""
    import json

    import torch
    from transformers import LogitsProcessor, LogitsProcessorList

    class Steered(LogitsProcessor):
        def __init__(self, ids):
            self.ids = iter(ids)

        def __call__(self, input_ids, scores):
            steered = torch.full_like(scores, -1e9)
            steered[:, next(self.ids)] = 0.0
            return steered

    def prepare(cls):
        chunks = cls._chunks
        opening, closing = MARKS[cls]

        def steered_chunks(self, messages, stop, given):
            loaded = self.load()
            name, found = said(messages, given.get("tools"), given.get("tool_choice"))
            text = str(found)
            if name:
                call = json.dumps({"name": name, "arguments": found}, ensure_ascii=False)
                text = f"{opening}{call}{closing}"
            tokenizer = getattr(loaded.processor, "tokenizer", loaded.processor)
            ids = tokenizer.encode(text, add_special_tokens=False)
            end = loaded.model.generation_config.eos_token_id
            ids = [*ids, *([end] if isinstance(end, int) else end)]
            generate = type(loaded.model).generate

            def steered_generate(**inputs):
                processors = LogitsProcessorList([*inputs.pop("logits_processor", ())])
                processors.append(Steered(ids))
                return generate(loaded.model, logits_processor=processors, **inputs)

            monkeypatch.setattr(loaded.model, "generate", steered_generate)
            yield from chunks(self, messages, stop, given)

        monkeypatch.setattr(cls, "_chunks", steered_chunks)

    return prepare


@pytest.fixture
def bytes_at_home(monkeypatch):
    """What the suite would fetch from the net: a picture, a sound and a document of ours."""
    import httpx

    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "omni")
    kinds = {".png": "image", ".wav": "audio"}

    def get(url, **_):
        suffix = url[url.rindex(".") :]
        if suffix == ".pdf":
            from reportlab.pdfgen.canvas import Canvas

            stream = io.BytesIO()
            page = Canvas(stream)
            page.drawString(72, 72, "Dummy PDF file")
            page.save()
            return httpx.Response(200, content=stream.getvalue())
        plugin = plugins.load("modalities", kinds[suffix])
        data = plugin.save(plugin.example(0), name=f"x{suffix}").read()
        return httpx.Response(200, content=data)

    monkeypatch.setattr(httpx, "get", get)


class Suite(ChatModelIntegrationTests):
    """What both have in common: tools are told of through the template, and may be chosen."""

    folder = ""

    @property
    def has_tool_choice(self):
        return False

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_audio_inputs(self):
        return True

    @property
    def supports_video_inputs(self):
        return True

    @property
    def supports_pdf_inputs(self):
        return True

    @property
    def supports_image_tool_message(self):
        return True

    @property
    def supports_pdf_tool_message(self):
        return True

    @pytest.fixture(autouse=True)
    def prepared(self, steer, bytes_at_home):
        steer(self.chat_model_class)

    @property
    def chat_model_params(self):
        return {"model": self.folder, "device": "cpu", "max_tokens": 400}


class TestChatOmniIntegration(Suite):
    @pytest.fixture(autouse=True)
    def saved(self, wide_omni):
        type(self).folder = wide_omni

    @property
    def chat_model_class(self):
        return ChatOmni


class TestChatTransformersIntegration(Suite):
    @pytest.fixture(autouse=True)
    def saved(self, tiny_llava):
        type(self).folder = tiny_llava

    @property
    def chat_model_class(self):
        return ChatTransformers
