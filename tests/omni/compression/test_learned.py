"""The learned selector: its network against loops, and whom it serves."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import gelu, layer_norm, normalize

from omni.compression.learned import MARK, Learned, Scorer, load, stored
from omni.compression.selector import Question, Tokens
from omni.errors import UsageError
from omni.kernels import naive

WIDTH, WORDS = 12, 40
SIZES = {"inner": 8, "readers": 3, "blocks": 2, "heads": 2}
TOLD = {"model": "a model of tests"} | {name: str(size) for name, size in SIZES.items()}


@pytest.fixture(scope="module")
def table():
    return torch.randn(WORDS, WIDTH, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def weights(tmp_path_factory, table):
    torch.manual_seed(0)
    scorer = Scorer(WIDTH, **SIZES)
    for parameter in scorer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    path = tmp_path_factory.mktemp("scorer") / "scorer.safetensors"
    save_file(stored(scorer, table), path, metadata=TOLD)
    return path


def case(seed, table, dtype=torch.float32):
    """Three items and what is asked about each, its words with gaps between them."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 20, (3,), generator=generator).tolist()
    items = [torch.randn(length, WIDTH, generator=generator) for length in lengths]
    if seed % 5 == 0:
        items[0] = items[0][:1].expand_as(items[0]).clone()
    ids = torch.randint(WORDS, (3, 7), generator=generator)
    mask = torch.rand(3, 7, generator=generator) < 0.5
    keep = [int(torch.randint(1, length + 1, (), generator=generator)) for length in lengths]
    words = torch.where(mask[..., None], table[ids], torch.nan)
    return [item.to(dtype) for item in items], Question(words.to(dtype), mask), keep


def select(selector, items, question, keep):
    tokens = Tokens(torch.cat(items), [len(item) for item in items])
    return selector(tokens, keep, question)


# The loop: one item, one token and one head at a time.


def linear(part, x):
    return part.weight.double() @ x + part.bias.double()


def norm(part, x):
    return layer_norm(x, x.shape, part.weight.double(), part.bias.double())


def chain(parts, x):
    for part in parts:
        kind = type(part).__name__
        x = norm(part, x) if kind == "LayerNorm" else gelu(x) if kind == "GELU" else linear(part, x)
    return x


def look(part, x, others):
    heads, found = part.heads, []
    others = [norm(part.other, other) for other in others]
    for one in x:
        query = linear(part.query, norm(part.own, one)).chunk(heads)
        keys = [linear(part.key, other).chunk(heads) for other in others]
        values = [linear(part.value, other).chunk(heads) for other in others]
        seen, strongest = [], []
        for head in range(heads):
            drawn = torch.stack([query[head] @ key[head] for key in keys])
            drawn = drawn / len(query[head]) ** 0.5
            parts = zip(drawn.softmax(0), values, strict=True)
            seen.append(sum(weight * value[head] for weight, value in parts))
            strongest.append(drawn.max())
        added = linear(part.out, torch.cat(seen))
        if part.strength is not None:
            added = added + linear(part.strength, torch.stack(strongest))
        found.append(one + added)
    return found


def worth(scorer, item, words):
    """Score of each token."""
    tokens = [chain(scorer.seen, token.double()) for token in item]
    read = [chain(scorer.asked, word.double()) for word in words]
    kernel, bias = scorer.phrase.weight.double(), scorer.phrase.bias.double()
    phrases = []
    for place in range(len(read)):
        total = bias
        for step in (-1, 0, 1):
            if 0 <= place + step < len(read):
                total = total + kernel[:, :, step + 1] @ read[place + step]
        phrases.append(read[place] + gelu(total))
    meant = sum(
        (linear(scorer.meant, one) for one in phrases), torch.zeros(SIZES["inner"]).double()
    )
    near = [chain(scorer.shown, token) @ meant / len(meant) ** 0.5 for token in tokens]
    readers = [*scorer.readers.double(), *phrases]
    for block in scorer.blocks:
        readers = look(block.look, readers, tokens)
        readers = look(block.talk, readers, readers)
        tokens = look(block.hear, tokens, readers)
        tokens = [token + chain(block.think, token) for token in tokens]
    whole = [float(chain(scorer.worth, token)) for token in tokens]
    return [naive.single(a + float(b)) for a, b in zip(whole, near, strict=True)]


def kept(item, scores, keep, heat):
    """Places, picked one after another."""
    if not heat:
        return naive.best(scores, keep)
    quality = [
        naive.single(float(torch.tensor((s - max(scores)) / heat).double().exp())) for s in scores
    ]
    centred = item.double() - item.double().mean(0)
    directions = normalize(centred, dim=-1)
    picked: list[int] = []
    for _ in range(keep):
        values = [
            -1.0
            if place in picked
            else quality[place]
            * min(
                [2.0, *(naive.single(1 - float(directions[place] @ directions[p])) for p in picked)]
            )
            if picked
            else quality[place]
            for place in range(len(item))
        ]
        picked.append(max(range(len(item)), key=lambda place: values[place]))
    return sorted(picked)


