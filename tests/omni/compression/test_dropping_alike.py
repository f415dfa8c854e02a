"""Dropping between layers: what is the same for all families of models, and what is refused."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import flash_attention_mask

from omni import plugins
from omni.compression.attach import compress
from omni.compression.dropping.schedule import Schedule, Stage
from omni.errors import UsageError
from tests.omni.compression.cutting import (
    CUTS,
    ONE,
    STEPS,
    TWO,
    dropping,
    lengths,
    longer,
    states,
    write,
)
from tests.omni.compression.families import IMAGE, family

LAYERS = {"dart": {"layer": 1}}
SOME = ["llava", "qwen2_5_vl", "qwen3_vl", "gemma3"]


def flash(module, query, key, value, mask, scaling=None, sliding_window=None, **kwargs):
    """Attention that, like flash attention, takes flat masks and knows itself what is causal."""
    assert mask is None or mask.dim() == 2
    positions = kwargs.get("position_ids")
    if positions is not None and positions.shape[-1] > 1 and len(query) == 1 and mask is None:
        assert (positions.diff() == 1).all(), "gaps would be taken for several texts"
    share = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(share, 1), value.repeat_interleave(share, 1)
    back = torch.arange(key.shape[2])[-query.shape[2] :, None] - torch.arange(key.shape[2])
    seen = (back >= 0) & (back < (sliding_window or key.shape[2]))
    seen = seen.expand(len(query), 1, -1, -1)
    if mask is not None:
        assert mask.shape[1] == key.shape[2]
        seen = seen & mask[:, None, None].bool()
    logits = (query @ key.transpose(2, 3) * scaling).masked_fill(~seen, -torch.inf)
    weights = logits.softmax(-1).nan_to_num()
    return (weights @ value).transpose(1, 2).contiguous(), None


@pytest.mark.parametrize("name", ["llava", "qwen2_5_vl", "qwen3_vl", "llava_onevision"])
@pytest.mark.parametrize("rows", [(TWO,), (TWO, ONE)])
def test_kernels_that_take_flat_masks_agree_too(name, rows):
    AttentionInterface.register("flash_double", flash)
    AttentionMaskInterface.register("flash_double", flash_attention_mask)
    found = family(name)
    given = found.prompt(*rows)
    with compress(found.model, "uniform", schedule=CUTS):
        plain = write(found, given)
    found.model.get_decoder().config._attn_implementation = "flash_double"
    with compress(found.model, "uniform", schedule=CUTS):
        flat = write(found, given)
    assert torch.allclose(torch.stack(plain.logits), torch.stack(flat.logits), atol=1e-5)


@pytest.mark.parametrize("name", SOME)
def test_a_later_turn_of_words_sees_what_is_left(name):
    """Several tokens at once on top of caches; for padded rows too, where models can do that."""
    found = family(name)
    padded = not name.startswith("qwen")
    given = found.prompt(TWO, ONE) if padded else found.prompt(TWO)
    more = torch.tensor([[20, 21, 22], [23, 24, 25]])[: len(given["input_ids"])]
    again = longer(found, given, torch.cat([given["input_ids"], more], 1))
    with compress(found.model, "uniform", schedule=CUTS):
        cache = found.model(**given, use_cache=True).past_key_values
        mask = {"attention_mask": again["attention_mask"]} if padded else {}
        later = states(found.model, input_ids=more, past_key_values=cache, **mask)
        whole = states(found.model, **again)[:, -3:]
    assert torch.allclose(later, whole, atol=1e-5)


@pytest.mark.parametrize("name", SOME)
def test_several_ways_to_go_on_share_one_prompt(name):
    found = family(name)
    given = found.prompt(TWO)
    with compress(found.model, "uniform", schedule=CUTS), torch.no_grad():
        out = found.model.generate(
            **given,
            num_beams=3,
            max_new_tokens=STEPS,
            do_sample=False,
            suppress_tokens=list(range(IMAGE, 120)),
            return_dict_in_generate=True,
            output_scores=True,
        )
        length = given["input_ids"].shape[1]
        whole = states(found.model, **longer(found, given, out.sequences))
    steps = out.sequences.shape[1] - length
    chosen = whole.log_softmax(-1)[0, length - 1 : -1].gather(1, out.sequences[0, length:, None])
    blocked = whole[0, length - 1 : -1].clone()
    blocked[:, IMAGE:] = -torch.inf
    assert steps == STEPS
    assert torch.allclose(chosen.sum() / STEPS, out.sequences_scores[0], atol=1e-4)


class Replay:
    """Drops once more what was dropped before."""

    hears = ""

    def __init__(self, stages):
        self.stages = list(stages)
        self.turn = 0

    def __call__(self, tokens, keep, look):
        found = self.stages[self.turn % len(self.stages)]
        assert found.kept == tuple(keep) and found.lengths == look.layout.lengths
        self.turn += 1
        return found


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("method", plugins.names("compression.dropping"))
def test_every_method_goes_on_as_it_began(name, method):
    """What is written with a cache is what the same selection comes to without one."""
    found = family(name)
    given = found.prompt(TWO, ONE)
    dropper = plugins.load("compression.dropping", method)(**LAYERS.get(method, {}))
    schedule = replace(dropper.schedule(0.5, 3), method="")
    with dropping(found.model, dropper, keep=0.5, floor=2) as dropped:
        out = write(found, given)
    assert max(sum(stage.kept) for stage in dropped.stages[0]) < 48
    with dropping(found.model, Replay(dropped.stages[0]), schedule=schedule, floor=2):
        for step in range(STEPS):
            ids = out.sequences[:, : given["input_ids"].shape[1] + step]
            whole = states(found.model, **longer(found, given, ids))[:, -1]
            assert torch.allclose(out.logits[step], whole, atol=1e-5)


def test_all_media_may_go_from_a_layer_on():
    found = family("qwen3_vl")
    given = found.prompt(TWO, ONE)
    with compress(found.model, "fastv", schedule=Schedule((Stage(1, 0.5), Stage(2, 0.0)))) as cut:
        out = found.model(**given, use_cache=True)
    assert cut.selections[0].kept == (0, 0, 0)
    words = given["attention_mask"].sum(1) - (given["input_ids"] == IMAGE).sum(1)
    assert lengths(out.past_key_values)[2] == int(words.max())


def test_a_selector_works_between_layers_too():
    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, "farthest", schedule=CUTS) as dropped:
        states(found.model, **given)
    assert dropped.selections[0].kept == (5, 5)


def test_tokens_of_all_media_have_one_budget():
    found = family("llava")
    with compress(found.model, "fastv", keep=0.9, tokens=10, layer=1) as dropped:
        states(found.model, **found.prompt(TWO))
    assert dropped.selections[0].kept == (5, 5)


def test_two_conversations_go_on_by_turns():
    found = family("llava")
    given = found.prompt(TWO), found.prompt(ONE)
    step = torch.tensor([[20]])
    with compress(found.model, "uniform", schedule=CUTS), torch.no_grad():
        caches = [found.model(**one, use_cache=True).past_key_values for one in given]
        for one, cache in zip(given, caches, strict=True):
            mask = longer(found, one, torch.cat([one["input_ids"], step], 1))["attention_mask"]
            later = states(found.model, input_ids=step, attention_mask=mask, past_key_values=cache)
            ids = torch.cat([one["input_ids"], step], 1)
            assert torch.allclose(
                later, states(found.model, **longer(found, one, ids))[:, -1:], atol=1e-5
            )


def test_padding_may_lie_to_the_right():
    found = family("llava")
    given = found.prompt(TWO, ONE)
    whole = given["input_ids"].shape[1]
    size = int(given["attention_mask"][1].sum())
    for name in ("input_ids", "attention_mask"):
        given[name][1] = given[name][1].roll(size - whole)
    alone = found.prompt(ONE) | {"pixel_values": given["pixel_values"][2:]}
    with compress(found.model, "fastv", keep=0.4, layer=1):
        both, single = states(found.model, **given), states(found.model, **alone)
    assert torch.allclose(both[1, :size], single[0], atol=1e-5)


def test_gradients_pass_what_is_left():
    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, "fastv", keep=0.4, layer=1):
        found.model(**given).logits[0, -1].sum().backward()
    gradient = found.model.get_decoder().layers[2].self_attn.k_proj.weight.grad
    assert gradient is not None and gradient.abs().sum() > 0


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_adapted_and_compiled_models_keep_working():
    import peft

    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, "pyramiddrop", keep=0.4):
        plain = states(found.model, **given)
    compiled: Any = torch.compile(found.model, backend="eager")
    with compress(compiled, "pyramiddrop", keep=0.4):
        assert torch.allclose(states(compiled, **given), plain, atol=1e-6)
    settings = peft.LoraConfig(target_modules=["q_proj", "v_proj"], r=2)
    wrapped: Any = peft.get_peft_model(found.model, settings)
    with compress(wrapped, "pyramiddrop", keep=0.4):
        assert torch.allclose(states(wrapped, **given), plain, atol=1e-6)


def test_sound_is_dropped_too():
    found = family("qwen2_5_omni")
    ids = torch.tensor([[1, 5, 105, *[104] * 25, 106, 9, 10]])
    given = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "input_features": torch.randn(1, 16, 100, generator=torch.Generator().manual_seed(3)),
        "feature_attention_mask": torch.ones(1, 100).long(),
    }
    with compress(found.model, "fastv", keep=0.4, layer=1) as dropped:
        write(found, given)
    assert dropped.selections[0].kept == (10,)


def test_words_alone_are_left_alone():
    found = family("llava")
    ids = torch.tensor([[1, 5, 6, 7]])
    plain = states(found.model, input_ids=ids)
    with compress(found.model, "fastv", keep=0.1) as dropped:
        assert torch.equal(states(found.model, input_ids=ids), plain)
    assert not dropped.reports


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": 0}, "keep is a share above 0"),
        ({"keep": 1.5}, "keep is a share above 0 and up to 1, not 1.5"),
        ({"keep": float("nan")}, "keep is a share above 0"),
        ({"layer": 0}, "layer is 1 at least, not 0"),
        ({"layer": 3}, "before layer 3, but the language model has layers 0 to 2"),
        ({"place": "dense"}, "leave place='dense' out"),
        ({"tokens": 1, "layer": 1}, "a budget of 1 tokens is too small for 2 media items"),
        ({"schedule": CUTS, "keep": 0.5}, "leave keep=0.5 out"),
    ],
)
def test_what_cannot_be_is_refused(settings: Any, message):
    found = family("llava")
    with pytest.raises(UsageError, match=message), compress(found.model, "fastv", **settings):
        states(found.model, **found.prompt(TWO))


def test_media_and_caches_that_cannot_be_shortened_are_refused():
    found = family("llava")
    given = found.prompt(TWO)
    step = {"input_ids": torch.tensor([[20]])}
    with compress(found.model, "fastv", keep=0.4, layer=1), torch.no_grad():
        cache = found.model(**given, use_cache=True).past_key_values
        with pytest.raises(UsageError, match="into a new cache"):
            found.model(**given | {"attention_mask": None}, past_key_values=cache)
        with pytest.raises(UsageError, match="not a copy"):
            found.model(**step, past_key_values=copy.deepcopy(cache))
        cache.crop(-3)
        with pytest.raises(UsageError, match="cut back to 36 of the 39 tokens"):
            found.model(**step, past_key_values=cache)
        with pytest.raises(UsageError, match="use a dynamic cache"):
            write(found, given, cache_implementation="static")
        found.model.activation_checkpointing_enable()
        found.model.train()
        with pytest.raises(UsageError, match="gradient_checkpointing_disable"):
            found.model(**given)


def test_language_models_of_other_kinds_are_refused():
    found = family("llava")
    decoder = found.model.get_decoder()
    layers = decoder.layers
    decoder.config.layer_types = ["full_attention", "linear_attention", "full_attention"]
    with pytest.raises(UsageError, match="layers of linear_attention"):
        compress(found.model, "fastv", keep=0.5, layer=1).__enter__()
    decoder.config.layer_types = None
    decoder.config._attn_implementation = "flex_attention"
    with pytest.raises(UsageError, match="attn_implementation='sdpa'"):
        compress(found.model, "fastv", keep=0.5, layer=1).__enter__()
    decoder.config._attn_implementation = "sdpa"
    del decoder.layers
    with pytest.raises(UsageError, match="no list of layers under the name 'layers'"):
        compress(found.model, "fastv", keep=0.5, layer=1).__enter__()
    decoder.layers = torch.nn.ModuleList([torch.nn.Identity() for _ in layers])
    with pytest.raises(UsageError, match="layer 0 of LlamaModel has no self_attn"):
        compress(found.model, "fastv", keep=0.5, layer=1).__enter__()
