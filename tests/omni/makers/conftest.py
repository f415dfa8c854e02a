import warnings
from pathlib import Path

import pytest


@pytest.fixture(scope="package")
def weights(tmp_path_factory) -> dict[str, Path]:
    """Folders of tiny weights by kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries say while they are imported
        from . import tiny_weights
    root = tmp_path_factory.mktemp("weights")
    return {
        name: getattr(tiny_weights, name)(root / name)
        for name in ("stable_diffusion", "ltx", "audio_ldm", "vits", "musicgen")
    }