@pytest.mark.parametrize("heat", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(1, 26))
def test_equals_the_loop(weights, table, heat, seed):
    if seed % 5 == 0 and heat:
        pytest.skip("tokens that are all the same lie apart by rounding only")
    items, question, keep = case(seed, table, torch.bfloat16 if seed % 2 else torch.float32)
    scorer, _, _ = load(weights)
    selection = select(Learned(weights, heat), items, question, keep)
    scores = selection.scores.split(list(selection.lengths))
    places = selection.places.split(list(selection.kept))
    for row, item in enumerate(items):
        true = worth(scorer, item, question.x[row][question.mask[row]])
        assert torch.allclose(
            scores[row], torch.tensor(true).double().softmax(0).float(), atol=1e-6
        )
        assert places[row].tolist() == kept(item, true, keep[row], heat), row


def test_nothing_asked_is_a_question_of_no_words(weights, table):
    items, question, keep = case(2, table)
    silent = Question(question.x, torch.zeros_like(question.mask))
    selector = Learned(weights)
    with_none = select(selector, items, None, keep)
    empty = Question(question.x[:, :0], question.mask[:, :0])
    assert torch.equal(with_none.places, select(selector, items, empty, keep).places)
    assert torch.equal(with_none.places, select(selector, items, silent, keep).places)
    assert not torch.equal(with_none.scores, select(selector, items, question, keep).scores)


@pytest.mark.parametrize("seed", range(8))
def test_batch_mates_change_nothing(weights, table, seed):
    items, question, keep = case(seed, table)
    selector = Learned(weights)
    together = select(selector, items, question, keep).places.split(keep)
    for row in range(3):
        own = Question(question.x[row : row + 1], question.mask[row : row + 1])
        alone = select(selector, items[row : row + 1], own, keep[row : row + 1])
        assert torch.equal(alone.places, together[row])
    assert all(a < b for places in together for a, b in pairwise(places.tolist()))


def test_broken_tokens_come_last_and_pins_first(weights, table):
    _, question, _ = case(3, table)
    item = torch.randn(9, WIDTH, generator=torch.Generator().manual_seed(1))
    item[:4] = torch.nan
    asked = Question(question.x[:1], question.mask[:1])
    pinned = torch.arange(9) == 7
    given = Tokens(item, [9], pinned=pinned)
    found = Learned(weights)(given, [3], asked)
    assert 7 in found.places.tolist() and not set(found.places.tolist()) & {0, 1, 2, 3}
    assert found.scores.isfinite().all()


def test_tokens_of_another_width_are_refused(weights):
    with pytest.raises(
        UsageError, match=r"learned was trained for a model of tests.*5 wide, not 12"
    ):
        Learned(weights)(Tokens(torch.zeros(4, 5), [4]), [2], None)


def test_words_of_another_model_are_refused(weights, table):
    items, question, keep = case(1, table)
    strange = Question(torch.randn(3, 7, WIDTH), torch.ones(3, 7, dtype=torch.bool))
    with pytest.raises(UsageError, match="words are not embedded as by that model"):
        select(Learned(weights), items, strange, keep)
    short = Question(question.x.bfloat16(), question.mask)
    select(Learned(weights), items, short, keep)


def test_what_is_stored_is_small_and_comes_back(weights, table):
    scorer, marks, model = load(weights)
    assert model == "a model of tests" and marks.shape == (WORDS, MARK)
    assert torch.allclose(marks, table[:, :MARK], rtol=1e-3)
    again = stored(scorer, table)
    assert all(value.dtype == torch.float16 for value in again.values())


def test_what_is_no_scorer_is_refused(tmp_path, table):
    with pytest.raises(UsageError, match="there is no scorer at"):
        Learned(tmp_path / "none")
    path = tmp_path / "other.safetensors"
    save_file({"marks": table, "weight": table.clone()}, path, metadata=TOLD)
    with pytest.raises(UsageError, match="holds no scorer of tokens"):
        Learned(path)
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(UsageError, match="holds no scorer of tokens"):
        Learned(tmp_path / "text")
    with pytest.raises(UsageError, match="heat is 0 or more"):
        Learned(heat=-1)


def test_the_shipped_one_was_trained_for_the_embedded_model():
    from omni.compression.learned import WEIGHTS
    from omni.model.loading import load as model_of

    assert WEIGHTS.stat().st_size < 1_000_000
    loaded = model_of("nano")
    embeddings: Any = loaded.model.get_input_embeddings()
    words = embeddings.weight.detach()
    ids = torch.tensor(loaded.processor.encode("What colour is the star?"))
    tokens = torch.randn(30, words.shape[1], generator=torch.Generator().manual_seed(0))
    question = Question(words[ids][None], torch.ones(1, len(ids), dtype=torch.bool))
    assert Learned()(Tokens(tokens, [30]), [5], question).kept == (5,)
