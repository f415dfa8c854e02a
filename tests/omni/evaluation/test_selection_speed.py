"""The rivals of selectors pick what the selectors pick, and the figures say what was compared."""

import pytest
import torch

from omni import plugins
from omni.errors import UsageError
from omni.evaluation import selection_speed
from omni.evaluation.eager_selection import RIVALS
from omni.evaluation.footprint import peak_bytes
from omni.evaluation.selection_speed import Shape, agreement, compare, made, shapes_named

SMALL = Shape(48, 9, 32, items=2)
MOVING = Shape(3 * 196, 210, 16)


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_keeps_what_ours_keeps(name):
    """Nearly: one counts in single precision, and one other pick changes those after it."""
    shape = MOVING if name == "evs" else SMALL
    row = compare(name, shape, 1, "cpu", 1e9)
    assert row["overlap"] > (0.5 if name == "maxsum" else 0.95)
    assert row["equal"] == (row["overlap"] == 1)
    assert row["ratio"] == pytest.approx(row["rival_seconds"] / row["seconds"], rel=0.05, abs=0.01)


@pytest.mark.parametrize("name", [n for n in plugins.names("compression") if n != "learned"])
def test_every_method_can_be_measured(name):
    row = compare(name, SMALL, 1, "cpu", 1e9)
    assert row["seconds"] > 0 and row["case"] == f"{name}, 2 × 48→9, 32"
    assert row["limit_seconds"] == pytest.approx(48 * 2 * 32 * 4 / 1e9, abs=1e-6)
    assert ("rival" in row) == (name in RIVALS)


@pytest.mark.parametrize("name", ["farthest", "divprune", "maxsum", "coverage", "dpp"])
def test_the_greedy_part_is_measured_on_its_own_and_picks_the_same(name):
    row = compare(name, Shape(60, 12, 64), 1, "cpu", 1e9)
    assert row["greedy_equal"] and row["rival_loop_seconds"] > 0
    expected = row["rival_greedy_seconds"] / row["greedy_seconds"]
    assert row["greedy_ratio"] == pytest.approx(expected, rel=0.05, abs=0.01)
    assert "greedy_ratio" not in compare(name, SMALL, 1, "cpu", 1e9)


def test_what_differs_is_called_unequal():
    tokens = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    places = torch.tensor([0, 2, 5])
    same = agreement((places, tokens[places]), (places, tokens[places]))
    assert same == {"overlap": 1.0, "equal": True}
    merged = agreement((places, tokens[places]), (places, tokens[places] + 1))
    assert merged == {"overlap": 1.0, "equal": False}
    other = torch.tensor([0, 1, 5])
    assert agreement((places, tokens[places]), (other, tokens[other]))["overlap"] == 0.6667


def test_a_rival_that_rounding_led_elsewhere_is_asked_in_double_precision(monkeypatch):
    def rounded(given):
        places = torch.arange(given.keep)
        if given.tokens.dtype == torch.float64:
            return RIVALS["topk"](given)
        return places, given.tokens[places]

    monkeypatch.setattr(selection_speed, "RIVALS", {"topk": rounded, "divprune": rounded})
    row = compare("topk", SMALL, 1, "cpu", 1e9)
    assert not row["equal"] and row["overlap"] < 1
    assert row["equal_in_double"] and row["overlap_in_double"] == 1
    wrong = compare("divprune", SMALL, 1, "cpu", 1e9)
    assert not wrong["equal"] and not wrong["equal_in_double"]
    monkeypatch.undo()
    assert "equal_in_double" not in compare("topk", SMALL, 1, "cpu", 1e9)


def test_work_that_takes_long_is_not_repeated(monkeypatch):
    monkeypatch.setattr(selection_speed, "_ENOUGH", 0.0)
    ran = []
    seconds, _ = selection_speed.alternate({"ours": lambda: ran.append(1)}, 5, "cpu")
    assert len(ran) == len(seconds["ours"]) == 1


def test_shapes_have_names_and_others_are_refused():
    assert shapes_named(["tiles"])[0] == Shape(2880, 320, 4096)
    assert len(shapes_named([])) == sum(len(group) for group in selection_speed.SHAPES.values())
    with pytest.raises(UsageError, match="unknown shapes 'huge': wanted of clip, siglip"):
        shapes_named(["huge"])


def test_memory_at_its_peak_is_seen():
    found = peak_bytes(lambda: torch.ones(2**24).sum(), "cpu")
    if found is None:
        pytest.skip("this system does not tell")
    assert 2**26 * 0.9 < found < 2**28


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
