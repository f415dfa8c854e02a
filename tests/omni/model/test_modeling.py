"""The assembled model: round trips, batches, caches, beams, selection, precision, training."""

import copy

import pytest
import torch
from torch.testing import assert_close
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMultimodalLM,
    AutoProcessor,
)

import omni.model.loading  # noqa: F401  (registers the Auto classes)
from omni.compression.budget import Budget, Grid
from omni.errors import Unsupported, UsageError
from omni.model.item import MediaItem
from omni.model.modeling import OmniModel

LONG = [0.1 * n for n in range(11)]
SHORT = [2.0, 1.0, 0.5]


def ask(processor, *contents, budget=None, **kwargs):
    """Inputs of one or several dialogues of one user turn each."""
    dialogues = [[{"role": "user", "content": content}] for content in contents]
    return processor.apply_chat_template(
        dialogues, tokenize=True, add_generation_prompt=True, budget=budget, **kwargs
    )


def text(words):
    return {"type": "text", "text": words}


def ramp(values, kind="ramp"):
    return {"type": kind, "value": values}


MIXED = (
    [ramp(LONG), text("What is this?")],
    [text("draw a square")],
    [ramp(SHORT, "wave"), text("How many"), ramp(LONG), text("beeps? Three")],
)


def last(outputs):
    return outputs.logits[:, -1]


