"""The router's ablations are what they say, and leave the model as it was."""

import pytest
import torch

from omni.evaluation import answering, routing
from omni.evaluation.answering import Answerer
from omni.nano.cases import Pool
from omni.routing.router import Batch


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(answering, "MOST_TOKENS", 3)
    monkeypatch.setattr(routing.corpus, "MODALITIES", ("image", "audio", "video"))


def batch(loaded, count=50):
    tokens = torch.randn(count, 48, generator=torch.Generator().manual_seed(1))
    owner = torch.arange(count) % 3
    return Batch(tokens, owner, torch.tensor([0, 1, 2]), torch.zeros(3, 48))


@torch.no_grad()
def test_shuffled_experts_are_never_those_that_were_meant(loaded):
    router = loaded.model.mixture.router
    meant = router(batch(loaded))
    shuffled = routing.ShuffledRouter(router, 4)(batch(loaded))
    assert (meant.experts != shuffled.experts).all()
    assert torch.equal(meant.weights, shuffled.weights)
    chosen = [each.experts.flatten().tolist() for each in (meant, shuffled)]
    pairs = set(zip(*chosen, strict=True))
    assert len(pairs) == 4, "each expert has one other in its place"


@torch.no_grad()
def test_choices_are_counted_by_modality(loaded):
    counted = routing.Counted(loaded.model.mixture.router, 3, 4)
    chosen = counted(batch(loaded)).experts
    counted(batch(loaded))
    for owner in range(3):
        own = chosen[torch.arange(50) % 3 == owner].flatten()
        assert counted.counts[owner].tolist() == [2 * int((own == e).sum()) for e in range(4)]


def test_rows_of_load_sum_to_one_and_the_router_comes_back(loaded):
    answerer = Answerer(loaded)
    router = loaded.model.mixture.router
    rows = list(routing.rows(answerer, Pool(answerer.encode, batch=4), 6, ["router*"]))
    assert loaded.model.mixture.router is router
    splits = [row["split"] for row in rows]
    assert splits[:3] == ["router", "router, uniform mixing", "router, shuffled experts"]
    loads = [row for row in rows if row["split"] == "router, load"]
    assert [row["input"] for row in loads] == ["all", "image", "audio", "video"]
    for row in loads:
        assert sum(row["load"]) == pytest.approx(1, abs=1e-3)
        assert row["score"] == pytest.approx(min(row["load"]), abs=1e-4)
    assert not list(routing.rows(answerer, Pool(answerer.encode), 6, ["image>text"]))
