"""Routing against naive loops, figures worked out by hand, and the promises of the block."""

import pytest
import torch
from torch.testing import assert_close

from omni import plugins
from omni.kernels import naive
from omni.routing.experts import Experts, build_mixture
from omni.routing.router import Batch, Routing, balance_loss, build_router

WIDTH = 16
NAMES = ("image", "audio", "points")


def batch_of(lengths=(5, 1, 8), modality=(0, 1, 0), dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    owner = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    tokens = torch.randn(len(owner), WIDTH, generator=generator).to(dtype)
    question = torch.randn(len(lengths), WIDTH, generator=generator).to(dtype)
    return Batch(tokens, owner, torch.tensor(modality), question)


def trained(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3)
    return module


@pytest.mark.parametrize("count", [0, 1, 3, 37])
@pytest.mark.parametrize(("experts", "top_k"), [(1, 1), (4, 2), (5, 5), (9, 1)])
def test_grouped_experts_equal_the_loop_forward_and_backward(count, experts, top_k):
    bank = trained(Experts(width=WIDTH, hidden=7, experts=experts))
    tokens = torch.randn(count, WIDTH, requires_grad=True)
    chosen = torch.stack(
        [torch.randperm(experts)[:top_k] for _ in range(count)]
        or [torch.zeros(top_k, dtype=torch.int64)]
    )[:count]
    weights = torch.rand(count, top_k, requires_grad=True)
    routing = Routing(chosen, weights, torch.tensor(0.0), torch.tensor(0.0))
    fast = bank(tokens, routing)
    slow = naive.mixture(tokens, chosen, weights, bank.gate, bank.up, bank.down)
    assert_close(fast, slow, rtol=1e-5, atol=1e-5)
    if not count:
        return
    inputs = [tokens, weights, bank.gate, bank.up, bank.down]
    pull = torch.randn_like(fast)
    ours = torch.autograd.grad((fast * pull).sum(), inputs)
    truth = torch.autograd.grad((slow * pull).sum(), inputs)
    for mine, right in zip(ours, truth, strict=True):
        assert_close(mine, right, rtol=1e-4, atol=1e-5)


def test_skewed_routing_drops_no_token():
    bank = trained(Experts(width=WIDTH, hidden=7, experts=8))
    tokens = torch.randn(500, WIDTH)
    chosen = torch.full((500, 1), 3)
    routing = Routing(chosen, torch.ones(500, 1), torch.tensor(0.0), torch.tensor(0.0))
    assert (bank(tokens, routing).abs().sum(1) > 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["router", "uniform"])
def test_new_block_changes_nothing(name, dtype):
    router = plugins.load("routing", name)(WIDTH, NAMES, 4, top_k=2)
    block = build_mixture(router, width=WIDTH, hidden=8, experts=4).to(dtype)
    batch = batch_of(dtype=dtype)
    mixed, _ = block(batch)
    assert torch.equal(mixed, batch.tokens)


def test_without_a_way_around_tokens_become_what_their_experts_say():
    router = plugins.load("routing", "router")(WIDTH, NAMES, 4, top_k=2)
    around = trained(build_mixture(router, width=WIDTH, hidden=8, experts=4))
    through = build_mixture(router, width=WIDTH, hidden=8, experts=4, skip=False)
    through.load_state_dict(around.state_dict())
    batch = batch_of()
    (mixed, routed), (converted, again) = around(batch), through(batch)
    assert_close(converted, mixed - batch.tokens)
    assert torch.equal(routed.experts, again.experts)


def test_balance_loss_by_hand():
    # Two tokens, three experts, one choice: both go to the first expert.
    chances = torch.tensor([[0.5, 0.3, 0.2], [0.7, 0.2, 0.1]])
    assert_close(balance_loss(chances, torch.tensor([[0], [0]])), torch.tensor(3 * 0.6))
    # One to each of the first two: 3 * (0.5 * 0.6 + 0.5 * 0.25).
    assert_close(balance_loss(chances, torch.tensor([[0], [1]])), torch.tensor(1.275))
    even = torch.full((6, 3), 1 / 3)
    assert_close(balance_loss(even, torch.arange(6)[:, None] % 3), torch.tensor(1.0))


def test_z_loss_by_hand():
    router = build_router(WIDTH, NAMES, 4)
    with torch.no_grad():
        for parameter in router.parameters():
            parameter.zero_()
    assert_close(router(batch_of()).z_loss, torch.tensor(4.0).log().square())


def test_balance_loss_teaches_the_router_to_spread():
    router = build_router(WIDTH, NAMES, 4, top_k=1)
    with torch.no_grad():
        router.modality_vote["image"][0] = 3.0
        router.modality_vote["audio"][0] = 3.0
    batch = batch_of((200, 200), (0, 1))
    optimiser = torch.optim.Adam(router.parameters(), lr=0.05)
    before = router(batch).balance_loss.item()
    for _ in range(60):
        optimiser.zero_grad()
        router(batch).balance_loss.backward()
        optimiser.step()
    assert before > 3 and router(batch).balance_loss.item() < 1.2


def test_weights_sum_to_one_and_the_best_experts_are_chosen():
    router = trained(build_router(WIDTH, NAMES, 6, top_k=3))
    batch = batch_of()
    routing = router(batch)
    assert_close(routing.weights.sum(1), torch.ones(14))
    logits = router.logits(batch)
    for row, chosen in enumerate(routing.experts.tolist()):
        left = [logits[row, e].item() for e in range(6) if e not in chosen]
        assert min(logits[row, e].item() for e in chosen) >= max(left)


@pytest.mark.parametrize("what", ["token", "modality", "question"])
def test_router_hears_token_modality_and_question(what):
    router = trained(build_router(WIDTH, NAMES, 4))
    batch = batch_of()
    changed = {
        "token": Batch(batch.tokens.roll(1, 0), batch.owner, batch.modality, batch.question),
        "modality": Batch(batch.tokens, batch.owner, torch.tensor([2, 1, 2]), batch.question),
        "question": Batch(batch.tokens, batch.owner, batch.modality, batch.question.roll(1, 0)),
    }[what]
    assert not torch.allclose(router.logits(batch), router.logits(changed))


def test_noise_is_for_training_only():
    router = trained(build_router(WIDTH, NAMES, 4, noise=5.0))
    batch = batch_of()
    assert not torch.equal(router.logits(batch), router.logits(batch))
    router.eval()
    assert torch.equal(router.logits(batch), router.logits(batch))


@pytest.mark.parametrize("name", ["router", "uniform"])
def test_load_by_modality_sums_to_one_and_counts_choices(name):
    router = plugins.load("routing", name)(WIDTH, NAMES, 4, top_k=2)
    assert router.load() == {}
    routing = router(batch_of())
    load = router.load()
    assert set(load) == {"image", "audio"}  # no points were in the batch
    for shares in load.values():
        assert sum(shares) == pytest.approx(1)
    audio = routing.experts[5].tolist()
    share = 1 / len(audio)
    assert load["audio"] == pytest.approx([share * (e in audio) for e in range(4)])


def test_uniform_is_the_mean_of_all_experts():
    router = plugins.load("routing", "uniform")(WIDTH, NAMES, 3)
    bank = trained(Experts(width=WIDTH, hidden=5, experts=3))
    batch = batch_of()
    mean = torch.stack([bank._answer(expert, batch.tokens) for expert in range(3)]).mean(0)
    assert_close(bank(batch.tokens, router(batch)), mean, rtol=1e-5, atol=1e-6)


def test_batch_mates_do_not_change_a_token():
    router = trained(build_router(WIDTH, NAMES, 4))
    block = trained(build_mixture(router, width=WIDTH, hidden=8, experts=4)).eval()
    batch = batch_of()
    together, _ = block(batch)
    start = 0
    for item, length in enumerate((5, 1, 8)):
        rows = slice(start, start + length)
        alone = Batch(
            batch.tokens[rows],
            torch.zeros(length, dtype=torch.int64),
            batch.modality[item : item + 1],
            batch.question[item : item + 1],
        )
        assert_close(block(alone)[0], together[rows], rtol=1e-5, atol=1e-5)
        start += length


def test_bfloat16_stays_close_and_routes_in_float32():
    router = trained(build_router(WIDTH, NAMES, 4))
    block = trained(build_mixture(router, width=WIDTH, hidden=8, experts=4)).eval()
    batch = batch_of()
    full, _ = block(batch)
    half, routing = block.bfloat16()(batch_of(dtype=torch.bfloat16))
    assert routing.weights.dtype == torch.float32 and half.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(half.float(), full, dim=1).median() > 0.999


@pytest.mark.gpu
def test_cuda_equals_cpu():
    router = trained(build_router(WIDTH, NAMES, 4))
    block = trained(build_mixture(router, width=WIDTH, hidden=8, experts=4)).eval()
    batch = batch_of()
    on_cpu, _ = block(batch)
    parts = (batch.tokens, batch.owner, batch.modality, batch.question)
    on_gpu, _ = block.cuda()(Batch(*(part.cuda() for part in parts)))
    assert_close(on_gpu.cpu(), on_cpu, rtol=1e-4, atol=1e-4)
