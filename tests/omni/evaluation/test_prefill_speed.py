"""The measurement of prefills, on models small enough for a test."""

import json
from math import ceil
from typing import Any

import pytest
import torch

from omni.cli.main import main
from omni.compression.bypass import Bypass
from omni.evaluation import prefill_speed
from omni.evaluation.geometries import film, llava, nano
from tests.omni.compression.test_attach import hooks

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
TOWER = {**SMALL, "num_attention_heads": 4, "image_size": 32, "patch_size": 4}
TINY = llava("tiny", SMALL, (4, 2), TOWER, 2)


def measured(**settings):
    return prefill_speed.measure(1, geometries=[TINY], dtype=torch.float32, **settings)


def test_rows_say_what_the_cache_holds():
    whole, quarter = measured(keeps=(1.0, 0.25), bypass=False)
    assert whole["kv_bytes"] == whole["rival_kv_bytes"] and whole["difference"] == 0
    each = 2 * 2 * 2 * 8 * 4  # layers, keys and values, heads, width of a head, bytes
    prompt = quarter["prompt_tokens"]
    assert quarter["rival_kv_bytes"] == prompt * each
    assert quarter["media_tokens"] == 128 and quarter["kept_tokens"] == 32
    assert quarter["kv_bytes"] == (prompt - 96) * each and not quarter["bypassed"]
    assert quarter["equal"] and quarter["rival"] == prefill_speed.RIVAL
    parts = sum(quarter[f"{part}_seconds"] for part in ("encode", "select", "prefill"))
    assert parts > 0 and quarter["encode_seconds"] > 0 and quarter["prefill_seconds"] > 0
    assert quarter["peak_bytes"] is None or quarter["peak_bytes"] > 1e6


def test_what_is_taken_out_is_compared_to_what_is_hidden():
    """A selection that is not the one that was made is found out."""
    model, given = TINY.make(torch.device("cpu"), torch.float32)
    reading, attached = prefill_speed.read(model, given, keep=0.25, method="uniform")
    assert attached is not None
    hidden = prefill_speed.masked(model, given, attached)
    assert torch.allclose(reading.logits, hidden, atol=1e-5)
    other, _ = prefill_speed.read(model, given, keep=0.5, method="uniform")
    assert not torch.allclose(other.logits, hidden, atol=1e-5)


def test_nothing_is_left_on_the_model():
    model, given = TINY.make(torch.device("cpu"), torch.float32)
    prefill_speed.read(model, given)  # transformers keeps hooks of its own from then on
    before = hooks(model)
    prefill_speed.read(model, given, keep=0.25, method="uniform")
    assert "get_image_features" not in vars(model.base_model)
    assert hooks(model) == before


def test_a_prompt_that_is_read_whole_is_said_to_be():
    model, given = TINY.make(torch.device("cpu"), torch.float32)
    from omni.compression.anatomy import decoder

    slow = Bypass(decoder(model), rate=1e15, choosing={1: 1.0})
    row = prefill_speed.compare("tiny", model, given, 0.25, 1, bypass=slow)
    assert row["bypassed"] and row["difference"] == 0
    assert row["kv_bytes"] == row["rival_kv_bytes"]
    assert row["notes"][0].startswith("read whole: choosing among 128 tokens takes")


def test_the_embedded_model_is_a_geometry():
    model, given = nano(1, 0).make(torch.device("cpu"), torch.float32)
    reading, attached = prefill_speed.read(model, given, keep=0.25, method="uniform")
    assert attached is not None and attached.reports[0].kept == 36
    hidden = prefill_speed.masked(model, given, attached)
    assert torch.allclose(reading.logits, hidden, atol=1e-3)


def test_films_of_a_real_geometry_have_as_many_tokens_as_their_name_says(monkeypatch):
    made: list[Any] = []
    monkeypatch.setattr(
        "omni.evaluation.geometries._built", lambda kind, config, *_: made.append(config)
    )
    _, given = film("film", 2).make(torch.device("cpu"), torch.float32)
    (config,) = made
    vision: Any = config.vision_config
    side = ceil(vision.image_size // vision.patch_size / 2)
    assert (given["input_ids"] == config.video_token_id).sum() == 2 * side * side + 1


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_the_command_prints_rows(monkeypatch, capsys, flag):
    monkeypatch.setattr(prefill_speed, "ON_CPU", (TINY,))
    assert main(["bench", "prefill", "--repeats", "1", *flag]) == 0
    said = capsys.readouterr().out
    if flag:
        found = json.loads(said)
        assert found["what"] == "prefill" and len(found["rows"]) == len(prefill_speed.KEEPS)
        assert all(row["equal"] for row in found["rows"])
    else:
        assert "tiny, keep 33 %" in said
