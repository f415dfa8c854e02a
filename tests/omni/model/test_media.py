"""Media in the model: kept by a budget, told by modality, and refused where they do not fit."""

import pytest
import torch
from torch.testing import assert_close

from omni.compression.budget import Budget, Grid
from omni.errors import Unsupported, UsageError
from omni.model.item import MediaItem
from tests.omni.model.dialogues import LONG, MIXED, ask, ramp, text


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
