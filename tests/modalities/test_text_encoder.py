"""The locked text tower: the official weights, read alike in every company, saved by nobody."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from omni.errors import MissingExtra, StoreError
from omni.modalities.text import tower
from omni.modalities.text.encoder import TextEncoder
from omni.modality import modality

TEXT = modality("text")
LINES = [
    "What colour is it?",
    "a crimson disc",
    "Which of the two solids is further to the left, and does it turn while the other rests?",
    "",
    "Ünïcödé 日本 🙂",
]

pytestmark = pytest.mark.skipif(tower.folder() is None, reason="the extra offline is missing")


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder()


@pytest.fixture(scope="module")
def reference():
    """The same model and tokenizer, read by transformers on their own."""
    from transformers import AutoModel, BertTokenizer

    folder = tower.needed()
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    return BertTokenizer.from_pretrained(folder, local_files_only=True), model


def naive(reference, text):
    """Token states `[N, 384]` of one text alone."""
    tokenize, model = reference
    ids = tokenize(text, return_tensors="pt")
    with torch.no_grad():
        return model(**ids)[0][0]


def test_tokens_are_those_of_the_model_alone(encoder, reference):
    tokens = encoder([TEXT.features(line) for line in LINES])
    for line, found in zip(LINES, tokens, strict=True):
        assert_close(found, naive(reference, line), rtol=0, atol=1e-4)


def test_a_sentence_is_the_unit_mean_of_its_tokens(encoder, reference):
    means = torch.stack([naive(reference, line).mean(0) for line in LINES])
    expected = means / means.norm(dim=1, keepdim=True)
    found = encoder.sentence(LINES)
    assert_close(found, expected, rtol=0, atol=1e-4)
    assert encoder.sentence([]).shape == (0, 384)


def test_sentences_of_like_meaning_lie_closer(encoder):
    lines = ["A man is eating food.", "A man eats a piece of bread.", "A cheetah runs behind prey."]
    food, bread, cheetah = encoder.sentence(lines)
    assert food @ bread > food @ cheetah + 0.3


def test_batch_mates_never_change_a_result(encoder):
    batch = [TEXT.features(line) for line in LINES * 30]
    together = encoder(batch)
    for features, found in zip(batch[:5], together[:5], strict=True):
        assert_close(found, encoder([features])[0], rtol=0, atol=1e-5)


def test_long_texts_are_cut_to_their_first_words(encoder):
    long = "one two three four five " * 4000
    ids = TEXT.features(long)["ids"]
    assert len(ids) == 32 and ids[-1] == TEXT.features("end")["ids"][-1]
    assert encoder.grid({"ids": ids}).tokens == 32
    assert encoder([{"ids": ids}])[0].shape == (32, 384)
    assert torch.equal(ids[:-1], TEXT.features(" ".join(long.split()[:60]))["ids"][:-1])


def test_it_holds_no_weights_and_computes_in_single_precision(encoder):
    encoder([TEXT.features("a")])
    assert not encoder.state_dict() and not list(encoder.parameters())
    with torch.autocast("cpu", torch.bfloat16):
        inside = encoder([TEXT.features(LINES[0])])[0]
    assert inside.dtype == torch.float32 and not inside.requires_grad
    assert_close(inside, encoder([TEXT.features(LINES[0])])[0], rtol=0, atol=1e-5)


def test_short_numbers_say_nearly_the_same(encoder):
    short = TextEncoder(short=True).sentence(LINES)
    assert (short * encoder.sentence(LINES)).sum(1).min() > 0.999


def test_other_weights_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"something else")
    with pytest.raises(StoreError, match=r"not the official 53aa5117…28d9db"):
        tower.check(path)
    tower.check(tower.needed() / "model.safetensors")


def test_the_missing_package_is_named_with_its_extra(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == tower.PACKAGE else found(name)
    )
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    tower.folder.cache_clear()
    try:
        assert not TextEncoder.available()
        with pytest.raises(MissingExtra, match=r"omni-agent\[offline\]"):
            tower.needed()
    finally:
        tower.folder.cache_clear()


def test_a_copy_in_the_hubs_cache_comes_first(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "huggingface_hub.try_to_load_from_cache", lambda _, name: str(tmp_path / name)
    )
    tower.folder.cache_clear()
    try:
        assert tower.folder() == Path(tmp_path)
    finally:
        tower.folder.cache_clear()


def test_finding_it_loads_neither_transformers_nor_the_package():
    code = (
        "from omni.modality import modality; import sys\n"
        "assert modality('text').encoder().available()\n"
        f"print({{'transformers', 'sentence_transformers', {tower.PACKAGE!r}}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
