"""Pictures, tools and brains for the tests of the agent."""

import base64
import io

import numpy as np
import pytest
from langchain_core.messages import AIMessage
from PIL import Image

from omni.chat.agent import Agent
from omni.testing.scripted import ScriptedBrain


def png_bytes(seed: int = 0, side: int = 24) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=0)
    return stream.getvalue()


def image_block(data: bytes) -> dict:
    return {
        "type": "image",
        "base64": base64.b64encode(data).decode(),
        "mime_type": "image/png",
    }


def call_of(name: str, number: int = 1, **args) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call-{number}"}])


@pytest.fixture
def png():
    return png_bytes


@pytest.fixture
def block():
    return image_block


@pytest.fixture
def call():
    return call_of


@pytest.fixture
def picture(tmp_path):
    """Write a picture of noise and return its path."""

    def write(seed: int = 0, side: int = 24):
        path = tmp_path / f"noise-{seed}-{side}.png"
        path.write_bytes(png_bytes(seed, side))
        return path

    return write


@pytest.fixture
def open_agent(own_home):
    """Open an agent whose brain says the given lines; closed at the end of the test."""
    opened = []

    def open_it(*lines, seconds=0.0, brain=None, **settings):
        brain = brain or ScriptedBrain(script=list(lines), seconds=seconds)
        agent = Agent(brain, home=own_home, **settings)
        opened.append(agent)
        return agent

    yield open_it
    for agent in opened:
        agent.close()


@pytest.fixture(scope="session")
def tiny_omni(tmp_path_factory):
    """A folder with a saved model: real encoders and decoders, random weights, tiny language."""
    return save_tiny_omni(tmp_path_factory.mktemp("tiny-omni"), window=400)


@pytest.fixture(scope="session")
def wide_omni(tmp_path_factory):
    """The same with experts, and with room for long conversations with tools."""
    router = {"experts": 3, "hidden": 16}
    return save_tiny_omni(tmp_path_factory.mktemp("wide-omni"), window=16_000, router=router)


def save_tiny_omni(folder, window: int, router: dict | None = None) -> str:
    import torch
    from transformers import Qwen3Config

    from omni.model.assemble import assemble, code_sizes
    from omni.model.modeling import OmniModel
    from omni.model.tokens import build_tokenizer

    modalities = {
        "image": {"encoder": {}, "decoder": {}, "adapter": {"name": "mlp"}},
        "series": {"encoder": {}, "adapter": {"name": "linear"}},
    }
    sizes = {name: int(size["count"] or 0) for name, size in code_sizes(modalities).items()}
    tokenizer = build_tokenizer(["What is this? A red circle.", "draw it"], 300, sizes)
    language = Qwen3Config(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=window,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    config, processor = assemble(tokenizer, language, modalities)
    config.router = router
    OmniModel(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


TEMPLATE = (
    "{% if tools %}<tools>{{ tools | tojson }}</tools>{% endif %}"
    "{% for message in messages %}{{ message['role'] }}: "
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}"
    "{% for call in message.get('tool_calls', []) %}<tool_call>"
    "{{ call['function'] | tojson }}</tool_call>{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


@pytest.fixture(scope="session")
def tiny_llava(tmp_path_factory):
    """A tiny random LLaVA with a tokenizer of its own, saved to disk."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: n for n, token in enumerate(["<pad>", "</s>", "<image>", *alphabet])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(["<pad>", "</s>", "<image>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        eos_token="</s>",
        extra_special_tokens={"image_token": "<image>"},
    )
    pictures = CLIPImageProcessorPil(
        size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}
    )
    processor = LlavaProcessor(
        image_processor=pictures,
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    )
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=16,
            patch_size=8,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        ),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),  # type: ignore[call-arg]
    )
    folder = tmp_path_factory.mktemp("tiny-llava")
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)
