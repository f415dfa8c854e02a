"""However the model is run, it says the same: batches, caches, beams, precision, devices."""

import pytest
import torch
from torch.testing import assert_close

from omni.compression.budget import Budget
from omni.model.item import MediaItem
from omni.model.modeling import OmniModel
from tests.omni.model.dialogues import MIXED, SHORT, ask, last, ramp, text


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
