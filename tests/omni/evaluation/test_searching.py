"""Search in the shared space is measured on things of which no two are alike."""

import zlib

import torch

from omni.evaluation import searching
from omni.evaluation.answering import Answerer
from omni.nano import facts
from omni.nano.cases import Pool


class Perfect:
    """A model whose vectors tell things by their plain descriptions, or by nothing."""

    def __init__(self, told):
        self.told = told
        self.embedders = {"image": None}

    def embed(self, name, items):
        if name == "text":
            return torch.stack([vector(text) for text in items])
        return torch.stack([vector(self.told(int(tokens))) for tokens in items])


def vector(text):
    draw = torch.Generator().manual_seed(zlib.crc32(text.encode()))
    return torch.nn.functional.normalize(torch.randn(32, generator=draw), dim=0)


class Numbers(Pool):
    """Tokens are the place of a thing in a list of all."""

    def __init__(self):
        super().__init__(lambda name, values: [torch.tensor(0)] * len(values), batch=16)
        self.all = []

    def _more(self, modality, held_out):
        found = []
        for thing in super()._more(modality, held_out):
            object.__setattr__(thing, "tokens", torch.tensor(len(self.all)))
            self.all.append(thing)
            found.append(thing)
        return found


def measured(told, patterns):
    pool = Numbers()
    answerer = Answerer.__new__(Answerer)
    answerer.model = Perfect(lambda place: told(pool.all[place]))  # type: ignore[assignment]
    return list(searching.rows(answerer, pool, 24, patterns))


def test_who_tells_everything_finds_everything():
    rows = measured(lambda thing: facts.plain("image", thing.labels), ["search, [nh]*"])
    assert len(rows) == 4 and {row["score"] for row in rows} == {1.0}
    assert all(row["n"] == row["ways"] == 24 for row in rows)


def test_who_tells_nothing_finds_next_to_nothing():
    rows = measured(lambda thing: "something", ["search, [nh]*"])
    assert max(row["score"] for row in rows) <= 2 / 24


def test_only_what_was_chosen_is_measured():
    assert not measured(lambda thing: "", ["image>text", "text>image"])


def test_no_two_of_different_things_are_alike():
    found = searching.different(Numbers(), "image", 40, held_out=False)
    told = [facts.plain("image", thing.labels) for thing in found]
    assert len(set(told)) == len(told) == 40
