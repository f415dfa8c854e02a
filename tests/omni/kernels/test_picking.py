"""Kernels of picking and their twins in plain torch, in Triton's interpreter."""

import pytest
import torch

from omni.kernels import backend, naive_greedy, picking
from omni.kernels.gram import cosines, cosines_in_torch

pytest.importorskip("triton")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SHAPES = [(1, 1, 5), (2, 7, 3), (3, 33, 65), (1, 70, 17)]
DTYPES = [torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture(autouse=True)
def kernels():
    with backend.using("triton"):
        yield


def batch(shape, dtype=torch.float32, seed=0):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    if shape[1] > 6:
        x[:, 4] = x[:, 1]  # twins
        x[0, 5] = 0
    return x.to(DEVICE, dtype)


def standing(shape):
    """The last item is shorter than the others, one token is pinned, one broken."""
    found = torch.zeros(shape, device=DEVICE)
    if shape[1] > 6:
        found[-1, -2:] = -torch.inf
        found[0, 3] = torch.inf
        found[0, 2] = -1e38
    return found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_cosines_are_those_of_the_twin(shape, dtype):
    x = batch(shape, dtype)
    found = cosines(x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, cosines_in_torch(x), atol=2e-6, rtol=1e-5)
    assert torch.equal(found, found.transpose(1, 2))
    mean = x.float().mean(1)
    torch.testing.assert_close(cosines(x, mean), cosines_in_torch(x, mean), atol=5e-6, rtol=1e-5)
    if shape[1] > 6:  # equals are equal to the bit, wherever they lie
        assert torch.equal(found[:, 4, 6:], found[:, 1, 6:]) and not found[0, 5].any()


def test_what_only_rounding_leaves_of_tokens_is_nought():
    x = torch.full((1, 5, 9), 3.1, device=DEVICE)
    assert not cosines(x, x.mean(1)).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_farthest_picks_are_those_of_the_twin(shape):
    for seed in range(2):
        near = cosines_in_torch(batch(shape, seed=seed))
        weight = torch.rand(shape[:2], generator=torch.Generator().manual_seed(seed)).to(DEVICE)
        steps = max(shape[1] // 3, 1)
        given = near, weight, weight, standing(shape[:2]), steps
        expected = picking.farthest_in_torch(*given)
        assert torch.equal(picking.pick_farthest(*given), expected)
        for item in range(shape[0]):
            near_one, weight_one, standing_one = (
                part[item : item + 1] for part in (near, weight, given[3])
            )
            alone = picking.pick_farthest(near_one, weight_one, weight_one, standing_one, steps)
            assert torch.equal(alone[0], expected[item])


@pytest.mark.parametrize("shape", SHAPES)
def test_volume_picks_are_those_of_the_twin(shape, monkeypatch):
    for seed in range(2):
        near = cosines_in_torch(batch(shape, seed=seed))
        quality = torch.rand(shape[:2], generator=torch.Generator().manual_seed(seed)).to(DEVICE)
        steps = min(shape[1], 14)
        given = near, quality, standing(shape[:2]), steps
        expected = picking.volume_in_torch(*given)
        found = picking.pick_volume(*given)
        full = min(steps, shape[2])  # then all is spanned, and what is left is rounding
        assert torch.equal(found[:, : full - 2], expected[:, : full - 2])
        assert all(len(set(row.tolist())) == steps for row in found[:-1])


def test_volume_picks_are_those_of_the_naive_loop():
    for seed in range(4):
        x = torch.randn(1, 21, 16, generator=torch.Generator().manual_seed(seed))
        words = torch.randn(2, 16, generator=torch.Generator().manual_seed(seed + 99))
        quality = torch.tensor(naive_greedy.mean_relevance(x[0], words), device=DEVICE)[None]
        free = torch.zeros(1, 21, device=DEVICE)
        picks = picking.pick_volume(cosines(x.to(DEVICE)), quality, free, 9)
        assert sorted(picks[0].tolist()) == naive_greedy.dpp(x[0], 9, words)


@pytest.mark.parametrize("shape", SHAPES)
def test_cover_picks_are_those_of_the_twin(shape):
    for seed in range(2):
        _items, count, _height = shape
        cover = torch.rand(shape, generator=torch.Generator().manual_seed(seed)).pow(6).to(DEVICE)
        if count > 6:
            cover[:, 3:5] = cover[:, 1:3]
        given = cover, standing(shape[:2]), max(min(count - 2, 6), 1)
        expected = picking.cover_in_torch(*given)
        assert torch.equal(picking.pick_cover(*given), expected)


@pytest.mark.gpu
@pytest.mark.parametrize("shape", [(1, 576, 4096), (8, 576, 4096), (1, 2880, 4096)])
def test_on_the_device_nothing_waits_and_picks_are_those_of_the_twin(shape):
    from omni.evaluation.footprint import calls

    x = batch(shape, torch.bfloat16)
    free = torch.zeros(shape[:2], device="cuda")
    weight = torch.rand(shape[:2], device="cuda")
    steps = shape[1] // 9
    ways = {
        "farthest": lambda: picking.pick_farthest(cosines(x), weight, weight, free, steps),
        "volume": lambda: picking.pick_volume(cosines(x), weight, free, steps),
        "cover": lambda: picking.pick_cover(cosines(x).clamp(min=0), free, steps),
    }
    for name, way in ways.items():
        way()  # the first call compiles
        torch.cuda.set_sync_debug_mode("error")
        try:
            found = way()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        counted = calls(way)
        assert counted["waits"] == 0 and counted["launches"] <= 4, (name, counted)
        near = cosines(x)
        with backend.using("torch"):
            expected = {
                "farthest": lambda: picking.pick_farthest(near, weight, weight, free, steps),  # noqa: B023
                "volume": lambda: picking.pick_volume(near, weight, free, steps),  # noqa: B023
                "cover": lambda: picking.pick_cover(near.clamp(min=0), free, steps),  # noqa: B023
            }[name]()
        same = sum(
            len(set(a) & set(b)) for a, b in zip(found.tolist(), expected.tolist(), strict=True)
        )
        assert same / found.numel() > (0.97 if name == "volume" else 0.999)
