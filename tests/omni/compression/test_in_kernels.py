"""Selectors whose picking runs in kernels keep what they keep in plain torch."""

import pytest
import torch

from omni import plugins
from omni.compression.budget import Grid
from omni.compression.selector import Question, Signals, Tokens
from omni.kernels import backend
from omni.kernels.choosing import RULES

pytest.importorskip("triton")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


# Items with pins go another way than those without where a whole selection runs in kernels.
CASES = [(name, False) for name in (*RULES, "attention", "fopru", "evs", "dycoke")]
CASES += [
    (name, True) for name in ("divprune", "dpp", "coverage", "visionzip", "prumerge", "holitom")
]


@pytest.mark.parametrize(("name", "pins"), CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_kernels_keep_what_plain_torch_keeps(name, pins, dtype):
    generator = torch.Generator().manual_seed(4)
    grids = [Grid(3, 3, 3), Grid(1, 1, 1), Grid(2, 1, 7)]
    lengths, keep = [grid.tokens for grid in grids], [6, 1, 5]
    x = torch.randn(sum(lengths), 24, generator=generator)
    x[5] = x[2]
    x[9:18] = x[:9] + 0.05 * x[9:18]  # a frame that stands still
    pinned = torch.arange(len(x)) == 11
    attention = torch.rand(len(x), generator=generator)
    words = torch.randn(3, 2, 24, generator=generator)
    question = Question(words.to(DEVICE), torch.ones(3, 2, dtype=torch.bool, device=DEVICE))
    signals = Signals(attention=attention.to(DEVICE))
    flags = pinned if pins else None
    tokens = Tokens(x.to(DEVICE, dtype), lengths, grids, flags, signals)
    selector = plugins.load("compression", name)()
    with backend.using("torch"):
        expected = selector(tokens, keep, question)
        rows = expected.take(tokens.x)
    with backend.using("triton"):
        found = selector(tokens, keep, question)
        torch.testing.assert_close(found.take(tokens.x), rows)
    assert torch.equal(found.places, expected.places)
    torch.testing.assert_close(found.scores, expected.scores, atol=1e-5, rtol=1e-5)
