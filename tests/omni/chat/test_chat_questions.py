"""Chatting with a model that reads questions through its text encoder, too."""

import pytest
import torch
from langchain_core.messages import AIMessage, HumanMessage

from omni.chat.omni import ChatOmni
from omni.chat.prompting import Prompter
from omni.compression.budget import Budget
from omni.modality import media_from_bytes, modality
from omni.wire import media_block

pytestmark = pytest.mark.skipif(
    not modality("text").encoder().available(),  # type: ignore[union-attr]
    reason="the extra offline is missing",
)


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    """A tiny model of pictures and questions, saved and loaded."""
    from transformers import Qwen3Config

    from omni.model.assemble import assemble
    from omni.model.modeling import OmniModel
    from omni.model.tokens import build_tokenizer

    modalities = {
        "image": {"encoder": {}, "adapter": {"name": "mlp"}},
        "text": {"encoder": {}, "decoder": None, "adapter": {"name": "mlp"}},
    }
    language = Qwen3Config(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=400,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    tokenizer = build_tokenizer(["What is this? A red circle."], 300)
    config, processor = assemble(tokenizer, language, modalities)
    folder = tmp_path_factory.mktemp("reading-omni")
    OmniModel(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return ChatOmni(model=str(folder), max_tokens=4, device="cpu")


def image():
    plugin = modality("image")
    return media_block(plugin.save(plugin.example(), name="a.png"))


def pieces(text):
    return len(modality("text").features(text)["ids"])


def test_a_question_counts_as_text(chat):
    answer = chat.invoke([HumanMessage([image(), {"type": "text", "text": "What is this?"}])])
    usage = answer.usage_metadata
    details = usage["input_token_details"]
    assert details["image"] == 144 and set(details) == {"image", "text"}
    assert details["text"] > pieces("What is this?")
    assert usage["input_tokens"] == sum(details.values())
    selection = answer.response_metadata["selection"]
    assert [row["of"] for row in selection["items"]] == [144]


def test_every_turn_of_a_user_is_read_and_no_budget_cuts_it(chat):
    said = [HumanMessage("draw it"), AIMessage("Here."), HumanMessage([image(), "And this?"])]
    prompt = Prompter(chat.load()).prompt(said, budget=Budget(tokens=12), max_tokens=4)
    kept = [(item.modality, item.keep) for item in prompt.items]
    assert kept == [("text", pieces("draw it")), ("image", 12), ("text", pieces("And this?"))]
    assert prompt.media == {"image": 12}


def test_a_crowded_turn_keeps_its_question(chat):
    blocks = [image() for _ in range(4)]
    prompt = Prompter(chat.load()).prompt(
        [HumanMessage([*blocks, {"type": "text", "text": "What is this?"}])], max_tokens=4
    )
    assert prompt.tokens <= 400
    assert prompt.items[-1].keep == pieces("What is this?")


def test_documents_stay_words(chat):
    note = media_from_bytes(b"A line about " + b"a red circle and " * 30, "note.txt")
    message = HumanMessage([media_block(note), {"type": "text", "text": "What is this?"}])
    prompt = Prompter(chat.load()).prompt([message], max_tokens=4)
    decoded = chat.load().processor.tokenizer.decode(prompt.inputs["input_ids"][0])
    assert '<document name="note.txt">' in decoded
    assert [item.keep for item in prompt.items] == [pieces("What is this?")]
