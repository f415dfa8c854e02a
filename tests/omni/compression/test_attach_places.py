"""Merged tokens, positions and caches in real models, beside prompts put together by hand."""

import math
import statistics
from typing import Any

import pytest
import torch
import transformers

from omni.compression.attach import compress
from omni.compression.placement import POLICIES
from omni.errors import UsageError
from tests.omni.compression.families import FAMILIES, family
from tests.omni.compression.test_attach import ONE, STEPS, TWO, longer, states, write

LANGUAGES = ("llava", "llava_next", "qwen2_5_vl", "qwen3_vl", "internvl", "qwen2_5_omni")


def language_arguments(found, given):
    """What the language model of an untouched model is given."""
    seen: dict[str, Any] = {}
    decoder = found.model.get_decoder()
    handle = decoder.register_forward_pre_hook(
        lambda module, args, kwargs: seen.update(kwargs), with_kwargs=True
    )
    states(found.model, **given)
    handle.remove()
    return seen


def sources(selection):
    """For each kept token, the shown tokens that go into it and their weights."""
    if selection.merging is None:
        return [[(row, 1.0)] for row in selection.rows.tolist()]
    found, start = [], 0
    for count in selection.merging.counts.tolist():
        part = slice(start, start + count)
        rows = selection.merging.sources[part].tolist()
        found.append(list(zip(rows, selection.merging.weights[part].tolist(), strict=True)))
        start += count
    return found


def stands_for(selection):
    """How many tokens each kept one stands for: those in it, or those it is nearest to."""
    if selection.merging is not None:
        return [len(own) for own in sources(selection)]
    counts, start = [], 0
    for kept, length in zip(selection.kept, selection.lengths, strict=True):
        places = selection.places[start : start + kept].tolist()
        nearest = [min(places, key=lambda p: (abs(p - n), p)) for n in range(length)]
        counts += [nearest.count(place) for place in places]
        start += kept
    return counts


def by_hand(found, given, choice, policy):
    """States of the prompt that is left, put together token by token, and which those are."""
    whole = language_arguments(found, given)
    embeds = whole["inputs_embeds"][0]
    positions = whole["position_ids"]
    rows = positions[:, 0] if positions is not None and positions.dim() == 3 else None
    flat = choice.shown.flat
    media = {place for item in choice.items for place in item.places}
    kept = {flat[row]: number for number, row in enumerate(choice.chosen.rows.tolist())}
    parts = sources(choice.chosen)
    stay = [place for place in range(len(embeds)) if place not in media or place in kept]

    def merged(values):
        rows = [
            [values[flat[row]] * weight for row, weight in parts[kept[place]]]
            if place in kept
            else [values[place]]
            for place in stay
        ]
        return torch.stack([torch.stack(own).sum(0) for own in rows])

    def spot(place, axis):
        if policy in ("keep", "dense") or place not in kept or choice.chosen.merging is None:
            return int(axis[place])
        return statistics.median_low(int(axis[flat[row]]) for row, _ in parts[kept[place]])

    axes = torch.arange(len(embeds))[None] if rows is None else rows
    placed = torch.tensor([[spot(place, axis) for place in stay] for axis in axes])
    if policy == "dense":
        placed = torch.arange(len(stay)).expand(len(axes), -1)
    arguments: dict[str, Any] = {"inputs_embeds": merged(embeds)[None]}
    arguments["position_ids"] = placed if rows is None else placed[:, None]
    arguments["attention_mask"] = torch.ones(1, len(stay))
    if policy == "calibrated":
        counts = stands_for(choice.chosen)
        logs = [math.log(counts[kept[place]]) if place in kept else 0.0 for place in stay]
        mask = torch.full((len(stay), len(stay)), torch.finfo(torch.float32).min).triu(1)
        arguments["attention_mask"] = (mask + torch.tensor(logs)).clamp(
            min=torch.finfo(torch.float32).min
        )[None, None]
    if whole.get("visual_pos_masks") is not None:
        mask = whole["visual_pos_masks"][0]
        arguments["visual_pos_masks"] = mask[stay][None]
        levels = []
        for level in whole["deepstack_visual_embeds"]:
            spread = torch.zeros(len(embeds), level.shape[-1])
            spread[mask] = level
            levels.append(merged(spread)[mask[stay]])
        arguments["deepstack_visual_embeds"] = levels
    with torch.no_grad():
        hidden = found.model.get_decoder()(**arguments).last_hidden_state
        return found.model.lm_head(hidden)[0], stay


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_is_left_is_what_one_would_put_together_by_hand(name):
    found = family(name)
    given = found.prompt(TWO)
    for method in ("uniform", "tome"):
        for policy in POLICIES:
            with compress(found.model, method, keep=0.4, place=policy) as attached:
                logits = states(found.model, **given)
            expected, stay = by_hand(found, given, attached.choices[0], policy)
            assert torch.allclose(logits[0, stay], expected, atol=1e-5), (method, policy)
            assert attached.reports[0].merged == (method == "tome")


