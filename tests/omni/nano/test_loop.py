import itertools
from functools import partial

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from omni.errors import StoreError
from omni.nano.stages import loop
from omni.nano.stages.optimisers import adamw, muon


class Tied(nn.Module):
    """Tied weights and buffers: what a checkpoint easily loses."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4, bias=False)
        self.norm = nn.BatchNorm1d(4)
        self.second = nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.norm(self.first(x)))


def new_module(seed=0):
    torch.manual_seed(seed)
    return Tied()


def step_of(module, stop_at=None):
    def step(index):
        if index == stop_at:
            raise KeyboardInterrupt
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(index))
        return (module(x) - 2 * x).square().mean(), {"index": float(index)}

    return step


def test_the_loss_falls_and_the_curve_is_kept(tmp_path):
    module = new_module()
    schedule = loop.Schedule(120, learning_rate=0.05)
    curve = loop.train("stage", module, step_of(module), schedule, tmp_path)
    assert curve[0]["step"] == 1 and curve[-1]["step"] == 120
    assert curve[-1]["loss"] < 0.5 * curve[0]["loss"]
    assert not module.training


def test_a_point_of_the_curve_is_the_mean_of_all_steps_since_the_last(tmp_path):
    module = new_module()
    curve = loop.train("stage", module, step_of(module), loop.Schedule(20), tmp_path)
    assert [(row["step"], row["index"]) for row in curve] == [(1, 0.0), (20, 10.0)]


def test_matrices_of_a_part_are_turned_by_muon_and_all_else_by_adamw():
    part, other = nn.Linear(6, 3), nn.Linear(3, 2)
    other.bias.requires_grad_(False)
    module = nn.ModuleDict({"part": part, "other": other})
    before = {name: weight.detach().clone() for name, weight in module.named_parameters()}
    optimisers = muon(module, 1.0, 0.0, matrices="part.")
    optimisers.rate(1e-2)
    (part.weight.square().sum() + part.bias.square().sum()).backward()
    gradient = torch.empty(0) if part.weight.grad is None else part.weight.grad.clone()
    optimisers.step()
    moved = before["part.weight"] - part.weight.detach()
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    alike = nn.functional.cosine_similarity(moved.flatten(), (left @ right).flatten(), dim=0)
    # Five steps of Newton and Schulz bring singular values near one, not to it.
    assert alike > 0.95
    assert moved.square().mean().sqrt().item() == pytest.approx(0.2e-2, rel=0.3)
    bias = before["part.bias"] - part.bias.detach()
    assert torch.allclose(bias.abs(), torch.full_like(bias, 1e-2), rtol=1e-3)
    assert torch.equal(before["other.bias"], other.bias)
    assert part.weight.grad is None


def test_a_finished_stage_is_loaded_and_not_trained_again(tmp_path):
    module = new_module()
    loop.train("stage", module, step_of(module), loop.Schedule(20), tmp_path)
    other = new_module(seed=1)
    loop.train("stage", other, step_of(other, stop_at=0), loop.Schedule(20), tmp_path)
    assert all(
        torch.equal(a, b) for a, b in zip(module.parameters(), other.parameters(), strict=True)
    )
    assert other.second.weight is other.first.weight


@pytest.mark.parametrize("way", [adamw, partial(muon, matrices="first.")])
def test_a_stopped_run_goes_on_to_the_same_result(tmp_path, monkeypatch, way):
    whole = new_module()
    loop.train("stage", whole, step_of(whole), loop.Schedule(40), tmp_path / "whole", way)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    begun = new_module()
    with pytest.raises(KeyboardInterrupt):
        cut = step_of(begun, stop_at=17)
        loop.train("stage", begun, cut, loop.Schedule(40), tmp_path / "cut", way)
    resumed = new_module(seed=3)
    loop.train("stage", resumed, step_of(resumed), loop.Schedule(40), tmp_path / "cut", way)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_of_another_module_is_refused(tmp_path):
    module = new_module()
    loop.train("stage", module, step_of(module), loop.Schedule(2), tmp_path)
    with pytest.raises(StoreError, match=r"does not fit.*empty folder"):
        loop.train("stage", nn.Linear(4, 4), step_of(module), loop.Schedule(2), tmp_path)


def test_tied_weights_are_stored_once(tmp_path):
    module = new_module()
    loop.train("stage", module, step_of(module), loop.Schedule(2), tmp_path)
    stored = load_file(tmp_path / "stage.safetensors")
    assert sum(key.endswith(("first.weight", "second.weight")) for key in stored) == 1


def test_the_rate_warms_up_and_anneals():
    schedule = loop.Schedule(100, learning_rate=1.0, warmup=0.1)
    rates = [schedule.rate(i / 100) for i in range(101)]
    assert rates[5] == pytest.approx(0.5) and max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


def test_minutes_end_a_run_early_and_annealed(tmp_path, monkeypatch):
    module = new_module()
    rates = []
    monkeypatch.setattr(
        loop.Schedule, "rate", lambda self, progress: rates.append(progress) or 1e-3
    )
    loop.train("stage", module, step_of(module), loop.Schedule(10**9, minutes=0.005), tmp_path)
    assert rates[-1] >= 1
