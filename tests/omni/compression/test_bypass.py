"""Reading whole where selecting does not pay, pages that are spared, and shares by the question."""

from typing import Any

import pytest
import torch

from omni.compression.attach import compress
from omni.compression.budget import Budget
from omni.compression.bypass import Bypass
from omni.compression.replaying import Replay
from omni.compression.text_rich import densities, text_rich, writing
from omni.errors import UsageError
from tests.omni.compression.families import family
from tests.omni.compression.test_attach import TWO, states


def test_operations_are_those_of_the_layers():
    found = family("llava")
    decoder = found.model.get_decoder()
    weights = 3 * (32 * 32 * 2 + 32 * 16 * 2 + 3 * 32 * 48)
    known = Bypass(decoder)
    assert known.weights == weights
    assert known.operations([10]) == 2 * weights * 10 + 2 * 3 * 32 * 100
    assert known.operations([3, 10]) == 2 * known.operations([10]), "rows are padded"


def test_a_prompt_is_read_whole_where_choosing_takes_longer_than_it_saves(monkeypatch):
    found = family("llava")
    given = found.prompt(TWO)
    plain = states(found.model, **given)
    decoder = found.model.get_decoder()
    operations = Bypass(decoder).operations([39]) - Bypass(decoder).operations([19])
    for rate, whole in ((operations / 0.9, True), (operations / 1.1, False)):
        known = Bypass(decoder, rate=rate, choosing={32: 1.0})
        monkeypatch.setattr(known, "chose", lambda *_: None)
        monkeypatch.setattr(known, "read", lambda *_: None)
        with compress(found.model, keep=0.4, floor=1, bypass=known) as attached:
            logits = states(found.model, **given)
        (report,) = attached.reports
        assert torch.equal(logits, plain) == whole
        assert [kept for _, kept, _ in report.items] == ([16, 16] if whole else [6, 6])
        assert bool(report.notes) == whole == (not attached.selections)
        if whole:
            assert report.notes == (
                "read whole: choosing among 32 tokens takes 1000.0 ms and would save 900.0 ms",
            )
            assert report.to_json()["notes"] == list(report.notes)


def test_what_is_learned_is_the_best_that_was_seen():
    known = Bypass(family("llava").model.get_decoder())
    assert known.why([100], [10], 90) == "", "nothing is known yet"
    known.chose(90, 0.5)
    known.chose(90, 0.2)
    assert known.cost(90) == known.cost(45) == 0.2 and known.cost(180) == 0.4
    known.read([1], 0.01)
    known.read([100], 0.11)
    known.read([100], 0.31)
    assert known.rate == pytest.approx(known.operations([100]) / 0.1)
    assert known.saving([100], [100]) == 0
    assert known.why([100], [50], 90).startswith("read whole")


def test_auto_learns_from_prompts_and_steps():
    found = family("llava")
    given = found.prompt(TWO)
    with compress(found.model, keep=0.4, bypass="auto") as attached, torch.no_grad():
        found.model.generate(**given, max_new_tokens=3, min_new_tokens=3, do_sample=False)
        first = attached.reports[0]
        states(found.model, **given)
    assert first.kept < 32, "from the first prompt it is learned what choosing takes"
    with (
        pytest.raises(UsageError, match="bypass is 'auto', False or a Bypass, not 'never'"),
        compress(found.model, bypass="never"),
    ):
        pass


def page(count=1):
    """Black strokes on white, as CLIP's processor would normalise them."""
    white = torch.ones(count, 3, 32, 32)
    white[:, :, 4:28:6, 2:30] = 0
    mean = torch.tensor([0.481, 0.458, 0.408])[:, None, None]
    spread = torch.tensor([0.269, 0.261, 0.276])[:, None, None]
    return (white - mean) / spread


def test_pages_are_told_from_noise_and_from_plain_pictures():
    noise = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    slope = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    plain = torch.full((1, 3, 32, 32), 0.3)
    every = torch.cat([page(), noise, slope, plain])
    assert [text_rich(float(one)) for one in writing(every)] == [True, False, False, False]
    tiles = torch.stack([noise[0], page()[0]])[None]
    assert [text_rich(one) for one in densities({"pixel_values": tiles}, 1)] == [True]