@pytest.mark.parametrize("name", FAMILIES)
def test_merged_and_moved_with_a_cache_is_the_same_without_one(name):
    found = family(name)
    given = found.prompt(TWO)
    before = given["input_ids"].shape[1]
    for policy in POLICIES if name != "gemma3" else POLICIES[:3]:
        with compress(found.model, "tome", keep=0.4, place=policy), torch.no_grad():
            out = write(found, given)
            again = longer(found, given, out.sequences[:, : before + STEPS - 1])
            whole = states(found.model, **again)[:, -1]
        assert torch.allclose(out.logits[-1], whole, atol=1e-5), policy


def test_calibrated_rows_of_a_batch_are_as_they_are_alone():
    found = family("llava")
    together = found.prompt(TWO, ONE)
    with compress(found.model, "tome", keep=0.4, place="calibrated"), torch.no_grad():
        batch = write(found, together)
        alone = found.prompt(ONE) | {"pixel_values": together["pixel_values"][2:]}
        single = write(found, alone)
    for one, other in zip(batch.logits, single.logits, strict=True):
        assert torch.allclose(one[1], other[0], atol=1e-5)


def test_layers_with_a_window_take_no_bias():
    found = family("gemma3")
    with (
        pytest.raises(UsageError, match="choose 'median', or load the model"),
        compress(found.model, keep=0.4, place="calibrated"),
    ):
        pass


@pytest.mark.parametrize("name", FAMILIES)
def test_caches_of_a_fixed_size_say_what_growing_ones_say(name):
    found = family(name)
    rows = (TWO,) if name == "smolvlm" else (TWO, ONE)
    given = found.prompt(*rows)
    with compress(found.model, "uniform", keep=0.4) as attached, torch.no_grad():
        growing = write(found, given)
        fixed = write(found, given, cache_implementation="static")
    assert torch.equal(growing.sequences, fixed.sequences)
    for one, other in zip(growing.logits, fixed.logits, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    assert len(attached.reports) == 2
    lengths = given["attention_mask"].sum(1).tolist()
    for handle, kept, of in attached.reports[1].items:
        lengths[int(handle[0])] -= of - kept
    assert int(fixed.past_key_values.get_seq_length()) == max(lengths) + STEPS - 1


def test_calibrated_works_with_caches_of_a_fixed_size():
    found = family("qwen2_5_vl")
    given = found.prompt(TWO)
    with compress(found.model, "tome", keep=0.4, place="calibrated"), torch.no_grad():
        growing = write(found, given)
        fixed = write(found, given, cache_implementation="static")
    for one, other in zip(growing.logits, fixed.logits, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("name", ["llava", "qwen2_5_vl"])
def test_compiled_steps_say_what_others_say(name):
    found = family(name)
    given = found.prompt(TWO)
    config: Any = transformers.CompileConfig(backend="eager", fullgraph=False, mode="default")
    config._compile_all_devices = True
    with compress(found.model, "uniform", keep=0.4), torch.no_grad():
        growing = write(found, given)
        compiled = write(found, given, cache_implementation="static", compile_config=config)
    assert torch.equal(growing.sequences, compiled.sequences)
    for one, other in zip(growing.logits, compiled.logits, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
