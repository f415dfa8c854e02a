"""How the scorer of the learned selector is taught: where things lie, gates that share a sum."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from omni.compression.learned import Learned, load
from omni.compression.selector import Question, Tokens
from omni.nano import corpus
from omni.nano.stages import scorer
from omni.nano.stages.pointing import SIDE, meant, pointed
from omni.nano.stages.scorer import reach, relaxed


def thing(colour, shape, x=0.5, y=0.5, radius=0.1):
    return {"colour": colour, "shape": shape, "x": x, "y": y, "radius": radius}


THINGS = [thing("red", "star", 0.2, 0.3), thing("blue", "star", 0.8, 0.8), thing("red", "cross")]


@pytest.mark.parametrize(
    ("question", "answer", "named"),
    [
        ("What colour is the cross?", "Red.", [2]),
        ("Which shape is blue?", "A star.", [1]),
        ("How many stars are there?", "Two.", [0, 1]),
        ("how big is the red star", "Small.", [0]),
        ("Where is the blue one compared with the cross?", "Below it.", [1, 2]),
        ("What is left of the cross?", "A red star.", [0, 2]),
        ("What do you see?", "Three things.", []),
        ("Is there a green ring?", "No, there is none.", []),
    ],
)
def test_the_things_that_are_named_are_meant(question, answer, named):
    assert meant(THINGS, question, answer) == [THINGS[place] for place in named]


def test_weights_lie_around_what_is_asked_about():
    weights = pointed(THINGS, "What colour is the cross?", "Red.").view(SIDE, SIDE)
    assert weights.sum().item() == pytest.approx(1)
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    middle = [float((weights * (axis + 0.5)).sum()) / SIDE for axis in (columns, rows)]
    assert middle == pytest.approx([0.5, 0.5], abs=1e-6)
    both = pointed(THINGS, "How many stars?", "Two.").view(SIDE, SIDE)
    assert both[:6].sum().item() == pytest.approx(0.5, abs=0.05), "each has as large a part"
    assert both.argmax().item() in (3 * SIDE + 2, 9 * SIDE + 9)
    large = pointed([thing("red", "star", radius=0.3)], "", "")
    assert large.max() < pointed([thing("red", "star")], "", "").max()


@pytest.mark.parametrize("heat", [1.0, 0.1])
def test_gates_are_open_in_sum_as_often_as_is_kept(heat):
    scores = torch.randn(4, 30, generator=torch.Generator().manual_seed(0)) * 3
    there = torch.arange(30) < torch.tensor([30, 12, 25, 7])[:, None]
    keep = torch.tensor([5, 11, 1, 3])
    gates = relaxed(scores, there, keep, heat).exp() * there
    assert torch.allclose(gates.sum(1), keep.float(), atol=1e-3)
    best = scores.masked_fill(~there, -99).argmax(1, keepdim=True)
    assert torch.equal(gates.gather(1, best).squeeze(1), gates.amax(1))


def test_cold_gates_are_the_selection_itself():
    scores = torch.randn(3, 20, generator=torch.Generator().manual_seed(1))
    there = torch.ones(3, 20, dtype=torch.bool)
    gates = relaxed(scores, there, torch.tensor([4, 4, 4]), 1e-3).exp()
    chosen = torch.zeros(3, 20).scatter(1, scores.topk(4).indices, 1.0)
    assert torch.allclose(gates, chosen, atol=1e-2)


def test_gates_share_a_sum_and_the_gradient_knows():
    scores = torch.randn(1, 8, generator=torch.Generator().manual_seed(2), requires_grad=True)
    there = torch.ones(1, 8, dtype=torch.bool)
    gates = relaxed(scores, there, torch.tensor([3]), 0.7).exp()
    (slope,) = torch.autograd.grad(gates[0, 2], scores)
    step = 1e-3
    for place in range(8):
        moved = scores.detach().double()
        gap = []
        for sign in (1, -1):
            near = moved.clone()
            near[0, place] += sign * step
            gap.append(relaxed(near, there, torch.tensor([3]), 0.7).exp()[0, 2])
        assert slope[0, place].item() == pytest.approx(
            float(gap[0] - gap[1]) / (2 * step), abs=2e-3
        )
    assert slope.sum().abs() < 1e-4, "all scores raised alike change nothing"


def test_so_many_stay_in_reach_and_mostly_the_best():
    scores = torch.linspace(0, 40, 20).expand(2, -1)
    there = torch.arange(20) < torch.tensor([20, 10])[:, None]
    near = reach(scores, there, torch.tensor([6, 15]), torch.Generator().manual_seed(0))
    assert near.sum(1).tolist() == [6, 10]
    assert near[0, -4:].all() and not near[1, 10:].any()


class Clouds:
    """Tokens that tell what lies where, without any encoder."""

    def __init__(self, name, count):
        rng = np.random.default_rng(0)
        labels = []
        while len(labels) < count:
            seen = corpus.SOURCES[name](rng, False).labels
            labels += [] if seen.get("outside") else [seen]
        self.labels, self.size = labels, {"image": 144, "video": 32}.get(name, 20)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        source = torch.Generator().manual_seed(index)
        return torch.randn(self.size, 192, generator=source), self.labels[index]


@pytest.mark.slow
def test_some_steps_teach_through_the_model_and_leave_a_scorer_that_is_used(tmp_path, monkeypatch):
    from omni.model.loading import load as model_of

    loaded = model_of("nano")
    monkeypatch.setattr("omni.model.loading.load", lambda folder: loaded)
    monkeypatch.setattr(scorer.Cache, "load", lambda path: Clouds(path.name.split(".")[0], 12))
    widths = {"image": 192, "video": 192}
    monkeypatch.setattr(scorer, "KINDS", {name: 1.0 for name in widths})
    monkeypatch.setattr(scorer, "ASKED", 2)
    before = [value.clone() for value in loaded.model.parameters()]
    figures = scorer.run(tmp_path, model_folder=tmp_path, steps=(3, 3))
    assert figures["steps"] == [3, 3] and 0 <= figures["caught"] <= 1
    assert json.loads((tmp_path / "scorer.figures.json").read_text()) == figures
    assert all(torch.equal(a, b) for a, b in zip(before, loaded.model.parameters(), strict=True))
    logs = [
        json.loads(line)
        for part in ("shown", "asked")
        for line in (tmp_path / f"scorer.{part}.log.jsonl").read_text().splitlines()
    ]
    assert all(np.isfinite(row["loss"]) for row in logs)
    trained, _, model = load(tmp_path / "scorer.safetensors")
    assert model == "omni-nano" and trained.width == 256
    embeddings: Any = loaded.model.get_input_embeddings()
    words = embeddings.weight.detach()[100:104]
    given = Tokens(torch.randn(9, 256), [9])
    asked = Question(words[None], torch.ones(1, 4, dtype=torch.bool))
    assert Learned(tmp_path / "scorer.safetensors")(given, [3], asked).kept == (3,)
    assert scorer.run(tmp_path, model_folder=tmp_path, steps=(3, 3)) == figures, "it is done"


def test_only_the_words_of_the_last_answer_count(monkeypatch):
    class Two(scorer.Asker):
        def __init__(self):
            self.config = SimpleNamespace(user_token_id=1)

        def _about(self, rng, lesson, kind, *, turns, most=None):
            for _ in range(2):
                lesson.add([1, 5])
                lesson.add([6, 7], 1.0)
                lesson.add([8], 0.35)

        _together = _about  # type: ignore[assignment]

    monkeypatch.setattr(scorer, "KINDS", {"image": 1.0})
    lesson = Two().lesson(scorer.random.Random(0))
    assert lesson.weights == [0] * 7 + [1.0, 1.0, 0]
