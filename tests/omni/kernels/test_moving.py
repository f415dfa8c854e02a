"""Kernels that gather, merge and look along time, and their twins, in Triton's interpreter."""

import pytest
import torch

from omni.compression.watching import received
from omni.errors import UsageError
from omni.kernels import backend, compaction, frames, naive_video, segment_mean
from omni.kernels.attention_sums import attention_sums, sums_in_torch
from omni.kernels.compaction import compact, compact_in_torch

pytest.importorskip("triton")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
DTYPES = [torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture(autouse=True)
def kernels():
    with backend.using("triton"):
        yield


def draw(*shape, seed=0, dtype=torch.float32):
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return made.to(DEVICE, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["random", "ties", "signs", "infinite"])
def test_compaction_is_that_of_the_twin(dtype, kind):
    lengths, keep = [1, 7, 37, 19], [1, 3, 36, 5]
    total = sum(lengths)
    scores = draw(total, seed=1)
    if kind == "ties":
        scores = scores.round()
    if kind == "signs":
        scores = torch.where(scores > 0.5, scores, torch.where(scores > 0, 0.0, -0.0))
    if kind == "infinite":
        scores[::3], scores[1::5] = torch.inf, -torch.inf
    levels = draw(3, total, 70, dtype=dtype)
    positions = torch.arange(4 * total, device=DEVICE).view(4, total)
    found = compact(scores, lengths, keep, levels, positions)
    expected = compact_in_torch(scores, lengths, keep, levels, positions)
    assert torch.equal(found.places, expected.places)
    assert torch.equal(found.rows, expected.rows)
    assert torch.equal(found.levels, expected.levels) and found.levels.dtype == dtype
    assert torch.equal(found.positions, expected.positions)
    padded = torch.nn.utils.rnn.pad_sequence(list(scores.split(lengths)), True, torch.inf)
    assert torch.equal(compaction.highest(padded, lengths, keep), expected.places)
    assert torch.equal(compaction.highest_in_torch(padded, lengths, keep), expected.places)


def test_compaction_refuses_sizes_that_do_not_fit():
    scores, levels = draw(5), draw(1, 5, 4)
    positions = torch.zeros(1, 4, dtype=torch.int64)
    with pytest.raises(UsageError, match="positions tell of 4 tokens, but lengths add up to 5"):
        compact(scores, [5], [2], levels, positions)
    with pytest.raises(UsageError, match=r"keep 1 to all of \[5\] tokens, not \[6\]"):
        compact(scores, [5], [6], levels, torch.zeros(1, 5, dtype=torch.int64))
    assert compaction.host_table([[1, 2]], torch.device("cpu")).tolist() == [[1, 2]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 67])
