"""Tokens dropped between layers of models of transformers, tiny and with random weights."""

from typing import Any

import pytest
import torch

from omni.compression.attach import compress
from omni.compression.dropping.schedule import Schedule, Stage
from tests.omni.compression import masked_dense
from tests.omni.compression.cutting import (
    CUTS,
    EOS,
    ONE,
    STEPS,
    TWO,
    dropping,
    hooks,
    lengths,
    longer,
    states,
    write,
)
from tests.omni.compression.families import FAMILIES, IMAGE, family


@pytest.fixture(scope="module", params=FAMILIES)
def any_family(request):
    return family(request.param)


@pytest.mark.parametrize("method", ["fastv", "uniform"])
def test_all_tokens_kept_is_the_untouched_model(any_family, method):
    given = any_family.prompt(TWO)
    plain = states(any_family.model, **given)
    whole: dict[str, Any] = (
        {"schedule": Schedule((Stage(1, 1.0),))} if method == "uniform" else {"layer": 1}
    )
    with compress(any_family.model, method, **whole) as dropped:
        assert torch.equal(states(any_family.model, **given), plain)
    assert not dropped.selections


def test_nothing_is_left_behind(any_family):
    given = any_family.prompt(TWO)
    layers = any_family.model.get_decoder().layers
    plain = states(any_family.model, **given)
    before, configs = hooks(any_family.model), [layer.self_attn.config for layer in layers]
    with pytest.raises(RuntimeError), compress(any_family.model, "fastv", keep=0.4, layer=1):
        assert not torch.allclose(states(any_family.model, **given), plain)
        assert hooks(any_family.model) > before
        raise RuntimeError
    assert torch.equal(states(any_family.model, **given), plain)
    assert hooks(any_family.model) == before
    assert all(x.self_attn.config is own for x, own in zip(layers, configs, strict=True))


@pytest.mark.parametrize("method", ["fastv", "uniform"])
def test_dropped_tokens_are_tokens_that_nobody_looks_at(any_family, method):
    """Against masks over all tokens, by which the untouched model computes with every one."""
    given = any_family.prompt(TWO)
    cut: dict[str, Any] = {"keep": 0.4, "layer": 1} if method == "fastv" else {"schedule": CUTS}
    with dropping(any_family.model, method, floor=1, **cut) as dropped:
        short = states(any_family.model, **given)
    cuts = [1] if method == "fastv" else [1, 2]
    whole, left = masked_dense.logits(any_family, given, dropped.stages[0], cuts)
    assert len(left) < whole.shape[1]
    assert torch.allclose(short[0, left], whole[0, left], atol=1e-5)
    away = [column for column in range(whole.shape[1]) if column not in left]
    assert not short[0, away].any()


def test_caches_hold_only_what_is_left(any_family):
    given = any_family.prompt(TWO)
    with dropping(any_family.model, "uniform", schedule=CUTS, floor=1) as dropped, torch.no_grad():
        out = any_family.model(**given, use_cache=True)
    length = given["input_ids"].shape[1]
    one, two = dropped.stages[0]
    assert one.kept == tuple(round(0.6 * of) for of in one.lengths)
    assert two.kept == tuple(round(0.3 * of) for of in one.lengths)
    (report,) = dropped.reports
    assert [(kept, of) for _, kept, of in report.items] == list(
        zip(two.kept, one.lengths, strict=True)
    )
    first, second = length - sum(one.lengths) + sum(one.kept), length - sum(one.lengths)
    assert lengths(out.past_key_values) == [length, first, second + sum(two.kept)]


def test_written_with_a_cache_is_written_without_one(any_family):
    given = any_family.prompt(TWO)
    with compress(any_family.model, "uniform", schedule=CUTS):
        out = write(any_family, given)
        before = given["input_ids"].shape[1]
        for step in range(STEPS):
            again = longer(any_family, given, out.sequences[:, : before + step])
            whole = states(any_family.model, **again)[:, -1]
            assert torch.allclose(out.logits[step], whole, atol=1e-5)
            whole[:, [EOS, *range(IMAGE, 120)]] = -torch.inf
            assert torch.equal(whole.argmax(-1), out.sequences[:, before + step])


@pytest.mark.parametrize("method", ["fastv", "uniform"])
def test_rows_of_a_batch_are_as_they_are_alone(any_family, method):
    one = TWO if any_family.model.config.model_type != "smolvlm" else (1, 2, 3, 4, None, 5, 6, 7, 8)
    together = any_family.prompt(one, ONE)
    cut: dict[str, Any] = {"keep": 0.4, "layer": 1} if method == "fastv" else {"schedule": CUTS}
    with compress(any_family.model, method, **cut):
        batch = write(any_family, together)
        pixels = {name: together[name] for name in together if "pixel" in name or "image_" in name}
        first = one.count(None)
        for row, asked in enumerate((one, ONE)):
            alone = any_family.prompt(asked)
            for name, value in pixels.items():
                share = len(value) // (first + 1) if len(value) != 2 or first != 1 else 1
                alone[name] = value[: first * share] if row == 0 else value[first * share :]
            single = write(any_family, alone)
            assert torch.equal(batch.sequences[row, -STEPS:], single.sequences[0, -STEPS:])
            for step in range(STEPS):
                assert torch.allclose(batch.logits[step][row], single.logits[step][0], atol=1e-5)


def test_a_new_question_selects_anew(any_family):
    first, second = any_family.prompt(TWO), any_family.prompt((*TWO[:-3], 60, 61, 62, 63))
    with compress(any_family.model, "fastv", keep=0.4, layer=1) as dropped:
        states(any_family.model, **first)
        after = states(any_family.model, **second)
    with compress(any_family.model, "fastv", keep=0.4, layer=1):
        assert torch.equal(after, states(any_family.model, **second))
    one, two = dropped.selections
    assert not torch.equal(one.scores, two.scores)


def test_kernels_agree(any_family):
    given = any_family.prompt(TWO)
    found = []
    own = any_family.model.config._attn_implementation
    try:
        for kernel in ("sdpa", "eager"):
            any_family.model.set_attn_implementation(kernel)
            with compress(any_family.model, "fastv", keep=0.4, layer=1) as dropped:
                out = write(any_family, given)
                found.append((dropped.selections[0].places, torch.stack(out.logits)))
    finally:
        any_family.model.set_attn_implementation(own)
    assert torch.equal(found[0][0], found[1][0])
    assert torch.allclose(found[0][1], found[1][1], atol=1e-5)
