"""Selection inside models of transformers: nine families, tiny and with random weights."""

from typing import Any

import pytest
import torch

from omni import plugins
from omni.compression.attach import compress
from omni.compression.farthest import FarthestPoint
from omni.errors import UsageError
from tests.omni.compression.families import FAMILIES, IMAGE, family

TWO = (1, 5, None, 7, 8, None, 9, 10, 11)
ONE = (1, 12, 13, 14, None, 15)
STEPS = 5


@pytest.fixture(scope="module", params=FAMILIES)
def any_family(request):
    return family(request.param)


def states(model: Any, **given):
    with torch.no_grad():
        return model(**given).logits


def hooks(model):
    parts = list(model.modules())
    return sum(len(part._forward_pre_hooks) + len(part._forward_hooks) for part in parts)


def write(found, given, **more):
    return found.model.generate(
        **given,
        max_new_tokens=STEPS,
        min_new_tokens=STEPS,
        do_sample=False,
        suppress_tokens=list(range(IMAGE, 120)),
        output_logits=True,
        return_dict_in_generate=True,
        **more,
    )


def longer(found, given, ids):
    """The prompt with what was written to it, as one that has never been read."""
    added = ids.shape[1] - given["input_ids"].shape[1]
    mask = torch.cat([given["attention_mask"], torch.ones(len(ids), added).long()], 1)
    return given | {"input_ids": ids, "attention_mask": mask} | found.kinds(ids)


def test_all_tokens_kept_is_the_untouched_model(any_family):
    given = any_family.prompt(TWO)
    plain = states(any_family.model, **given)
    with compress(any_family.model, keep=1.0):
        assert torch.equal(states(any_family.model, **given), plain)


def test_nothing_is_left_behind(any_family):
    given = any_family.prompt(TWO)
    plain = states(any_family.model, **given)
    before = hooks(any_family.model)
    with compress(any_family.model, keep=0.4):
        assert not torch.allclose(states(any_family.model, **given), plain)
        assert hooks(any_family.model) > before
    assert torch.equal(states(any_family.model, **given), plain)
    assert hooks(any_family.model) == before


@pytest.mark.parametrize("place", ["keep", "dense"])
def test_written_with_a_cache_is_written_without_one(any_family, place):
    given = any_family.prompt(TWO)
    with compress(any_family.model, "uniform", keep=0.4, place=place), torch.no_grad():
        out = write(any_family, given)
        before = given["input_ids"].shape[1]
        for step in range(STEPS):
            again = longer(any_family, given, out.sequences[:, : before + step])
            whole = states(any_family.model, **again)[:, -1]
            assert torch.allclose(out.logits[step], whole, atol=1e-5)


def test_the_cache_holds_only_what_was_kept(any_family):
    given = any_family.prompt(TWO)
    with compress(any_family.model, keep=0.25, floor=1) as attached, torch.no_grad():
        out = any_family.model(**given, use_cache=True)
    (report,) = attached.reports
    dropped = sum(of - kept for _, kept, of in report.items)
    length = given["input_ids"].shape[1]
    assert [(kept, of) for _, kept, of in report.items] == [
        (round(of / 4), of) for _, _, of in report.items
    ]
    full = out.past_key_values.layers[1].keys.shape[2]
    assert full == length - dropped == out.past_key_values.get_seq_length()
    assert out.logits.shape[1] == length


def test_rows_of_a_batch_are_as_they_are_alone(any_family):
    one = TWO if any_family.model.config.model_type != "smolvlm" else (1, 2, 3, 4, None, 5, 6, 7, 8)
    together = any_family.prompt(one, ONE)
    with compress(any_family.model, keep=0.4) as attached, torch.no_grad():
        batch = write(any_family, together)
        pixels = {name: together[name] for name in together if "pixel" in name or "image_" in name}
        first = one.count(None)
        for row, asked in enumerate((one, ONE)):
            alone = any_family.prompt(asked)
            for name, value in pixels.items():
                share = len(value) // (first + 1) if len(value) != 2 or first != 1 else 1
                cut = first * share
                alone[name] = value[:cut] if row == 0 else value[cut:]
            single = write(any_family, alone)
            new = single.sequences[0, -STEPS:]
            assert torch.equal(batch.sequences[row, -STEPS:], new)
            for step in range(STEPS):
                assert torch.allclose(batch.logits[step][row], single.logits[step][0], atol=1e-5)
    assert len(attached.reports[0].items) == first + 1


def test_a_new_question_selects_anew(any_family):
    """The second turn is read from the start, and equals a run that knew no first turn."""
    first = any_family.prompt(TWO)
    second = any_family.prompt((*TWO[:-3], 60, 61, 62, 63))
    selector = FarthestPoint(question_weight=1.0)
    with compress(any_family.model, selector, keep=0.4) as attached:
        states(any_family.model, **first)
        after = states(any_family.model, **second)
    with compress(any_family.model, selector, keep=0.4):
        fresh = states(any_family.model, **second)
    assert torch.equal(after, fresh)
    one, two = attached.selections
    # Without training, all of Gemma's picture tokens are nearest to the mark behind them.
    assert torch.equal(one.scores, two.scores) == (any_family.model.config.model_type == "gemma3")


