"""Where tokens lie: told alike whether an item is whole, selected, or encoded beforehand."""

from typing import Any

import pytest
import torch

from omni import plugins
from omni.compression.budget import Grid
from omni.model.item import MediaItem
from omni.model.positions import Positions, spots
from tests.omni.model.conftest import make


def test_spots_are_middles_of_cells_in_the_order_of_tokens():
    assert torch.equal(spots(Grid()), torch.full((1, 3), 0.5))
    found = spots(Grid(2, 1, 4))
    assert found[:, 0].tolist() == [0.25] * 4 + [0.75] * 4
    assert found[:, 1].tolist() == [0.5] * 8
    assert found[:, 2].tolist() == [0.125, 0.375, 0.625, 0.875] * 2


def test_waves_are_those_of_a_plain_loop():
    positions = Positions(6, ["a"], frequencies=2)
    weight: Any = positions.read["a"].weight
    torch.nn.init.normal_(weight)
    where = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))
    got = positions("a", torch.zeros(4, 6), where)
    for row, spot in enumerate(where):
        waves = []
        for value in spot:
            angles = [torch.pi * value, torch.pi * 2 * value]
            waves += [a.sin() for a in angles] + [a.cos() for a in angles]
        assert torch.allclose(got[row], weight @ torch.stack(waves), atol=1e-5)


def test_nothing_is_said_before_it_is_learned(tokenizer, ramps):
    without, processor = make(tokenizer)
    with_positions, _ = make(tokenizer, positions={})
    with_positions.load_state_dict(without.state_dict(), strict=False)
    given = processor("<|media|> a", media=[("ramp", [1.0, 2.0, 3.0])])
    with torch.no_grad():
        plain, same = (m(**given).logits for m in (without, with_positions))
    assert torch.equal(plain, same)


def test_a_token_keeps_its_place_when_others_are_gone(tokenizer, ramps):
    model: Any = make(tokenizer, positions={"frequencies": 3}, router=None)[0]
    torch.nn.init.normal_(model.positions.read["wave"].weight)
    tokens = torch.randn(6, 10, generator=torch.Generator().manual_seed(0))
    grid = Grid(2, 1, 3)
    whole = MediaItem.encoded("wave", tokens, grid=grid)
    left = [1, 2, 5]
    part = MediaItem.encoded("wave", tokens[left], spots=spots(grid)[left])
    moved = MediaItem.encoded("wave", tokens[left])
    with torch.no_grad():
        all_of_it, kept, unknown = (model.embed_media([one])[0] for one in (whole, part, moved))
    assert torch.allclose(all_of_it[left], kept)
    assert not torch.allclose(kept, unknown, atol=0.1)


def test_a_model_is_saved_with_its_positions(tokenizer, ramps, tmp_path):
    model: Any = make(tokenizer, positions={"frequencies": 3})[0]
    torch.nn.init.normal_(model.positions.read["ramp"].weight)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert torch.equal(again.positions.read["ramp"].weight, model.positions.read["ramp"].weight)


@pytest.mark.parametrize("name", ["image", "video", "audio", "points", "series", "text"])
def test_encoders_know_how_so_many_tokens_lie(name):
    plugin = plugins.load("modalities", name)
    encoder = plugin.encoder()
    grid = encoder.grid(plugin.features(plugin.example()))
    assert encoder.lay(grid.tokens) == grid
