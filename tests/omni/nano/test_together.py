"""Heads that are told apart across modalities: who is nearest in one index, and what stays."""

import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from omni.modality import modality
from omni.nano import corpus
from omni.nano.stages import align, together
from omni.nano.world import words

PARTS = (tuple(words.COLOURS)[:4], words.SOLIDS[:4], words.SIZES, words.PROPORTIONS)


def fake_cache(name, out, size, seed, *, held_out=False, split="train"):
    """Solids, and voices that say what a solid is called; a token stands for each word."""
    rng = random.Random(f"{name} {seed} {split} {held_out}")
    table = torch.randn(64, 24, generator=torch.Generator().manual_seed(1))
    flat = [word for part in PARTS for word in part]
    labels, tokens = [], []
    for _ in range(size):
        chosen = [rng.choice(part) for part in PARTS]
        keys = ("colour", "solid", "size", "proportion")
        said = f"{chosen[2]} {chosen[0]} {chosen[1]}"
        solid = dict(zip(keys, chosen, strict=True))
        labels.append(solid if name == "points" else {"kind": "speech", "text": said})
        kept = chosen if name == "points" else [chosen[2], *chosen[:2]]
        tokens.append(table[[flat.index(word) for word in kept]].half())
    ends = torch.tensor([len(each) for each in tokens]).cumsum(0)
    return corpus.Cache(torch.cat(tokens), ends, labels)


@pytest.mark.skipif(
    not modality("text").encoder().available(),  # type: ignore[union-attr]
    reason="the extra offline is missing",
)
def test_what_is_said_no_longer_stands_before_what_it_names(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(corpus, "build", fake_cache)
    monkeypatch.setattr(corpus, "SIZES", {"points": 150, "audio": 150})
    monkeypatch.setattr(align, "CAPTIONS", {"points": 2, "audio": 2})
    monkeypatch.setattr(align, "VALIDATION", {"points": 60, "audio": 60})
    monkeypatch.setattr(align, "FEWEST", {"points": 4, "audio": 3})
    monkeypatch.setattr(align, "measure", lambda *_: {})
    monkeypatch.setattr(together, "EACH", 32)
    monkeypatch.setattr(together, "STEPS_A_MINUTE", 30)
    torch.manual_seed(0)
    heads = align.Heads({"points": 24, "audio": 24})
    save_file(heads.state_dict(), tmp_path / f"{align.NAME}.safetensors")
    before = together.measure(heads, tmp_path, 0, 1.0)
    assert not together.done(tmp_path)
    assert together.load(tmp_path)["points"].width == 24  # those of `align`, as there are no others
    figures = together.run(tmp_path, minutes=together.FULL_MINUTES, seed=0)
    assert together.done(tmp_path)
    after = figures["one index"]
    assert after["ways"] == before["ways"] > 60
    assert after["points"] > before["points"] + 0.1 and after["audio"] > before["audio"] + 0.1
    old, new = (load_file(tmp_path / f"{name}.safetensors") for name in (align.NAME, together.NAME))
    same = {name for name in old if torch.equal(old[name], new[name])}
    assert {name for name in old if ".look." in name or name.endswith(".read")} <= same
    assert not any(".project.2." in name for name in same)
    found = together.load(tmp_path)["audio"].state_dict()
    assert torch.equal(found["project.4.bias"], new["embedders.audio.project.4.bias"])