def test_tokens_that_were_taken_out_are_tokens_that_nobody_looks_at():
    """Against the same model with a mask over the dropped tokens, which it reads but never sees."""
    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, keep=0.4) as attached:
        short = states(found.model, **given)
    (selection,) = attached.selections
    media = (given["input_ids"][0] == IMAGE).nonzero().flatten()
    hidden = torch.ones_like(given["input_ids"])
    hidden[0, media] = 0
    hidden[0, media[selection.rows]] = 1
    positions = torch.arange(hidden.shape[1])[None]
    masked = states(found.model, **given | {"attention_mask": hidden, "position_ids": positions})
    seen = hidden[0].bool()
    assert torch.allclose(short[0, seen], masked[0, seen], atol=1e-5)


def test_sound_is_selected_too():
    found = family("qwen2_5_omni")
    ids = torch.tensor([[1, 5, 105, *[104] * 25, 106, 9, 10]])
    given = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "input_features": torch.randn(1, 16, 100, generator=torch.Generator().manual_seed(3)),
        "feature_attention_mask": torch.ones(1, 100).long(),
    }
    with compress(found.model, "uniform", keep=0.4) as attached, torch.no_grad():
        out = write(found, given)
        again = longer(found, given, out.sequences[:, :-1])
        again.pop("mm_token_type_ids", None)
        whole = states(found.model, **again)[:, -1]
    assert torch.allclose(out.logits[-1], whole, atol=1e-5)
    assert attached.reports[0].items[0][1:] == (10, 25)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_adapted_models_keep_working():
    import peft

    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, keep=0.4):
        plain = states(found.model, **given)
    settings = peft.LoraConfig(target_modules=["q_proj", "v_proj"], r=2)
    wrapped: Any = peft.get_peft_model(found.model, settings)
    with compress(wrapped, keep=0.4):
        assert torch.allclose(states(wrapped, **given), plain, atol=1e-6)


def test_compiled_models_keep_working():
    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, keep=0.4):
        plain = states(found.model, **given)
    compiled: Any = torch.compile(found.model, backend="eager")
    with compress(compiled, keep=0.4):
        assert torch.allclose(states(compiled, **given), plain, atol=1e-6)


def test_several_ways_to_go_on_share_one_shortened_prompt():
    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, "uniform", keep=0.4), torch.no_grad():
        beams = found.model.generate(**given, num_beams=3, max_new_tokens=STEPS, do_sample=False)
        assert torch.equal(beams[:, : given["input_ids"].shape[1]], given["input_ids"])


def test_words_alone_are_left_alone():
    found = family("llava")
    ids = torch.tensor([[1, 5, 6, 7]])
    plain = states(found.model, input_ids=ids)
    with compress(found.model, keep=0.1) as attached:
        assert torch.equal(states(found.model, input_ids=ids), plain)
    assert not attached.reports


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": 0}, "keep is a share above 0"),
        ({"tokens": 1}, "a budget of 1 tokens is too small for 2 media items"),
        (
            {"place": "somewhere"},
            "place is one of keep, dense, median, calibrated, not 'somewhere'",
        ),
        ({"method": "nonsense"}, "unknown compression plug-in 'nonsense'"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    found = family("llava")
    with pytest.raises(Exception, match=message), compress(found.model, **settings):
        states(found.model, **found.prompt(TWO))


def test_media_on_top_of_a_cache_are_refused():
    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, keep=0.4), torch.no_grad():
        cache = found.model(**given, use_cache=True).past_key_values
        with pytest.raises(UsageError, match="into a new cache"):
            found.model(**given | {"attention_mask": None}, past_key_values=cache)


def test_a_model_without_media_is_refused():
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=9,
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
        )
    )
    with pytest.raises(UsageError, match="no tokens that stand for pictures"), compress(model):
        pass


def test_methods_are_those_of_the_catalogue():
    assert {"farthest", "topk", "uniform"} <= set(plugins.names("compression"))


@pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning:torch.ao")
@pytest.mark.parametrize("method", ["farthest", "visionzip"])
def test_quantised_models_keep_working(method):
    """Linear layers in eight bits, also those of the attention that is seen."""
    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, method, keep=0.4):
        plain = states(found.model, **given)
    quantised: Any = torch.ao.quantization.quantize_dynamic(found.model, {torch.nn.Linear})
    names = {type(part).__module__ for part in quantised.modules()}
    assert any("quantized.dynamic" in name for name in names)
    found.model = quantised
    untouched = states(quantised, **given)
    with compress(quantised, method, keep=1.0):
        assert torch.equal(states(quantised, **given), untouched)
    with compress(quantised, method, keep=0.4), torch.no_grad():
        rough = states(quantised, **given)
        out = write(found, given)
        whole = states(quantised, **longer(found, given, out.sequences[:, :-1]))[:, -1]
    assert torch.nn.functional.cosine_similarity(rough[0, -1], plain[0, -1], dim=0) > 0.9
    # Rounding depends on the largest value of all tokens, which the longer prompt has more of.
    assert torch.nn.functional.cosine_similarity(out.logits[-1], whole).min() > 0.97
