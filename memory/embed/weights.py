"""The digest of a model's weights: what tells one vector space from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from omni.errors import UsageError
from omni.media import hash_file

_WEIGHTS = ("*.safetensors", "*.bin", "*.onnx")
_SETTINGS = ("*.json", "*.txt", "*.jinja", "*.model")


def digest_of_folder(folder: Path | str) -> str:
    """SHA-256 over weights, configuration and vocabulary of a saved model, with its subfolders.

    Raises:
        UsageError: if there are no weights in it.
    """
    folder = Path(folder)
    weights = _matching(folder, _WEIGHTS)
    if not weights:
        raise UsageError(f"no weights in {str(folder)!r}: wanted a folder with safetensors")
    files = [*weights, *_matching(folder, _SETTINGS)]
    return digest_of((str(path.relative_to(folder)), hash_file(path)[0]) for path in files)


def digest_of_model(name: str | Path, model: Any) -> str:
    """Of a model of transformers: by its files, its commit on the hub, or else its values."""
    if Path(name).is_dir():
        return digest_of_folder(name)
    commit = getattr(model.config, "_commit_hash", None)
    return digest_of({"name": str(name), "commit": commit}) if commit else digest_of_module(model)


def digest_of(parts: Iterable[tuple[str, str]] | Mapping[str, Any]) -> str:
    """One SHA-256 of named parts, in order."""
    listed = sorted(parts.items()) if isinstance(parts, Mapping) else list(parts)
    return hashlib.sha256(json.dumps(listed, default=str).encode()).hexdigest()


def digest_of_module(module: Any) -> str:
    """SHA-256 over the names, kinds and values of a torch module's parameters and buffers."""
    import torch

    found = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        tensor = value.detach().cpu().contiguous()
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.rglob(pattern)})