@torch.no_grad()
def test_batch_equals_singles(any_language):
    model, processor = any_language
    for budget in (None, Budget(keep=0.5, floor=2)):
        together = last(model(**ask(processor, *MIXED, budget=budget)))
        for row, content in enumerate(MIXED):
            alone = last(model(**ask(processor, content, budget=budget)))
            assert_close(together[row], alone[0], rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("budget", [None, Budget(keep=0.5, floor=2)])
def test_cached_equals_uncached(any_language, budget):
    model, processor = any_language
    inputs = ask(processor, *MIXED, budget=budget)
    settings = {"max_new_tokens": 9, "min_new_tokens": 9, "do_sample": False}
    settings |= {"output_logits": True, "return_dict_in_generate": True}
    cached = model.generate(**inputs, **settings)
    uncached = model.generate(**inputs, **settings, use_cache=False)
    assert torch.equal(cached.sequences, uncached.sequences)
    for a, b in zip(cached.logits, uncached.logits, strict=True):
        assert_close(a, b, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_generation_equals_one_forward_over_what_was_generated(any_language):
    """Teacher forcing, which uses neither a cache nor `generate`, finds the same tokens best."""
    model, processor = any_language
    inputs = ask(processor, MIXED[0], budget=Budget(keep=0.5, floor=2))
    found = model.generate(
        **inputs,
        max_new_tokens=6,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )
    start = inputs["input_ids"].shape[1]
    outputs = model(input_ids=found.sequences, media=inputs["media"])
    for step, logits in enumerate(found.logits):
        assert_close(outputs.logits[:, start + step - 1], logits, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_left_padding_does_not_matter(any_language):
    model, processor = any_language
    inputs = ask(processor, MIXED[2])
    pad = torch.zeros(1, 7, dtype=torch.int64)
    padded = {
        "input_ids": torch.cat([pad, inputs["input_ids"]], 1),
        "attention_mask": torch.cat([pad, inputs["attention_mask"]], 1),
        "media": inputs["media"],
    }
    assert_close(model(**padded).logits[:, 7:], model(**inputs).logits, rtol=1e-5, atol=1e-5)


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


@torch.no_grad()
def test_keeping_everything_is_the_same_as_no_selector(made, monkeypatch):
    model, processor = made
    inputs = ask(processor, *MIXED)
    kept = ask(processor, *MIXED, budget=Budget(keep=1.0))

    def forbidden(*args):
        raise AssertionError("nothing is to be selected")

    monkeypatch.setattr(model, "selector", forbidden)
    assert torch.equal(model(**inputs).logits, model(**kept).logits)


@torch.no_grad()
def test_what_is_kept_depends_on_the_question_and_is_reported(made):
    model, processor = made
    budget = Budget(tokens=4, floor=1)
    picks = set()
    for words in ("What is this?", "How many beeps?", "red circle", "draw a blue square", "Three"):
        inputs = ask(processor, [{**ramp(LONG), "handle": "rmp-1"}, text(words)], budget=budget)
        selected = model.select_media(inputs["input_ids"], inputs["media"])
        assert selected.embeds.shape == (1, 4, 32)
        picks.add(tuple(selected.selection.places.tolist()))
    assert len(picks) > 1
    told = selected.report(budget.tokens).to_json()
    assert (told["budget"], told["kept"], told["method"]) == (4, 4, "farthest")
    assert told["items"] == [
        {
            "handle": "rmp-1",
            "kept": 4,
            "of": 11,
            "modality": "ramp",
            "grid": [11, 1, 1],
            "dropped": round(float(selected.selection.dropped), 4),
            "places": selected.selection.places.tolist(),
        }
    ]


@torch.no_grad()
def test_selected_tokens_are_rows_of_the_full_ones(made):
    model, processor = made
    inputs = ask(processor, [ramp(LONG), text("What?")], budget=Budget(tokens=4, floor=1))
    selected = model.select_media(inputs["input_ids"], inputs["media"])
    words = [token for token in processor.encode("What?")]
    pooled = model.get_input_embeddings()(torch.tensor([words])).mean(1)
    (full,) = model.embed_media(inputs["media"], pooled)
    assert_close(selected.embeds[0], full[selected.selection.places])


@torch.no_grad()
def test_cached_encoder_tokens_equal_features(made):
    model, processor = made
    inputs = ask(processor, *MIXED, budget=Budget(keep=0.5))
    tokens = model.encode_media(inputs["media"])
    cached = [
        MediaItem(item.modality, None, item.grid, item.keep, found)
        for item, found in zip(inputs["media"], tokens, strict=True)
    ]
    mixed = [inputs["media"][0], *cached[1:]]
    expected = model(**inputs).logits
    for media in (cached, mixed):
        assert_close(model(**{**inputs, "media": media}).logits, expected)


@torch.no_grad()
def test_beams_and_several_answers_keep_media_with_their_row(made):
    model, processor = made
    inputs = ask(processor, *MIXED)
    settings = {"max_new_tokens": 5, "do_sample": False}
    several = model.generate(**inputs, **settings, num_beams=3, num_return_sequences=2)
    assert len(several) == 6
    for row, content in enumerate(MIXED):
        one = ask(processor, content)
        alone = model.generate(**one, **settings, num_beams=3, num_return_sequences=2)
        start = inputs["input_ids"].shape[1]
        size = one["input_ids"].shape[1]
        for rank in range(2):
            assert torch.equal(
                several[2 * row + rank, start:][: alone.shape[1] - size], alone[rank, size:]
            )
    torch.manual_seed(0)
    sampled = model.generate(**inputs, max_new_tokens=3, do_sample=True, num_return_sequences=4)
    assert len(sampled) == 12


@torch.no_grad()
def test_continuing_from_a_cache_equals_reading_everything_again(made):
    model, processor = made
    first = ask(processor, MIXED[0])
    settings = {"max_new_tokens": 4, "do_sample": False, "return_dict_in_generate": True}
    begun = model.generate(**first, **settings)
    more = ask(processor, [ramp(SHORT, "wave"), text("And this?")])
    ids = torch.cat([begun.sequences, more["input_ids"]], 1)
    media = [*first["media"], *more["media"]]
    settings |= {"output_logits": True}
    again = model.generate(input_ids=ids, media=media, **settings)
    # The question of the second turn would route the first turn's media anew: give them as read.
    embeds = torch.cat(
        [
            model.select_media(first["input_ids"], first["media"]).embeds,
            model.select_media(more["input_ids"], more["media"]).embeds,
        ],
        1,
    )
    reread = model.generate(input_ids=ids, media_embeds=embeds, **settings)
    continued = model.generate(
        input_ids=ids, media_embeds=embeds, past_key_values=begun.past_key_values, **settings
    )
    assert torch.equal(continued.sequences, reread.sequences)
    assert_close(continued.logits[0], reread.logits[0], rtol=1e-4, atol=1e-4)
    assert again.sequences.shape == reread.sequences.shape


@torch.no_grad()
def test_bfloat16_runs_and_stays_close(any_language, tmp_path):
    model, processor = any_language
    inputs = ask(processor, *MIXED)
    full = last(model(**inputs))
    model.save_pretrained(tmp_path)
    half = OmniModel.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert half.dtype == torch.bfloat16
    assert next(half.decoders.parameters()).dtype == torch.float32
    found = last(half(**inputs))
    assert found.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(found.float(), full).min() > 0.99
    half.generate(**inputs, max_new_tokens=3)


def test_training_moves_every_part_but_the_decoders(made):
    model, processor = made
    dialogues = [
        [{"role": "user", "content": content}, {"role": "assistant", "content": "Three beeps."}]
        for content in MIXED
    ]
    inputs = processor.apply_chat_template(
        dialogues, tokenize=True, labels=True, budget=Budget(keep=0.6, floor=2)
    )
    model.train()
    model.activation_checkpointing_enable()
    outputs = model(**inputs)
    assert outputs.router_loss > 0
    outputs.loss.backward()
    for name, parameter in model.named_parameters():
        if name.startswith("decoders"):
            assert parameter.grad is None
        else:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


ANSWERS = ("Three beeps", "A red circle")


def ragged(processor, kinds, generator):
    """A batch of eight dialogues over cached encoder tokens of two kinds and many lengths."""
    rows, media = [], []
    for row in range(8):
        tokens = kinds[row % 2] + 0.1 * torch.randn(3 + row, 12, generator=generator)
        media.append([MediaItem.encoded("ramp", tokens)])
        asked = "<|user|><|open|><|media|><|close|>What is this?<|end|><|assistant|>"
        rows.append(f"{asked}{ANSWERS[row % 2]}<|end|>")
    return processor(rows, media, labels=True)


def test_training_on_cached_tokens_learns_to_tell_media_apart(made):
    """The way the language stage trains: encoder tokens beforehand, batches of ragged items."""
    model, processor = made
    generator = torch.Generator().manual_seed(0)
    kinds = torch.randn(2, 12, generator=generator)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(40):
        loss = model(**ragged(processor, kinds, generator)).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
    fresh = ragged(processor, kinds, generator)
    with torch.no_grad():
        guessed = model(**fresh).logits[:, :-1].argmax(-1)
    labels = fresh["labels"][:, 1:]
    assert (guessed[labels >= 0] == labels[labels >= 0]).float().mean() > 0.95


@torch.no_grad()
def test_answers_do_not_leak_into_the_choice_of_tokens(made):
    """Teaching shows the model its answers; which tokens it sees must not depend on them."""
    model, processor = made
    found = []
    for answer in ("Three beeps.", "A red circle."):
        dialogue = [
            {"role": "user", "content": [ramp(LONG), text("What is this?")]},
            {"role": "assistant", "content": answer},
        ]
        inputs = processor.apply_chat_template(
            dialogue, tokenize=True, labels=True, budget=Budget(tokens=4, floor=1)
        )
        ids, labels = inputs["input_ids"], inputs["labels"]
        found.append(model.select_media(ids, inputs["media"], labels=labels).embeds)
    assert torch.equal(*found)


def test_router_load_is_readable_by_modality(made):
    model, processor = made
    model(**ask(processor, *MIXED))
    load = model.mixture.router.load()
    assert set(load) == {"ramp", "wave"}
    assert all(sum(shares) == pytest.approx(1) for shares in load.values())


@torch.no_grad()
def test_a_model_without_experts_and_with_another_adapter(resampled):
    model, processor = resampled
    inputs = ask(processor, *MIXED)
    assert [item.keep for item in inputs["media"]] == [5, 3, 5]
    outputs = model(**inputs, labels=inputs["input_ids"])
    assert outputs.router_loss is None and outputs.loss.isfinite()


def test_modalities_are_told(made):
    model, _ = made
    assert model.input_modalities == ("text", "ramp", "wave")
    assert model.output_modalities == ("text", "ramp", "wave")


def test_decoding_media(made):
    model, _ = made
    assert model.decode_media("ramp", torch.tensor([1, 2, 3])) == 12.0
    with pytest.raises(Unsupported, match="cannot make 'smell'; it can make: ramp, wave"):
        model.decode_media("smell", torch.tensor([1]))


def test_too_few_and_too_many_media_are_told(made):
    model, processor = made
    inputs = ask(processor, *MIXED)
    media = inputs["media"]
    with pytest.raises(UsageError, match=r"row 2 has 14 media placeholders.* fill 3"):
        model(**{**inputs, "media": media[:2]})
    with pytest.raises(UsageError, match=r"4 media items were given.*placeholders for 3"):
        model(**{**inputs, "media": [*media, media[0]]})
    with pytest.raises(UsageError, match=r"row 0 has 11 media placeholders.* fill 14"):
        model(**{**inputs, "media": [media[1], media[0], media[2]]})
    wrong = MediaItem("ramp", media[0].features, Grid(time=12), 11)
    with pytest.raises(UsageError, match="planned with 12 tokens, but has 11"):
        model(**{**inputs, "media": [wrong, *media[1:]]})
    with pytest.raises(UsageError, match="media need input_ids"):
        model(inputs_embeds=torch.zeros(1, 2, 32), media=media)
    with pytest.raises(UsageError, match="either input_ids or inputs_embeds"):
        model()


def test_items_say_what_is_wrong_with_them():
    tokens = torch.zeros(4, 12)
    with pytest.raises(UsageError, match="holds neither"):
        MediaItem("ramp", None, Grid(time=4), 4)
    with pytest.raises(UsageError, match="holds both"):
        MediaItem("ramp", {"values": tokens}, Grid(time=4), 4, tokens)
    with pytest.raises(UsageError, match="has 4 tokens, so it can keep 1 to 4, not 5"):
        MediaItem.encoded("ramp", tokens, keep=5)


def test_items_move_and_whole_numbers_stay_whole():
    item = MediaItem("ramp", {"a": torch.ones(2), "b": torch.ones(2).long()}, Grid(time=4), 4)
    moved = item.to("cpu", torch.bfloat16)
    assert moved.features is not None
    assert moved.features["a"].dtype == torch.bfloat16
    assert moved.features["b"].dtype == torch.int64
    cached = MediaItem.encoded("ramp", torch.ones(2, 3)).to(torch.float64)
    assert cached.tokens is not None and cached.tokens.dtype == torch.float64


@pytest.mark.gpu
@torch.no_grad()
@pytest.mark.parametrize("budget", [None, Budget(keep=0.5, floor=2)])
def test_cuda_equals_cpu(any_language, budget):
    model, processor = any_language
    inputs = ask(processor, *MIXED, budget=budget)
    expected = last(model(**inputs))
    settings = {"max_new_tokens": 6, "do_sample": False}
    said = model.generate(**inputs, **settings)
    model = model.cuda()
    moved = inputs.to("cuda")
    assert_close(last(model(**moved)).cpu(), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(model.generate(**moved, **settings).cpu(), said)
