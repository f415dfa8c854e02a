"""Our own model, read with fewer tokens than its text was written for."""

from functools import cache

import pytest
import torch

from omni.compression.attach import compress
from omni.compression.budget import Grid
from omni.compression.placement import POLICIES
from omni.modality import modality
from omni.model.loading import load
from tests.omni.compression.test_attach_encoders import Blind


@cache
def nano():
    return load("nano")


def prompt(*attached, question="What is this?"):
    content = [{"type": name, "value": modality(name).example()} for name in attached]
    content.append({"type": "text", "text": question})
    turn = [{"role": "user", "content": content}]
    return nano().processor.apply_chat_template(turn, tokenize=True, add_generation_prompt=True)


def said(given, most=6):
    return nano().model.generate(**given, max_new_tokens=most, min_new_tokens=1, do_sample=False)


def test_all_tokens_kept_is_the_untouched_model():
    given = prompt("image")
    with compress(nano().model, keep=1.0):
        assert torch.equal(said(given), plain := said(given))
    assert torch.equal(said(given), plain)


def test_media_are_selected_and_the_question_is_not():
    given = prompt("image", "video")
    spy = Blind()
    with compress(nano().model, spy, keep=0.25) as attached, torch.no_grad():
        out = nano().model(**given, use_cache=True)
    (report,) = attached.reports
    assert [(detail.modality) for detail in report.details] == ["image", "video"]
    assert [kept for _, kept, _ in report.items] == [36, 32]
    assert spy.tokens.grids == [Grid(1, 12, 12), Grid(8, 4, 4)]
    dropped = 144 - 36 + 128 - 32
    assert out.past_key_values.get_seq_length() == given["input_ids"].shape[1] - dropped
    assert out.logits.shape[1] == given["input_ids"].shape[1]


def test_every_way_to_generate_says_the_same():
    """The lean loop, and transformers with either kind of cache and without one."""
    given = prompt("image")
    with compress(nano().model, "farthest", keep=0.25):
        lean = said(given)
        more = {"max_new_tokens": 6, "do_sample": False, "repetition_penalty": 1.0, "top_k": 50}
        same = nano().model.generate(**given, **more)
        none = nano().model.generate(**given, **more, use_cache=False)
        fixed = nano().model.generate(**given, **more, cache_implementation="static")
    assert torch.equal(lean, same) and torch.equal(lean, none) and torch.equal(lean, fixed)


@pytest.mark.parametrize("method", ["uniform", "tome"])
def test_rows_that_are_finished_leave_the_others_alone(method):
    short, long = prompt("image", question="Is this a cat?"), prompt("image", "image")
    width = long["input_ids"].shape[1]
    missing = width - short["input_ids"].shape[1]
    pad = nano().model.config.pad_token_id
    ids = torch.nn.functional.pad(short["input_ids"], (missing, 0), value=pad)
    both = {
        "input_ids": torch.cat([ids, long["input_ids"], ids]),
        "media": [*short["media"], *long["media"], *short["media"]],
    }
    both["attention_mask"] = (both["input_ids"] != pad).long()
    with compress(nano().model, method, keep=0.25):
        together = said(both, 24)
        alone = [said(one, 24)[0, one["input_ids"].shape[1] :] for one in (short, long, short)]
    for row, own in zip(together[:, width:], alone, strict=True):
        assert row[: len(own)].tolist() == own.tolist()
    assert len({len(own) for own in alone}) > 1, "or no row leaves before another"


def test_kinds_of_media_may_have_budgets_of_their_own():
    given = prompt("image", "video", "audio", question="What is said?")
    kept = {}
    for share in ("even", "kind"):
        with compress(nano().model, "topk", tokens=60, share=share) as attached, torch.no_grad():
            nano().model(**given)
        kept[share] = [count for _, count, _ in attached.reports[0].items]
    assert sum(kept["kind"]) == sum(kept["even"]) == 60 and min(kept["kind"]) >= 1
    assert kept["kind"] != kept["even"]


@pytest.mark.parametrize("place", POLICIES)
def test_every_placement_is_that_of_a_reading_without_a_cache(place):
    given = prompt("image")
    with compress(nano().model, "farthest", keep=0.25, place=place):
        more = {"max_new_tokens": 4, "do_sample": False}
        assert torch.equal(said(given, 4), nano().model.generate(**given, **more, use_cache=False))
