"""Which kernels run is decided once, can be forced, and is told."""

import logging
import subprocess
import sys

import pytest
import torch

from omni.errors import UsageError
from omni.kernels import backend

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 1)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.delenv(backend.VARIABLE, raising=False)
    backend._decide.cache_clear()
    yield
    backend._decide.cache_clear()


def test_auto_takes_triton_on_cuda_and_torch_elsewhere(monkeypatch):
    monkeypatch.setattr(backend, "available", lambda name: True)
    assert backend.chosen(CUDA) == backend.chosen("cuda:1") == "triton"
    assert backend.chosen(CPU) == "torch"


def test_without_triton_everything_runs_in_torch(monkeypatch):
    monkeypatch.setattr(backend, "available", lambda name: False)
    assert backend.chosen(CUDA) == "torch"
    with (
        backend.using("triton"),
        pytest.raises(UsageError, match=r"not installed: .*omni-agent\[kernels\]"),
    ):
        backend.chosen(CUDA)


def test_the_choice_can_be_forced(monkeypatch):
    monkeypatch.setattr(backend, "available", lambda name: True)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setenv(backend.VARIABLE, "torch")
    assert backend.chosen(CUDA) == "torch"
    with backend.using("triton"):
        assert backend.chosen(CPU) == "triton"
        with backend.using("auto"):
            assert backend.chosen(CPU) == "torch"
    assert backend.chosen(CPU) == "torch"
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    backend._decide.cache_clear()
    with backend.using("triton"), pytest.raises(UsageError, match="do not run on cpu"):
        backend.chosen(CPU)


@pytest.mark.parametrize("wish", ["cuda", "Triton"])
def test_unknown_kernels_are_refused(monkeypatch, wish):
    monkeypatch.setenv(backend.VARIABLE, wish)
    with pytest.raises(UsageError, match=f"unknown kernels '{wish}': wanted auto, torch, triton"):
        backend.chosen(CPU)


def test_the_choice_is_told_once(caplog):
    with caplog.at_level(logging.INFO, "omni.kernels"):
        backend.chosen(CPU)
        backend.chosen(CPU)
    assert caplog.messages == ["kernels on cpu: torch (auto was asked for)"]


def test_plain_torch_imports_no_triton():
    code = (
        "import sys, torch\n"
        "from omni.kernels.gram import cosines\n"
        "from omni.kernels import picking, compaction, attention_sums, segment_mean, frames\n"
        "cosines(torch.ones(1, 2, 3))\n"
        "assert not [name for name in sys.modules if name.startswith('omni.kernels.triton')]\n"
        "assert 'omni.kernels.language' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
