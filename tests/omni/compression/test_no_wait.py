"""Nothing asks the device for a value: watched on the CPU, where it would go unnoticed."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from omni import plugins
from omni.compression.budget import Grid
from omni.compression.compose import compose
from omni.compression.kind_share import carriers
from omni.compression.placement import place, prompt_rows
from omni.compression.question_share import nearness, question_share
from omni.compression.selector import Question, Signals, Tokens
from omni.compression.text_rich import edge_density

NAMES = [
    "evs",
    "dycoke",
    "kffocus",
    "audio_time",
    "holitom",
    "globalcom2",
    "tiles",
    "pyramid",
    "catp",
]
WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique")


class Watch(TorchDispatchMode):
    """Fails at what would wait for an accelerator, or makes shapes depend on values."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name().removeprefix("aten::").partition(".")[0]
        assert not name.startswith(WAITING), f"{name} waits for the device"
        if name in ("index", "index_put_", "index_put"):
            masks = [one for one in args[1] if one is not None and one.dtype == torch.bool]
            assert not masks, "the size of what a mask selects has to be asked"
        if name == "repeat_interleave":
            assert (kwargs or {}).get("output_size") is not None, "repetitions have to be summed"
        return func(*args, **(kwargs or {}))


def batch():
    generator = torch.Generator().manual_seed(0)
    grids = [Grid(5, 2, 2), Grid(width=7), Grid(9)]
    lengths = [grid.tokens for grid in grids]
    x = torch.randn(sum(lengths), 6, generator=generator)
    pinned = torch.rand(len(x), generator=generator) < 0.1
    attention = torch.rand(len(x), generator=generator)
    words = torch.randn(3, 2, 6, generator=generator)
    tokens = Tokens(x, lengths, grids, pinned, Signals(attention=attention))
    return tokens, [8, 3, 4], Question(words, torch.tensor([[True] * 2, [False] * 2, [True] * 2]))


@pytest.mark.parametrize("name", NAMES)
def test_selectors_never_wait(name):
    tokens, keep, question = batch()
    selector = plugins.load("compression", name)()
    with Watch():
        selector(tokens, keep, question)
        selector(tokens, keep, None)


def test_rules_placement_and_composition_never_wait():
    tokens, keep, question = batch()
    film = plugins.load("compression", "holitom")()
    first = film(tokens, keep, None)
    second = plugins.load("compression", "topk")()(
        Tokens(first.take(tokens.x), keep), [2, 1, 2], question
    )
    pictures = torch.rand(3, 8, 8)
    with Watch():
        question_share(nearness(tokens, question))
        carriers(tokens.x[:, 0], torch.arange(36) % 3, 3)
        edge_density(pictures)
        place(torch.arange(36), first.rows, "calibrated", first.merging)
        place(torch.arange(36), first.rows, "calibrated")
        prompt_rows(torch.arange(36).expand(4, -1), first.rows)
        compose(first, second)


def test_the_watch_sees_waiting():
    x = torch.arange(4)
    for wait in (lambda: x.sum().item(), lambda: x[x > 2], lambda: x.nonzero(), lambda: bool(x[0])):
        with pytest.raises(AssertionError), Watch():
            wait()