@pytest.mark.parametrize("causal", [False, True])
def test_sums_of_attention_are_those_of_the_matrix(dtype, rows, causal):
    queries, keys = draw(2, 4, rows, 12, dtype=dtype), draw(2, 2, 67, 12, seed=1, dtype=dtype)
    found = attention_sums(queries, keys, 12**-0.5, causal)
    own = keys.float().repeat_interleave(2, 1).transpose(2, 3)
    logits = queries.float() @ own * 12**-0.5
    if causal:
        unseen = torch.ones(rows, 67, dtype=torch.bool, device=DEVICE).triu(67 - rows + 1)
        logits = logits.masked_fill(unseen, -torch.inf)
    torch.testing.assert_close(found, logits.softmax(-1).mean((1, 2)), atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(found.sum(1), torch.ones(2, device=DEVICE))
    single = attention_sums(queries[1:], keys[1:], 12**-0.5, causal)
    assert torch.equal(single, found[1:])


def test_gradients_of_sums_are_those_of_the_twin():
    found, expected = [], []
    for way, kept in ((attention_sums, found), (sums_in_torch, expected)):
        queries, keys = draw(1, 2, 5, 8).requires_grad_(), draw(1, 1, 9, 8, seed=1).requires_grad_()
        (way(queries, keys, 0.3, False) * torch.arange(9, device=DEVICE)).sum().backward()
        kept += [queries.grad, keys.grad]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
        assert one.abs().sum() > 0


def test_an_encoder_is_watched_by_kernels():
    queries, keys = draw(2, 4, 17, 8), draw(2, 4, 17, 8, seed=1)
    found = received(queries, keys, 8**-0.5)
    with backend.using("torch"):
        torch.testing.assert_close(found, received(queries, keys, 8**-0.5))


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="heads of queries are a multiple"):
        attention_sums(draw(1, 3, 1, 4), draw(1, 2, 5, 4), 1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_tokens_go_to_the_most_similar_target(dtype):
    x, targets = draw(2, 33, 70, dtype=dtype), draw(2, 37, 70, seed=1, dtype=dtype)
    targets[:, 36] = targets[:, 2]  # twins a tile apart
    x[:, 5] = targets[:, 2]
    x[0, 6] = 0
    open_to = torch.ones(2, 37, dtype=torch.bool, device=DEVICE)
    open_to[0, 3:9] = False
    slots, cosines = segment_mean.assign(x, targets, open_to)
    expected, near = segment_mean.assign_in_torch(x, targets, open_to)
    assert torch.equal(slots, expected) and slots[:, 5].tolist() == [2, 2]
    torch.testing.assert_close(cosines, near, atol=2e-6, rtol=1e-5)
    none = segment_mean.assign(x, targets, torch.zeros_like(open_to))
    assert not none[0].any() and (none[1] == -torch.inf).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_segments_are_added_up_in_order(dtype):
    x = draw(23, 300, dtype=dtype)
    sources = torch.tensor([3, 4, 5, 22, 0, 7, 7, 1, 9], device=DEVICE)
    counts = torch.tensor([3, 0, 1, 3], device=DEVICE)  # the last two sources go nowhere
    weights = torch.rand(9, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    found = segment_mean.segment_sums(x, sources, counts, weights)
    expected = segment_mean.sums_in_torch(x, sources, counts, weights)
    loose = 1e-5 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(found, expected, atol=loose, rtol=loose)
    assert found.dtype == dtype and not found[1].any()


def test_gradients_of_segments_are_those_of_the_twin():
    sources = torch.tensor([3, 4, 4, 1, 2], device=DEVICE)
    counts = torch.tensor([1, 2, 1], device=DEVICE)
    weights = torch.tensor([1.0, 0.25, 0.75, 2.0, 9.0], device=DEVICE)
    grads = []
    for way in (segment_mean.segment_sums, segment_mean.sums_in_torch):
        x = draw(6, 5).requires_grad_()
        (way(x, sources, counts, weights) * draw(3, 5, seed=2)).sum().backward()
        grads.append(x.grad)
    torch.testing.assert_close(grads[0], grads[1])
    assert not grads[0][2].any() and not grads[0][0].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_frames_are_compared_with_those_before(dtype):
    x = draw(5, 6, 70, dtype=dtype)
    x[2] = x[1]
    x[3, 2] = 0
    found = frames.adjacent_cosines(x)
    torch.testing.assert_close(found, frames.adjacent_in_torch(x), atol=2e-6, rtol=1e-5)
    assert found[3, 2] == 0 and found[4, 2] == 0
    assert (found[2] == 1).all(), "what stands still does so to the bit"


@pytest.mark.parametrize("seed", range(4))
def test_windows_are_those_of_the_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    time, area = int(torch.randint(1, 14, (), generator=generator)), 1 + 3 * seed
    still = torch.rand(time, area, generator=generator) < 0.2 + 0.15 * seed
    still[0] = False
    steps = torch.arange(time)[:, None]
    runs = steps - torch.where(still, 0, steps).cummax(0).values
    found = frames.windows(runs.to(DEVICE))
    assert torch.equal(found, frames.windows_in_torch(runs.to(DEVICE)))
    expected = naive_video.windows(still.tolist())
    assert sorted(set(found.tolist())) == sorted(start for start, _ in expected)
