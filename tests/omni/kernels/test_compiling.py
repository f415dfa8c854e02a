"""Kernels are compiled for a GPU, with none there: types hold, not only values."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not importlib.util.find_spec("triton"), reason="Triton is not installed")
def test_every_kernel_compiles(tmp_path):
    settings = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    settings |= {"TRITON_CACHE_DIR": str(tmp_path)}
    script = Path(__file__).with_name("compiling.py")
    ran = subprocess.run(
        [sys.executable, str(script)], env=settings, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    kernels = Path(__file__).parents[3].joinpath("omni", "kernels").glob("triton_*.py")
    defined = sum(source.read_text().count("@triton.jit") for source in kernels)
    inner = 5  # are called by other kernels
    assert len(set(ran.stdout.split())) >= defined - inner - 1  # two have one name
