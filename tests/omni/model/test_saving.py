"""A model comes back from its checkpoint: weights, constants, ties, parts and vocabulary."""

import copy

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMultimodalLM,
    AutoProcessor,
)

import omni.model.loading  # noqa: F401  (registers the Auto classes)
from omni.compression.budget import Budget
from omni.model.modeling import OmniModel
from tests.omni.model.dialogues import MIXED, ask


@torch.no_grad()
def test_save_and_load_gives_identical_logits(any_language, tmp_path):
    model, processor = any_language
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    inputs = ask(processor, *MIXED, budget=Budget(keep=0.6))
    expected = model(**inputs).logits
    for auto in (OmniModel, AutoModel, AutoModelForCausalLM, AutoModelForMultimodalLM):
        again = auto.from_pretrained(tmp_path)
        assert type(again) is OmniModel and not again.training
        assert torch.equal(again(**inputs).logits, expected), auto
    saved, ours = AutoConfig.from_pretrained(tmp_path), model.config
    for key in ("modalities", "codes", "router", "selector", "media_token_id", "vocab_size"):
        assert getattr(saved, key, None) == getattr(ours, key, None), key
    assert type(saved.text_config) is type(ours.text_config)
    reader = AutoProcessor.from_pretrained(tmp_path)
    reread = ask(reader, *MIXED, budget=Budget(keep=0.6))
    assert torch.equal(reread["input_ids"], inputs["input_ids"])
    assert again.generation_config.eos_token_id == processor.tokenizer.eos_token_id
    assert all(not p.requires_grad for p in again.decoders.parameters())


def test_constants_that_no_checkpoint_holds_survive_loading(made, tmp_path):
    model, _ = made
    model.save_pretrained(tmp_path)
    again = OmniModel.from_pretrained(tmp_path)
    for name in ("ramp", "wave"):
        assert torch.equal(again.encoders[name].rates, torch.arange(1.0, 9.0))


def test_parts_that_are_handed_over_keep_weights_and_statistics(made):
    model, _ = made
    again = OmniModel(
        model.config,
        encoders=copy.deepcopy(dict(model.encoders)),
        adapters=copy.deepcopy(dict(model.adapters)),
        mixture=copy.deepcopy(model.mixture),
    )
    for name, value in model.state_dict().items():
        if name.split(".")[0] in ("encoders", "adapters", "mixture"):
            assert torch.equal(again.state_dict()[name], value), name


def test_a_modality_that_the_checkpoint_does_not_hold_begins_fresh(made, tmp_path):
    model, processor = made
    model.save_pretrained(tmp_path)
    model.config.modalities["third"] = {"encoder": None, "adapter": {"name": "mlp", "width": 9}}
    again, info = OmniModel.from_pretrained(tmp_path, config=model.config, output_loading_info=True)
    assert any(name.startswith("adapters.third") for name in info["missing_keys"])
    weight = again.get_parameter("adapters.third.project.0.weight")
    assert weight.isfinite().all() and 0.05 < weight.std() < 1
    assert torch.equal(again.get_parameter("adapters.third.norm.weight"), torch.ones(9))
    inputs = ask(processor, *MIXED)
    mixture = "mixture.router.token_vote.weight"
    assert torch.equal(again.get_parameter(mixture), model.get_parameter(mixture))
    assert again(**inputs).logits.isfinite().all()


def test_tied_embeddings_are_stored_once_and_stay_tied(made, tmp_path):
    model, _ = made
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    model.save_pretrained(tmp_path)
    again = OmniModel.from_pretrained(tmp_path)
    assert again.get_output_embeddings().weight is again.get_input_embeddings().weight


def test_resizing_the_vocabulary(any_language, tmp_path):
    model, processor = any_language
    size = len(processor.tokenizer)
    model.resize_token_embeddings(size + 5)
    assert model.config.text_config.vocab_size == size + 5
    inputs = ask(processor, *MIXED)
    assert model(**inputs, labels=inputs["input_ids"]).logits.shape[-1] == size + 5
    model.save_pretrained(tmp_path)
    assert OmniModel.from_pretrained(tmp_path)(**inputs).logits.shape[-1] == size + 5
