"""What every test stands on: its own home, fixed seeds, no hub, no network but loopback."""

import os
import random
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["LANGSMITH_TRACING"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run in as many processes as cores
if not shutil.which("nvidia-smi"):  # without a device, Triton's kernels run in its interpreter
    os.environ.setdefault("TRITON_INTERPRET", "1")

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Point everything that Omni stores at a folder of this test."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("OMNI_HOME", str(home))
    monkeypatch.delenv("OMNI_CONFIG", raising=False)
    for name in ("OMNI_MODEL", "OMNI_DEVICE", "OMNI_DEBUG", "OMNI_GRAPHICS"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(autouse=True)
def fixed_seeds():
    """The same random numbers in every run."""
    random.seed(0)
    np.random.seed(0)
    try:
        import torch
    except ImportError:
        return
    torch.manual_seed(0)


def pytest_collection_modifyitems(items):
    """Skip what needs an accelerator where there is none."""
    if not any("gpu" in item.keywords for item in items):
        return
    import torch

    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="no accelerator here"))