@pytest.mark.parametrize("name", ["llava", "llava_next", "qwen2_5_vl", "smolvlm", "gemma3"])
def test_pages_keep_most_of_their_tokens(name):
    found = family(name)
    given = found.prompt(TWO)
    noise = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    given |= found.pixels(torch.cat([noise, page()]), 1)
    with compress(found.model, keep=0.25) as attached:
        states(found.model, **given)
    (report,) = attached.reports
    shares = [kept / of for _, kept, of in report.items]
    assert shares == pytest.approx([0.25, 0.75], abs=0.03)
    ((handle, kept, of),) = report.items[1:]
    assert report.notes == (f"{handle} looks like a page: {kept} of {of} kept",)
    with compress(found.model, keep=0.25, pages=0) as attached:
        states(found.model, **given)
    (report,) = attached.reports
    assert report.items[1][1] == round(0.25 * of) and not report.notes


def test_the_question_shares_out_one_budget():
    """A picture of tokens that point where the question does gets more than one that does not."""
    found = family("llava")
    given = found.prompt(TWO)
    word = found.model.get_input_embeddings().weight[11].detach()
    noise = torch.randn(16, 32, generator=torch.Generator().manual_seed(1))
    like = word.expand(16, -1) + 0.01 * noise
    features: Any = [-like, like]
    rest = {name: value for name, value in given.items() if name != "pixel_values"}
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    rest["mm_encoder_outputs"] = {"image": BaseModelOutputWithPooling(pooler_output=features)}
    with compress(found.model, keep=0.5, floor=2, share="question") as attached:
        states(found.model, **rest)
    (report,) = attached.reports
    (_, far, _), (_, near, _) = report.items
    assert far + near == 16 and near > far >= 2
    one, other = (detail.near for detail in report.details)
    assert one is not None and other is not None and other > one
    with compress(found.model, tokens=10, floor=2, share="question") as attached:
        states(found.model, **rest)
    assert attached.reports[0].kept == 10
    with (
        pytest.raises(UsageError, match="share is one of even, question, kind, not 'odd'"),
        compress(found.model, share="odd"),
    ):
        pass


def test_rows_of_a_batch_have_a_budget_each():
    found = family("llava")
    given = found.prompt(TWO, (1, 12, None, None, 14, 15))
    with compress(found.model, tokens=12, share="question") as attached:
        states(found.model, **given)
    kept = [kept for _, kept, _ in attached.reports[0].items]
    assert sum(kept[:2]) == sum(kept[2:]) == 12


@pytest.mark.parametrize(("name", "method"), [("llava_next", "tome"), ("qwen3_vl", "farthest")])
def test_a_reading_is_written_down_and_replayed(name, method):
    found = family(name)
    given = found.prompt(TWO)
    with compress(found.model, method, keep=0.4) as attached:
        logits = states(found.model, **given)
    (written,) = attached.records
    (report,) = attached.reports
    assert written.method == report.method == method
    assert written.milliseconds == pytest.approx(1000 * (report.seconds or 0)) and report.seconds
    assert all(0 <= (detail.dropped or 0) <= 1 for detail in report.details)
    assert all(detail.places for detail in report.details)
    again = type(written).from_json(written.to_json())
    with compress(found.model, Replay(again), keep=0.4):
        assert torch.equal(states(found.model, **given), logits)
    other = found.prompt((1, 5, None, 9))
    with (
        pytest.raises(UsageError, match="replay it on the tokens that it was made from"),
        compress(found.model, Replay(again), keep=0.4),
    ):
        states(found.model, **other)


def test_a_budget_too_small_for_its_floors_is_refused():
    assert Budget(6, floor=3).plan([16, 16]) == [3, 3]
    found = family("llava")
    with (
        pytest.raises(UsageError, match="too small for 2 media items"),
        compress(found.model, tokens=6, floor=4, share="question"),
    ):
        states(found.model, **found.prompt(TWO))
