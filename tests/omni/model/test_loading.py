"""Finding and loading models."""

import pytest
import torch

from omni.device import place
from omni.errors import UsageError
from omni.model import loading


def test_load_from_a_folder(made, tmp_path):
    model, processor = made
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded = loading.load(tmp_path, place("cpu", "bfloat16"))
    assert loaded.path == tmp_path and loaded.model.dtype == torch.bfloat16
    assert not loaded.model.training
    inputs = loaded.processor("<|user|>x<|end|><|assistant|>")
    loaded.model.generate(**inputs, max_new_tokens=2)


def test_missing_models_say_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"wanted 'nano' or a folder with a config\.json"):
        loading.load(tmp_path)
    monkeypatch.setattr(loading, "embedded", lambda: tmp_path)
    with pytest.raises(UsageError, match=r"not in this installation: train it with"):
        loading.load("nano")


def test_damaged_or_pickled_weights_are_one_line(made, tmp_path):
    model, processor = made
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(UsageError, match=r"cannot be loaded: .*save it again") as caught:
        loading.load(tmp_path)
    assert "\n" not in str(caught.value)
    weights.unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"read from safetensors alone"):
        loading.load(tmp_path)
