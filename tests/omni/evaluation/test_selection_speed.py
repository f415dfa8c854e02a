"""The rivals of selectors pick what the selectors pick, and the figures say what was compared."""

import pytest
import torch

from omni import plugins
from omni.evaluation import selection_speed
from omni.evaluation.eager_selection import RIVALS
from omni.evaluation.selection_speed import Shape, compare, made

SMALL = Shape(48, 9, 32, items=2)


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_keeps_nearly_what_ours_keeps(name):
    """Nearly: one counts in single precision, and one other pick changes those after it."""
    row = compare(name, SMALL, 1, "cpu", 1e9)
    assert row["overlap"] > (0.5 if name == "maxsum" else 0.85)
    assert row["ratio"] == pytest.approx(row["rival_seconds"] / row["seconds"], rel=0.05)


@pytest.mark.parametrize("name", plugins.names("compression"))
def test_every_method_can_be_measured(name):
    row = compare(name, SMALL, 1, "cpu", 1e9)
    assert row["seconds"] > 0 and row["case"] == f"{name}, 2 × 48→9, 32"
    assert row["reading_seconds"] == pytest.approx(48 * 2 * 32 * 4 / 1e9, abs=1e-6)
    assert ("rival" in row) == (name in RIVALS)


def test_what_is_selected_from_is_always_the_same_and_lies_in_groups():
    (tokens, question), (again, _) = made(SMALL), made(SMALL)
    assert torch.equal(tokens.x, again.x) and tokens.lengths == [48, 48]
    assert question.x.shape == (2, selection_speed.WORDS, 32)
    assert all(grid.tokens == 48 for grid in tokens.grids)
    alike = torch.nn.functional.cosine_similarity(tokens.x[:48, None], tokens.x[:48], dim=-1)
    assert (alike > 0.5).sum() > 48 * 1.5


def test_films_lie_in_frames():
    tokens, _ = made(Shape(3 * 196, 5, 4))
    assert (tokens.grids[0].time, tokens.grids[0].height) == (3, 14)


def test_memory_is_read_at_some_speed():
    assert 1e8 < selection_speed.copied_bytes_a_second("cpu") < 1e13
