"""Questions read by the text encoder: where the item stands, who sees it, and who does not."""

import pytest
import torch

from omni.compression.budget import Budget, Grid
from omni.errors import Unsupported
from omni.modality import modality
from omni.model.modeling import OmniModel
from omni.model.questions import is_short, with_items
from omni.model.turns import question_mask

from .conftest import SETTINGS, make

pytestmark = pytest.mark.skipif(
    not modality("text").encoder().available(),  # type: ignore[union-attr]
    reason="the extra offline is missing",
)

TEXT = {"encoder": {}, "decoder": None, "adapter": {"name": "mlp"}}
RAMP = {"type": "ramp", "value": [0.5] * 9, "handle": "rmp-1"}


def words(text):
    return {"type": "text", "text": text}


def user(*content):
    return {"role": "user", "content": list(content)}


@pytest.fixture(scope="module")
def reading(tokenizer, ramps):
    """A model with a text encoder and a shared space, and its processor."""
    return make(tokenizer, modalities={**SETTINGS, "text": TEXT}, embedding={"width": 384})


@pytest.fixture(scope="module")
def plain(tokenizer, ramps):
    """A model without either."""
    return make(tokenizer)


def spelled(processor, dialogue, **settings):
    ids = processor.apply_chat_template(dialogue, tokenize=True, **settings)["input_ids"][0]
    return processor.tokenizer.decode(ids)


def pieces(text):
    return len(modality("text").features(text)["ids"])


def test_the_item_stands_directly_before_the_words(reading):
    _, processor = reading
    dialogue = [
        {"role": "system", "content": "Be brief."},
        user(RAMP, words("What is this?")),
        {"role": "assistant", "content": "A red circle."},
        user(words("draw it")),
    ]
    item = "<|open|>" + "<|media|>" * pieces("What is this?") + "<|close|>What is this?"
    again = "<|open|>" + "<|media|>" * pieces("draw it") + "<|close|>draw it"
    ramp = "<|open|>" + "<|media|>" * 9 + "<|close|>"
    assert spelled(processor, dialogue) == (
        f"<|system|>Be brief.<|end|><|user|>{ramp}{item}<|end|>"
        f"<|assistant|>A red circle.<|end|><|user|>{again}<|end|>"
    )


def test_a_plain_string_is_read_as_a_part_is(reading):
    _, processor = reading
    as_string = [{"role": "user", "content": "What is this?"}]
    assert spelled(processor, as_string) == spelled(processor, [user(words("What is this?"))])


def test_without_a_tower_a_prompt_is_what_it_was(reading, plain, monkeypatch):
    _, processor = reading
    dialogue = [user(RAMP, words("What is this?"))]
    expected = spelled(plain[1], dialogue)
    monkeypatch.setattr(processor, "tower", False)
    assert spelled(processor, dialogue) == expected
    monkeypatch.setattr(processor, "tower", True)
    encoder = type(processor._planner("text")[0])
    monkeypatch.setattr(encoder, "available", staticmethod(lambda: False))
    assert spelled(processor, dialogue) == expected


@pytest.mark.parametrize(
    ("text", "short"),
    [("", False), ("  ", False), ("one", True), ("a " * 40, True), ("a " * 41, False)],
)
def test_only_short_texts_are_items(text, short):
    assert is_short(text) is short
    found = with_items([user(words(text))], modality("text").features)
    assert len(found[0]["content"]) == 1 + short


def test_an_item_that_is_there_is_not_doubled():
    dialogue = [user(words("one"), RAMP, words("two"))]
    once = with_items(dialogue, modality("text").features)
    assert [len(message["content"]) for message in once] == [5]
    assert with_items(once, modality("text").features) == once
    assert len(dialogue[0]["content"]) == 3


def test_budgets_and_reports_pass_items_of_text_by(reading):
    _, processor = reading
    dialogue = [user(RAMP, words("What is this?"))]
    budget = Budget(tokens=4, floor=2)
    inputs = processor.apply_chat_template(dialogue, tokenize=True, budget=budget)
    kept = {item.modality: (item.keep, item.grid) for item in inputs["media"]}
    size = pieces("What is this?")
    assert kept == {"ramp": (4, Grid(time=9)), "text": (size, Grid(time=size))}
    report = processor.report(inputs, budget).to_json()
    assert report["items"] == [{"handle": "rmp-1", "kept": 4, "of": 9}] and report["kept"] == 4


