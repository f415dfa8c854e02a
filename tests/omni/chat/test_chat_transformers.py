import shutil
import threading

import pytest
import torch
from langchain_core.messages import HumanMessage, ToolMessage
from safetensors.torch import load_file

from omni import plugins
from omni.chat.brain import brain
from omni.chat.cancelling import STOP
from omni.chat.omni import ChatOmni
from omni.chat.transformers import ChatTransformers
from omni.errors import MissingExtra, UsageError
from omni.wire import media_block


@pytest.fixture
def chat(tiny_llava):
    return ChatTransformers(model=tiny_llava, max_tokens=6, device="cpu")


def example(name, seed=0):
    plugin = plugins.load("modalities", name)
    return plugin.save(plugin.example(seed), name=f"{name}{plugin.suffixes[0]}")


def question(text, *media):
    return HumanMessage([*(media_block(m) for m in media), {"type": "text", "text": text}])


@pytest.fixture
def saying(chat, monkeypatch):
    """Let the model say a given text, through transformers' own streamer."""
    loaded = chat.load()
    prompts = []

    def say(text):
        ids = loaded.processor.tokenizer.encode(text, add_special_tokens=False)

        def generate(input_ids, streamer, stopping_criteria, max_new_tokens, **given):
            prompts.append(loaded.processor.tokenizer.decode(input_ids[0]))
            streamer.put(input_ids)
            whole = input_ids
            for token in ids[:max_new_tokens]:
                whole = torch.cat([whole, torch.tensor([[token]])], 1)
                streamer.put(torch.tensor([token]))
                if bool(stopping_criteria(whole, None).all()):
                    break
            streamer.end()

        monkeypatch.setattr(loaded.model, "generate", generate)
        return prompts

    return say


def test_it_sees_pictures_and_counts_their_tokens(chat):
    answer = chat.invoke([question("What is this?", example("image"))])
    usage = answer.usage_metadata
    assert usage["input_token_details"]["image"] == 4  # 16 x 16 pixels in patches of 8
    words = "user: What is this?assistant: "  # templates are trimmed after blocks
    assert usage["input_token_details"]["text"] == len(words)
    assert 1 <= usage["output_tokens"] <= 6


def test_another_picture_gives_other_inputs(chat):
    from omni.chat.templating import model_inputs

    loaded = chat.load()
    one, two = (
        model_inputs(loaded, [question("What?", example("image", seed))], None) for seed in (0, 1)
    )
    assert one["pixel_values"].shape == two["pixel_values"].shape
    assert not torch.equal(one["pixel_values"], two["pixel_values"])


def test_streaming_and_invoking_say_the_same(chat):
    messages = [question("What is this?", example("image"))]
    assert "".join(str(c.content) for c in chat.stream(messages)) == chat.invoke(messages).content


def test_other_media_are_seen_as_a_picture_with_their_facts(chat, saying):
    prompts = saying("ok")
    points = example("points")
    chat.invoke([question("What?", points)])
    plugin = plugins.load("modalities", "points")
    assert "<image>" in prompts[0]
    assert plugin.caption(plugin.load(points)) in prompts[0]


def test_tool_calls_are_parsed_and_written_again(chat, saying):
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    prompts = saying('Well. <tool_call>{"name": "add", "arguments": {"a": 1, "b": 2}}</tool_call>')
    bound = chat.bind_tools([add]).bind(max_tokens=200)
    answer = bound.invoke("add")
    (call,) = answer.tool_calls
    assert (call["name"], call["args"]) == ("add", {"a": 1, "b": 2})
    assert answer.content == "Well. "
    assert "Add two numbers." in prompts[0]
    bound.invoke([HumanMessage("add"), answer, ToolMessage("3", tool_call_id=call["id"])])
    assert "tool: 3" in prompts[1] and '"add"' in prompts[1]
    saying("<tool_call>{broken</tool_call>")
    assert bound.invoke("add").invalid_tool_calls[0]["args"].startswith("<tool_call>{broken")


def test_stop_sequences_limits_and_the_flag_of_a_turn(chat, saying):
    saying("one STOP two")
    roomy = chat.bind(max_tokens=50)
    assert roomy.invoke("count", stop=["STOP"]).content == "one "
    assert chat.invoke("count").usage_metadata["output_tokens"] == 6
    flag = threading.Event()
    flag.set()
    token = STOP.set(flag)
    try:
        assert roomy.invoke("count").usage_metadata["output_tokens"] == 1
    finally:
        STOP.reset(token)
    with pytest.raises(TimeoutError):
        chat.model_copy(update={"timeout": 1e-9}).invoke("count")


def test_an_error_of_the_model_is_raised(chat, monkeypatch):
    def broken(**given):
        raise RuntimeError("weights are gone")

    monkeypatch.setattr(chat.load().model, "generate", broken)
    with pytest.raises(RuntimeError, match="weights are gone"):
        chat.invoke("hello")


def test_the_agent_over_it(tiny_llava, open_agent, picture):
    model = brain(tiny_llava, device="cpu", max_tokens=4)
    assert isinstance(model, ChatTransformers)
    agent = open_agent(brain=model)
    agent.attach(picture(1))
    answer = agent.run("what is it?")
    assert answer.usage.by_modality["image"].input_tokens == 4
    assert agent.run("and now?").usage.by_modality["image"].input_tokens == 4


def test_brains_by_name(tiny_omni, tmp_path, monkeypatch):
    assert isinstance(brain("nano"), ChatOmni)
    found = brain(tiny_omni, device="cpu", dtype="float32")
    assert isinstance(found, ChatOmni)
    assert (found.model, found.device, found.dtype) == (tiny_omni, "cpu", "float32")
    hub = brain("Qwen/Qwen2.5-VL-3B-Instruct")
    assert isinstance(hub, ChatTransformers)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    from langchain_openai import ChatOpenAI

    assert isinstance(brain("openai:gpt-4o"), ChatOpenAI)
    for unknown in ("", "nano2", "no such folder", "a/b/c"):
        with pytest.raises(UsageError, match=r"unknown model .*nano .*provider:name.*hub id"):
            brain(unknown)
    with pytest.raises(UsageError, match=r"no saved model \(no config.json\)"):
        brain(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="names no model_type"):
        brain(str(tmp_path))
    with pytest.raises(UsageError, match="cannot use nobody:x as a brain"):
        brain("nobody:x")
    with pytest.raises(MissingExtra, match="langchain-mistralai"):
        brain("mistralai:x")
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UsageError, match="cannot use openai:gpt-4o"):
        brain("openai:gpt-4o")


def test_a_model_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(UsageError, match="cannot load 'nobody/nothing'") as caught:
        ChatTransformers(model="nobody/nothing", device="cpu").invoke("hello")
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_refused(tiny_llava, tmp_path):
    folder = tmp_path / "pickled"
    shutil.copytree(tiny_llava, folder)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"cannot load .*safetensors"):
        ChatTransformers(model=str(folder)).load()