def test_estimates_count_them_as_text(reading):
    _, processor = reading
    dialogue = [user(RAMP, words("What is this?")), user(words("And this?"))]
    estimate = processor.estimate(dialogue)
    inputs = processor.apply_chat_template(dialogue, tokenize=True, add_generation_prompt=True)
    assert estimate.media == {"ramp": 9}
    assert estimate.total == inputs["input_ids"].shape[1]


@torch.no_grad()
def test_the_question_is_the_words_alone_and_selection_leaves_items_whole(reading):
    model, processor = reading
    inputs = processor.apply_chat_template(
        [user(RAMP, words("What is this?"))], tokenize=True, budget=Budget(tokens=4, floor=2)
    )
    mask = question_mask(inputs["input_ids"], model.config)
    assert processor.tokenizer.decode(inputs["input_ids"][mask]) == "What is this?"
    selected = model.select_media(inputs["input_ids"], inputs["media"])
    assert selected.selection is not None and selected.selection.lengths == (9,)
    assert selected.embeds.shape[1] == 4 + pieces("What is this?")
    assert [row[0] for row in selected.report().items] == ["rmp-1"]


@torch.no_grad()
def test_the_words_reach_the_language_model_through_the_tower(reading):
    """Other features before the same words give other logits; cached tokens give the same."""
    model, processor = reading
    features = modality("text").features
    encoder = model.encoders["text"]

    def logits(**item):
        dialogue = [user({"type": "text", **item}, words("What is this?"))]
        return model(**processor.apply_chat_template(dialogue, tokenize=True)).logits

    asked = logits(features=features("What is this?"))
    cached = logits(tokens=encoder([features("What is this?")])[0])
    other = logits(features=features("Draw a square!"))
    assert torch.allclose(asked, cached, atol=1e-5)
    assert not torch.allclose(asked, other, atol=1e-3)


@torch.no_grad()
def test_batch_equals_singles_and_generation_runs(reading):
    model, processor = reading
    dialogues = [[user(RAMP, words("What is this?"))], [user(words("draw a square, please"))]]
    settings = {"tokenize": True, "add_generation_prompt": True}
    together = model(**processor.apply_chat_template(dialogues, **settings)).logits[:, -1]
    for row, dialogue in enumerate(dialogues):
        alone = processor.apply_chat_template(dialogue, **settings)
        assert torch.allclose(together[row], model(**alone).logits[0, -1], atol=1e-5)
        said = model.generate(**alone, max_new_tokens=4, do_sample=False)
        assert said.shape[1] > alone["input_ids"].shape[1]


@torch.no_grad()
def test_saving_keeps_heads_and_leaves_the_tower_out(reading, tmp_path):
    model, processor = reading
    assert model.input_modalities == ("text", "ramp", "wave")
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    assert not [name for name in model.state_dict() if name.startswith("encoders.text")]
    again = OmniModel.from_pretrained(tmp_path)
    assert set(again.embedders) == {"ramp", "wave"}
    features = [{"values": torch.ones(5)}, {"values": torch.zeros(3)}]
    assert torch.equal(again.embed("ramp", features), model.embed("ramp", features))
    inputs = processor.apply_chat_template([user(words("What?"))], tokenize=True)
    assert torch.equal(again(**inputs).logits, model(**inputs).logits)
    assert type(processor).from_pretrained(tmp_path).tower is True


@torch.no_grad()
def test_the_shared_space(reading, plain):
    model, _ = reading
    rows = [{"values": torch.randn(size)} for size in (7, 2, 4)]
    together = model.embed("ramp", rows)
    assert together.shape == (3, 384)
    assert torch.allclose(together.norm(dim=1), torch.ones(3), atol=1e-5)
    tokens = model.encoders["ramp"](rows)
    assert torch.allclose(model.embed("ramp", tokens), together, atol=1e-6)
    for row, features in zip(together, rows, strict=True):
        assert torch.allclose(model.embed("ramp", [features])[0], row, atol=1e-5)
    encoder = model.encoders["text"]
    texts = ["a red circle", "two beeps"]
    said = model.embed("text", texts)
    assert torch.equal(said, encoder.sentence(texts))
    shown = model.embed("text", [modality("text").features(text) for text in texts])
    assert torch.allclose(said, shown, atol=1e-5)
    assert model.embed("ramp", []).shape == (0, 384)
    with pytest.raises(Unsupported, match="cannot embed 'ramp'; it can embed: none"):
        plain[0].embed("ramp", rows)


def test_heads_learn(reading):
    model, _ = reading
    model.embed("ramp", [torch.randn(4, 12)])[0, 0].backward()
    gradients = [parameter.grad for parameter in model.embedders["ramp"].parameters()]
    assert all(found is not None and found.isfinite().all() for found in gradients)
    model.zero_grad()
